"""Launches of features: the traffic that they bring."""

from __future__ import annotations

import datetime as dt

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.recurrence import occurrences


def launched_at(world: World, name: str, start: dt.datetime) -> float:
    """When a launch happens, seconds from the start of the run; negative before it."""
    [at_s] = occurrences(world.delivery.launches[name].at, None, None, start=start, from_s=-np.inf, to_s=np.inf)
    return at_s


def launch_factor(world: World, route: str, start: dt.datetime, times_s: FloatArray) -> FloatArray | None:
    """Traffic of a route as a multiple of the usual traffic at each time, `[len(times_s)]`; None where no launch touches it.

    Right after a launch it is its `traffic_factor`; what it adds fades exponentially. Several launches multiply.
    """
    out: FloatArray | None = None
    for name, launch in world.delivery.launches.items():
        if launch.traffic_factor == 1 or (launch.routes and route not in launch.routes):
            continue
        since = times_s - launched_at(world, name, start)
        factor = np.where(since >= 0, 1 + (launch.traffic_factor - 1) * np.exp(-np.maximum(since, 0) / launch.fades), 1.0)
        out = factor if out is None else out * factor
    return out
