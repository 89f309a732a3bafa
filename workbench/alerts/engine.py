"""The rule engine: alert states at every evaluation instant, computed ahead, committed up to the first transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from workbench.alerts.rules import AlertRule, Episode, Profile, RuleGroup
from workbench.alerts.states import INACTIVE, Change, Phase, State, changes
from workbench.errors import BadInput, Problem
from workbench.promql.ast import Expr
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.promql.vector import BoolArray, Labels
from workbench.promql.windows import IntArray
from workbench.telemetry.series import Telemetry

_BLOCK, _LARGEST_BLOCK = 1024, 8192
"""Instants evaluated together: few after the caller changed the world, so that little is thrown away; more while it is quiet."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert began or ceased to fire at one evaluation."""

    at_s: float
    alert: str
    labels: Labels
    """Sorted, without `alertname`."""
    state: Literal["firing", "resolved"]


@dataclass(slots=True)
class _Alert:
    """One label set of one rule: its committed state, the state computed ahead, and its open episode."""

    order: int
    rule: AlertRule
    labels: Labels
    committed: State = INACTIVE
    ahead: State = INACTIVE
    pending_ms: int | None = None
    firing_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    """A change of one alert that is computed but not committed."""

    change: Change
    alert: _Alert
    reported: Literal["firing", "resolved"] | None


@dataclass(slots=True)
class _Rule:
    rule: AlertRule
    expr: Expr
    alerts: dict[Labels, _Alert] = field(default_factory=dict)


