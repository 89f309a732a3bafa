"""The rule engine: alert states at every evaluation instant, computed ahead, committed up to the first transition.

It is Prometheus's rule manager: the rules of a group run one after the other at each instant, and so do the groups, in the order in
which they are given. What a rule writes (recording rules; `ALERTS` and `ALERTS_FOR_STATE` of alerting rules) is read by the others
exactly as far as it is there when they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.alerts.alerting import Event
from workbench.alerts.machine import Machine
from workbench.alerts.rules import Episode, Profile, RuleGroup
from workbench.alerts.standing import Standing, standing, written
from workbench.promql.ast import Expr
from workbench.promql.recorded import Writer
from workbench.promql.vector import Labels, Vector
from workbench.telemetry.series import Series, Telemetry

_BLOCK = 1024
"""Instants evaluated together: few after the caller changed the world, so that little is thrown away; more while it is quiet."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert began or ceased to fire at one evaluation."""

    at_s: float
    alert: str
    labels: Labels
    """Sorted, without `alertname`."""
    state: Literal["firing", "resolved"]


class RuleEngine:
    """Evaluates rule groups at k x E, ahead of the caller, who takes one transition after the other.

    Between two calls the caller may fill samples later than `committed_s`, and after `invalidate()` also rewrite them.
    """

    def __init__(self, groups: Sequence[RuleGroup], telemetry: Telemetry, profile: Profile) -> None:
        """Reads every expression; raises BadInput with all that cannot be evaluated, each with its group and rule."""
        self._machine = Machine(groups, telemetry, profile)
        self._grids = self._machine.program.grids
        self._step_ms = min(self._grids)
        self._block = _BLOCK
        self._committed_ms = -1
        self._ahead_ms = -1
        self._events: list[Event] = []
        self._episodes: list[Episode] = []

    @property
    def committed_s(self) -> float:
        """The last instant whose states are final; -1 ms before the first call."""
        return self._committed_ms / 1000.0

    @property
    def machine(self) -> Machine:
        """The rules with their states and all that they have written: to be asked, not to be changed."""
        return self._machine

    def look_ahead(self, to_s: float) -> tuple[Transition, ...]:
        """All transitions at the earliest instant in (committed, to_s] that has one, and commits through it.

        Without any, commits through the last instant not after `to_s` and returns nothing.
        """
        to_ms = int(np.floor(to_s * 1000 + 1e-6))
        found = self._next_transition(to_ms)
        while found is None and self._ahead_ms < to_ms:
            end_ms = min(to_ms, self._ahead_ms + self._block * self._step_ms)
            self._events += self._machine.advance(self._ahead_ms, end_ms)
            self._ahead_ms = end_ms
            self._block = min(2 * self._block, self.machine.largest_block)
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
        self._machine.forget(self._committed_ms)

    def episodes(self) -> tuple[Episode, ...]:
        """Every episode that began at or before the committed instant, ordered by pending time, alert and labels."""
        alerts = (alert for alerting in self._machine.alerting.values() for alert in alerting.alerts.values())
        open_ones = [alert.episode(None) for alert in alerts if alert.pending_ms is not None]
        return tuple(sorted([*self._episodes, *open_ones], key=lambda e: (e.pending_at_s, e.alert, e.labels)))

    def recorded(self) -> tuple[Series, ...]:
        """Every series that rules wrote through the committed instant, in order of their keys.

        Recording rules' series, `ALERTS` and `ALERTS_FOR_STATE`, all with their stale markers.
        """
        return written(self._machine, self._committed_ms)

    def failures(self) -> tuple[tuple[float, ...], ...]:
        """For each rule, in order of groups and rules: the committed evaluations that Prometheus fails, in seconds."""
        return tuple(tuple(at_ms / 1000.0 for at_ms in some if at_ms <= self._committed_ms) for some in self._machine.failures)

    def state_of(self, alert: str, labels: Labels, at_s: float) -> Standing | None:
        """How an alert stood at the last evaluation not after a committed time.

        `labels` are sorted and without `alertname`, as in `Episode`. None if no rule has this name.
        """
        return standing(self._machine, alert, labels, min(round(at_s * 1000), self._committed_ms))

    def annotations(self, alert: str, labels: Labels, at_s: float) -> tuple[tuple[str, str], ...]:
        """What the alert's annotations said at a time; empty where it was inactive."""
        found = self.state_of(alert, labels, at_s)
        return () if found is None else found.annotations

    def query(self, expr: Expr, at_s: float) -> Vector:
        """Any expression at one committed instant, over scraped series and all that rules wrote up to it."""
        return self._machine.reader.single(expr, round(at_s * 1000), Writer(len(self._machine.program.rulings)))

    def _next_transition(self, to_ms: int) -> int | None:
        return next((e.change.at_ms for e in self._events if e.reported is not None and e.change.at_ms <= to_ms), None)

    def _commit(self, at_ms: int) -> None:
        done = 0
        for event in self._events:
            if event.change.at_ms > at_ms:
                break
            ended = event.alert.apply(event.change)
            if ended is not None:
                self._episodes.append(ended)
            done += 1
        del self._events[:done]
        self._committed_ms = max(self._committed_ms, at_ms)
