"""Text before the grammar: what `promql-parser` does not take as Prometheus does is written in a form that it takes.

Comments vanish, every string becomes a name that stands for it, numbers are written as plain decimals, durations in seconds and
milliseconds, and the instants after `@` as the place where they are kept. So the grammar never sees the inside of a string, a
number that it reads differently, or a duration at which it would fail.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_OPEN, _CLOSE = "\ue000", "\ue001"
_NAMED = re.compile(f"{_OPEN}(\\d+){_CLOSE}")

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(
    r"(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?(?![A-Za-z0-9_.])"
)
_HEX = re.compile(r"0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*(?![A-Za-z0-9_.])")
_DECIMAL = re.compile(
    r"(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?(?![A-Za-z0-9_.])", re.ASCII
)
_UNITS_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_LONGEST_MS = 2**63 // 1_000_000
"""Prometheus counts durations in nanoseconds of 64 bits: 292 years."""

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_CODED = {"x": 2, "u": 4, "U": 8}


class NotPromQL(ValueError):
    """The text cannot be read; the message says why."""


@dataclass(slots=True)
class Normal:
    """A text for the grammar, and what its names stand for."""

    text: str = ""
    strings: list[str] = field(default_factory=list)
    instants_ms: list[int] = field(default_factory=list)
    """What stands after `@`, in the order of the text, which has the position instead."""
    uses: set[str] = field(default_factory=set)
    """Forms that not every version reads: `underscores`, `mixed` (a number as a duration or the reverse)."""

    def said(self, text: str) -> str:
        """A text of the grammar with the strings back in it."""
        return _NAMED.sub(lambda found: self.strings[int(found[1])] if int(found[1]) < len(self.strings) else found[0], text)


def normalised(text: str) -> Normal:
    """The text for the grammar; raises NotPromQL."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over a text, token after token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._found = Normal()
        self._brackets = 0
        self._last = ""
        """The last token that is not blank, in lower case."""

    def scan(self) -> Normal:
        while self._at < len(self._text):
            self._token()
        self._found.text = "".join(self._out)
        return self._found

    def _token(self) -> None:
        here = self._text[self._at]
        if blank := self._match(_BLANK):
            self._out.append(" ")
            self._at += len(blank)
        elif here in "\"'`":
            self._string(here)
        elif here.isascii() and (here.isdigit() or (here == "." and self._text[self._at + 1 : self._at + 2].isdigit())):
            self._number()
        elif name := self._match(_WORD if self._brackets else _NAME):
            self._emit(self._renamed(name), len(name), name.lower())
        else:
            self._brackets += (here == "[") - (here == "]")
            signed = here in "+-" and self._last in {"@", "offset"}
            if not (signed and self._last == "@"):
                self._out.append(here)
            self._at += 1
            self._last = self._last + here if signed else here
        if self._brackets < 0:
            raise NotPromQL("unexpected right bracket ']'")

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        return found[0] if found else ""

    def _emit(self, written: str, length: int, last: str) -> None:
        self._out.append(written)
        self._at += length
        self._last = last

    def _renamed(self, name: str) -> str:
        """Prometheus 2 calls double exponential smoothing by the name of its inventors; the grammar knows only the new name."""
        after = _BLANK.match(self._text, self._at + len(name))
        follows = self._text[after.end() if after else self._at + len(name) :][:1]
        if name == "holt_winters" and follows == "(":
            self._found.uses.add(name)
            return "double_exponential_smoothing"
        if name == "double_exponential_smoothing" and follows == "(":
            self._found.uses.add(name)
        return name

    def _number(self) -> None:
        duration_ms: int | None = None
        word = self._match(_DURATION)
        if word:
            duration_ms = self._duration(word)
            value = duration_ms / 1000.0
        elif word := self._match(_HEX):
            value = float(int(word.replace("_", ""), 16))
        elif word := self._match(_DECIMAL):
            value = _decimal(word.replace("_", ""))
        else:
            end = re.compile(r"[0-9A-Za-z_.]+").match(self._text, self._at)
            raise NotPromQL(f"bad number or duration syntax: {end[0] if end else self._text[self._at]!r}")
        if "_" in word:
            self._found.uses.add("underscores")
        if math.isinf(value):
            raise NotPromQL(f"error parsing number: {word} is out of range")
        if self._last.startswith("@"):
            self._instant(-value if self._last == "@-" else value, word)
        elif self._brackets or self._last.startswith("offset"):
            if duration_ms is None:
                self._found.uses.add("mixed")
                if value * 1000 > _LONGEST_MS:
                    raise NotPromQL(f"duration out of range: {word}")
                duration_ms = int(round(value * 1e9) // 1_000_000)
            if self._brackets and duration_ms == 0:
                raise NotPromQL("duration must be greater than 0")
            # The grammar has no offset of nothing, and none is what it means.
            seconds, rest_ms = divmod(duration_ms, 1000)
            self._emit(f"{seconds}s{rest_ms}ms", len(word), "number")
        else:
            if duration_ms is not None:
                self._found.uses.add("mixed")
            self._emit(repr(value), len(word), "number")

    def _instant(self, seconds: float, word: str) -> None:
        if abs(seconds) >= 2.0**53:
            raise NotPromQL(f"timestamp out of bounds for @ modifier: {word}")
        self._found.instants_ms.append(math.floor(abs(seconds) * 1000 + 0.5) * (-1 if seconds < 0 else 1))
        self._emit(str(len(self._found.instants_ms) - 1), len(word), "number")

    def _duration(self, word: str) -> int:
        found = _DURATION.fullmatch(word)
        total = sum(int(part) * unit for part, unit in zip(found.groups(), _UNITS_MS, strict=True) if part) if found else 0
        if total > _LONGEST_MS:
            raise NotPromQL(f"duration out of range: {word}")
        return total

    def _string(self, quote: str) -> None:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != quote:
            if quote != "`" and self._text[end] == "\n":
                break
            end += 2 if quote != "`" and self._text[end] == "\\" else 1
        if self._text[end : end + 1] != quote:
            raise NotPromQL("unterminated quoted string" if quote != "`" else "unterminated raw string")
        inside = self._text[self._at + 1 : end]
        self._found.strings.append(inside if quote == "`" else _unquoted(inside, quote))
        self._emit(f'"{_OPEN}{len(self._found.strings) - 1}{_CLOSE}"', end + 1 - self._at, "string")


def _decimal(word: str) -> float:
    """As Go's strconv reads it with base 0: a leading 0 means octal where that is possible."""
    if word.isdecimal():
        if len(word) > 1 and word.startswith("0") and all(digit in "01234567" for digit in word):
            return float(int(word, 8))
        return float(int(word)) if int(word) < 2**63 else float(word)
    return float(word)


def _unquoted(inside: str, quote: str) -> str:
    """A quoted string without its escapes, which may name bytes: they must make up UTF-8."""
    if "\\" not in inside:
        return inside
    out = bytearray()
    at = 0
    while at < len(inside):
        here = inside[at]
        if here != "\\":
            out += here.encode("utf-8", "surrogatepass")
            at += 1
            continue
        written, at = _escape(inside, at + 1, quote)
        out += written
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise NotPromQL(f"a string that is no UTF-8: {inside!r}") from None


def _escape(inside: str, at: int, quote: str) -> tuple[bytes, int]:
    code = inside[at : at + 1]
    if code in "'\"" and code and code != quote:
        raise NotPromQL(f"unknown escape sequence {code!r}")
    if code in _ESCAPES:
        return _ESCAPES[code].encode(), at + 1
    if code in _CODED:
        digits = inside[at + 1 : at + 1 + _CODED[code]]
        value = _number(digits, 16, _CODED[code])
        return (bytes([value]) if code == "x" else _character(value)), at + 1 + _CODED[code]
    if code and code in "01234567":
        value = _number(inside[at : at + 3], 8, 3)
        if value > 255:
            raise NotPromQL(f"octal escape value {value} > 255")
        return bytes([value]), at + 3
    raise NotPromQL(f"unknown escape sequence {code!r}")


def _number(digits: str, base: int, length: int) -> int:
    allowed: Callable[[str], bool] = "0123456789abcdefABCDEF".__contains__ if base == 16 else "01234567".__contains__
    if len(digits) < length or not all(map(allowed, digits)):
        raise NotPromQL("escape sequence is not long enough or has an unknown digit")
    return int(digits, base)


def _character(code: int) -> bytes:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise NotPromQL("escape sequence is an invalid Unicode code point")
    return chr(code).encode()
