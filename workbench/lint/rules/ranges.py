"""Which values an expression can have at all: an interval, from what is counted and divided.

Bounds are doubles and reckoned as Prometheus does. A bound is either certain (a share of what contains it is at most 1) or assumed
from names (`errors_total / requests_total`); nobody can do better without the data.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import arithmetic, is_rate, metric, selectors, unscaled, value
from workbench.promql.ast import (
    ARITHMETIC,
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Negate,
    Number,
    Range,
    Selector,
    Subquery,
    children,
)

RATIO_NAME = re.compile(
    r"(sli_error|error|errors|failure|failures|unavailability|slo).*ratio|ratio_rate|errors?_per_request|err(or)?_?ratio"
)
"""Names of recorded error ratios, as rule generators and runbooks spell them."""
BURN_NAME = re.compile(r"burn_?rate")
"""Recorded either as an error ratio (slo-libsonnet, Pyrra, the Kubernetes mixin) or as a multiple of the budget."""
_FAILURE_NAME = re.compile(
    r"err|fail|bad|good|succe|ok_|slow|timeout|reject|drop|5xx|4xx|denied|abort|panic|exception|invalid|unavail|lost|miss|hit"
)
_COUNTER = re.compile(r"_(total|count|bucket|sum)$")
_FLAGS = frozenset({"up", "probe_success", "scrape_success"})
_KEEP = frozenset(
    {
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "last_over_time",
        "first_over_time",
        "quantile_over_time",
        "sort",
        "sort_desc",
        "label_replace",
        "label_join",
        "round",
    }
)
_FROM_ZERO = frozenset(
    {
        "rate",
        "irate",
        "increase",
        "count_over_time",
        "changes",
        "resets",
        "abs",
        "histogram_count",
        "time",
        "timestamp",
        "stddev_over_time",
    }
)
_INF = math.inf


@dataclass(frozen=True, slots=True)
class Interval:
    """The values that elements may have, both ends included."""

    low: float = -_INF
    high: float = _INF
    assumed: bool = False
    """From names, not from what is certain."""
    why: str = ""
    """What the bounds rest on: `an error ratio`, `up`."""


_ANY = Interval()
_COUNT = Interval(0.0)


class Ranges:
    """Intervals of expressions; recorded series are looked up in the rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[Expr, Interval] = {}

    @classmethod
    def of_rules(cls, rules: Rules) -> Ranges:
        """The one for these rules, so that nothing is worked out twice."""
        found = rules.memo.get(cls)
        if not isinstance(found, cls):
            found = rules.memo[cls] = cls(rules)
        return found

    def of(self, expr: Expr) -> Interval:
        """The interval of an expression."""
        if expr not in self._known:
            self._known[expr] = _ANY  # a rule that reads itself
            self._known[expr] = self._compute(expr)
        return self._known[expr]

    def _compute(self, expr: Expr) -> Interval:
        constant = value(expr)
        if constant is not None and not math.isnan(constant):
            return Interval(constant, constant)
        match expr:
            case Selector():
                return self._selector(expr)
            case Range():
                return self.of(expr.selector)
            case Subquery():
                return self.of(expr.expr)
            case Negate():
                below = self.of(expr.argument)
                return Interval(-below.high, -below.low, below.assumed, below.why)
            case Call():
                return self._call(expr)
            case Aggregate():
                return self._aggregate(expr)
            case Binary():
                return self._binary(expr)
            case _:
                return _ANY

    def _selector(self, selector: Selector) -> Interval:
        name = metric(selector)
        definition = self._rules.definition(selector)
        if definition is not None and definition.expr is not None:
            found = self.of(definition.expr)
            return Interval(found.low, found.high, found.assumed, found.why and f"{name}, {found.why},")
        if name in _FLAGS:
            return Interval(0.0, 1.0, why=name)
        if RATIO_NAME.search(name):
            return Interval(0.0, 1.0, assumed=True, why="an error ratio")
        return _COUNT if _COUNTER.search(name) or BURN_NAME.search(name) else _ANY

    def _call(self, call: Call) -> Interval:
        arguments = [child for child in children(call) if not isinstance(child, Number)]
        first = self.of(arguments[0]) if arguments else _ANY
        numbers = [one for child in children(call) if (one := value(child)) is not None]
        match call.function:
            case "absent" | "absent_over_time" | "present_over_time" | "group":
                return Interval(1.0, 1.0, why=f"{call.function}()")
            case "clamp_max" if numbers:
                return Interval(min(first.low, numbers[-1]), min(first.high, numbers[-1]), first.assumed, first.why)
            case "clamp_min" if numbers:
                return Interval(max(first.low, numbers[-1]), max(first.high, numbers[-1]), first.assumed, first.why)
            case "clamp" if len(numbers) > 1:
                return Interval(
                    max(first.low, numbers[-2]), max(min(first.high, numbers[-1]), numbers[-2]), first.assumed, first.why
                )
            case "vector" | "scalar":
                return first
            case "sum_over_time" if first.low >= 0:
                return _COUNT
            case name if name in _KEEP:
                return first
            case name if name in _FROM_ZERO:
                return _COUNT
            case _:
                return _ANY

    def _aggregate(self, aggregate: Aggregate) -> Interval:
        below = self.of(aggregate.argument)
        match aggregate.operator:
            case "avg" | "min" | "max" | "topk" | "bottomk" | "quantile" | "limitk":
                return below
            case "sum":
                return _COUNT if below.low >= 0 else _ANY
            case "count" | "stddev" | "stdvar":
                return _COUNT
            case "group":
                return Interval(1.0, 1.0)
            case _:
                return _ANY

    def _binary(self, expr: Binary) -> Interval:
        if expr.operator in COMPARISONS:
            return Interval(0.0, 1.0, why="a comparison with bool") if expr.returns_bool else self.of(expr.left)
        left, right = self.of(expr.left), self.of(expr.right)
        if expr.operator in ("and", "unless"):
            return left
        if expr.operator == "or":
            return Interval(
                min(left.low, right.low), max(left.high, right.high), left.assumed or right.assumed, left.why or right.why
            )
        if expr.operator == "/":
            division, scale = unscaled(expr)
            if isinstance(division, Binary) and division.operator == "/" and (share := self._share(division)) is not None:
                return replace(share, low=share.low * float(scale), high=share.high * float(scale))
        if expr.operator not in ARITHMETIC or expr.operator in "%^":
            return _ANY
        return _arithmetic(expr.operator, left, right)

    def _share(self, division: Binary) -> Interval | None:
        """A part divided by the whole that contains it, or by what its name says is the whole."""
        part, whole = division.left, division.right
        if isinstance(part, Aggregate) and isinstance(whole, Aggregate) and whole.operator == "count":
            if part.operator == "sum" and part.argument == whole.argument:
                return self.of(part.argument)
            if part.operator == "count" and isinstance(part.argument, Binary) and part.argument.left == whole.argument:
                return Interval(0.0, 1.0, why="a share")
        part, whole = bare(part), bare(whole)
        parts, wholes = selectors(part), selectors(whole)
        if not (any(is_rate(node) for node in (part, whole)) or _has_rate(part) or _counted(parts, wholes)):
            return None
        if len(parts) == len(wholes) == 1 and _contains(wholes[0], parts[0]):
            return Interval(0.0, 1.0, why="a share of what contains it")
        if isinstance(part, Binary) and part.operator == "-" and bare(part.left) == whole:
            return Interval(0.0, 1.0, assumed=True, why="an error ratio")
        if any(_FAILURE_NAME.search(metric(selector)) for selector in parts) and _has_rate(whole):
            return Interval(0.0, 1.0, assumed=True, why="an error ratio")
        if parts and wholes and {_stem(s) for s in parts} == {_stem(s) for s in wholes}:
            return Interval(0.0, 1.0, assumed=True, why="an error ratio")
        return None


