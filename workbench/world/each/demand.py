"""How many requests each cell of each route is expected to send in each bin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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
    return Demand({path: tuple(cell.labels for cell in wanted.cells) for path in expected}, expected, wanted.rates(), sessions)


def tiers_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Tiers of cells, each once, in their order."""
    return tuple(dict.fromkeys(tier for tier, _ in cells))
