"""One world, request by request, without anybody who watches: a pure function, for validation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import simpy

from workbench.scenario.schema.world import World
from workbench.world.each.codes import all_answer_codes
from workbench.world.each.demand import demand
from workbench.world.each.draws import Law
from workbench.world.each.machine import Machine
from workbench.world.each.population import usual_times
from workbench.world.each.result import EachResult
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import ErrorsHappen, TrafficRises
from workbench.world.layout import layouts
from workbench.world.network.answers import Network
from workbench.world.plan import PlannedIncident

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
"""A Monday."""


def simulate(
    world: World,
    horizon_s: float,
    seed: int,
    *,
    incidents: Sequence[PlannedIncident] = (),
    start: dt.datetime = START,
    scrape_interval_s: float = 15.0,
    scrape_phase_s: float = 0.0,
    services: Mapping[str, Law] | None = None,
    keep_waits: bool = False,
) -> EachResult:
    """Simulate a world in which these incidents run their natural course.

    `services` are laws of service times in place of the lognormal ones of some components: what theory knows more of. With
    `scrape_phase_s` 0 the first bin is empty: counts and seconds of bin 0 are 0.
    """
    grid = Grid(scrape_interval_s, scrape_phase_s, horizon_s)
    acts = [act for one in incidents for act in one.impact.acts if isinstance(act, ErrorsHappen | TrafficRises)]
    stated = [code for act in acts for code, _ in act.codes]
    network = Network(world)
    found = layouts(network, {})
    machine = Machine(
        simpy.Environment(),
        world,
        demand(world, grid, start, seed),
        grid,
        seed,
        codes=all_answer_codes(world, {layout.route: [*layout.codes, *stated] for layout in found}),
        usual_s=usual_times(network, found),
        services=services,
        keep_waits=keep_waits,
    )
    machine.effects += [
        ActiveEffect(
            one.id,
            one.impact,
            frozenset(one.routes),
            frozenset(one.tiers),
            grid.first_bin_from(one.start_s),
            grid.first_bin_from(one.natural_end_s),
            one.components,
        )
        for one in incidents
    ]
    machine.advance(horizon_s)
    return machine.result()
