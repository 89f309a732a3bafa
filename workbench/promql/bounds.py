"""Where expressions over sums of rates have an element, decided by bounds instead of by every single rate.

The only thing that keeps `sum(rate(...))` over counters that were scraped together from being one factor times one difference is
that each counter's own zero limits how far *its* rate is stretched to the left. So every rate lies between the one with no left
stretch and the one with the full left stretch, and the sum S of increments (exact, see `counters`) gives

    S * (covered + right) / covered / w  <=  sum(rate)  <=  S * (covered + left + right) / covered / w

The two differ by left / covered: 3 % for 5m, 0.2 % for 1h. Rounding, in Prometheus and here, adds at most (4 n + 64) * 2^-53
relative for n counters (all terms are positive: each is a product with less than ten roundings, and plain or compensated addition
of n terms loses at most n more), so the bounds are widened by that. From there on the interval arithmetic needs no widening:
+ - * / and comparison are monotone in each operand, and IEEE rounding is monotone too, so the exact evaluator's float lies within
the interval of floats. 0, NaN and infinity are never inside an interval, only at both of its ends: S is 0 exactly where the sum of
rates is.

A comparison whose operands' intervals do not overlap is decided; the other instants, near a tie, are left to the exact evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.promql.ast import (
    ARITHMETIC,
    Aggregate,
    Binary,
    Call,
    Expr,
    Negate,
    Number,
    Range,
    Selector,
    is_scalar,
)
from workbench.promql.operators import compute
from workbench.promql.set_bounds import Bounds, SetBounds
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray

ORDERINGS = frozenset({">", "<", ">=", "<="})
"""Comparisons that are false for NaN."""


@dataclass(frozen=True, slots=True)
class SumOfRates:
    """`sum(rate(selector[w]))` or `sum(increase(...))`, all in one element without labels."""

    selector: Selector
    window_ms: int
    per_second: bool

    @classmethod
    def of(cls, expr: Expr) -> SumOfRates | None:
        """What an expression is a sum of; None if it is anything else."""
        match expr:
            case Aggregate("sum", Call("rate" | "increase" as function, (Range(selector, window_ms),)), (), without=False):
                moved = selector.offset_ms != 0 or selector.at_ms is not None
                return None if moved else cls(selector, window_ms, function == "rate")
            case _:
                return None


def leaves(expr: Expr) -> tuple[SumOfRates, ...] | None:
    """The sums of rates of an expression that can be bounded, in order; None for one that cannot."""
    found: list[SumOfRates] = []
    return tuple(found) if _boundable(expr, found) is not None else None


def _boundable(expr: Expr, found: list[SumOfRates]) -> str | None:
    """What is known of the value: `whole` (never negative, 0 only exactly), `any`, or None where no bounds exist."""
    if is_scalar(expr):
        number = constant(expr)
        return None if number is None else "whole" if number > 0 else "any"
    leaf = SumOfRates.of(expr)
    if leaf is not None:
        found.append(leaf)
        return "whole"
    match expr:
        case Negate(argument):
            return None if _boundable(argument, found) is None else "any"
        case Binary(operator, left, right, returns_bool) if not returns_bool:
            sides = _boundable(left, found), _boundable(right, found)
            if None in sides:
                return None
            both = "whole" if sides == ("whole", "whole") else "any"
            if operator in ORDERINGS:
                # A filter keeps what passes of the vector side.
                return sides[1] if is_scalar(left) else sides[0]
            if operator in {"and", "unless"}:
                return sides[0]
            if operator == "or":
                return both
            if operator in {"+", "-"}:
                return both if operator == "+" else "any"
            if operator in {"*", "/"} and is_scalar(right) and sides[1] == "whole":
                # A positive number scales both ends, whatever their sign.
                return sides[0]
            return both if operator in {"*", "/"} and both == "whole" else None
        case _:
            return None


def constant(expr: Expr) -> float | None:
    """The number that a scalar expression of literals is."""
    match expr:
        case Number(value):
            return value
        case Negate(argument):
            inner = constant(argument)
            return None if inner is None else -inner
        case Binary(operator, left, right) if operator in ARITHMETIC:
            a, b = constant(left), constant(right)
            return None if a is None or b is None else float(compute(operator, np.array(a), np.array(b)))
        case _:
            return None


class Batch:
    """Expressions of one shape and the same windows, evaluated together: row r belongs to the r-th."""

    def __init__(self, exprs: Sequence[Expr], set_of: Callable[[Selector], int]) -> None:
        self._tree = _tree(exprs, set_of, value=False)

    def bounds(self, sums: SetBounds) -> Bounds:
        """Bounds of every expression: [R, T]."""
        with np.errstate(all="ignore"):
            return self._tree(sums)


_Node = Callable[["SetBounds"], Bounds]


def shape(expr: Expr) -> Expr:
    """The expression with every selector and number blanked: equal for expressions that one batch can hold."""
    if is_scalar(expr):
        return Number(0.0)
    leaf = SumOfRates.of(expr)
    if leaf is not None:
        blank = Range(Selector(()), leaf.window_ms)
        return Aggregate("sum", Call("rate" if leaf.per_second else "increase", (blank,)))
    match expr:
        case Negate(argument):
            return Negate(shape(argument))
        case Binary(operator, left, right):
            return Binary(operator, shape(left), shape(right))
        case _:
            return expr


def _tree(exprs: Sequence[Expr], set_of: Callable[[Selector], int], *, value: bool) -> _Node:
    """What bounds the expressions; `value`: not only where there are elements, but also what they are."""
    first = exprs[0]
    if is_scalar(first):
        numbers = np.array([[constant(expr)] for expr in exprs], np.float64)
        return lambda _: Bounds(numbers, numbers, None, None)
    sums = [SumOfRates.of(expr) for expr in exprs]
    if sums[0] is not None:
        rows = np.array([set_of(one.selector) for one in sums if one is not None])
        window_ms, per_second = sums[0].window_ms, sums[0].per_second
        return lambda given: given.bounds(_span(rows), window_ms, per_second=per_second)
    if isinstance(first, Negate):
        inner = _tree([expr.argument for expr in exprs if isinstance(expr, Negate)], set_of, value=value)
        return lambda given: _negated(inner(given))
    assert isinstance(first, Binary)  # noqa: S101 - `leaves` admits nothing else
    binaries = [expr for expr in exprs if isinstance(expr, Binary)]
    operator = first.operator
    compares = operator in ORDERINGS
    left = _tree([one.left for one in binaries], set_of, value=value or compares)
    right = _tree([one.right for one in binaries], set_of, value=compares or (value and operator not in {"and", "unless"}))
    if operator == "and":
        return lambda given: _both(left(given), right, given)
    if operator == "unless":
        return lambda given: _unless(left(given), right(given))
    if operator == "or":
        return lambda given: _any(left(given), right(given))
    if compares:
        quotient = None if value else _quotient(binaries, set_of)
        if quotient is not None:
            return quotient
        keeps_right = is_scalar(first.left)
        return lambda given: _compared(operator, left(given), right(given), keeps_right=keeps_right)
    return lambda given: _computed(operator, left(given), right(given))


def _quotient(exprs: Sequence[Binary], set_of: Callable[[Selector], int]) -> _Node | None:
    """`sum(rate(a[w])) / sum(rate(b[w])) > t` with a threshold above 0, decided without a division: see `SetBounds.quotient`."""
    thresholds = [constant(expr.right) for expr in exprs]
    ratios = [expr.left for expr in exprs if isinstance(expr.left, Binary) and expr.left.operator == "/"]
    tops, bottoms = [SumOfRates.of(one.left) for one in ratios], [SumOfRates.of(one.right) for one in ratios]
    if len(ratios) < len(exprs) or None in tops or None in bottoms or not all(t is not None and 0 < t < np.inf for t in thresholds):
        return None
    top, bottom = tops[0], bottoms[0]
    assert top is not None  # noqa: S101 - just looked at
    assert bottom is not None  # noqa: S101 - just looked at
    if (top.window_ms, top.per_second) != (bottom.window_ms, bottom.per_second):
        return None
    above = _span(np.array([set_of(one.selector) for one in tops if one is not None]))
    below = _span(np.array([set_of(one.selector) for one in bottoms if one is not None]))
    limits = np.array([[t] for t in thresholds], np.float64)
    operator, plain = exprs[0].operator, _tree([expr.left for expr in exprs], set_of, value=True)
    numbers = Bounds(limits, limits, None, None)

    def decided(given: SetBounds) -> Bounds:
        found = given.quotient(operator, above, below, limits, top.window_ms)
        return _compared(operator, plain(given), numbers, keeps_right=False) if found is None else found

    return decided


def _span(rows: IntArray) -> IntArray | slice:
    """Rows as a slice where they follow each other, which copies nothing."""
    if np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return slice(int(rows[0]), int(rows[0]) + len(rows))
    return rows


def _either(one: BoolArray | None, other: BoolArray | None) -> BoolArray | None:
    if one is None:
        return other
    return one if other is None else one & other


def _negated(value: Bounds) -> Bounds:
    return Bounds(-value.high, -value.low, value.sure, value.maybe)


def _computed(operator: str, left: Bounds, right: Bounds) -> Bounds:
    match operator:
        case "+":
            low, high = left.low + right.low, left.high + right.high
        case "-":
            low, high = left.low - right.high, left.high - right.low
        case "*":
            low, high = left.low * right.low, left.high * right.high
        case _:
            low, high = left.low / right.high, left.high / right.low
    return Bounds(low, high, _either(left.sure, right.sure), _either(left.maybe, right.maybe))


def _compared(operator: str, left: Bounds, right: Bounds, *, keeps_right: bool) -> Bounds:
    if operator in {">", ">="}:
        sure, maybe = compute(operator, left.low, right.high), compute(operator, left.high, right.low)
    else:
        sure, maybe = compute(operator, left.high, right.low), compute(operator, left.low, right.high)
    kept = right if keeps_right else left
    there, perhaps = _either(left.sure, right.sure), _either(left.maybe, right.maybe)
    return Bounds(kept.low, kept.high, sure if there is None else sure & there, maybe if perhaps is None else maybe & perhaps)


def _both(left: Bounds, right: _Node, given: SetBounds) -> Bounds:
    if left.maybe is not None and not left.maybe.any():
        return left
    other = right(given)
    return Bounds(left.low, left.high, _either(left.sure, other.sure), _either(left.maybe, other.maybe))


def _any(left: Bounds, right: Bounds) -> Bounds:
    """The left element, or the right one where there is no left one."""
    maybe = None if left.maybe is None or right.maybe is None else left.maybe | right.maybe
    if left.sure is None:
        return Bounds(left.low, left.high, None, maybe)
    sure = None if right.sure is None else left.sure | right.sure
    perhaps = True if left.maybe is None else left.maybe
    # Where neither is decided, the interval holds both values; what an absent side holds can only widen it.
    low = np.where(left.sure, left.low, np.where(perhaps, np.fmin(left.low, right.low), right.low))
    high = np.where(left.sure, left.high, np.where(perhaps, np.fmax(left.high, right.high), right.high))
    return Bounds(low, high, sure, maybe)


def _unless(left: Bounds, right: Bounds) -> Bounds:
    nowhere = np.zeros((1, 1), bool)
    gone = nowhere if right.maybe is None else ~right.maybe
    perhaps_gone = nowhere if right.sure is None else ~right.sure
    return Bounds(left.low, left.high, _either(left.sure, gone), _either(left.maybe, perhaps_gone))
