"""Text of metrics with timestamps as a history: OpenMetrics, or Prometheus's own text format.

Which of the two it is decides the unit of its timestamps and is told by its last line: OpenMetrics ends with `# EOF` and counts
seconds, the other does not and counts milliseconds. Seconds become whole milliseconds as in Prometheus, by cutting off
(prometheus/prometheus, model/textparse/openmetricsparse.go). Series may stand in any order; those of one series in order of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.errors import BadInput, Problem, Severity
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import LATEST_S, written
from workbench.telemetry.samples import Samples
from workbench.telemetry.series import Array, FloatArray, SeriesKey
from workbench.telemetry.series_text import ALLOWED, NotASeries, scan_series
from workbench.telemetry.source import Form, text_lines

MAX_TEXT_BYTES = 2_000_000_000
"""Of a text of metrics, after decompression too; ten times that of CSV, because it repeats the series in every line."""
MAX_SAMPLES = 30_000_000
MAX_SERIES = 100_000
NAMES = (".om", ".prom", ".openmetrics")
"""Endings of file names that say what is inside, `.gz` aside."""
TYPES = frozenset({"counter", "gauge", "histogram", "gaugehistogram", "stateset", "info", "summary", "unknown", "untyped"})

_CHUNK = 100_000
_EARLIEST_USUAL_MS = 100_000_000_000
"""In 1973; a count of seconds since 1970 taken for milliseconds lies before it."""
_METADATA = re.compile(r"#[ \t]+(TYPE|HELP|UNIT)[ \t]+(\S+)(?:[ \t]+(.*))?", re.DOTALL)
_TIMESTAMP = "every sample needs its time; a plain scrape of /metrics has none and is no history"


@dataclass(frozen=True, eq=False)
class MetricText:
    """What a text of metrics holds."""

    samples: Samples
    openmetrics: bool
    """Whether it is OpenMetrics; otherwise Prometheus's text format."""
    types: dict[str, str]
    """By metric family."""
    exemplars: int
    findings: tuple[Problem, ...]


def is_metric_text(path: Path, form: Form, complaints: Complaints) -> bool:
    """Whether the name says so, or the first line that is not empty is metadata or a sample."""
    name = path.name.lower().removesuffix(".gz")
    if form is Form.PARQUET or name.endswith(NAMES):
        return form is not Form.PARQUET
    try:
        first = next((line for line in text_lines(path, form, Complaints(complaints.file)) if line.strip()), "").strip()
    except BadInput:
        return False  # whoever reads it as a table says why it is none
    if first == "# EOF" or _METADATA.match(first):
        return True
    try:
        _, end = scan_series(first, 0)
    except NotASeries:
        return False
    rest = first[end:].split()
    return bool(rest) and first[end : end + 1].isspace() and _float(rest[0]) is not None


def read_metric_text(path: Path, form: Form, complaints: Complaints) -> MetricText:
    """All samples of the text; raises BadInput with everything that is wrong, each with its line and column."""
    reader = _Reader(complaints)
    try:
        reader.read(text_lines(path, form, complaints, most=MAX_TEXT_BYTES))
    except BadInput as error:
        raise BadInput(complaints.problems) from error
    return reader.text(path)


def _float(token: str) -> float | None:
    try:
        return float(token) if token.isascii() and "_" not in token else None
    except ValueError:
        return None


