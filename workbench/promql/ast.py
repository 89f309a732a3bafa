"""Expressions: PromQL as small frozen values.

They hash by what they say, so that a sub-expression that several rules share is evaluated once. Parentheses and unary plus leave no
trace, and durations are whole milliseconds, as Prometheus has them.
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


class Kind(StrEnum):
    """What an expression is: the types of PromQL."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    RANGE = "range vector"
    TEXT = "string"


class At(StrEnum):
    """`@ start()` and `@ end()`: for a rule both are the instant of its evaluation, also inside a subquery."""

    EVALUATION = "evaluation"


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
class Text:
    """A string literal: only an argument of functions and aggregations."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """`name{label="x"} offset 5m @ 600`: the newest sample of each matching series."""

    matchers: tuple[Matcher, ...]
    """By label, those of one label in the order of the text; the metric name is the matcher of `__name__`."""
    offset_ms: int = 0
    """How far back; negative: ahead."""
    at_ms: int | At | None = None
    """Looked at then instead of at the instant."""


@dataclass(frozen=True, slots=True)
class Range:
    """`selector[5m]`: the samples of a window; only functions take it."""

    selector: Selector
    window_ms: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """`expr[1h:1m] offset 5m`: the values of an expression at every multiple of the step in a window."""

    expr: Expr
    window_ms: int
    step_ms: int | None = None
    """None: the evaluation interval."""
    offset_ms: int = 0
    at_ms: int | At | None = None


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
    parameter: Expr | None = None
    """Of `topk`, `bottomk`, `quantile` (a scalar) and `count_values` (a text)."""


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


Expr = Number | Text | Selector | Range | Subquery | Call | Aggregate | Binary | Negate

ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})

SCALAR_FUNCTIONS = frozenset({"time", "pi", "scalar"})
"""The functions whose result is a scalar."""


def kind_of(expr: Expr) -> Kind:
    """The type of an expression."""
    match expr:
        case Number():
            return Kind.SCALAR
        case Text():
            return Kind.TEXT
        case Range() | Subquery():
            return Kind.RANGE
        case Negate(argument):
            return kind_of(argument)
        case Binary(left=left, right=right):
            return Kind.SCALAR if is_scalar(left) and is_scalar(right) else Kind.VECTOR
        case Call(function, _):
            return Kind.SCALAR if function in SCALAR_FUNCTIONS else Kind.VECTOR
        case _:
            return Kind.VECTOR


def is_scalar(expr: Expr) -> bool:
    """Whether the expression is a scalar rather than a vector."""
    return kind_of(expr) is Kind.SCALAR


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions of which an expression is made, in the order of the text."""
    match expr:
        case Call(_, arguments):
            return arguments
        case Aggregate(argument=argument, parameter=parameter):
            return (argument,) if parameter is None else (parameter, argument)
        case Binary(left=left, right=right):
            return left, right
        case Negate(argument):
            return (argument,)
        case Range(selector, _):
            return (selector,)
        case Subquery(expr=inner):
            return (inner,)
        case _:
            return ()
