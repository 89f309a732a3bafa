"""Going through expressions without knowing every form: what stands in what, which selectors there are, how far windows reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from workbench.alerts.plan import Readers, results_of
from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup
from workbench.errors import BadInput
from workbench.promql.ast import Matcher, Matching, Range, Selector
from workbench.promql.parse import parse


@lru_cache(maxsize=8192)
def parsed(expr: str) -> Any:
    """The expression that a rule's text says; None if it cannot be read, which others report."""
    try:
        return parse(expr)
    except BadInput:
        return None


def children(expr: Any) -> Iterator[Any]:
    """The expressions right inside an expression, in order."""
    if not is_dataclass(expr):
        return
    for field in fields(expr):
        value = getattr(expr, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part) and not isinstance(part, type) and not isinstance(part, Matcher | Matching):
                yield part


def nodes(expr: Any) -> Iterator[Any]:
    """An expression and all that stands in it, outside first."""
    yield expr
    for child in children(expr):
        yield from nodes(child)


def selectors(expr: Any) -> Iterator[Selector]:
    """Every selector, in order."""
    return (node for node in nodes(expr) if isinstance(node, Selector))


def window_ms(expr: Any) -> int | None:
    """The window that a range or a subquery spans; None for anything else."""
    value = getattr(expr, "window_ms", None)
    return value if isinstance(value, int) else None


def fixed_labels(group: RuleGroup, rule: Rule) -> dict[str, str]:
    """The labels that a rule sets to a text without templates."""
    texts = {**dict(group.labels), **dict(rule.labels)}
    return {key: text for key, text in texts.items() if isinstance(rule, RecordingRule) or "{{" not in text}


class Rules:
    """The rules of all groups, with what each may read of the others."""

    def __init__(self, groups: tuple[RuleGroup, ...]) -> None:
        self.rules: tuple[tuple[RuleGroup, int, Rule], ...] = tuple(
            (group, index, rule) for group in groups for index, rule in enumerate(group.rules)
        )
        self.results = tuple(results_of(rule, fixed_labels(group, rule)) for group, _, rule in self.rules)
        self._readers = Readers(self.results)
        self._reach: dict[int, int] = {}

    def writers(self, selector: Selector) -> frozenset[int]:
        """Numbers of the rules whose series a selector may find."""
        return self._readers.writers(selector)

    def read(self, number: int) -> Iterator[Selector]:
        """Every selector of a rule and of the recording rules that it reads, directly or not."""
        seen: set[int] = set()
        waiting = [number]
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            for selector in selectors(parsed(self.rules[at][2].expr)):
                yield selector
                waiting += sorted(one for one in self.writers(selector) if isinstance(self.rules[one][2], RecordingRule))

    def reach_ms(self, number: int) -> int:
        """The longest way back that a rule looks, through its ranges, subqueries and the recording rules that it reads."""
        return self._rule_reach(number, frozenset())

    def _rule_reach(self, number: int, above: frozenset[int]) -> int:
        if number in above:
            return 0
        if number not in self._reach:
            found = self._expr_reach(parsed(self.rules[number][2].expr), above | {number})
            if above:
                return found
            self._reach[number] = found
        return self._reach[number]

    def _expr_reach(self, expr: Any, above: frozenset[int]) -> int:
        if isinstance(expr, Selector):
            records = (one for one in self.writers(expr) if isinstance(self.rules[one][2], RecordingRule))
            return max((self._rule_reach(one, above) for one in records), default=0)
        inner = max((self._expr_reach(child, above) for child in children(expr)), default=0)
        return inner + (window_ms(expr) or 0)


def windows_of(groups: tuple[RuleGroup, ...]) -> Mapping[int, tuple[str, ...]]:
    """Every range over scraped samples in milliseconds, ascending, with the rules that have it as `name of group`.

    Ranges over what rules record are left out: they hold evaluations, not scrapes.
    """
    rules = Rules(groups)
    found: dict[int, dict[str, None]] = {}
    for group, _, rule in rules.rules:
        for node in nodes(parsed(rule.expr)):
            if isinstance(node, Range) and not rules.writers(node.selector):
                found.setdefault(node.window_ms, {})[f"{called(rule)} of {group.name}"] = None
    return {window: tuple(names) for window, names in sorted(found.items())}


def called(rule: Rule) -> str:
    """The name of the alert or of the record."""
    return rule.name if isinstance(rule, AlertRule) else rule.record
