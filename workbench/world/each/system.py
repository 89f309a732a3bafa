"""The simulated system request by request, with its people: what `run` drives where the fidelity is `request`.

Requests cannot be taken back, so nothing is computed ahead: the clock stops at every evaluation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import floor

import numpy as np

from workbench.scenario.model import Scenario
from workbench.telemetry.series import Series, Telemetry
from workbench.world.each.codes import all_answer_codes
from workbench.world.each.counters import Counters
from workbench.world.each.demand import demand
from workbench.world.each.limits import check
from workbench.world.each.machine import Machine
from workbench.world.each.population import usual_times
from workbench.world.effects import ActiveEffect
from workbench.world.happenings import Happenings
from workbench.world.layout import layouts
from workbench.world.network.answers import Network
from workbench.world.platform.exported import Platform
from workbench.world.truth import Truth


class EachSystem(Happenings):
    """One simulated run of short horizon."""

    def __init__(
        self, scenario: Scenario, keep: Mapping[str, Collection[float]], evaluations_s: Collection[float] | None = None
    ) -> None:
        """`evaluations_s` are the intervals at which rules are evaluated; the scenario's own if none are given.

        Raises ValueError for a bound in `keep` that is not kept in the aggregate fidelity either, BadInput for more requests than
        can be simulated one by one.
        """
        super().__init__(scenario)
        world = scenario.world
        wanted = demand(world, self.grid, scenario.start, scenario.seed)
        check(wanted.total, self.grid.horizon_s)
        network = Network(world)
        found = layouts(network, keep)
        codes = all_answer_codes(world, {layout.route: layout.codes for layout in found})
        usual_s = usual_times(network, found)
        self._machine = Machine(self.env, world, wanted, self.grid, scenario.seed, codes=codes, usual_s=usual_s)
        journeys = {path: route.journey for path, route in sorted(world.routes.items())}
        self._counters = Counters(self._machine, journeys, world.histogram.bounds, self.grid)
        self._platform = Platform(
            world, self.grid, wanted.rates, wanted.sessions, start=scenario.start, seed=scenario.seed, slot_bins=self._slot_bins
        )
        self._every_s = tuple(sorted(set(evaluations_s or (scenario.clock.evaluation_interval,))))
        self._stop_s = 0.0

    @property
    def next_event_s(self) -> float:
        """The evaluation that is due next."""
        return self._stop_s

    def telemetry(self) -> Telemetry:
        """What is scraped. Arrays span the run; only the part up to `fill` holds anything."""
        return self._telemetry([])

    def fill(self, to_s: float) -> bool:
        """Let everything happen up to `to_s` and be scraped; nothing that was given before is ever rewritten."""
        self._machine.advance(to_s)
        self._counters.fill()
        return False

    def wait_until(self, at_s: float) -> None:
        """Advance the clock."""
        self.fill(at_s)

    def happen(self) -> None:
        """The evaluation is over; go on to the next."""
        self._stop_s = min((floor(self._stop_s / every + 1e-9) + 1) * every for every in self._every_s)

    def finish(self) -> tuple[Telemetry, Truth]:
        """Everything that was scraped, and what really happened."""
        self.fill(self.grid.horizon_s)
        routes = self._world.routes
        uploads = [
            self._counters.events(path, route.success_code) for path, route in sorted(routes.items()) if route.journey == "upload"
        ]
        taken = np.sum(uploads, axis=0) if uploads else None
        return self._telemetry([*self._platform.finish(self._counters.series(), taken)]), self.truth()

    # ---- what happens to the requests

    def _began(self, effect: ActiveEffect) -> None:
        self._machine.effects.append(effect)
        self._platform.began(effect)
        self._machine.changed()

    def _ended(self, effect: ActiveEffect) -> None:
        self._platform.ended(effect)
        self._machine.changed()

    def _restart(self, routes: Sequence[str], first: int) -> None:
        for route in routes:
            self._counters.restart(route, first)

    def _telemetry(self, more: list[Series]) -> Telemetry:
        return Telemetry.of(
            [*self._counters.series(), *self._platform.series(), *more],
            horizon_s=self.grid.horizon_s,
            scrape_interval_s=self.grid.step_s,
        )
