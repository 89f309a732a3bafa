"""Deployments as processes: each asks a gate, restarts what it restarts, and brings its incident along if it is bad."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from workbench.world.delivery.planned import PlannedDeployment
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid
from workbench.world.truth import Deployment

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a gate says about a change that wants to begin."""

    allowed: bool
    ask_again_s: float | None = None
    """Where it is not allowed: when it may ask again, seconds from the start of the run; None drops the change."""


class Gate(Protocol):
    """Decides which changes may begin. It sees what a pipeline sees: never whether a change is bad."""

    def may_deploy(self, change: str, component: str, at_s: float) -> Ruling:
        """Rule over one change, named by its id, that wants to begin at `at_s`."""


class OpenGate:
    """Everything may begin."""

    def may_deploy(self, change: str, component: str, at_s: float) -> Ruling:  # noqa: ARG002 - the protocol's arguments
        """Allow it."""
        return Ruling(allowed=True)


class Pipeline:
    """Runs the planned changes of a run."""

    def __init__(
        self,
        env: simpy.Environment,
        grid: Grid,
        planned: Sequence[PlannedDeployment],
        *,
        slot_bins: int,
        restart: Callable[[Sequence[str], int], None],
        fail: Callable[[PlannedIncident], None],
        gate: Gate | None = None,
    ) -> None:
        """`restart(routes, bin)` restarts counters, `fail(incident)` begins an incident now."""
        self.env = env
        self.gate: Gate = gate or OpenGate()
        self._grid = grid
        self._slot_bins = slot_bins
        self._restart = restart
        self._fail = fail
        self._done: list[Deployment] = []
        for change in planned:
            env.process(self._deploy(change))

    def deployments(self) -> tuple[Deployment, ...]:
        """Every deployment that began, in that order."""
        return tuple(change for change in self._done if change.kind == "deployment")

    def changes(self) -> tuple[Deployment, ...]:
        """Every other change that began, in that order."""
        return tuple(change for change in self._done if change.kind != "deployment")

    def _deploy(self, change: PlannedDeployment) -> Process:
        yield self.env.timeout(change.start_s - self.env.now)
        while not (ruling := self.gate.may_deploy(change.id, change.component, float(self.env.now))).allowed:
            if ruling.ask_again_s is None:
                return
            at_s = self._slot(ruling.ask_again_s)
            if at_s <= self.env.now or at_s >= self._grid.times[-1]:
                return
            yield self.env.timeout(at_s - self.env.now)
        now = float(self.env.now)
        later = now - change.start_s
        if change.restarts:
            self._restart(change.restarts, self._grid.first_bin_from(now))
        failure = change.failure
        for caused in (*((failure,) if failure is not None else ()), *change.triggers):
            self._fail(
                caused if not later else dataclasses.replace(caused, start_s=now, natural_end_s=caused.natural_end_s + later)
            )
        self._done.append(
            Deployment(
                change.id,
                change.component,
                now,
                min(change.end_s + later, self._grid.horizon_s),
                bad=failure is not None,
                incident=failure.id if failure else None,
                kind=change.kind,
                wanted_s=change.start_s if later else None,
            )
        )

    def _slot(self, at_s: float) -> float:
        """The first slot that begins at or after `at_s`: no slot holds a restart in its middle."""
        first = self._grid.first_bin_from(at_s)
        return self._grid.start_of(-(-first // self._slot_bins) * self._slot_bins)
