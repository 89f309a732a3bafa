"""Expressions: PromQL as small frozen values.

They hash by what they say, so that a sub-expression that several rules share is evaluated once. Parentheses leave no trace, and
durations are whole milliseconds, as Prometheus has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MatchKind(StrEnum):
    """How a matcher compares a label with its text."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One condition on a label; a label that a series lacks is the empty text."""

    label: str
    kind: MatchKind
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: a scalar at every instant."""

    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """`name{label="x"} offset 5m`: the newest sample of each matching series."""

    matchers: tuple[Matcher, ...]
    """Sorted; the metric name is the matcher of `__name__`."""
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """`selector[5m]`: the samples of a window; only functions take it."""

    selector: Selector
    window_ms: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`sum by (le) (...)`."""

    operator: str
    argument: Expr
    labels: tuple[str, ...] = ()
    """Sorted: what is kept, or with `without` what is dropped."""
    without: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """Which elements of the two sides of an operator belong together."""

    labels: tuple[str, ...] = ()
    on: bool = False
    """Only these labels count; otherwise all but these (and the metric name)."""
    many: str | None = None
    """`left` or `right`: the side that may have several elements for one of the other (`group_left`, `group_right`)."""
    include: tuple[str, ...] = ()
    """Labels taken over from the "one" side."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and an operator: arithmetic, comparison, or set operator."""

    operator: str
    left: Expr
    right: Expr
    returns_bool: bool = False
    """A comparison with `bool`: 0 or 1 instead of a filter."""
    matching: Matching = Matching()


@dataclass(frozen=True, slots=True)
class Negate:
    """Unary minus."""

    argument: Expr


Expr = Number | Selector | Range | Call | Aggregate | Binary | Negate

ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})


def is_scalar(expr: Expr) -> bool:
    """Whether the expression is a scalar rather than a vector."""
    match expr:
        case Number():
            return True
        case Negate(argument):
            return is_scalar(argument)
        case Binary(left=left, right=right):
            return is_scalar(left) and is_scalar(right)
        case Call(function, _):
            return function == "time"
        case _:
            return False
