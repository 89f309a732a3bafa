"""The alert state machine of Prometheus (rules/alerting.go), from edge to edge instead of from instant to instant.

    inactive ──element──► pending ──for has passed──► firing ──no element, keep_firing_for has passed──► inactive
                             └──one evaluation without the element──► inactive

All times are whole milliseconds; only evaluation instants exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray


class Phase(Enum):
    """Where one alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class State:
    """One alert at an instant."""

    phase: Phase = Phase.INACTIVE
    active_ms: int = 0
    """When it became pending; 0 if inactive."""
    missing_ms: int | None = None
    """Firing: the first evaluation without the element, if it is missing now."""


INACTIVE = State()


@dataclass(frozen=True, slots=True)
class Change:
    """The state from one instant on."""

    at_ms: int
    state: State


def changes(state: State, instants_ms: IntArray, present: BoolArray, for_ms: int, keep_ms: int) -> Iterator[Change]:
    """Every change of state at the given instants.

    `instants_ms` [T] ascends and follows the instant at which `state` stood; `present` [T] says where the expression has the
    element. Work is proportional to the number of runs of `present`, not of instants.
    """
    edges = np.flatnonzero(present[1:] != present[:-1]) + 1
    starts = [0, *edges.tolist()]
    ends = [*starts[1:], len(present)]
    for start, end in zip(starts, ends, strict=True):
        if start == end:
            return
        step = (
            _present(state, instants_ms, start, end, for_ms) if present[start] else _absent(state, instants_ms, start, end, keep_ms)
        )
        for change in step:
            state = change.state
            yield change


def _present(state: State, instants_ms: IntArray, start: int, end: int, for_ms: int) -> Iterator[Change]:
    now = int(instants_ms[start])
    if state.phase is Phase.FIRING:
        if state.missing_ms is not None:
            # The element is back in time: the alert goes on, its timer is gone.
            yield Change(now, State(Phase.FIRING, state.active_ms))
        return
    if state.phase is Phase.INACTIVE:
        state = State(Phase.PENDING, now)
        yield Change(now, state)
    due = _first_at(instants_ms, state.active_ms + for_ms, start)
    if due < end:
        yield Change(int(instants_ms[due]), State(Phase.FIRING, state.active_ms))


def _absent(state: State, instants_ms: IntArray, start: int, end: int, keep_ms: int) -> Iterator[Change]:
    now = int(instants_ms[start])
    if state.phase is Phase.PENDING or (state.phase is Phase.FIRING and keep_ms == 0):
        yield Change(now, INACTIVE)
    elif state.phase is Phase.FIRING:
        if state.missing_ms is None:
            state = State(Phase.FIRING, state.active_ms, now)
            yield Change(now, state)
        assert state.missing_ms is not None  # noqa: S101 - set just above
        due = _first_at(instants_ms, state.missing_ms + keep_ms, start)
        if due < end:
            yield Change(int(instants_ms[due]), INACTIVE)


def _first_at(instants_ms: IntArray, time_ms: int, start: int) -> int:
    """The first instant at or after a time, not before `start`."""
    return max(start, int(np.searchsorted(instants_ms, time_ms, "left")))
