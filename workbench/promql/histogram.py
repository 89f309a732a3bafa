"""`histogram_quantile` over classic buckets (bucketQuantile in promql/quantile.go)."""

from __future__ import annotations

import math

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, dropped, either
from workbench.telemetry.series import FloatArray

_SMALL_DELTA = 1e-12


def histogram_quantile(share: Scalar, buckets: Vector, dialect: Dialect) -> Vector:
    """The quantile at each instant of every histogram among the buckets.

    Buckets without a readable `le` are ignored; a histogram whose `+Inf` bucket is missing, that has
    fewer than two buckets or no observations gives NaN.
    """
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(buckets.labels):
        bound = _bound(dict(labels).get("le", ""))
        if bound is not None:
            histograms.setdefault(dropped(labels, ("le",)), []).append((bound, row))
    instants = buckets.values.shape[1]
    values = np.zeros((len(histograms), instants))
    present = np.zeros(values.shape, bool)
    for out, members in enumerate(histograms.values()):
        members.sort()
        rows = [row for _, row in members]
        there = buckets.present[rows]
        present[out] = there.any(axis=0)
        with np.errstate(all="ignore"):
            values[out] = _by_shape(share.values, np.array([bound for bound, _ in members]), buckets.values[rows], there, dialect)
    return Vector(tuple(histograms), values, present, either(share.failed, buckets.failed))


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _by_shape(share: FloatArray, bounds: FloatArray, counts: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    """Instants with the same buckets are computed together."""
    out = np.full(share.shape, np.nan)
    left = there.any(axis=0)
    while left.any():
        shape = there[:, int(np.argmax(left))]
        same = left & (there == shape[:, None]).all(axis=0)
        out[same] = _quantile(share[same], bounds[shape], counts[shape][:, same], dialect)
        left &= ~same
    return out


def _quantile(share: FloatArray, bounds: FloatArray, counts: FloatArray, dialect: Dialect) -> FloatArray:
    bounds, starts = np.unique(bounds, return_index=True)
    counts = np.add.reduceat(counts, starts, axis=0)
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