def bare(expr: Expr) -> Expr:
    """Without sums, fallbacks (`or vector(0)`) and clamps around what is counted."""
    match expr:
        case Aggregate("sum", argument):
            return bare(argument)
        case Binary("or", left, right) if value(right) is not None or (isinstance(right, Call | Binary) and not selectors(right)):
            return bare(left)
        case Call("clamp_min" | "clamp_max" | "clamp", (argument, *_)):
            return bare(argument)
        case _:
            return expr


def _has_rate(expr: Expr) -> bool:
    return is_rate(expr) or any(_has_rate(child) for child in children(expr))


def _counted(parts: list[Selector], wholes: list[Selector]) -> bool:
    return bool(parts and wholes) and all(_COUNTER.search(metric(selector)) for selector in (*parts, *wholes))


def _stem(selector: Selector) -> str:
    return _COUNTER.sub("", metric(selector))


def _contains(whole: Selector, part: Selector) -> bool:
    """Whether every series of one selector is one of the other, or a bucket of its histogram."""
    name, other = metric(part), metric(whole)
    own = {matcher for matcher in part.matchers if matcher.label != "__name__"}
    asked = {matcher for matcher in whole.matchers if matcher.label != "__name__"}
    if not name or _stem(part) != _stem(whole):
        return False
    if name == other:
        return asked <= own or (_le_apart(asked) <= _le_apart(own) and any(m.label == "le" and m.text == "+Inf" for m in asked))
    return name.endswith("_bucket") and other.endswith("_count") and asked <= own


def _le_apart(matchers: set[Matcher]) -> set[Matcher]:
    return {matcher for matcher in matchers if matcher.label != "le"}


def _arithmetic(operator: str, left: Interval, right: Interval) -> Interval:
    if operator == "/" and right.low <= 0 <= right.high:
        return _COUNT if left.low >= 0 and right.low >= 0 else _ANY
    ends = [arithmetic(operator, a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    if operator == "*":
        ends = [0.0 if math.isnan(end) else end for end in ends]
    if any(math.isnan(end) for end in ends):
        return _ANY
    return Interval(min(ends), max(ends), left.assumed or right.assumed, left.why or right.why)
