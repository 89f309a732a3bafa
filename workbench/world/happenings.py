"""What happens in the world whatever the fidelity of its requests: incidents, changes, people, as simpy processes.

An incident is *planned* with a natural end; a page may lead an engineer to it, and then it is *mitigated* earlier. That is the
whole loop: what the engine decides shortens what the world does.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from workbench.commands import Command, Page
from workbench.scenario.model import Scenario
from workbench.world.delivery.maintenance import maintenance_windows, noticed
from workbench.world.delivery.pipeline import Pipeline
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.live import Live
from workbench.world.people.responders import Responders
from workbench.world.people.tickets import TicketDesk
from workbench.world.plan import Plan, PlannedIncident, draw_plan
from workbench.world.requests import BLOCK_BINS
from workbench.world.truth import Incident, Truth

Process = Generator[simpy.Event, Any, None]


class Happenings:
    """Incidents, changes and people of one run. Whoever counts requests says what effects and restarts mean to it."""

    def __init__(self, scenario: Scenario) -> None:
        clock = scenario.clock
        self.grid = Grid(clock.scrape_interval, clock.scrape_phase, clock.horizon)
        self._world = scenario.world
        self._seed = scenario.seed
        wanted = scenario.world.histogram.body_step / clock.scrape_interval
        self._slot_bins = min((n for n in range(1, BLOCK_BINS + 1) if BLOCK_BINS % n == 0), key=lambda n: (abs(n - wanted), n))
        self.plan: Plan = draw_plan(scenario.world, self.grid, scenario.start, scenario.seed, slot_bins=self._slot_bins)
        self._live: list[Live] = []
        self._open: list[Live] = []
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
            self.env, self.grid, self.plan.deployments, slot_bins=self._slot_bins, restart=self._restart, fail=self._fail
        )

    @property
    def now_s(self) -> float:
        """Seconds from the start of the run."""
        return float(self.env.now)

    def apply(self, command: Command) -> None:
        """A page reaches the on-call, a ticket the desk."""
        if isinstance(command, Page):
            self._responders.page(command)
        else:
            self._desk.ticket(command)

    def truth(self) -> Truth:
        """What really happened so far."""
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
        self._began(effect)
        yield self.env.timeout(planned.natural_end_s - planned.start_s) | live.mitigation
        effect.last = max(first + 1, self.grid.first_bin_from(self.env.now))
        live.end_s = max(float(self.env.now), self.grid.start_of(effect.last))
        if live in self._open:
            self._open.remove(live)
        live.ended.succeed()
        self._ended(effect)
        if planned.restarts:
            # As deployments: no slot holds a restart in its middle.
            restarted = -(-effect.last // self._slot_bins) * self._slot_bins
            if restarted < len(self.grid):
                yield self.env.timeout(max(0.0, self.grid.start_of(restarted) - self.env.now))
                self._restart(planned.restarts, restarted)

    def _fail(self, incident: PlannedIncident) -> None:
        self.env.process(self._incident(incident))

    # ---- what it means to the requests

    def _began(self, effect: ActiveEffect) -> None:
        """An incident acts from now on."""
        raise NotImplementedError

    def _ended(self, effect: ActiveEffect) -> None:
        """Its last bin is known now."""
        raise NotImplementedError

    def _restart(self, routes: Sequence[str], first: int) -> None:
        """Counters of these routes begin again at 0 in bin `first`."""
        raise NotImplementedError
