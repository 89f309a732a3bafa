"""Autoscalers: how many replicas serve, decided by what was seen before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from workbench.scenario.schema.components import Component
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

    def looked(self, at: int, utilisation: float, grid: Grid, component: Component) -> Replicas:
        """After bin `at` with its utilisation."""
        scaler = component.autoscaler
        if scaler is None or scaler.metric != "utilisation":
            return self
        now = self
        if now.ready_at >= 0 and at + 1 >= now.ready_at:
            now = replace(now, serving=now.ordered, ready_at=-1)
        if not due(at, grid, scaler.every):
            return now
        wanted = min(scaler.max, max(scaler.min, math.ceil(now.serving * utilisation / scaler.target - 1e-9)))
        return now.decided(at, wanted, grid, component)

    def decided(self, at: int, wanted: int, grid: Grid, component: Component) -> Replicas:
        """After somebody asked for `wanted` replicas."""
        scaler = component.autoscaler
        assert scaler is not None  # noqa: S101 - only components with one get here
        if wanted > self.ordered:
            return replace(self, ordered=wanted, ready_at=at + 1 + math.ceil(scaler.delay / grid.step_s), low_since=-1)
        if wanted < self.ordered and self.quiet:
            since = self.low_since if self.low_since >= 0 else at
            if (at - since) * grid.step_s >= scaler.cool_down:
                return replace(self, ordered=wanted, serving=wanted, low_since=-1)
            return self if since == self.low_since else replace(self, low_since=since)
        return self if self.low_since < 0 else replace(self, low_since=-1)


def due(at: int, grid: Grid, every_s: float) -> bool:
    """Whether an autoscaler looks after bin `at`."""
    step = max(1, round(every_s / grid.step_s))
    return (at + 1) % step == 0


def start(component: Component) -> Replicas:
    """Replicas at the beginning of a run."""
    scaler = component.autoscaler
    count = component.replicas if scaler is None else min(scaler.max, max(scaler.min, component.replicas))
    return Replicas(count, count)


def usual_replicas(component: Component, busy: FloatArray, sessions: FloatArray, grid: Grid) -> tuple[Array, dict[int, Replicas]]:
    """Replicas in every bin `[bins]` when nothing goes wrong, and the states at bins at which they changed.

    Args:
        component: With its autoscaler, if any.
        busy: Servers that the usual load keeps at work in every bin, `[bins]`.
        sessions: Active sessions in every bin, `[bins]`.
        grid: The scrapes.
    """
    now = start(component)
    scaler = component.autoscaler
    out = np.full(len(busy), now.serving, np.int32)
    states = {0: now}
    if scaler is None:
        return out, states
    step = max(1, round(scaler.every / grid.step_s))
    for at in range(step - 1, len(busy), step):
        before = now
        if now.ready_at >= 0 and at + 1 >= now.ready_at:
            now = replace(now, serving=now.ordered, ready_at=-1)
        if scaler.metric == "utilisation":
            used = min(1.0, float(busy[at]) / (now.serving * component.concurrency))
            wanted = math.ceil(now.serving * used / scaler.target - 1e-9)
        else:
            wanted = scaler.min + scaler.step * int(float(sessions[at]) // scaler.target)
        now = now.decided(at, min(scaler.max, max(scaler.min, wanted)), grid, component)
        if now != before:
            states[at + 1] = now
        out[at + 1 : at + 1 + step] = now.serving
    return out, states
