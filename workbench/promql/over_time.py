"""Functions of the samples of a window, bit for bit as Prometheus computes them (promql/functions.go).

Each kernel gives [n, T] for n series and T windows. What Prometheus adds up sample by sample is added in the same order here, the
k-th samples of all windows together; where every order gives the same float, a prefix sum does it at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.promql.held import Held
from workbench.promql.prefix import window_means, window_sums
from workbench.promql.ranking import quantile_of
from workbench.promql.summation import RunningMean, increased, step_of_mean
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray
from workbench.telemetry.series import FloatArray

Kernel = Callable[[Held], FloatArray]

_SORTED_CELLS = 1 << 20
"""Samples that are sorted together."""


def count_over_time(held: Held) -> FloatArray:
    """How many samples."""
    return _same(held, held.windows.counts)


def present_over_time(held: Held) -> FloatArray:
    """1."""
    return np.ones((len(held.values), len(held.instants_ms)))


def last_over_time(held: Held) -> FloatArray:
    """The newest sample."""
    return held.last()


def first_over_time(held: Held) -> FloatArray:
    """The oldest sample."""
    return held.first()


def sum_over_time(held: Held) -> FloatArray:
    """The compensated sum."""
    return window_sums(held)


def avg_over_time(held: Held) -> FloatArray:
    """The mean: from 2.55 on a compensated sum divided at the end, before that a compensated running mean."""
    if held.dialect.compensates_avg:
        return window_means(held, lambda part: _pieced(part, _mean))
    return _pieced(held, _running_mean)


def min_over_time(held: Held) -> FloatArray:
    """The least sample; NaN only where there is nothing else."""
    return _extremes(held, np.fmin)


def max_over_time(held: Held) -> FloatArray:
    """The greatest sample; NaN only where there is nothing else."""
    return _extremes(held, np.fmax)


def stddev_over_time(held: Held) -> FloatArray:
    """The standard deviation (of the population)."""
    return np.sqrt(stdvar_over_time(held))


def stdvar_over_time(held: Held) -> FloatArray:
    """The variance (of the population), by compensated running sums."""
    return _pieced(held, _variance)


def quantile_over_time(held: Held) -> FloatArray:
    """A quantile of the samples, interpolated linearly."""
    share = held.parameters[0]
    return _of_sorted(held, lambda samples, at: quantile_of(share[at], samples, np.ones(samples.shape, bool)))


def mad_over_time(held: Held) -> FloatArray:
    """The median of the distances from the median."""

    def distance(samples: FloatArray, at: IntArray) -> FloatArray:
        half, there = np.full(len(at), 0.5), np.ones(samples.shape, bool)
        return quantile_of(half, np.abs(samples - quantile_of(half, samples, there)), there)

    return _of_sorted(held, distance)


def changes(held: Held) -> FloatArray:
    """How often a sample differs from the one before it; two NaN do not differ."""
    before, after = held.values[:, :-1], held.values[:, 1:]
    return _counted(held, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def resets(held: Held) -> FloatArray:
    """How often a sample is less than the one before it."""
    return _counted(held, held.values[:, 1:] < held.values[:, :-1])


def idelta(held: Held) -> FloatArray:
    """The difference of the last two samples."""
    last, before, _ = _last_two(held)
    return last - before


def irate(held: Held) -> FloatArray:
    """The increase between the last two samples per second; after a reset, from 0."""
    last, before, seconds = _last_two(held)
    return np.where(last < before, last, last - before) / seconds


def deriv(held: Held) -> FloatArray:
    """The slope per second of the straight line through the samples."""
    return _pieced(held, lambda part: _regression(part, part.ms[part.windows.low])[0])


def predict_linear(held: Held) -> FloatArray:
    """Where the straight line through the samples is a while after the evaluation."""

    def predicted(part: Held) -> FloatArray:
        slope, intercept = _regression(part, part.instants_ms)
        return slope * part.parameters[0] + intercept

    return _pieced(held, predicted)


def double_exponential_smoothing(held: Held) -> FloatArray:
    """Holt's linear trend method."""
    return _pieced(held, _smoothed)


def ts_of_last_over_time(held: Held) -> FloatArray:
    """When the newest sample was taken, in seconds."""
    return _same(held, held.ms[held.windows.high] / 1000.0)


