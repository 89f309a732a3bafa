"""Counters to events and back: what a counter counted between two scrapes, and what it would have shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.telemetry.series import Array, FloatArray, Series

IntArray = npt.NDArray[np.int64]


def increments(series: Series) -> Array:
    """Events of each scrape interval, shape of `series.values`; int64 for integer counters, float64 otherwise.

    `increments[i]` happened between scrape i-1 and scrape i. A value lower than the one before is a restart: the counter began
    again at 0, so the new value counts whole. The first value counts too, because counters begin at 0 at the start of a run. NaN
    samples (stale markers) hold no events; the sample after them is compared with the last number.

    The sum of all increments is the number of events counted, whatever the restarts; a restart that comes back at or above
    the value before it cannot be seen, here or by Prometheus.
    """
    values = series.values
    if np.issubdtype(values.dtype, np.integer):
        return _steps(values.astype(np.int64, copy=False))
    numbers = values.astype(np.float64, copy=False)
    known = ~np.isnan(numbers)
    if known.all():
        return _steps(numbers)
    events = np.zeros(len(numbers))
    events[known] = _steps(numbers[known])
    return events


def _steps(values: Array) -> Array:
    if not len(values):
        return values.copy()
    steps = np.empty_like(values)
    steps[0] = values[0]
    np.subtract(values[1:], values[:-1], out=steps[1:])
    fell = np.flatnonzero(steps[1:] < 0) + 1
    steps[fell] = values[fell]
    return steps


def running_sum(events: Array, restarted: npt.NDArray[np.bool_] | None = None) -> Array:
    """What a counter shows at each row: the sum of `events` up to and including it, from 0 again at each restarted row.

    The inverse of `increments`, as long as every restart is visible. Same dtype as `events`.
    """
    total = np.cumsum(events, dtype=events.dtype)
    if restarted is None or not restarted.any():
        return total
    before = total - events
    begin = np.where(restarted, np.arange(len(events)), 0)
    origin = np.maximum.accumulate(begin)
    base: Array = np.where(origin > 0, before[origin], 0)
    return (total - base).astype(events.dtype, copy=False)


def hidden_restarts(values: Array, restarted: npt.NDArray[np.bool_]) -> IntArray:
    """Rows at which a counter restarted and yet shows no less than before: invisible to `increments` and to Prometheus."""
    rows: IntArray = (np.flatnonzero(restarted[1:] & (values[1:] >= values[:-1])) + 1).astype(np.int64)
    return rows


def usual_spacing(times: FloatArray | IntArray) -> float:
    """The median distance between two neighbours (the lower one of two medians, so that it is a distance that occurs)."""
    gaps = np.diff(times)
    if not len(gaps):
        raise ValueError("the spacing of fewer than two instants is unknown")
    middle = (len(gaps) - 1) // 2
    return float(np.partition(gaps, middle)[middle])


def common_grid(columns: tuple[FloatArray, ...]) -> FloatArray:
    """The union of several arrays of instants, ascending; the array itself if they are all one array."""
    distinct = {id(column): column for column in columns}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    if not distinct:
        return np.empty(0)
    return np.unique(np.concatenate(list(distinct.values())))


def place_on_grid(times: FloatArray, grid: FloatArray) -> IntArray:
    """Index in `grid` of each of `times`; -1 where the grid does not have it."""
    at = np.searchsorted(grid, times)
    found = np.where(at < len(grid), at, 0)
    places: IntArray = np.where((at < len(grid)) & (grid[found] == times), at, -1) if len(grid) else np.full(len(times), -1)
    return places
