"""The shapes of burn-rate alerts: error ratios compared with factor x budget, and pairs of a long and a short window."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import exact, metric, unscaled, value, walk, windows
from workbench.lint.rules.ranges import BURN_NAME, RATIO_NAME, Interval, Ranges, bare
from workbench.promql.ast import COMPARISONS, Aggregate, Binary, Call, Expr, Number, Selector, children

_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_NAMED_WINDOW = re.compile(r"(?:rate|ratio|burn|errors?|_|:)_?(\d+(?:ms|[smhdw]))$")
_WINDOW_LABELS = ("window", "sloth_window", "slo_window", "interval")
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of something measured with a constant."""

    comparison: Binary
    quantity: Expr
    """What varies."""
    threshold: Expr
    """What does not, as written."""
    operator: str
    """As read with the quantity on the left."""
    limit: float
    """The threshold in doubles."""
    interval: Interval
    """The values that the quantity can have."""
    is_ratio: bool
    """An error ratio, or a multiple of one."""
    window_ms: int | None
    """The one window of the quantity; None if it has none or several."""
    factor: Fraction | None = None
    """Burn rate of the threshold, where it is written as factor x budget."""
    budget: Fraction | None = None
    scale: Fraction = Fraction(1)
    """The quantity is this multiple of an error ratio: 100 for percent, 1 / budget for a burn rate."""

    @property
    def never_true(self) -> bool:
        """Whether no value that the quantity can have passes."""
        low, high, limit = self.interval.low, self.interval.high, self.limit
        if math.isnan(limit):
            return False  # another check's business
        match self.operator:
            case ">":
                return high <= limit
            case ">=":
                return high < limit
            case "<":
                return low >= limit
            case "<=":
                return low > limit
            case "==":
                return not low <= limit <= high
            case _:
                return False

    @property
    def always_true(self) -> bool:
        """Whether every value that the quantity can have passes."""
        low, high, limit = self.interval.low, self.interval.high, self.limit
        match self.operator:
            case ">":
                return low > limit
            case ">=":
                return low >= limit
            case "<":
                return high < limit
            case "<=":
                return high <= limit
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two conditions that must hold together."""

    long: Condition
    short: Condition
    joined: Expr
    """The `and`."""


def conditions(expr: Expr, rules: Rules) -> list[Condition]:
    """Every comparison with a constant that filters, in order."""
    known = rules.memo.setdefault(("conditions", expr), None)
    if not isinstance(known, list):
        known = rules.memo["conditions", expr] = [
            found for node in walk(expr) if isinstance(node, Binary) and (found := _condition(node, rules)) is not None
        ]
    return known


def pairs(expr: Expr, rules: Rules) -> list[Pair]:
    """Every `and` of two ratios over different windows; guards (`and count > 54`) do not count."""
    out = []
    for node in _chains(expr):
        found = [one for part in and_parts(node) for one in _only(part, rules) if one.is_ratio and one.window_ms is not None]
        if len(found) == 2:
            short, long = sorted(found, key=lambda one: one.window_ms or 0)
            out.append(Pair(long, short, node))
    return out


def singles(expr: Expr, rules: Rules) -> list[Condition]:
    """Conditions on an error ratio that stand in no pair."""
    paired = {one for pair in pairs(expr, rules) for one in (pair.long, pair.short)}
    return [one for one in conditions(expr, rules) if one.is_ratio and one not in paired]


def _chains(expr: Expr) -> Iterator[Binary]:
    """The topmost `and` of each chain of them."""
    if isinstance(expr, Binary) and expr.operator == "and":
        yield expr
        for part in and_parts(expr):
            yield from _chains(part)
        return
    for child in children(expr):
        yield from _chains(child)


def and_parts(expr: Expr) -> Iterator[Expr]:
    """The operands of a chain of `and`."""
    if isinstance(expr, Binary) and expr.operator == "and":
        yield from and_parts(expr.left)
        yield from and_parts(expr.right)
    else:
        yield expr


def _only(part: Expr, rules: Rules) -> list[Condition]:
    """The condition of an operand, if it has exactly one."""
    found = conditions(part, rules)
    return found if len(found) == 1 else []


def _condition(node: Binary, rules: Rules) -> Condition | None:
    if node.operator not in COMPARISONS or node.returns_bool:
        return None
    operator, quantity, threshold = node.operator, node.left, node.right
    limit = constant(threshold, rules)
    if limit is None:
        operator, quantity, threshold = _TURNED[operator], node.right, node.left
        limit = constant(threshold, rules)
    if limit is None or constant(quantity, rules) is not None:
        return None
    ranges = Ranges.of_rules(rules)
    factor, budget = product(threshold, rules)
    measured, scale = unscaled(quantity)
    named = _name_of(measured, rules)
    interval = ranges.of(quantity)
    is_share = interval_is_share(measured, ranges, rules)
    is_burn = bool(BURN_NAME.search(named)) and not is_share
    by_name = bool(RATIO_NAME.search(named)) or (is_burn and factor is not None)
    if by_name and not is_share:  # sum(apiserver_request:burnrate1h): a ratio by its author's own arithmetic
        top = float(scale)
        interval = Interval(0.0, top, assumed=True, why="an error ratio")
    if (is_share or by_name) and factor is None and scale not in {1, 100}:
        factor, budget = exact(threshold), 1 / scale
    return Condition(
        node, quantity, threshold, operator, limit, interval, is_share or by_name, window_of(measured, rules), factor, budget, scale
    )


def interval_is_share(expr: Expr, ranges: Ranges, rules: Rules) -> bool:
    """Whether an expression is a share of events, and no flag such as `up`."""
    found = ranges.of(expr)
    inner = inside(expr)
    if isinstance(inner, Binary) and inner.operator == "-" and value(inner.left) is not None:
        inner = inside(inner.right)
    if isinstance(inner, Selector):
        definition = rules.definition(inner)
        if definition is not None and definition.expr is not None and definition.expr != expr:
            return interval_is_share(definition.expr, ranges, rules)
        return bool(RATIO_NAME.search(metric(inner))) and (found.low, found.high) == (0.0, 1.0)
    return (found.low, found.high) == (0.0, 1.0) and isinstance(inner, Binary) and inner.operator == "/"


def constant(expr: Expr, rules: Rules) -> float | None:
    """Of a constant, or of one recorded in the same files (`slo:error_budget:ratio`); None for everything else."""
    plain = value(expr)
    if plain is not None:
        return plain
    folded = _resolved(expr, rules)
    return None if folded is None else value(folded)


def _resolved(expr: Expr, rules: Rules, depth: int = 0) -> Expr | None:
    """The same with recorded constants put in; None if it is no constant."""
    if depth > 8:
        return None
    match expr:
        case Number():
            return expr
        case Selector():
            definition = rules.definition(expr)
            return None if definition is None or definition.expr is None else _resolved(definition.expr, rules, depth + 1)
        case Call("vector" | "scalar", (argument,)):
            return _resolved(argument, rules, depth + 1)
        case Aggregate("min" | "max" | "avg", argument):
            return _resolved(argument, rules, depth + 1)
        case Binary(operator, left, right) if operator not in COMPARISONS:
            a, b = _resolved(left, rules, depth + 1), _resolved(right, rules, depth + 1)
            return None if a is None or b is None else Binary(operator, a, b)
        case _:
            return expr if value(expr) is not None else None


def product(threshold: Expr, rules: Rules) -> tuple[Fraction | None, Fraction | None]:
    """Factor and budget of `14.4 * 0.001`, `14.4 * (1 - 0.999)`, in either order; None twice for anything else."""
    folded = _resolved(threshold, rules)
    if not (isinstance(folded, Binary) and folded.operator == "*"):
        return None, None
    left, right = exact(folded.left), exact(folded.right)
    if left is None or right is None:
        return None, None
    if _is_difference(folded.right) or (not _is_difference(folded.left) and right <= left):
        return left, right
    return right, left


def _is_difference(expr: Expr) -> bool:
    """`1 - 0.999`, `(100 - 99.9) / 100`."""
    return any(isinstance(node, Binary) and node.operator == "-" and exact(node.left) in (1, 100) for node in walk(expr))


def window_of(expr: Expr, rules: Rules, depth: int = 0) -> int | None:
    """The one window over which something is measured, in milliseconds; that of a recorded series, by its rule or its name."""
    own = set(windows(expr))
    for node in walk(expr):
        if isinstance(node, Selector):
            definition = rules.definition(node)
            if definition is not None and definition.expr is not None and depth < 8:
                below = window_of(definition.expr, rules, depth + 1)
            else:
                below = named_window(node)
            if below is not None:
                own.add(below)
    return own.pop() if len(own) == 1 else None


def named_window(selector: Selector) -> int | None:
    """The window that a recorded series says in its name (`ratio_rate1h`) or in a label (`window="1h"`)."""
    found = _NAMED_WINDOW.search(metric(selector))
    if found:
        return duration_ms(found[1])
    for matcher in selector.matchers:
        if matcher.label in _WINDOW_LABELS and _PART.fullmatch(matcher.text):
            return duration_ms(matcher.text)
    return None


def duration_ms(text: str) -> int:
    """Milliseconds in `1h`, `1h4m`."""
    return sum(int(number) * _MS[unit] for number, unit in _PART.findall(text))


def inside(expr: Expr) -> Expr:
    """Without aggregations and fallbacks around it."""
    inner = bare(expr)
    while isinstance(inner, Aggregate):
        inner = bare(inner.argument)
    return inner


def _name_of(expr: Expr, rules: Rules) -> str:
    """The name of the recorded series that is compared; empty for anything else."""
    inner = inside(expr)
    return metric(inner) if isinstance(inner, Selector) and rules.definition(inner) is None else ""
