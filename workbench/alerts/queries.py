"""What a query with `{{.window}}` counts: the counters behind it, and whether it is a rate or an increase.

A query is *linear* if it only adds up counters over its window: `rate`, `increase`, `count_over_time` and `sum_over_time` of
selectors, joined by `sum`, `+`, `-`, factors, and `or vector(0)`. Then its events can be counted exactly. Everything else has to be
evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from workbench.errors import BadInput
from workbench.promql.ast import Aggregate, Binary, Call, Expr, Negate, Number, Range, Selector, children
from workbench.promql.parse import parse
from workbench.scenario.schema.policy import WINDOW

_MARK_MS = 7 * 60_000 + 13_001
"""A window that nobody writes: a range of this length is `{{.window}}`."""

Counting = Literal["rate", "increase", "count_over_time", "sum_over_time"]
_COUNTING: tuple[Counting, ...] = ("rate", "increase", "count_over_time", "sum_over_time")


@dataclass(frozen=True, slots=True)
class Term:
    """One counter in a sum: `weight x function(selector[{{.window}}])`."""

    selector: Selector
    function: Counting
    weight: float = 1.0


def placed(query: str, window: str) -> str:
    """The query with a window in its place, on one line as it stands otherwise."""
    return WINDOW.sub(window, query).strip()


@lru_cache(maxsize=1024)
def parsed(query: str) -> Expr:
    """The expression that a query says, its window marked; raises BadInput as `parse` does."""
    mark = f"{_MARK_MS}ms"
    try:
        return parse(placed(query, mark))
    except BadInput as error:
        # The user wrote a window to be filled in, and is shown that.
        raise BadInput(replace(one, message=one.message.replace(mark, "{{.window}}")) for one in error.problems) from None


@lru_cache(maxsize=1024)
def terms(query: str) -> tuple[Term, ...] | None:
    """The counters that a linear query adds up; None if it is not linear, or no query that is evaluated."""
    try:
        found = _terms(parsed(query))
    except BadInput:
        return None
    return tuple(found) if found else None


def counts_in(query: str) -> Literal["rate", "increase"] | None:
    """Whether a linear query gives events a second or events over its window; None if neither, or both."""
    kinds = {"rate" if term.function == "rate" else "increase" for term in terms(query) or ()}
    if kinds == {"rate"}:
        return "rate"
    return "increase" if kinds == {"increase"} else None


def selectors(query: str) -> tuple[Selector, ...]:
    """Every selector of a query, in order; none if it cannot be read."""
    try:
        return tuple(_selectors(parsed(query)))
    except BadInput:
        return ()


def _terms(expr: Expr) -> list[Term] | None:
    match expr:
        case Call(function, (Range(selector, window),)) if function in _COUNTING and window == _MARK_MS:
            return [Term(selector, _counting(function))] if selector.at_ms is None else None
        case Aggregate("sum", argument=argument):
            return _terms(argument)
        case Negate(argument):
            return _weighted(_terms(argument), -1.0)
        case Binary("or", left, right) if _adds_nothing(right):
            return _terms(left)
        case Binary("+" | "-" as operator, left, right):
            one, other = _terms(left), _terms(right)
            if one is None or other is None:
                return None
            return one + (_weighted(other, -1.0 if operator == "-" else 1.0) or [])
        case Binary("*", Number(value), other) | Binary("*", other, Number(value)):
            return _weighted(_terms(other), value)
        case Binary("/", left, Number(value)) if value:
            return _weighted(_terms(left), 1 / value)
        case _:
            return None


def _counting(function: str) -> Counting:
    return next(known for known in _COUNTING if known == function)


def _weighted(found: list[Term] | None, weight: float) -> list[Term] | None:
    return None if found is None else [replace(term, weight=term.weight * weight) for term in found]


def _adds_nothing(expr: Expr) -> bool:
    """`vector(0)`, or something times 0."""
    match expr:
        case Call("vector", (Number(value),)):
            return value == 0
        case Binary("*", Number(value), _) | Binary("*", _, Number(value)):
            return value == 0
        case _:
            return False


def _selectors(expr: Expr) -> Iterator[Selector]:
    if isinstance(expr, Selector):
        yield expr
    for child in children(expr):
        yield from _selectors(child)
