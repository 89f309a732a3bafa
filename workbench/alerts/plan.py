"""In which order rules are computed, so that whole blocks of instants can be taken rule by rule.

What a rule may read is decided by matching its selectors against what is known of every other rule's series: their name, the
labels that the rule sets to a fixed text, and the names and states of alerts. Every other label may have any value, so a rule may
be thought to read more than it does, never less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.alerts.rules import AlertRule, Rule
from workbench.promql.ast import Matcher, MatchKind, Selector
from workbench.promql.selection import select
from workbench.telemetry.series import Series, SeriesKey, Telemetry

ALERTS, FOR_STATE = "ALERTS", "ALERTS_FOR_STATE"
"""The series that Prometheus writes for every active alert."""

_EMPTY = np.empty(0)


@dataclass(frozen=True, slots=True)
class Result:
    """What is known beforehand of series that a rule may write."""

    name: str
    labels: Mapping[str, tuple[str, ...]]
    """By label: the texts that it may have; empty text = not there. Labels that are missing here may be anything."""

    def may_match(self, selector: Selector) -> bool:
        """Whether a selector could find such a series."""
        return all(self._may_pass(matcher) for matcher in selector.matchers)

    def _may_pass(self, matcher: Matcher) -> bool:
        if matcher.label == "__name__":
            return _passes(matcher, SeriesKey(self.name))
        if matcher.label not in self.labels:
            return True
        return any(_passes(matcher, SeriesKey.of("any", {matcher.label: text})) for text in self.labels[matcher.label])


def results_of(rule: Rule, fixed: Mapping[str, str]) -> tuple[Result, ...]:
    """The kinds of series that a rule writes; `fixed` are the labels that it sets to a text without templates."""
    labels = {name: (text,) for name, text in fixed.items()}
    if isinstance(rule, AlertRule):
        named = {**labels, "alertname": (rule.name,)}
        return Result(ALERTS, {**named, "alertstate": ("pending", "firing")}), Result(FOR_STATE, named)
    return (Result(rule.record, labels),)


class Readers:
    """Which rules write what a selector may find."""

    def __init__(self, results: Sequence[Sequence[Result]]) -> None:
        """`results[i]` are the kinds of series that rule i writes."""
        self._by_name: dict[str, list[tuple[int, Result]]] = {}
        for place, some in enumerate(results):
            for result in some:
                self._by_name.setdefault(result.name, []).append((place, result))
        self._known: dict[Selector, frozenset[int]] = {}

    def writers(self, selector: Selector) -> frozenset[int]:
        """The places of these rules."""
        if selector not in self._known:
            exact = [m.text for m in selector.matchers if m.label == "__name__" and m.kind is MatchKind.EQUAL]
            names = exact[:1] if exact else sorted(self._by_name)
            still = replace(selector, offset_ms=0, at_ms=None)
            self._known[selector] = frozenset(
                place for name in names for place, result in self._by_name.get(name, ()) if result.may_match(still)
            )
        return self._known[selector]


def components(reads: Sequence[frozenset[int]]) -> Iterator[tuple[int, ...]]:
    """Rules that read each other, directly or not, together; what is read comes before what reads it.

    `reads[i]` are the rules that rule i may read. Tarjan's algorithm for strongly connected components, without recursion.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    for root in range(len(reads)):
        work = [] if root in index else [(root, iter(sorted(reads[root])))]
        if work:
            index[root] = low[root] = len(index)
            stack.append(root)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    component, stack[at:] = stack[at:], []
                    low.update(dict.fromkeys(component, len(reads)))
                    yield tuple(sorted(component))
            elif child not in index:
                index[child] = low[child] = len(index)
                stack.append(child)
                work.append((child, iter(sorted(reads[child]))))
            elif low[child] < len(reads):
                # Still on the stack: it closes a circle.
                low[node] = min(low[node], index[child])


def _passes(matcher: Matcher, key: SeriesKey) -> bool:
    only = Telemetry.of([Series(key, _EMPTY, _EMPTY)], horizon_s=0.0, scrape_interval_s=0.0)
    return bool(select(only, Selector((matcher,))))
