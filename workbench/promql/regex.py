"""Regular expressions as Prometheus has them: RE2, by its own library, so that no text of a rule file can make them slow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from workbench.errors import BadInput, Problem

Test = Callable[[str], bool]


@lru_cache(maxsize=1024)
def compiled(text: str, *, newlines: bool = True) -> Any:
    """A pattern that must cover a whole text; `newlines`: a dot matches them too (Prometheus 3).

    Raises BadInput for what is no regular expression of RE2: look-around, back references, possessive quantifiers and the like.
    """
    import re2  # noqa: PLC0415 - a compiled library, loaded only where a rule has a regular expression

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = newlines
    try:
        if _has_bytes(text):
            raise BadInput(_problem("invalid escape sequence: \\C", text))
        return re2.compile(text, options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else error
        raise BadInput(_problem(said.decode(errors="replace") if isinstance(said, bytes) else str(said), text)) from None


def matches(text: str, *, newlines: bool = True) -> Test:
    """Whether a regular expression, anchored at both ends, matches; raises BadInput as `compiled` does."""
    pattern = compiled(text, newlines=newlines)
    return lambda value: pattern.fullmatch(value) is not None


def replaced(pattern: Any, template: str, value: str) -> str | None:
    """A template with `$1`, `${name}` and `$$` filled in from a match of the whole value; None if it does not match.

    As in Go's regexp.Expand: a name is as long as letters, digits and `_` go, and an unknown group is the empty text.
    """
    found = pattern.fullmatch(value)
    return None if found is None else expanded(pattern, found, template)


def expanded(pattern: Any, found: Any, template: str) -> str:
    """A template with `$1`, `${name}` and `$$` filled in from a match."""
    out: list[str] = []
    rest = template
    while True:
        before, dollar, rest = rest.partition("$")
        out.append(before)
        if not dollar:
            return "".join(out)
        if rest.startswith("$"):
            out.append("$")
            rest = rest[1:]
            continue
        name, after = _group_name(rest)
        if name is None:
            out.append("$")
            continue
        out.append(_group(pattern, found, name))
        rest = after


def _group_name(text: str) -> tuple[str | None, str]:
    braces = text.startswith("{")
    inside = text[1:] if braces else text
    end = 0
    while end < len(inside) and (inside[end] == "_" or inside[end].isalnum()):
        end += 1
    if end == 0 or (braces and inside[end : end + 1] != "}"):
        return None, text
    return inside[:end], inside[end + braces :]


def _group(pattern: Any, found: Any, name: str) -> str:
    if name.isdecimal() and name.isascii() and (name == "0" or not name.startswith("0")):
        number = int(name) if len(name) < 9 else pattern.groups + 1
    else:
        number = pattern.groupindex.get(name, pattern.groups + 1)
    return (found.group(number) or "") if number <= pattern.groups else ""


def _has_bytes(text: str) -> bool:
    """Whether a text has the escape C, a single byte, which RE2 knows and Go does not."""
    at = text.find("\\")
    while at >= 0:
        if text[at + 1 : at + 2] == "C":
            return True
        if text[at + 1 : at + 2] == "Q":
            end = text.find("\\E", at + 2)
            at = len(text) if end < 0 else end
        at = text.find("\\", at + 2)
    return False


def _problem(said: str, text: str) -> Problem:
    return Problem("promql/regex", f"not a regular expression of RE2: {said}", found=text[:200])