@dataclass
class _Reader:
    """Reads line by line; what a line has in common with one before it is not read again."""

    complaints: Complaints
    known: dict[str, int] = field(default_factory=dict)
    """Code of each spelling of a series."""
    keys: dict[SeriesKey, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    ended: int | None = None
    """The line of `# EOF`."""
    exemplars: int = 0
    line: int = 0
    taken: int = 0
    _codes: list[int] = field(default_factory=list)
    _values: list[str] = field(default_factory=list)
    _times: list[str] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    _done: list[tuple[Array, Array, Array, Array]] = field(default_factory=list)

    def read(self, lines: Iterator[str]) -> None:
        known, codes, values, times, numbers = self.known, self._codes, self._values, self._times, self._lines
        number = 0
        for number, line in enumerate(lines, start=1):
            parts = line.rsplit(None, 2)
            code = known.get(parts[0]) if len(parts) == 3 else None
            if code is None or self.ended is not None:
                self.line = number
                self._other(line)
                continue
            codes.append(code)
            values.append(parts[1])
            times.append(parts[2])
            numbers.append(number)
            if len(codes) >= _CHUNK:
                self._flush()
        self.line = number
        self._flush()

    def _other(self, line: str) -> None:
        """A line that is no sample of a series already seen, or has more than value and time."""
        text = line.rstrip("\r\n")
        if not text.strip():
            return
        if self.ended is not None:
            message = f"the text ended on line {self.ended} with `# EOF`; nothing may follow"
            self.complaints.fatal(Problem("history/openmetrics", message, line=self.line, found=quoted(text)))
        if text.lstrip().startswith("#"):
            self._metadata(text.strip())
            return
        try:
            key, at = scan_series(text, 0)
        except NotASeries as error:
            self._complain(f"this line is no sample: {error}", error.at, text, allowed=ALLOWED)
            return
        self._sample(text, key, at)

    def _metadata(self, text: str) -> None:
        if text == "# EOF":
            self.ended = self.line
            return
        found = _METADATA.fullmatch(text)
        if found is None or found[1] != "TYPE":
            return  # any other comment; HELP and UNIT say nothing that is read
        name, kind = found[2].strip('"'), (found[3] or "").strip()
        if kind not in TYPES:
            self._complain("this is no type of metrics", text.rfind(kind) if kind else 0, kind, allowed=", ".join(sorted(TYPES)))
        elif self.types.setdefault(name, kind) != kind:
            message = f"{name} has two types; the first was {self.types[name]}"
            self._complain(message, 0, kind)

    def _sample(self, text: str, key: SeriesKey, at: int) -> None:
        body, hash_, exemplar = text[at:].partition(" #")
        tokens = body.split()
        if text[at : at + 1] not in {" ", "\t"} or not tokens:
            self._complain("a sample is a series, its value and its time", at, text[at:])
            return
        if len(tokens) == 1:
            message = f"the sample has no timestamp; {_TIMESTAMP}"
            self._complain(message, len(text), None, check="history/no-timestamp")
            return
        if len(tokens) > 2:
            self._complain("something follows value and time", text.rfind(tokens[2]), tokens[2])
            return
        if hash_ and not self._exemplar(text, exemplar):
            return
        code = self.keys.setdefault(key, len(self.keys))
        if len(self.keys) > MAX_SERIES:
            allowed = f"at most {MAX_SERIES:,}"
            self.complaints.fatal(Problem("history/too-large", "there are too many series", line=self.line, allowed=allowed))
        self.known.setdefault(text[:at].rstrip(), code)
        self._codes.append(code)
        self._values.append(tokens[0])
        self._times.append(tokens[1])
        self._lines.append(self.line)
        if len(self._codes) >= _CHUNK:
            self._flush()

    def _exemplar(self, text: str, exemplar: str) -> bool:
        """Whether what follows `#` is an exemplar: labels, a value, perhaps a time. It is checked and not kept."""
        column = len(text) - len(exemplar)
        body = exemplar.strip()
        try:
            _, end = scan_series(f"x{body}", 0) if body.startswith("{") else ("", 0)
        except NotASeries as error:
            indent = len(exemplar) - len(exemplar.lstrip())
            self._complain(f"this is no exemplar: {error}", column + indent + error.at - 1, exemplar)
            return False
        tokens = body[max(0, end - 1) :].split()
        if not end or not 1 <= len(tokens) <= 2 or any(_float(token) is None for token in tokens):
            self._complain("an exemplar is labels in braces, a value and perhaps a time", column, exemplar)
            return False
        self.exemplars += 1
        return True

    def _complain(
        self, message: str, at: int, found: str | None, *, allowed: str | None = None, check: str = "history/openmetrics"
    ) -> None:
        shown = None if found is None else quoted(found)
        self.complaints.add(Problem(check, message, line=self.line, column=at + 1, found=shown, allowed=allowed))

    def _flush(self) -> None:
        """Turn the gathered texts into numbers."""
        if not self._codes:
            return
        self.taken += len(self._codes)
        if self.taken > MAX_SAMPLES:
            allowed = f"at most {MAX_SAMPLES:,}"
            self.complaints.fatal(Problem("history/too-large", "there are too many samples", line=self._lines[-1], allowed=allowed))
        lines = np.array(self._lines, np.int64)
        values = self._numbers(self._values, lines, "the value is no number", "a number, NaN, +Inf or -Inf")
        times = self._numbers(self._times, lines, "the time is no number", "seconds (OpenMetrics), milliseconds (Prometheus)")
        self._done.append((np.array(self._codes, np.int64), values, times, lines))
        for column in (self._codes, self._values, self._times, self._lines):
            column.clear()

    def _numbers(self, texts: list[str], lines: IntArray, message: str, allowed: str) -> FloatArray:
        joined = "".join(texts)
        if joined.isascii() and "_" not in joined:
            try:
                return np.fromiter(map(float, texts), np.float64, len(texts))
            except ValueError:
                pass
        numbers = [_float(text) for text in texts]
        self.complaints.rows(
            [i for i, number in enumerate(numbers) if number is None],
            lambda i: Problem("history/number", message, line=int(lines[i]), found=quoted(texts[i]), allowed=allowed),
        )
        return np.array([np.nan if number is None else number for number in numbers])

    def text(self, path: Path) -> MetricText:
        """Everything that was read; raises BadInput if there is anything wrong with it."""
        openmetrics = self.ended is not None
        if not openmetrics and path.name.lower().removesuffix(".gz").endswith((".om", ".openmetrics")):
            message = "the text does not end with `# EOF`: it was cut off, or it is Prometheus's text format (then name it .prom)"
            self.complaints.add(Problem("history/openmetrics", message, line=self.line))
        codes, lines = self._joined(0), self._joined(3)
        values, times = self._joined(1).astype(np.float64, copy=False), self._joined(2).astype(np.float64, copy=False)
        if not len(codes):
            self.complaints.add(Problem("history/empty", "the text holds no sample", allowed="series, value and time a line"))
        milliseconds = self._milliseconds(times, lines, openmetrics)
        self.complaints.stop_if_any()
        time_us = milliseconds * 1000
        samples = Samples(
            tuple(self.keys),
            codes.astype(np.int32),
            time_us,
            values,
            lines.astype(np.int64),
            lambda row: written(int(time_us[row])),
        )
        found = []
        if not openmetrics and int(milliseconds.max()) < _EARLIEST_USUAL_MS:
            last = written(int(time_us.max()))
            message = (
                f"the timestamps are taken as milliseconds, and the last is {last}; if they are seconds, this is OpenMetrics, "
                "and its last line must be `# EOF`"
            )
            found.append(Problem("history/unit-of-time", message, Severity.WARNING))
        if self.exemplars:
            message = f"exemplars: {self.exemplars:,}; they are not read"
            found.append(Problem("history/exemplars", message, Severity.INFO))
        return MetricText(samples, openmetrics, self.types, self.exemplars, tuple(found))

    def _joined(self, column: int) -> Array:
        parts = [part[column] for part in self._done]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _milliseconds(self, times: FloatArray, lines: IntArray, openmetrics: bool) -> IntArray:
        latest = float(LATEST_S) if openmetrics else LATEST_S * 1000.0
        with np.errstate(invalid="ignore"):
            bad = ~((times >= 0) & (times <= latest))
            broken = bad if openmetrics else bad | (times != np.floor(times))
        unit = "seconds" if openmetrics else "whole milliseconds"
        hint = "; these may be milliseconds" if openmetrics and len(times) and np.nanmax(times) > latest else ""
        self.complaints.rows(
            np.flatnonzero(broken),
            lambda row: Problem(
                "history/time",
                f"a time is {unit} since 1970, before the year 10000{hint}",
                line=int(lines[row]),
                found=f"{times[row]:.15g}",
            ),
        )
        kept = np.where(broken, 0.0, times)
        return np.trunc(kept * 1000.0 if openmetrics else kept).astype(np.int64)
