"""`histogram_quantile` and `histogram_fraction` over classic buckets (bucketQuantile in promql/quantile.go)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, either, merged, without_name
from workbench.telemetry.series import FloatArray

_SMALL_DELTA = 1e-12
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI]nf(?:inity)?|INF)", re.ASCII)


def histogram_quantile(share: Scalar, buckets: Vector, dialect: Dialect) -> Vector:
    """The quantile at each instant of every histogram among the buckets.

    Buckets without a readable `le` are ignored; a histogram whose `+Inf` bucket is missing, that has fewer than two buckets or
    no observations gives NaN.
    """

    def quantiles(at: BoolArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
        return _quantile(share.values[at], bounds, counts, dialect)

    return _of_histograms(buckets, quantiles, share.failed)


def histogram_fraction(lower: Scalar, upper: Scalar, buckets: Vector) -> Vector:
    """The share of observations between two values, of every histogram among the buckets (BucketFraction in promql/quantile.go)."""

    def fractions(at: BoolArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
        return _fraction(lower.values[at], upper.values[at], bounds, counts)

    return _of_histograms(buckets, fractions, either(lower.failed, upper.failed))


_OfBuckets = Callable[[BoolArray, FloatArray, FloatArray], FloatArray]


def _of_histograms(buckets: Vector, compute: _OfBuckets, failed: BoolArray | None) -> Vector:
    """Something of each histogram: `compute` gets the instants [T], the bounds [b], ascending, and the counts [b, T']."""
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(buckets.labels):
        bound = _bound(dict(labels).get("le", ""))
        if bound is not None:
            # Histograms of several names are several, though the name is dropped in the end.
            histograms.setdefault(tuple(pair for pair in labels if pair[0] != "le"), []).append((bound, row))
    instants = buckets.values.shape[1]
    values = np.zeros((len(histograms), instants))
    present = np.zeros(values.shape, bool)
    for out, members in enumerate(histograms.values()):
        members.sort()
        rows = [row for _, row in members]
        there = buckets.present[rows]
        present[out] = there.any(axis=0)
        with np.errstate(all="ignore"):
            _by_shape(values[out], np.array([bound for bound, _ in members]), buckets.values[rows], there, compute)
    return merged([without_name(labels) for labels in histograms], values, present, either(failed, buckets.failed))


def _bound(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _by_shape(out: FloatArray, bounds: FloatArray, counts: FloatArray, there: BoolArray, compute: _OfBuckets) -> None:
    """Instants with the same buckets are computed together."""
    left = there.any(axis=0)
    while left.any():
        shape = there[:, int(np.argmax(left))]
        same = left & (there == shape[:, None]).all(axis=0)
        different, starts = np.unique(bounds[shape], return_index=True)
        out[same] = compute(same, different, np.add.reduceat(counts[shape][:, same], starts, axis=0))
        left &= ~same


def _quantile(share: FloatArray, bounds: FloatArray, counts: FloatArray, dialect: Dialect) -> FloatArray:
    out = np.full(share.shape, np.nan)
    if bounds.size >= 2 and math.isinf(bounds[-1]) and bounds[-1] > 0:
        counts = _monotone(counts, dialect)
        observed = counts[-1]
        rank = share * observed
        bucket = np.minimum((counts[:-1] < rank).sum(axis=0), bounds.size - 1)
        at = np.arange(share.size)
        below = np.maximum(bucket - 1, 0)
        has_below = bucket > 0
        begin = np.where(has_below, bounds[below], 0.0)
        inside = counts[bucket, at] - np.where(has_below, counts[below, at], 0.0)
        over = rank - np.where(has_below, counts[below, at], 0.0)
        out = begin + (bounds[bucket] - begin) * (over / inside)
        out = np.where(bucket == bounds.size - 1, bounds[-2], out)
        out = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], out)
        out = np.where(observed == 0, np.nan, out)
    out = np.where(share < 0, -np.inf, out)
    out = np.where(share > 1, np.inf, out)
    return np.where(np.isnan(share), np.nan, out)


def _fraction(lower: FloatArray, upper: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    if not (math.isinf(bounds[-1]) and bounds[-1] > 0):
        return np.full(lower.shape, np.nan)
    observed = counts[-1]
    result = (_rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / observed
    result = np.where(lower >= upper, 0.0, result)
    return np.where((observed == 0) | np.isnan(lower) | np.isnan(upper), np.nan, result)


def _rank(value: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """How many observations lie below a value: linear within its bucket."""
    rank = np.zeros(value.shape)
    found = np.zeros(value.shape)
    known = np.zeros(value.shape, bool)
    below = -np.inf
    for bound, count in zip(bounds, counts, strict=True):
        at_edge = ~known & (below >= value)
        found[at_edge] = rank[at_edge]
        known |= at_edge
        inside = ~known & (below < value) & (bound > value)
        found[inside] = (rank + (count - rank) * (value - below) / (bound - below))[inside]
        known |= inside
        rank, below = count, bound
    observed = counts[-1]
    return np.where(~known | (found > observed), observed, found)


def _monotone(counts: FloatArray, dialect: Dialect) -> FloatArray:
    """Cumulative counts that never fall: the rates of buckets scraped one after the other may."""
    out = counts.copy()
    for row in range(1, len(out)):
        before, here = out[row - 1], out[row]
        raised = np.where(here < before, before, here)
        if dialect.ignores_small_deltas:
            near = np.abs(here - before) / (np.abs(before) + np.abs(here)) < _SMALL_DELTA
            raised = np.where(near, before, raised)
        out[row] = raised
    return out
