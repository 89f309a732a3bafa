"""Work at fixed times: vulnerabilities that are found and fixed, batch jobs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.platform import FIX_FACTORS
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray, Series, SeriesKey
from workbench.units import HOUR_S
from workbench.world.grid import Grid
from workbench.world.platform.slots import Slots


def vulnerabilities(world: World, grid: Grid, slots: Slots, seed: int) -> Iterator[Series]:
    """By severity: hours that the one fixed last took (0 before the first), how many were found and fixed."""
    every, law = world.platform.vulnerability_every, world.platform.vulnerability_fix
    for severity, factor in FIX_FACTORS.items():
        rng = stream(seed, "vulnerabilities", severity)
        count = int(rng.poisson(grid.horizon_s / every)) + 1
        found = np.sort(rng.uniform(0, grid.horizon_s, count))
        hours = factor * law.median / HOUR_S * np.exp(law.sigma * rng.standard_normal(count))
        fixed = found + hours * HOUR_S
        order = np.argsort(fixed)
        if severity in {"critical", "high"}:
            latest = np.searchsorted(fixed[order], grid.times, side="right")
            values = np.concatenate([[0.0], hours[order]])[latest]
            yield Series(SeriesKey.of("vulnerability_resolution_time_hours", severity=severity), grid.times, values)
        yield Series(SeriesKey.of("vulnerabilities_found_total", severity=severity), slots.times, slots.counted_until(found))
        yield Series(SeriesKey.of("vulnerabilities_fixed_total", severity=severity), slots.times, slots.counted_until(fixed))


def batch_jobs(world: World, slots: Slots, rates: FloatArray, seed: int) -> Iterator[Series]:
    """`batch_jobs_total` by whether the job was done in time, counted when it ends; busy hours make jobs longer."""
    batch = world.platform.batch
    begun = np.arange(math.ceil(slots.grid.horizon_s / batch.every)) * batch.every
    load = np.interp(begun, slots.grid.middles_s, rates) / float(rates.mean())
    z = stream(seed, "batch jobs").standard_normal(len(begun))
    lasts = batch.duration.median * np.exp(batch.duration.sigma * z) * load**batch.load_exponent
    late = lasts > batch.deadline
    for status, chosen in (("in_time", ~late), ("late", late)):
        done = slots.counted_until((begun + lasts)[chosen])
        yield Series(SeriesKey.of("batch_jobs_total", status=status), slots.times, done)
