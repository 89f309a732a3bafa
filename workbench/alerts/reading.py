"""What rules read: the selectors of an expression, how far back it looks, and the recording rules behind a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup
from workbench.promql.ast import Expr, MatchKind, Range, Selector
from workbench.promql.dialect import LOOKBACK_MS
from workbench.promql.parse import parse
from workbench.promql.selection import select
from workbench.telemetry.series import Series, Telemetry


def parts(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions of an expression, in the order in which they stand."""
    yield from _below(expr)


def selectors(expr: Expr) -> tuple[Selector, ...]:
    """Every selector in an expression, each once, from left to right."""
    return tuple(dict.fromkeys(_selectors(expr)))


def ranges(expr: Expr) -> tuple[Range, ...]:
    """Every range of samples in an expression, each once, from left to right."""
    return tuple(dict.fromkeys(node for node in _nodes(expr) if isinstance(node, Range)))


def reach_ms(expr: Expr) -> int:
    """How much older than the evaluation the oldest sample may be that an expression looks at."""
    below = max((reach_ms(part) for part in parts(expr)), default=0)
    match expr:
        case Range():
            return expr.window_ms + expr.selector.offset_ms
        case Selector():
            return LOOKBACK_MS + expr.offset_ms
        case _:
            # A subquery has both; whatever has neither adds nothing.
            return below + int(getattr(expr, "window_ms", 0)) + int(getattr(expr, "offset_ms", 0))


def rules_behind(rules: Sequence[Rule], groups: Sequence[RuleGroup]) -> tuple[Rule, ...]:
    """The rules and every recording rule that they read, directly or through others, in the order of the groups.

    A selector without an exact name may read any recording rule, so it reads all.
    """
    recordings = [one for group in groups for one in group.recordings]
    wanted: set[int] = set()
    open_ones: list[Rule] = list(rules)
    while open_ones:
        names = _names(parse(open_ones.pop().expr))
        for position, one in enumerate(recordings):
            if position not in wanted and (names is None or one.record in names):
                wanted.add(position)
                open_ones.append(one)
    kept = {id(recordings[position]) for position in wanted} | {id(rule) for rule in rules}
    return tuple(one for group in groups for one in group.rules if id(one) in kept)


def rules_reach_s(rules: Sequence[Rule]) -> float:
    """How far back a chain of rules looks: the reach of each, and that of the recording rules that it reads, added up."""
    exprs = [parse(rule.expr) for rule in rules]
    recorded: dict[str, list[int]] = {}
    for position, rule in enumerate(rules):
        if isinstance(rule, RecordingRule):
            recorded.setdefault(rule.record, []).append(position)

    def of(position: int, above: frozenset[int]) -> int:
        names = _names(exprs[position])
        deeper = [p for name, ps in recorded.items() if names is None or name in names for p in ps if p not in above]
        return reach_ms(exprs[position]) + max((of(p, above | {p}) for p in deeper), default=0)

    return max((of(p, frozenset({p})) for p, rule in enumerate(rules) if isinstance(rule, AlertRule)), default=0) / 1000.0


def series_read(rules: Sequence[Rule], telemetry: Telemetry) -> tuple[Series, ...]:
    """The series of the telemetry that any selector of the rules matches, in the order of their keys."""
    found = {id(one) for rule in rules for selector in selectors(parse(rule.expr)) for one in select(telemetry, selector)}
    return tuple(one for one in telemetry if id(one) in found)


def _names(expr: Expr) -> set[str] | None:
    """The metric names that an expression reads; None if some selector leaves the name open."""
    names: set[str] = set()
    for selector in selectors(expr):
        exact = [m.text for m in selector.matchers if m.label == "__name__" and m.kind is MatchKind.EQUAL]
        if not exact:
            return None
        names.update(exact)
    return names


def _nodes(expr: Any) -> Iterator[Any]:
    yield expr
    for part in _below(expr):
        yield from _nodes(part)


def _selectors(expr: Expr) -> Iterator[Selector]:
    for node in _nodes(expr):
        if isinstance(node, Selector):
            yield node


_EXPRESSIONS = Expr.__args__


def _below(value: Any) -> Iterator[Any]:
    """Expressions in the fields of one: every kind of node is read the same way, so a new kind needs nothing here."""
    if not is_dataclass(value):
        return
    for field in fields(value):
        inner = getattr(value, field.name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(one, _EXPRESSIONS):
                yield one
