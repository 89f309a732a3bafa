"""What rules read: the samples that an expression may look at, and the recording rules behind a selector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.alerts.expressions import Rules, children, nodes, parsed, selectors
from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup
from workbench.promql.ast import Range, Selector
from workbench.promql.dialect import LOOKBACK_MS
from workbench.promql.selection import select
from workbench.telemetry.series import Series, Telemetry


def ranges(expr: Any) -> tuple[Range, ...]:
    """Every range of samples in an expression, each once, from left to right."""
    return tuple(dict.fromkeys(node for node in nodes(expr) if isinstance(node, Range)))


def oldest_ms(expr: Any) -> int:
    """How much older than the evaluation the oldest sample may be that an expression looks at: windows, offsets, lookbacks."""
    match expr:
        case Range():
            return expr.window_ms + max(0, expr.selector.offset_ms)
        case Selector():
            return LOOKBACK_MS + max(0, expr.offset_ms)
        case _:
            below = max((oldest_ms(part) for part in children(expr)), default=0)
            return below + int(getattr(expr, "window_ms", 0)) + max(0, int(getattr(expr, "offset_ms", 0)))


def rules_behind(rules: Sequence[Rule], groups: Sequence[RuleGroup]) -> tuple[Rule, ...]:
    """The rules and every recording rule that they read, directly or through others, in the order of the groups."""
    every = Rules(tuple(groups))
    own = {id(rule) for rule in rules}
    waiting = [number for number, (_, _, rule) in enumerate(every.rules) if id(rule) in own]
    wanted: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in wanted:
            wanted.add(number)
            found = {writer for selector in selectors(parsed(every.rules[number][2].expr)) for writer in every.writers(selector)}
            waiting += [writer for writer in found if isinstance(every.rules[writer][2], RecordingRule)]
    return tuple(rule for number, (_, _, rule) in enumerate(every.rules) if number in wanted)


def rules_reach_s(rules: Sequence[Rule]) -> float:
    """How far back the alerts of a chain of rules look: their own reach and that of the recording rules that they read."""
    every = Rules((RuleGroup("all", tuple(rules)),))

    def of(number: int, above: frozenset[int]) -> int:
        expr = parsed(every.rules[number][2].expr)
        deeper = {writer for selector in selectors(expr) for writer in every.writers(selector)} - above
        records = (writer for writer in deeper if isinstance(every.rules[writer][2], RecordingRule))
        return oldest_ms(expr) + max((of(writer, above | {writer}) for writer in records), default=0)

    alerts = (number for number, (_, _, rule) in enumerate(every.rules) if isinstance(rule, AlertRule))
    return max((of(number, frozenset({number})) for number in alerts), default=0) / 1000.0


def series_read(rules: Sequence[Rule], telemetry: Telemetry) -> tuple[Series, ...]:
    """The series of the telemetry that any selector of the rules matches, in the order of their keys."""
    wanted = dict.fromkeys(selector for rule in rules for selector in selectors(parsed(rule.expr)))
    found = {id(one) for selector in wanted for one in select(telemetry, selector)}
    return tuple(one for one in telemetry if id(one) in found)
