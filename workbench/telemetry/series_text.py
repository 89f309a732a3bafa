"""A series as it is written: `http_requests_total{code="200",route="/"}`."""

from __future__ import annotations

import re

from workbench.telemetry.series import SeriesKey

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_SPACE = re.compile(r"[ \t]*")
_QUOTED = r'"((?:[^"\\\n]|\\.)*)"'
_LABEL = re.compile(rf"(?:([a-zA-Z_][a-zA-Z0-9_]*)|{_QUOTED})[ \t]*(?:(=)[ \t]*(?:{_QUOTED})?)?[ \t]*", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"\\": "\\", '"': '"', "n": "\n"}

ALLOWED = 'a metric name, and labels in braces if it has any: http_requests_total{code="200",route="/"}'


class NotASeries(ValueError):
    """A text that names no series: why, and at which character (0-based)."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def parse_series(text: str) -> SeriesKey:
    """The series that a text names; raises NotASeries.

    As in Prometheus's text format, and as its expression language writes names that are no identifiers: `{"a.b", code="200"}`.
    A label without a value is no label.
    """
    key, end = scan_series(text, 0)
    if text[end:].strip():
        raise NotASeries("something follows the series", end)
    return key


def scan_series(text: str, at: int) -> tuple[SeriesKey, int]:
    """The series that begins at `at`, and where it ends; raises NotASeries."""
    at = _skip(text, at)
    name = ""
    if found := _NAME.match(text, at):
        name, at = found[0], _skip(text, found.end())
    if at >= len(text) or text[at] != "{":
        if not name:
            raise NotASeries("this is no metric name", at)
        return SeriesKey(name), found.end() if found else at
    labels, name, at = _labels(text, at + 1, name)
    return SeriesKey.of(name, labels), at


def _labels(text: str, at: int, name: str) -> tuple[dict[str, str], str, int]:
    labels: dict[str, str] = {}
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            break
        found = _LABEL.match(text, at)
        if found is None or (found[2] is None and found[4] is None):
            raise NotASeries('a label is written name="value"', at)
        label, value = found[1] if found[1] is not None else _unescaped(found[2]), found[4]
        if found[3] is None:
            if name:
                raise NotASeries("the metric has two names", at)
            name = label
        elif value is None:
            raise NotASeries('a label is written name="value"', at)
        elif label == "__name__":
            if name:
                raise NotASeries("the metric has two names", at)
            name = _unescaped(value)
        elif label in labels:
            raise NotASeries("a label occurs twice", at)
        elif not label:
            raise NotASeries("a label has no name", at)
        else:
            labels[label] = _unescaped(value)
        at = found.end()
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise NotASeries("a comma or a closing brace is missing", at)
    if not name:
        raise NotASeries("the series has no metric name", at)
    return labels, name, at + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _unescaped(text: str) -> str:
    r"""`\\`, `\"` and `\n` as what they stand for; any other backslash stands for itself, as in Prometheus."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), text)
