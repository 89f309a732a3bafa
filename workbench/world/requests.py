"""The baseline: every request of the run, drawn once for each (seed, world), whatever the policy.

Counts of a Poisson stream split by independent marks are independent Poisson counts, so each class of requests (good answers by
latency class, other answers by code) is drawn on its own: exact in distribution, no multinomial needed. Rows whose mean is
small are drawn as a few events and placed in time, which costs by the event and not by the bin.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.units import DAY_S
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout, is_timeout
from workbench.world.traffic import intensity

_SPARSE_MEAN = 0.15
"""Below this mean a bin, placing events is cheaper than drawing every bin."""


@dataclass(frozen=True)
class Baseline:
    """Counts of every bin before anything goes wrong."""

    rates: FloatArray
    """Requests a second over all routes and tiers, `[bins]`."""
    counts: tuple[Array, ...]
    """For each layout `[tiers, rows, bins]`, unsigned; rows as the layout names them."""


def draw_baseline(world: World, layouts: tuple[RouteLayout, ...], grid: Grid, start: dt.datetime, seed: int) -> Baseline:
    """Draw the whole run's requests. Streams are keyed by route, tier and day."""
    rates = intensity(world.traffic, start, grid.middles_s)
    expected = rates * grid.widths_s
    counts = []
    for layout in layouts:
        share = float(world.routes[layout.route].share)
        ceiling = expected.max() * share
        dtype = np.uint16 if ceiling + 12 * ceiling**0.5 + 100 < np.iinfo(np.uint16).max else np.uint32
        block = np.empty((len(layout.tiers), layout.rows, len(grid)), dtype=dtype)
        marks = _marks(world, layout)
        for index, tier in enumerate(layout.tiers):
            mean = expected * (share * float(world.tiers[tier].traffic_share))
            _draw_rows(block[index], mean, marks, layout, tier, grid, seed)
        counts.append(block)
    return Baseline(rates, tuple(counts))


def _marks(world: World, layout: RouteLayout) -> FloatArray:
    """Probability of each class row, `[class_rows]`, adding up to 1."""
    route = world.routes[layout.route]
    others = np.array([float(route.codes.get(code, 0)) for code in layout.others])
    marks: FloatArray = np.concatenate([(1.0 - others.sum()) * layout.classes.shares(), others])
    return marks


def _draw_rows(out: Array, mean: FloatArray, marks: FloatArray, layout: RouteLayout, tier: str, grid: Grid, seed: int) -> None:
    """Fill `out` `[rows, bins]` of one route and tier; day by day, so that what is worked on stays in the cache."""
    typical = float(mean.mean())
    dense = np.flatnonzero(marks * typical >= _SPARSE_MEAN)
    sparse = np.flatnonzero((marks * typical < _SPARSE_MEAN) & (marks > 0))
    bins = len(mean)
    at, kind = _place(mean, marks, sparse, layout, tier, seed)
    a_day = max(1, round(DAY_S / grid.step_s))
    for day, first in enumerate(range(0, bins, a_day)):
        last = min(first + a_day, bins)
        rng = stream(seed, "requests", layout.route, tier, day)
        classes = np.zeros((layout.class_rows, last - first), dtype=np.int32)
        classes[dense] = rng.poisson(marks[dense, None] * mean[None, first:last])
        low, high = np.searchsorted(at, (first, last))
        # Distinct events may share a bin and a class, so they are added up rather than assigned.
        flat = np.bincount(kind[low:high] * (last - first) + (at[low:high] - first), minlength=classes.size)
        classes += flat.reshape(classes.shape).astype(np.int32)
        out[:, first:last] = rows_of_classes(classes[None], layout)[0]


def _place(mean: FloatArray, marks: FloatArray, sparse: Array, layout: RouteLayout, tier: str, seed: int) -> tuple[Array, Array]:
    """Rare requests of the whole run: their bins, ascending, and their class rows."""
    rng = stream(seed, "rare requests", layout.route, tier)
    total = float(mean.sum() * marks[sparse].sum()) if len(sparse) else 0.0
    count = int(rng.poisson(total))
    if count == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    reach = np.cumsum(mean)
    # Sorted uniforms make the search run through the table in order.
    at = np.minimum(np.searchsorted(reach, np.sort(rng.random(count)) * reach[-1], side="right"), len(mean) - 1)
    upto = np.cumsum(marks[sparse] / marks[sparse].sum())
    kind = sparse[np.minimum(np.searchsorted(upto, rng.random(count), side="right"), len(sparse) - 1)]
    return at, kind


def rows_of_classes(classes: Array, layout: RouteLayout) -> Array:
    """From the class view `[tiers, class_rows, bins]` to the rows that are scraped `[tiers, rows, bins]`."""
    good = classes[:, : layout.classes.count]
    other = classes[:, layout.classes.count :]
    rows = np.empty((classes.shape[0], layout.rows, classes.shape[2]), dtype=classes.dtype)
    rows[:, 0] = good.sum(axis=1)
    rows[:, 1 : layout.first_bucket] = other
    late = np.array([is_timeout(code) for code in layout.others], dtype=bool)
    running = other[:, ~late].sum(axis=1) if len(late) else np.zeros_like(rows[:, 0])
    timeouts = other[:, late].sum(axis=1) if len(late) else np.zeros_like(rows[:, 0])
    for index in range(layout.classes.count):
        running = running + good[:, index]
        if index == layout.classes.timeout_class:
            running = running + timeouts
        rows[:, layout.first_bucket + index] = running
    return rows


def classes_of_rows(rows: Array, layout: RouteLayout) -> Array:
    """The inverse of `rows_of_classes`, as signed integers `[tiers, class_rows, bins]`."""
    signed = rows.astype(np.int32)
    other = signed[:, 1 : layout.first_bucket]
    late = np.array([is_timeout(code) for code in layout.others], dtype=bool)
    good = np.diff(signed[:, layout.first_bucket :], axis=1, prepend=0)
    if len(late):
        good[:, 0] -= other[:, ~late].sum(axis=1)
        good[:, layout.classes.timeout_class] -= other[:, late].sum(axis=1)
    return np.concatenate([good, other], axis=1)
