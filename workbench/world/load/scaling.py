"""Autoscalers: how many replicas serve, decided by what was seen before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from workbench.scenario.schema.components import Autoscaler, Component
from workbench.telemetry.series import Array, FloatArray
from workbench.world.grid import Grid


@dataclass(frozen=True, slots=True)
class Replicas:
    """The replicas of one component at one moment."""

    serving: int
    ordered: int
    """Replicas decided on, those on their way included."""
    ready_at: int = -1
    """Bin from which `ordered` serve; -1 if all do."""
    low_since: int = -1
    """Bin since which fewer would do; -1 if they would not."""

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        return self.ready_at < 0

    def looked(self, at: int, busy: float, sessions: float, grid: Grid, component: Component) -> Replicas:
        """After bin `at`, in which `busy` replicas' worth of servers were at work and so many sessions active."""
        scaler = component.autoscaler
        if scaler is None:
            return self
        now = self
        if now.ready_at >= 0 and at + 1 >= now.ready_at:
            now = Replicas(now.ordered, now.ordered, -1, now.low_since)
        if (at + 1) % _every(scaler, grid):
            return now
        wanted = (
            _wanted_by_load(scaler, min(busy, now.serving)) if scaler.metric == "utilisation" else _by_sessions(scaler, sessions)
        )
        return now._decided(at, min(scaler.max, max(scaler.min, wanted)), grid, scaler)

    def _decided(self, at: int, wanted: int, grid: Grid, scaler: Autoscaler) -> Replicas:
        """After somebody asked for `wanted` replicas."""
        if wanted > self.ordered:
            return Replicas(self.serving, wanted, at + 1 + math.ceil(scaler.delay / grid.step_s))
        if wanted < self.ordered and self.quiet:
            since = self.low_since if self.low_since >= 0 else at
            if (at - since) * grid.step_s >= scaler.cool_down:
                return Replicas(wanted, wanted)
            return self if since == self.low_since else replace(self, low_since=since)
        return self if self.low_since < 0 else replace(self, low_since=-1)


def _every(scaler: Autoscaler, grid: Grid) -> int:
    """Bins between two looks."""
    return max(1, round(scaler.every / grid.step_s))


def _wanted_by_load(scaler: Autoscaler, busy: float) -> int:
    return math.ceil(busy / scaler.target - 1e-9)


def _by_sessions(scaler: Autoscaler, sessions: float) -> int:
    return scaler.min + scaler.step * int(sessions // scaler.target)


def start(component: Component) -> Replicas:
    """Replicas at the beginning of a run."""
    scaler = component.autoscaler
    count = component.replicas if scaler is None else min(scaler.max, max(scaler.min, component.replicas))
    return Replicas(count, count)


def usual_replicas(
    component: Component, busy: FloatArray, sessions: FloatArray, grid: Grid
) -> tuple[Array, list[tuple[int, Replicas]]]:
    """Replicas in every bin `[bins]` when nothing goes wrong, and from which bin on which state holds, ascending.

    Looks at which nothing can change are skipped, so it costs by the change and not by the bin.

    Args:
        component: With its autoscaler.
        busy: Replicas' worth of servers that the usual load keeps at work in every bin, `[bins]`.
        sessions: Active sessions in every bin, `[bins]`.
        grid: The scrapes.
    """
    scaler = component.autoscaler
    assert scaler is not None  # noqa: S101 - the caller looked
    now, bins, step = start(component), len(busy), _every(scaler, grid)
    looks = np.arange(step - 1, bins, step)
    if scaler.metric == "utilisation":
        wanted = np.ceil(busy[looks] / scaler.target - 1e-9)
    else:
        wanted = scaler.min + scaler.step * np.floor_divide(sessions[looks], scaler.target)
    wanted = np.clip(wanted, scaler.min, scaler.max)
    # Where the next look lies that wants something else.
    turns = np.flatnonzero(np.diff(wanted)) + 1
    states = [(0, now)]
    look = 0
    while look < len(looks):
        if now.quiet and now.low_since < 0 and wanted[look] == now.ordered:
            place = int(np.searchsorted(turns, look, side="right"))
            if place >= len(turns):
                break
            look = int(turns[place])
        at = int(looks[look])
        if 0 < now.ready_at <= at:
            at = now.ready_at - 1
        else:
            look += 1
        after = now.looked(at, float(busy[at]), float(sessions[at]), grid, component)
        if after != now:
            states.append((at + 1, after))
            now = after
    if now.ready_at >= 0:
        states.append((now.ready_at, Replicas(now.ordered, now.ordered, -1, now.low_since)))
    firsts = [first for first, _ in states if first < bins]
    lengths = np.diff([*firsts, bins])
    out = np.repeat(np.array([one.serving for _, one in states[: len(firsts)]], np.int32), lengths)
    return out, states