def ts_of_min_over_time(held: Held) -> FloatArray:
    """When the newest of the least samples was taken, in seconds."""
    return _pieced(held, lambda part: _time_of(part, np.less_equal))


def ts_of_max_over_time(held: Held) -> FloatArray:
    """When the newest of the greatest samples was taken, in seconds."""
    return _pieced(held, lambda part: _time_of(part, np.greater_equal))


KERNELS: dict[str, tuple[Kernel, int]] = {
    "avg_over_time": (avg_over_time, 1),
    "changes": (changes, 1),
    "count_over_time": (count_over_time, 1),
    "deriv": (deriv, 2),
    "double_exponential_smoothing": (double_exponential_smoothing, 2),
    "first_over_time": (first_over_time, 1),
    "idelta": (idelta, 2),
    "irate": (irate, 2),
    "last_over_time": (last_over_time, 1),
    "mad_over_time": (mad_over_time, 1),
    "max_over_time": (max_over_time, 1),
    "min_over_time": (min_over_time, 1),
    "predict_linear": (predict_linear, 2),
    "present_over_time": (present_over_time, 1),
    "quantile_over_time": (quantile_over_time, 1),
    "resets": (resets, 1),
    "stddev_over_time": (stddev_over_time, 1),
    "stdvar_over_time": (stdvar_over_time, 1),
    "sum_over_time": (sum_over_time, 1),
    "ts_of_last_over_time": (ts_of_last_over_time, 1),
    "ts_of_max_over_time": (ts_of_max_over_time, 1),
    "ts_of_min_over_time": (ts_of_min_over_time, 1),
}
"""Each function, and the fewest samples with which it has a value; `rate`, `increase` and `delta` are in `rates`."""


def _same(held: Held, values: FloatArray | IntArray) -> FloatArray:
    """One row for every series."""
    return np.broadcast_to(values.astype(np.float64), (len(held.values), len(values)))


def _pieced(held: Held, kernel: Kernel) -> FloatArray:
    out = np.empty((len(held.values), len(held.instants_ms)))
    for where, part in held.pieces():
        out[:, where] = kernel(part)
    return out


def _mean(held: Held) -> FloatArray:
    mean = RunningMean(held.first())
    for k, value, here in held.steps(1):
        mean.add(value, np.array(k + 1.0), here)
    return mean.value(held.windows.counts.astype(np.float64))


def _running_mean(held: Held) -> FloatArray:
    mean = np.zeros((len(held.values), len(held.instants_ms)))
    rest = np.zeros(mean.shape)
    for k, value, here in held.steps():
        change, stays = step_of_mean(mean, value, np.array(k + 1.0))
        after, carried = increased(mean, rest, change, forgets=held.dialect.forgets_at_infinity)
        moves = ~stays if here is None else ~stays & here
        mean, rest = np.where(moves, after, mean), np.where(moves, carried, rest)
    return np.where(np.isinf(mean), mean, mean + rest)


def _variance(held: Held) -> FloatArray:
    shape = (len(held.values), len(held.instants_ms))
    mean, mean_rest, total, total_rest = (np.zeros(shape) for _ in range(4))
    forgets = held.dialect.forgets_at_infinity
    for k, value, here in held.steps():
        delta = value - (mean + mean_rest)
        new_mean, new_rest = increased(mean, mean_rest, delta / (k + 1.0), forgets=forgets)
        new_total, new_carried = increased(total, total_rest, delta * (value - (new_mean + new_rest)), forgets=forgets)
        if here is None:
            mean, mean_rest, total, total_rest = new_mean, new_rest, new_total, new_carried
        else:
            mean, mean_rest = np.where(here, new_mean, mean), np.where(here, new_rest, mean_rest)
            total, total_rest = np.where(here, new_total, total), np.where(here, new_carried, total_rest)
    variance: FloatArray = (total + total_rest) / held.windows.counts
    return variance


