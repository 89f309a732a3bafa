"""One alerting rule in evaluation: the state of each of its alerts, committed and ahead, and what it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from workbench.alerts.naming import Naming, Rows
from workbench.alerts.plan import ALERTS, FOR_STATE
from workbench.alerts.rules import AlertRule, Episode
from workbench.alerts.states import INACTIVE, Change, Phase, State, changes
from workbench.promql.recorded import Writing, recorded_key
from workbench.promql.vector import BoolArray, Labels
from workbench.promql.windows import IntArray
from workbench.telemetry.series import FloatArray, SeriesKey


@dataclass(slots=True)
class Alert:
    """One label set of one rule: its committed state, the state computed ahead, and its open episode."""

    place: int
    rule: AlertRule
    labels: Labels
    committed: State = INACTIVE
    ahead: State = INACTIVE
    pending_ms: int | None = None
    firing_ms: int | None = None
    log: list[Change] = field(default_factory=list)
    """Every committed change."""

    def apply(self, change: Change) -> Episode | None:
        """Commit a change; the episode that it ends."""
        self.committed = change.state
        self.log.append(change)
        match change.state.phase:
            case Phase.PENDING:
                self.pending_ms = change.at_ms
            case Phase.FIRING if self.firing_ms is None:
                self.firing_ms = change.at_ms
            case Phase.INACTIVE:
                ended = self.episode(change.at_ms)
                self.pending_ms = self.firing_ms = None
                return ended
        return None

    def episode(self, end_ms: int | None) -> Episode:
        """Its life so far."""
        assert self.pending_ms is not None  # noqa: S101 - only active alerts have an episode
        return Episode(
            self.pending_ms / 1000.0,
            self.rule.name,
            self.labels,
            None if self.firing_ms is None else self.firing_ms / 1000.0,
            None if end_ms is None else end_ms / 1000.0,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one alert that is computed but not committed."""

    change: Change
    alert: Alert
    reported: Literal["firing", "resolved"] | None

    @property
    def rank(self) -> tuple[int, int, Labels]:
        """Events in order of time, then of rules, then of labels."""
        return self.change.at_ms, self.alert.place, self.alert.labels


