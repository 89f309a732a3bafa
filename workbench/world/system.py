"""The simulated system: what happens, laid over counts of requests."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from workbench.scenario.model import Scenario
from workbench.telemetry.series import Series, Telemetry
from workbench.world.demand.demand import demand
from workbench.world.demand.sessions import active_sessions
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.happenings import Happenings
from workbench.world.histograms import histogram_series
from workbench.world.layout import layouts
from workbench.world.load.flow import Flow
from workbench.world.load.gauges import Gauges
from workbench.world.network.answers import Network
from workbench.world.platform.exported import Platform
from workbench.world.requests import draw_baseline
from workbench.world.scrapes import loses_scrapes
from workbench.world.truth import Truth


class System(Happenings):
    """One simulated month (or any horizon), driven from event to event by `run`."""

    def __init__(self, scenario: Scenario, keep: Mapping[str, Collection[float]]) -> None:
        """`keep` names the latency bounds of each route that are read at every scrape.

        Raises ValueError for one that is not kept.
        """
        super().__init__(scenario)
        network = Network(scenario.world)
        world = scenario.world
        wanted = demand(world, self.grid, scenario.start, scenario.seed)
        self._layouts = layouts(network, keep, tuple(cell.labels for cell in wanted.cells))
        self._sessions = {
            tier: active_sessions(world.traffic, wanted.rates(tier, bots=False), self.grid, scenario.seed, tier)
            for tier in sorted(world.tiers)
        }
        flow = Flow(
            world,
            self._layouts,
            self.grid,
            network,
            wanted.requests,
            wanted.cells,
            sessions=np.sum(list(self._sessions.values()), axis=0),
            seed=scenario.seed,
        )
        self._gauges = Gauges(flow, self.grid)
        usual = flow.usual()
        self._baselines = tuple(
            draw_baseline(layout, usual.routes[layout.route], seed=scenario.seed, slot_bins=self._slot_bins)
            for layout in self._layouts
        )
        journeys: dict[str, str | None] = {path: route.journey for path, route in scenario.world.routes.items()}
        self._exports = Exports(self._baselines, journeys, self._gauges, self.grid, scenario.seed, gaps=self._gaps())
        self._platform = Platform(
            world, self.grid, wanted.rates(), self._sessions, start=scenario.start, seed=scenario.seed, slot_bins=self._slot_bins
        )
        self._rewritten = False

    # ---- what run drives

    @property
    def next_event_s(self) -> float:
        """When the world changes next by itself; infinity if never."""
        return self.env.peek()

    def telemetry(self) -> Telemetry:
        """What is kept at every scrape. Arrays span the run; only the part up to `fill` holds anything."""
        return self._telemetry(self._exports.series(), [])

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
        taken = np.sum(uploads, axis=0) if uploads else None
        requests = [*exports.scraped()]
        more += self._platform.finish([*requests, *more], taken, self._gauges.utilisation)
        return self._telemetry(requests, more), self.truth()

    # ---- what happens to the counters

    def _began(self, effect: ActiveEffect) -> None:
        self._exports.effects.append(effect)
        self._platform.began(effect)
        self._changed(effect.first)

    def _ended(self, effect: ActiveEffect) -> None:
        assert effect.last is not None  # noqa: S101 - it ended
        self._platform.ended(effect)
        self._changed(effect.last)

    def _restart(self, routes: Sequence[str], first: int) -> None:
        for route in routes:
            self._exports.restart(route, first)
        self._changed(first)

    def _gaps(self) -> dict[str, tuple[str, ...]]:
        """By route: the incidents in which its scrapes may be missing."""
        failures = [one.failure for one in self.plan.deployments if one.failure is not None]
        out: dict[str, tuple[str, ...]] = {}
        for one in (*self.plan.incidents, *failures):
            if loses_scrapes(one.impact):
                out.update({route: (*out.get(route, ()), one.id) for route in one.routes})
        return out

    def _changed(self, first: int) -> None:
        if self._exports.forget(first):
            self._rewritten = True

    def _telemetry(self, requests: Iterable[Series], more: list[Series]) -> Telemetry:
        return Telemetry.of(
            [*requests, *self._gauges.series(), *self._platform.series(), *more],
            horizon_s=self.grid.horizon_s,
            scrape_interval_s=self.grid.step_s,
        )
