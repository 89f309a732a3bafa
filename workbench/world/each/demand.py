"""How many requests each cell of each route is expected to send in each bin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.demand import demand as aggregate
from workbench.world.demand.sessions import active_sessions
from workbench.world.grid import Grid

Cell = tuple[str, str]
"""(tier, segment); the segment is empty where the tier has none."""


@dataclass(frozen=True)
class Demand:
    """Expected requests of every bin, before retries, and before users who wait for answers send fewer."""

    cells: Mapping[str, tuple[Cell, ...]]
    """By route."""
    expected: Mapping[str, FloatArray]
    """By route, `[cells, bins]`."""
    rates: FloatArray
    """Requests a second over all routes and cells, `[bins]`."""
    think_s: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """By route and cell: mean think time of users who wait for answers; None where they do not wait."""
    sessions: Mapping[str, Array] = field(default_factory=dict)
    """Active sessions by tier, `[bins]` each."""

    @property
    def total(self) -> float:
        """Requests expected in the whole run."""
        return float(sum(each.sum() for each in self.expected.values()))


def demand(world: World, grid: Grid, start: dt.datetime, seed: int) -> Demand:
    """The same demand as that of the aggregate mode."""
    wanted = aggregate.demand(world, grid, start, seed)
    expected = {path: wanted.requests(path, 0, len(grid)) for path in sorted(world.routes)}
    sessions = {
        tier: active_sessions(world.traffic, wanted.rates(tier, bots=False), grid, seed, tier) for tier in sorted(world.tiers)
    }
    think = tuple(cell.closed.think_time if cell.closed is not None else None for cell in wanted.cells)
    return Demand(
        {path: tuple(cell.labels for cell in wanted.cells) for path in expected},
        expected,
        wanted.rates(),
        dict.fromkeys(expected, think),
        sessions,
    )