class Alerting:
    """The alerts of one rule."""

    def __init__(self, place: int, rule: AlertRule, naming: Naming, limit: int) -> None:
        self.rule = rule
        self.naming = naming
        self.alerts: dict[Labels, Alert] = {}
        self._place = place
        self._limit = limit
        self._for_ms, self._keep_ms = round(rule.for_s * 1000), round(rule.keep_firing_for_s * 1000)

    @property
    def active(self) -> bool:
        """Whether any alert is pending or firing ahead."""
        return any(alert.ahead.phase is not Phase.INACTIVE for alert in self.alerts.values())

    def advance(self, instants_ms: IntArray, rows: Rows, failed: BoolArray | None) -> tuple[list[Event], BoolArray | None]:
        """Events at evaluations [T], and which of these failed.

        A failed query leaves every alert as it is. Too many alerts fail the evaluation as well, and clear all of them
        (AlertingRule.Eval in rules/alerting.go).
        """
        if not rows and not self.active:
            return [], failed
        for labels in rows:
            if labels not in self.alerts:
                self.alerts[labels] = Alert(self._place, self.rule, labels)
        fine = None if failed is None or not failed.any() else ~failed
        if fine is not None:
            instants_ms, rows = instants_ms[fine], {labels: present[fine] for labels, present in rows.items()}
        if not len(instants_ms):
            return [], failed
        if self._limit > 0:
            events, over = self._limited(instants_ms, rows)
            if fine is None:
                return events, over
            fine[fine] = ~over
            return events, ~fine
        events = []
        for alert, found in self._next(instants_ms, rows):
            for change in found:
                _take(events, alert, change)
        return events, failed

    def written(self, instants_ms: IntArray, lives: Mapping[Labels, tuple[State, Sequence[Change]]]) -> Writing:
        """What Prometheus writes of the alerts at evaluations [T]: `ALERTS` and `ALERTS_FOR_STATE`.

        `lives` has, by the labels of an alert, its state before the first instant and its changes.
        """
        rows: dict[SeriesKey, tuple[FloatArray, BoolArray]] = {}
        size = len(instants_ms)
        for labels, (state, changed) in lives.items():
            common = self.naming.written(self.rule.name, labels)
            edges = [0, *np.searchsorted(instants_ms, [change.at_ms for change in changed]).tolist(), size]
            states = [state, *(change.state for change in changed)]
            for begin, end, now in zip(edges[:-1], edges[1:], states, strict=True):
                if begin == end or now.phase is Phase.INACTIVE:
                    continue
                alerts = recorded_key(ALERTS, tuple({**dict(common), "alertstate": now.phase.value}.items()))
                for key, value in ((alerts, 1.0), (recorded_key(FOR_STATE, common), float(now.active_ms // 1000))):
                    values, present = rows.setdefault(key, (np.zeros(size), np.zeros(size, bool)))
                    values[begin:end], present[begin:end] = value, True
        values = np.array([row for row, _ in rows.values()]).reshape(-1, size)
        return Writing(tuple(rows), values, np.array([row for _, row in rows.values()], bool).reshape(-1, size))

    def _next(self, instants_ms: IntArray, rows: Rows) -> Iterator[tuple[Alert, Iterator[Change]]]:
        absent = np.zeros(len(instants_ms), bool)
        for labels, alert in self.alerts.items():
            present = rows.get(labels)
            if present is not None or alert.ahead.phase is not Phase.INACTIVE:
                present = absent if present is None else present
                yield alert, changes(alert.ahead, instants_ms, present, self._for_ms, self._keep_ms)

    def _limited(self, instants_ms: IntArray, rows: Rows) -> tuple[list[Event], BoolArray]:
        """The same with a limit; and where it is exceeded: [T]."""
        events: list[Event] = []
        over = np.zeros(len(instants_ms), bool)
        elements = np.sum(list(rows.values()), axis=0) if rows else np.zeros(len(instants_ms), np.int64)
        start = 0
        while start < len(instants_ms):
            rest = instants_ms[start:]
            found = [(alert, list(some)) for alert, some in self._next(rest, {k: v[start:] for k, v in rows.items()})]
            first = _first_over(found, rest, self._limit)
            for alert, some in found:
                for change in some:
                    if first is None or change.at_ms < rest[first]:
                        _take(events, alert, change)
            if first is None:
                break
            for alert, _ in found:
                if alert.ahead.phase is not Phase.INACTIVE:
                    _take(events, alert, Change(int(rest[first]), INACTIVE))
            # From nothing, the alerts of the next evaluation are its elements.
            fits = np.flatnonzero(elements[start + first + 1 :] <= self._limit)
            end = start + first + 1 + int(fits[0]) if fits.size else len(instants_ms)
            over[start + first : end] = True
            start = end
        return events, over


def _take(events: list[Event], alert: Alert, change: Change) -> None:
    events.append(Event(change, alert, _reported(alert.ahead, change.state)))
    alert.ahead = change.state


def _first_over(found: list[tuple[Alert, list[Change]]], instants_ms: IntArray, limit: int) -> int | None:
    """The first instant at which more alerts are active."""
    steps = np.zeros(len(instants_ms) + 1, np.int64)
    for alert, some in found:
        before = alert.ahead.phase is not Phase.INACTIVE
        steps[0] += before
        for change in some:
            after = change.state.phase is not Phase.INACTIVE
            steps[int(np.searchsorted(instants_ms, change.at_ms))] += int(after) - int(before)
            before = after
    over = np.flatnonzero(np.cumsum(steps[:-1]) > limit)
    return int(over[0]) if over.size else None


def _reported(before: State, after: State) -> Literal["firing", "resolved"] | None:
    if after.phase is Phase.FIRING and before.phase is not Phase.FIRING:
        return "firing"
    if after.phase is Phase.INACTIVE and before.phase is Phase.FIRING:
        return "resolved"
    return None