class RuleEngine:
    """Evaluates rule groups at k x E, ahead of the caller, who takes one transition after the other.

    Between two calls the caller may fill samples later than `committed_s`, and after `invalidate()` also rewrite them.
    """

    def __init__(self, groups: Sequence[RuleGroup], telemetry: Telemetry, profile: Profile) -> None:
        """Reads every expression; raises BadInput with all that cannot be evaluated, each with its group and rule."""
        self._grids: dict[int, list[_Rule]] = {}
        problems: list[Problem] = []
        for group in groups:
            interval = profile.evaluation_interval_s if group.interval_s is None else group.interval_s
            rules = self._grids.setdefault(round(interval * 1000), [])
            for rule in group.alerts:
                try:
                    rules.append(_Rule(rule, parse(rule.expr)))
                except BadInput as error:
                    problems += [_of_rule(problem, group, rule) for problem in error.problems]
        if problems:
            raise BadInput(problems)
        if not self._grids:
            self._grids[round(profile.evaluation_interval_s * 1000)] = []
        self._conditions = {
            step: Conditions(Evaluator(telemetry, profile), [rule.expr for rule in rules]) for step, rules in self._grids.items()
        }
        self._step_ms = min(self._grids)
        self._block = _BLOCK
        self._committed_ms = -1
        self._ahead_ms = -1
        self._events: list[_Event] = []
        self._episodes: list[Episode] = []
        self._alerts = 0

    @property
    def committed_s(self) -> float:
        """The last instant whose states are final; -1 ms before the first call."""
        return self._committed_ms / 1000.0

    def look_ahead(self, to_s: float) -> tuple[Transition, ...]:
        """All transitions at the earliest instant in (committed, to_s] that has one, and commits through it.

        Without any, commits through the last instant not after `to_s` and returns nothing.
        """
        to_ms = int(np.floor(to_s * 1000 + 1e-6))
        found = self._next_transition(to_ms)
        while found is None and self._ahead_ms < to_ms:
            self._evaluate(min(to_ms, self._ahead_ms + self._block * self._step_ms))
            self._block = min(2 * self._block, _LARGEST_BLOCK)
            found = self._next_transition(to_ms)
        if found is None:
            self._commit(max(to_ms // step * step for step in self._grids))
            return ()
        transitions = tuple(
            Transition(event.change.at_ms / 1000.0, event.alert.rule.name, event.alert.labels, event.reported)
            for event in self._events
            if event.change.at_ms == found and event.reported is not None
        )
        self._commit(found)
        return transitions

    def invalidate(self) -> None:
        """Forget what was computed beyond the committed instant: the caller has rewritten samples later than it."""
        for event in self._events:
            event.alert.ahead = event.alert.committed
        self._events.clear()
        self._block = _BLOCK
        self._ahead_ms = self._committed_ms
        for conditions in self._conditions.values():
            conditions.forget(self._committed_ms)

    def episodes(self) -> tuple[Episode, ...]:
        """Every episode that began at or before the committed instant, ordered by pending time, alert and labels."""
        open_ones = [self._episode(alert, None) for alert in self._all_alerts() if alert.pending_ms is not None]
        return tuple(sorted([*self._episodes, *open_ones], key=lambda e: (e.pending_at_s, e.alert, e.labels)))

    def _all_alerts(self) -> Iterator[_Alert]:
        for rules in self._grids.values():
            for rule in rules:
                yield from rule.alerts.values()

    def _next_transition(self, to_ms: int) -> int | None:
        return next((e.change.at_ms for e in self._events if e.reported is not None and e.change.at_ms <= to_ms), None)

    def _evaluate(self, to_ms: int) -> None:
        """Compute states ahead through the last instants not after `to_ms`."""
        fresh: list[_Event] = []
        for step, rules in self._grids.items():
            instants_ms = np.arange(self._ahead_ms // step + 1, to_ms // step + 1, dtype=np.int64) * step
            if instants_ms.size:
                for rule, found in zip(rules, self._conditions[step].present(instants_ms), strict=True):
                    fresh += self._rule_events(rule, instants_ms, found.elements)
        fresh.sort(key=lambda event: (event.change.at_ms, event.alert.order))
        self._events += fresh
        self._ahead_ms = to_ms

    def _rule_events(self, rule: _Rule, instants_ms: IntArray, elements: Mapping[Labels, BoolArray]) -> Iterator[_Event]:
        if not elements and all(alert.ahead.phase is Phase.INACTIVE for alert in rule.alerts.values()):
            return
        rows: dict[Labels, BoolArray] = {}
        for labels, present in elements.items():
            named = _alert_labels(rule.rule, labels)
            if named in rows:
                if np.any(rows[named] & present):
                    raise BadInput(
                        Problem(
                            "alerts/duplicate", f"rule {rule.rule.name}: two alerts with the same labels", found=str(dict(named))
                        )
                    )
                present = rows[named] | present  # noqa: PLW2901 - the two rows are one alert
            rows[named] = present
        for named in rows:
            if named not in rule.alerts:
                rule.alerts[named] = _Alert(self._alerts, rule.rule, named)
                self._alerts += 1
        absent = np.zeros(instants_ms.size, bool)
        for named, alert in rule.alerts.items():
            here = rows.get(named)
            if here is None:
                if alert.ahead.phase is Phase.INACTIVE:
                    continue
                here = absent
            for change in changes(
                alert.ahead, instants_ms, here, round(rule.rule.for_s * 1000), round(rule.rule.keep_firing_for_s * 1000)
            ):
                yield _Event(change, alert, _reported(alert.ahead, change.state))
                alert.ahead = change.state

    def _commit(self, at_ms: int) -> None:
        done = 0
        for event in self._events:
            if event.change.at_ms > at_ms:
                break
            self._apply(event)
            done += 1
        del self._events[:done]
        self._committed_ms = max(self._committed_ms, at_ms)

    def _apply(self, event: _Event) -> None:
        alert, state = event.alert, event.change.state
        alert.committed = state
        match state.phase:
            case Phase.PENDING:
                alert.pending_ms = event.change.at_ms
            case Phase.FIRING if alert.firing_ms is None:
                alert.firing_ms = event.change.at_ms
            case Phase.INACTIVE:
                self._episodes.append(self._episode(alert, event.change.at_ms))
                alert.pending_ms = alert.firing_ms = None

    @staticmethod
    def _episode(alert: _Alert, end_ms: int | None) -> Episode:
        assert alert.pending_ms is not None  # noqa: S101 - only open alerts have episodes
        return Episode(
            alert.pending_ms / 1000.0,
            alert.rule.name,
            alert.labels,
            None if alert.firing_ms is None else alert.firing_ms / 1000.0,
            None if end_ms is None else end_ms / 1000.0,
        )


def _reported(before: State, after: State) -> Literal["firing", "resolved"] | None:
    if after.phase is Phase.FIRING and before.phase is not Phase.FIRING:
        return "firing"
    if after.phase is Phase.INACTIVE and before.phase is Phase.FIRING:
        return "resolved"
    return None


def _alert_labels(rule: AlertRule, labels: Labels) -> Labels:
    """The element's labels without the metric name, overlaid by the rule's; empty ones are none."""
    merged = {**{k: v for k, v in labels if k not in {"__name__", "alertname"}}, **dict(rule.labels)}
    return tuple(sorted((k, v) for k, v in merged.items() if v))


def _of_rule(problem: Problem, group: RuleGroup, rule: AlertRule) -> Problem:
    return replace(problem, path=f"groups.{group.name}.{rule.name}.expr")
