"""The simulated system and its people, as simpy processes over the exports.

An incident is *planned* with a natural end; a page may lead an engineer to it, and then it is *mitigated* earlier. That is the
whole loop: what the engine decides shortens what the world does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from workbench.commands import Command
from workbench.rng import stream
from workbench.scenario.model import Scenario
from workbench.scenario.schema.base import Lognormal
from workbench.telemetry.series import Series, Telemetry
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.flow import Flow
from workbench.world.grid import Grid
from workbench.world.histograms import histogram_series
from workbench.world.layout import layouts
from workbench.world.plan import Plan, PlannedDeployment, PlannedIncident, draw_plan
from workbench.world.platform import media_jobs, platform_series
from workbench.world.requests import BLOCK_BINS, draw_baseline
from workbench.world.traffic import intensity
from workbench.world.truth import Deployment, Incident, PageRecord, Truth

Process = Generator[simpy.Event, Any, None]


@dataclass
class _Live:
    """An incident from its start on."""

    planned: PlannedIncident
    effect: ActiveEffect
    mitigation: simpy.Event
    ended: simpy.Event
    handled: bool = False
    end_s: float | None = None
    paged_at_s: float | None = None
    acknowledged_at_s: float | None = None
    mitigated_at_s: float | None = None
    pages: int = 0


@dataclass
class _PageState:
    command: Command
    engineer: str
    acknowledged_at_s: float | None = None
    escalated: bool = False
    incident: str | None = None


class System:
    """One simulated month (or any horizon), driven from event to event by `run`."""

    def __init__(self, scenario: Scenario, keep: Mapping[str, Collection[float]]) -> None:
        """`keep` names the latency bounds of each route that are read at every scrape.

        Raises ValueError for one that is not kept.
        """
        clock = scenario.clock
        self.grid = Grid(clock.scrape_interval, clock.scrape_phase, clock.horizon)
        self._world = scenario.world
        self._seed = scenario.seed
        self._layouts = layouts(scenario.world, keep)
        wanted = scenario.world.histogram.body_step / clock.scrape_interval
        slot_bins = min((n for n in range(1, BLOCK_BINS + 1) if BLOCK_BINS % n == 0), key=lambda n: (abs(n - wanted), n))
        self.plan: Plan = draw_plan(scenario.world, self.grid, scenario.start, scenario.seed, slot_bins=slot_bins)
        rates = intensity(scenario.world.traffic, scenario.start, self.grid.middles_s)
        flow = Flow(scenario.world, self._layouts, self.grid, rates)
        usual = flow.usual()
        self._baselines = tuple(
            draw_baseline(layout, usual.routes[layout.route], seed=scenario.seed, slot_bins=slot_bins) for layout in self._layouts
        )
        journeys: dict[str, str | None] = {path: route.journey for path, route in scenario.world.routes.items()}
        self._exports = Exports(self._baselines, journeys, flow, self.grid, scenario.seed)
        self._platform = tuple(platform_series(scenario.world, self.grid, rates, scenario.seed))
        self._live: list[_Live] = []
        self._open: list[_Live] = []
        self._deployments: list[Deployment] = []
        self._pages: list[_PageState] = []
        self._idle_pages = 0
        self._rewritten = False
        self.env = simpy.Environment()
        for incident in self.plan.incidents:
            self.env.process(self._incident(incident))
        for deployment in self.plan.deployments:
            self.env.process(self._deployment(deployment))

    # ---- what run drives

    @property
    def now_s(self) -> float:
        """Seconds from the start of the run."""
        return float(self.env.now)

    @property
    def next_event_s(self) -> float:
        """When the world changes next by itself; infinity if never."""
        return self.env.peek()

    def telemetry(self) -> Telemetry:
        """What is kept at every scrape. Arrays span the run; only the part up to `fill` holds anything."""
        return self._telemetry([])

    def fill(self, to_s: float) -> bool:
        """Let everything be scraped up to `to_s`; says whether samples given before were rewritten since the last call."""
        rewritten, self._rewritten = self._rewritten, False
        self._exports.settle(self.now_s)
        self._exports.fill(to_s)
        return rewritten

    def wait_until(self, at_s: float) -> None:
        """Advance the clock; nothing may be due before."""
        if at_s > self.env.now:
            self.env.run(until=at_s)

    def happen(self) -> None:
        """Let everything happen that is due at the next event's time."""
        at = self.env.peek()
        while self.env.peek() == at and not math.isinf(at):
            self.env.step()

    def apply(self, command: Command) -> None:
        """A page reaches the on-call."""
        engineer = self._on_call(command.at_s)
        state = _PageState(command, engineer)
        self._pages.append(state)
        self.env.process(self._respond(state))

    def finish(self) -> tuple[Telemetry, Truth]:
        """Everything that was scraped, the lower histogram buckets included, and what really happened."""
        self._exports.fill(self.grid.horizon_s)
        exports = self._exports
        more = [*histogram_series(exports, self._baselines, self._seed)]
        uploads = [
            exports.events(index, 0)
            for index, layout in enumerate(self._layouts)
            if self._world.routes[layout.route].journey == "upload"
        ]
        if uploads:
            more.append(media_jobs(self._world, self.grid, np.sum(uploads, axis=0), self._seed))
        return self._telemetry(more), self._truth()

    # ---- processes

    def _incident(self, planned: PlannedIncident) -> Process:
        yield self.env.timeout(planned.start_s - self.env.now)
        first = self.grid.first_bin_from(planned.start_s)
        effect = ActiveEffect(
            planned.id, planned.impact, frozenset(planned.routes), frozenset(planned.tiers), first, component=planned.component
        )
        live = _Live(planned, effect, self.env.event(), self.env.event())
        self._live.append(live)
        self._open.append(live)
        self._exports.effects.append(effect)
        self._changed(first)
        yield self.env.timeout(planned.natural_end_s - planned.start_s) | live.mitigation
        effect.last = max(first + 1, self.grid.first_bin_from(self.env.now))
        live.end_s = max(float(self.env.now), self.grid.start_of(effect.last))
        self._open.remove(live)
        live.ended.succeed()
        self._changed(effect.last)

    def _deployment(self, planned: PlannedDeployment) -> Process:
        yield self.env.timeout(planned.start_s - self.env.now)
        first = self.grid.first_bin_from(planned.start_s)
        for route in planned.restarts:
            self._exports.restart(route, first)
        if planned.restarts:
            self._changed(first)
        failure = planned.failure
        if failure is not None:
            self.env.process(self._incident(failure))
        self._deployments.append(
            Deployment(
                planned.id,
                planned.component,
                planned.start_s,
                planned.end_s,
                bad=failure is not None,
                incident=failure.id if failure else None,
            )
        )

    def _respond(self, state: _PageState) -> Process:
        """Acknowledge, look for the incident behind the page, mitigate it."""
        people = self._world.people
        found = self._behind(state.command.routes)
        if found is not None:
            found.paged_at_s = found.paged_at_s if found.paged_at_s is not None else float(self.env.now)
            found.pages += 1
            rng = stream(self._seed, "acknowledge", found.planned.id, found.pages)
        else:
            self._idle_pages += 1
            rng = stream(self._seed, "acknowledge", "no incident", self._idle_pages)
        delay = _draw(people.acknowledge, rng.standard_normal())
        if delay > people.escalate_after:
            state.escalated = True
            state.engineer = self._on_call(state.command.at_s + people.shift)
            delay = people.escalate_after + _draw(people.acknowledge, rng.standard_normal())
        yield self.env.timeout(delay)
        state.acknowledged_at_s = float(self.env.now)
        if found is None or found.handled or found.end_s is not None:
            found = self._behind(state.command.routes) or found
        if found is None:
            return
        state.incident = found.planned.id
        # Whoever is at it goes on until nothing that nobody works on touches these routes.
        while found is not None and found.end_s is None and not found.handled:
            found.handled = True
            if found.acknowledged_at_s is None:
                found.acknowledged_at_s = float(self.env.now)
            # How long the fix takes belongs to the incident, not to the page: another policy meets the same incident.
            rng = stream(self._seed, "mitigate", found.planned.id)
            yield self.env.timeout(_draw(people.mitigate, rng.standard_normal()))
            if found.end_s is None:
                found.mitigated_at_s = float(self.env.now)
                found.mitigation.succeed()
                yield found.ended
            found = self._behind(state.command.routes)

    # ---- helpers

    def _behind(self, routes: tuple[str, ...]) -> _Live | None:
        """The incident that an engineer finds first.

        The oldest that touches the routes and that nobody works on, else the oldest.
        """
        touching = [live for live in self._open if set(live.planned.routes) & set(routes)]
        touching.sort(key=lambda live: (live.handled, live.planned.start_s, live.planned.id))
        return touching[0] if touching else None

    def _on_call(self, at_s: float) -> str:
        people = self._world.people
        return f"engineer-{int(at_s // people.shift) % people.engineers + 1}"

    def _changed(self, first: int) -> None:
        if self._exports.forget(first):
            self._rewritten = True

    def _telemetry(self, more: list[Series]) -> Telemetry:
        return Telemetry.of(
            [*self._exports.series(), *self._platform, *more], horizon_s=self.grid.horizon_s, scrape_interval_s=self.grid.step_s
        )

    def _truth(self) -> Truth:
        incidents = [
            Incident(
                id=live.planned.id,
                mode=live.planned.mode,
                target=live.planned.component,
                cause=live.planned.cause,
                routes=live.planned.routes,
                tiers=live.planned.tiers,
                start_s=live.planned.start_s,
                natural_end_s=live.planned.natural_end_s,
                end_s=min(live.end_s if live.end_s is not None else self.grid.horizon_s, self.grid.horizon_s),
                effect=str(live.planned.impact),
                paged_at_s=live.paged_at_s,
                acknowledged_at_s=live.acknowledged_at_s,
                mitigated_at_s=live.mitigated_at_s,
            )
            for live in self._live
        ]
        incidents.sort(key=lambda incident: (incident.start_s, incident.id))
        pages = [
            PageRecord(
                at_s=state.command.at_s,
                alert=state.command.alert,
                labels=state.command.labels,
                engineer=state.engineer,
                acknowledged_at_s=state.acknowledged_at_s,
                escalated=state.escalated,
                incident=state.incident,
            )
            for state in self._pages
        ]
        return Truth(tuple(incidents), tuple(self._deployments), tuple(pages))


def _draw(law: Lognormal, z: float) -> float:
    return law.median * math.exp(law.sigma * z)
