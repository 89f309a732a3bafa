"""The simulated system and its people, as simpy processes over the exports.

An incident is *planned* with a natural end; a page may lead an engineer to it, and then it is *mitigated* earlier. That is the
whole loop: what the engine decides shortens what the world does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Any

import numpy as np
import simpy

from workbench.commands import Command, Page
from workbench.scenario.model import Scenario
from workbench.telemetry.series import Series, Telemetry
from workbench.world.delivery.maintenance import maintenance_windows, noticed
from workbench.world.delivery.pipeline import Pipeline
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.flow import Flow
from workbench.world.grid import Grid
from workbench.world.histograms import histogram_series
from workbench.world.layout import layouts
from workbench.world.live import Live
from workbench.world.people.responders import Responders
from workbench.world.people.tickets import TicketDesk
from workbench.world.plan import Plan, PlannedIncident, draw_plan
from workbench.world.platform import media_jobs, platform_series
from workbench.world.requests import BLOCK_BINS, draw_baseline
from workbench.world.traffic import intensity
from workbench.world.truth import Incident, Truth

Process = Generator[simpy.Event, Any, None]


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
        flow = Flow(scenario.world, self._layouts, self.grid, rates, scenario.seed)
        usual = flow.usual()
        self._baselines = tuple(
            draw_baseline(layout, usual.routes[layout.route], seed=scenario.seed, slot_bins=slot_bins) for layout in self._layouts
        )
        journeys: dict[str, str | None] = {path: route.journey for path, route in scenario.world.routes.items()}
        self._exports = Exports(self._baselines, journeys, flow, self.grid, scenario.seed)
        self._platform = tuple(platform_series(scenario.world, self.grid, rates, scenario.seed))
        self._live: list[Live] = []
        self._open: list[Live] = []
        self._rewritten = False
        self.env = simpy.Environment()
        self._responders = Responders(
            self.env,
            scenario.world,
            start=scenario.start,
            horizon_s=clock.horizon,
            seed=scenario.seed,
            open_incidents=self._open,
        )
        self._desk = TicketDesk(
            self.env,
            scenario.world,
            start=scenario.start,
            horizon_s=clock.horizon,
            seed=scenario.seed,
            open_incidents=self._open,
        )
        self._maintenance = maintenance_windows(scenario.world, self.grid, scenario.start)
        for incident in (*self.plan.incidents, *noticed(scenario.world, self._maintenance)):
            self.env.process(self._incident(incident))
        self._pipeline = Pipeline(
            self.env, self.grid, self.plan.deployments, slot_bins=slot_bins, restart=self._restart, fail=self._fail
        )

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
        """A page reaches the on-call, a ticket the desk."""
        if isinstance(command, Page):
            self._responders.page(command)
        else:
            self._desk.ticket(command)

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
            planned.id, planned.impact, frozenset(planned.routes), frozenset(planned.tiers), first, components=planned.components
        )
        live = Live(planned, effect, self.env.event(), self.env.event())
        if planned.cause != "planned":
            self._live.append(live)
            self._open.append(live)
        self._exports.effects.append(effect)
        self._changed(first)
        yield self.env.timeout(planned.natural_end_s - planned.start_s) | live.mitigation
        effect.last = max(first + 1, self.grid.first_bin_from(self.env.now))
        live.end_s = max(float(self.env.now), self.grid.start_of(effect.last))
        if live in self._open:
            self._open.remove(live)
        live.ended.succeed()
        if planned.restarts:
            self._restart(planned.restarts, effect.last)
        else:
            self._changed(effect.last)

    # ---- helpers

    def _restart(self, routes: Sequence[str], first: int) -> None:
        for route in routes:
            self._exports.restart(route, first)
        self._changed(first)

    def _fail(self, incident: PlannedIncident) -> None:
        self.env.process(self._incident(incident))

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
        return Truth(
            tuple(incidents),
            self._pipeline.deployments(),
            self._responders.records(),
            self._pipeline.changes(),
            self._desk.records(),
            self._maintenance,
        )
