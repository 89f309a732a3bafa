"""`rate` and `increase` of one counter, bit for bit as Prometheus computes them (extrapolatedRate in promql/functions.go)."""

from __future__ import annotations

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.windows import IntArray, Windows
from workbench.telemetry.series import Array, FloatArray

_EXACT = 2.0**53


def extrapolated(values: Array, windows: Windows, dialect: Dialect, window_s: float | None) -> FloatArray:
    """What `rate` (with `window_s`) or `increase` (without) gives in each window.

    Shape [T]; anything where the window has not enough samples. Only samples from the first to the last window are read.
    """
    out = np.zeros(windows.low.shape)
    usable = np.flatnonzero(windows.enough)
    if usable.size == 0:
        return out
    first, last = int(windows.low[usable].min()), int(windows.high[usable].max())
    held = np.asarray(values[first : last + 1], dtype=np.float64)
    low, high = windows.low[usable] - first, windows.high[usable] - first
    with np.errstate(all="ignore"):
        delta = increments(held, low, high)
        covered, spacing = windows.covered_s[usable], windows.spacing_s[usable]
        left, right, threshold = windows.left_s[usable], windows.right_s[usable], windows.threshold_s[usable]
        begin = held[low]
        to_zero = np.where((delta > 0) & (begin >= 0), covered * (begin / delta), np.inf)
        if dialect.clamps_last:
            left = np.minimum(np.where(left >= threshold, spacing / 2, left), to_zero)
        else:
            left = np.minimum(left, to_zero)
            left = np.where(left < threshold, left, spacing / 2)
        right = np.where(right < threshold, right, spacing / 2)
        factor = (covered + left + right) / covered
        if window_s is not None:
            factor = factor / window_s
        out[usable] = delta * factor
    return out


def increments(values: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    """Last minus first value of each window, plus the value before each drop in it, in the order in which Prometheus adds them."""
    delta: FloatArray = values[high] - values[low]
    drops = np.flatnonzero(values[1:] < values[:-1]) + 1
    if drops.size == 0:
        return delta
    before = values[drops - 1]
    begin, end = np.searchsorted(drops, low, "right"), np.searchsorted(drops, high, "right")
    total = before.sum()
    if np.all(np.rint(values) == values) and total + np.abs(values).max() < _EXACT:
        # Whole numbers: every order of adding gives the same.
        running = np.concatenate([[0.0], np.cumsum(before)])
        delta += running[end] - running[begin]
        return delta
    for step in range(int((end - begin).max(initial=0))):
        at = begin + step
        delta = np.where(at < end, delta + before[np.minimum(at, drops.size - 1)], delta)
    return delta
