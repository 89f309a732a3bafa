"""How many requests each cell of each route is expected to send in each bin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.grid import Grid
from workbench.world.traffic import intensity

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

    @property
    def total(self) -> float:
        """Requests expected in the whole run."""
        return float(sum(each.sum() for each in self.expected.values()))


def demand(world: World, grid: Grid, start: dt.datetime) -> Demand:
    """The same demand as that of the aggregate mode."""
    rates = intensity(world.traffic, start, grid.middles_s)
    tiers = sorted(world.tiers)
    shares = np.array([float(world.tiers[tier].traffic_share) for tier in tiers])
    expected = {
        path: np.multiply.outer(shares * float(world.routes[path].share), rates * grid.widths_s) for path in sorted(world.routes)
    }
    return Demand({path: tuple((tier, "") for tier in tiers) for path in expected}, expected, rates)


def tiers_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Tiers of cells, each once, in their order."""
    return tuple(dict.fromkeys(tier for tier, _ in cells))
