"""What templates work on: the few Go types that Prometheus hands to them, as Python values.

str, bool, int and float stand for string, bool, int and float64; the rest is below. Nothing at all (a map of anything without the
key) is NO_VALUE.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final


class _NoValue:
    def __repr__(self) -> str:
        return "<no value>"


NO_VALUE: Final = _NoValue()


class TextMap(dict[str, str]):
    """map[string]string: a missing key is the empty text."""


class AnyMap(dict[str, Any]):
    """map[string]interface {}: a missing key is nothing."""


class SafeHtml(str):
    """template.HTML: text, but no string."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of a query's result."""

    Labels: TextMap
    Value: float


class Result(list[Sample]):
    """What `query` returns."""


@dataclass(frozen=True, slots=True)
class Data:
    """What `.` is at the beginning."""

    Labels: TextMap
    ExternalLabels: TextMap
    ExternalURL: str
    Value: float


@dataclass(frozen=True, slots=True)
class Time:
    """*time.Time in UTC, to the millisecond, as Prometheus makes it."""

    ms: int

    @property
    def moment(self) -> dt.datetime:
        """As Python has it; raises OverflowError beyond the years 1 to 9999."""
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=self.ms)

    def __str__(self) -> str:
        moment = self.moment
        part = f"{self.ms % 1000:03d}".rstrip("0")
        return f"{moment:%Y-%m-%d %H:%M:%S}{'.' if part else ''}{part} +0000 UTC"


@dataclass(frozen=True, slots=True)
class Duration:
    """time.Duration, in nanoseconds."""

    ns: int

    def __str__(self) -> str:
        return _go_duration(self.ns)


def _go_duration(ns: int) -> str:
    """`1h30m0s`, `1.5s`, `250ms`."""
    sign, left = ("-" if ns < 0 else ""), abs(ns)
    if left == 0:
        return "0s"
    if left < 1_000_000_000:
        unit, size = next((u, s) for u, s in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)) if left >= s)
        return f"{sign}{_fraction(left, size)}{unit}"
    minutes, rest = divmod(left, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_fraction(rest, 1_000_000_000)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _fraction(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if size > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)


def type_name(value: Any) -> str:
    """The Go type, as `%T` writes it."""
    match value:
        case SafeHtml():
            return "template.HTML"
        case bool():
            return "bool"
        case str():
            return "string"
        case int():
            return "int"
        case float():
            return "float64"
        case TextMap():
            return "map[string]string"
        case AnyMap():
            return "map[string]interface {}"
        case Result():
            return "template.queryResult"
        case Sample():
            return "*template.sample"
        case Time():
            return "*time.Time"
        case Duration():
            return "time.Duration"
        case Data():
            return "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
        case _:
            return "<nil>"


def is_true(value: Any) -> bool:
    """Go's truth: not the zero of its type."""
    if isinstance(value, _NoValue):
        return False
    if isinstance(value, Duration):
        return value.ns != 0
    if isinstance(value, str | list | dict):
        return len(value) > 0
    if isinstance(value, bool | int | float):
        return value != 0
    return True