def _extremes(held: Held, better: np.ufunc) -> FloatArray:
    """Over spans of powers of two, of which two cover any window: the order does not matter."""
    out = np.empty((len(held.values), len(held.instants_ms)))
    low, high = held.windows.low, held.windows.high
    _, exponents = np.frexp(held.windows.counts.astype(np.float64))
    span, level = held.values, 0
    for wanted in np.unique(exponents - 1):
        while level < wanted:
            span = better(span[:, : -(1 << level)], span[:, 1 << level :])
            level += 1
        at = np.flatnonzero(exponents - 1 == wanted)
        out[:, at] = better(span[:, low[at]], span[:, high[at] - (1 << level) + 1])
    return out


def _of_sorted(held: Held, reduce: Callable[[FloatArray, IntArray], FloatArray]) -> FloatArray:
    """Windows of one length are sorted together; `reduce` gets their samples [length, T'] and which windows they are."""
    out = np.empty((len(held.values), len(held.instants_ms)))
    counts = held.windows.counts
    for length in np.unique(counts):
        at_once = max(1, _SORTED_CELLS // int(length))
        every = np.flatnonzero(counts == length)
        for at in (every[start : start + at_once] for start in range(0, len(every), at_once)):
            index = held.windows.low[at] + np.arange(length)[:, None]
            for row, values in enumerate(held.values):
                out[row, at] = reduce(values[index], at)
    return out


def _counted(held: Held, events: BoolArray) -> FloatArray:
    """How many of the events between neighbouring samples lie in each window."""
    so_far = np.concatenate([np.zeros((len(events), 1)), np.cumsum(events, axis=1)], axis=1)
    counted: FloatArray = so_far[:, held.windows.high] - so_far[:, held.windows.low]
    return counted


def _last_two(held: Held) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The last sample, the one before it, and the seconds between them."""
    high = held.windows.high
    return held.values[:, high], held.values[:, high - 1], (held.ms[high] - held.ms[high - 1]) / 1000.0


def _regression(held: Held, origin_ms: IntArray) -> tuple[FloatArray, FloatArray]:
    """Slope and value at the origin [T] of the least-squares line, by compensated sums (linearRegression)."""
    shape = (len(held.values), len(held.instants_ms))
    forgets = held.dialect.forgets_at_infinity
    count = held.windows.counts.astype(np.float64)
    sums = [(np.zeros(shape), np.zeros(shape)) for _ in range(4)]
    begin = held.first()
    constant = np.ones(shape, bool)
    for k, y, here in held.steps():
        x = np.broadcast_to((held.times(k) - origin_ms) / 1e3, shape)
        differs = y != begin if k else np.zeros(shape, bool)
        constant &= ~differs if here is None else ~(differs & here)
        for at, added in enumerate((x, y, x * y, x * x)):
            total, rest = sums[at]
            after, carried = increased(total, rest, added, forgets=forgets)
            sums[at] = (after, carried) if here is None else (np.where(here, after, total), np.where(here, carried, rest))
    x_sum, y_sum, xy_sum, xx_sum = (total + rest for total, rest in sums)
    covariance = xy_sum - x_sum * y_sum / count
    variance = xx_sum - x_sum * x_sum / count
    slope = covariance / variance
    intercept = y_sum / count - slope * x_sum / count
    flat = np.where(np.isinf(begin), np.nan, 0.0)
    return np.where(constant, flat, slope), np.where(constant, begin + flat, intercept)


def _smoothed(held: Held) -> FloatArray:
    smoothing, trend = held.parameters
    level = held.first()
    before = np.zeros(level.shape)
    slope = np.zeros(level.shape)
    for k, value, here in held.steps(1):
        changed = value - level if k == 1 else trend * (level - before) + (1 - trend) * slope
        risen = smoothing * value + (1 - smoothing) * (level + changed)
        if here is None:
            before, level, slope = level, risen, changed
        else:
            slope = np.where(here, changed, slope)
            before, level = np.where(here, level, before), np.where(here, risen, level)
    return level


def _time_of(held: Held, at_least: np.ufunc) -> FloatArray:
    best = held.first()
    when = np.broadcast_to(held.ms[held.windows.low], best.shape)
    for k, value, here in held.steps():
        found = at_least(value, best) | np.isnan(best)
        if here is not None:
            found &= here
        best, when = np.where(found, value, best), np.where(found, held.times(k), when)
    seconds: FloatArray = when / 1000.0
    return seconds
