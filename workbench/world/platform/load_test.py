"""A load test that offers the peak beside the users' requests."""

from __future__ import annotations

import datetime as dt

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.grid import Grid
from workbench.world.recurrence import occurrences


def load_test_rates(world: World, grid: Grid, start: dt.datetime, rates: FloatArray) -> FloatArray:
    """Requests a second that the load test adds to `rates` in each bin, `[bins]`: just so many that together they are the peak."""
    test = world.platform.load_test
    out = np.zeros(len(grid))
    if test is None:
        return out
    begun = occurrences(test.starts, test.rule, test.timezone, start=start, from_s=-test.lasts, to_s=grid.horizon_s)
    peak = test.rps if test.rps is not None else world.traffic.capacity_rps
    for at_s in begun:
        inside = (grid.middles_s >= at_s) & (grid.middles_s < at_s + test.lasts)
        out[inside] = np.maximum(peak - rates[inside], 0.0)
    return out
