"""`rate` and `increase` of counters, bit for bit as Prometheus computes them (extrapolatedRate in promql/functions.go)."""

from __future__ import annotations

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.windows import IntArray, Windows
from workbench.telemetry.series import FloatArray

LARGEST_WHOLE = 2.0**53
"""Below it every whole number is a float64, and every order of adding gives the same."""


def extrapolated(begin: FloatArray, delta: FloatArray, windows: Windows, dialect: Dialect, window_s: float | None) -> FloatArray:
    """What `rate` (with `window_s`) or `increase` (without) gives in each window.

    `begin` and `delta` [n, T] are the value of the first sample and the increments; anything comes out where a window has
    not enough samples.
    """
    with np.errstate(all="ignore"):
        covered, spacing, threshold = windows.covered_s, windows.spacing_s, windows.threshold_s
        to_zero = np.where((delta > 0) & (begin >= 0), covered * (begin / delta), np.inf)
        if dialect.clamps_last:
            left = np.minimum(np.where(windows.left_s >= threshold, spacing / 2, windows.left_s), to_zero)
        else:
            left = np.minimum(windows.left_s, to_zero)
            left = np.where(left < threshold, left, spacing / 2)
        right = np.where(windows.right_s < threshold, windows.right_s, spacing / 2)
        factor = (covered + left + right) / covered
        if window_s is not None:
            factor = factor / window_s
        result: FloatArray = delta * factor
        return result


def increments(values: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    """Last minus first value of each window, plus the value before each drop in it, in the order in which Prometheus adds.

    `values` [n, samples]; `low` and `high` [T] with `low <= high`; the result is [n, T].
    """
    delta: FloatArray = values[:, high] - values[:, low]
    dropped = values[:, 1:] < values[:, :-1]
    for row in np.flatnonzero(dropped.any(axis=1)):
        delta[row] = _with_drops(delta[row], values[row], np.flatnonzero(dropped[row]) + 1, low, high)
    return delta


def _with_drops(delta: FloatArray, values: FloatArray, drops: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    before = values[drops - 1]
    begin, end = np.searchsorted(drops, low, "right"), np.searchsorted(drops, high, "right")
    if np.all(np.rint(values) == values) and before.sum() + np.abs(values).max() < LARGEST_WHOLE:
        running = np.concatenate([[0.0], np.cumsum(before)])
        delta += running[end] - running[begin]
        return delta
    for step in range(int((end - begin).max(initial=0))):
        at = begin + step
        delta = np.where(at < end, delta + before[np.minimum(at, drops.size - 1)], delta)
    return delta


def resets(values: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    """How often the values fall within each window: [n, T]."""
    dropped = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values[:, 1:] < values[:, :-1], axis=1)], axis=1)
    counted: FloatArray = dropped[:, high] - dropped[:, low]
    return counted
