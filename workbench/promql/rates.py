"""`rate`, `increase` and `delta`, bit for bit as Prometheus computes them (extrapolatedRate in promql/functions.go)."""

from __future__ import annotations

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.windows import IntArray, Windows
from workbench.telemetry.series import FloatArray

LARGEST_WHOLE = 2.0**53
"""Below it every whole number is a float64, and every order of adding gives the same."""

RATES = frozenset({"rate", "increase", "delta"})


def extrapolated(
    begin: FloatArray, delta: FloatArray, windows: Windows, dialect: Dialect, window_s: float | None, *, counter: bool = True
) -> FloatArray:
    """What `rate` (with `window_s`) or `increase` (without) gives in each window; `delta` if it is no counter.

    `begin` and `delta` [n, T] are the value of the first sample and the increments; anything comes out where a window has
    not enough samples. `windows` may be one for all of them, if they are copies of each other.
    """
    with np.errstate(all="ignore"):
        covered, spacing, threshold = windows.covered_s, windows.spacing_s, windows.threshold_s
        if counter and _may_reach_zero(begin, delta, windows):
            to_zero = np.where((delta > 0) & (begin >= 0), covered * (begin / delta), np.inf)
        else:
            to_zero = np.full(1, np.inf)
        if dialect.clamps_last:
            left = np.where(windows.left_s >= threshold, spacing / 2, windows.left_s)
            left = np.where(to_zero < left, to_zero, left)
        else:
            left = np.where(to_zero < windows.left_s, to_zero, windows.left_s)
            left = np.where(left < threshold, left, spacing / 2)
        right = np.where(windows.right_s < threshold, windows.right_s, spacing / 2)
        factor = (covered + left + right) / covered
        if window_s is not None:
            factor = factor / window_s
        result: FloatArray = delta * factor
        return result


def _may_reach_zero(begin: FloatArray, delta: FloatArray, windows: Windows) -> bool:
    """Whether the distance to a counter's zero may be the shorter one anywhere: two extremes decide it for all windows at once.

    It is covered x begin / delta, three roundings; with begin at least b and delta at most d it is at least covered x b / d less
    those roundings, for which a part in a million is plenty.
    """
    if len(windows.left_s) != 1:
        return True
    least, most = begin.min(initial=np.inf), delta.max(initial=-np.inf)
    if not (np.isfinite(least) and np.isfinite(most)):
        return True
    reach = max(float(windows.left_s[0]), float(windows.threshold_s[0]))
    return not (least > 0 and float(windows.covered_s[0]) * least > 1.000001 * reach * max(most, 0.0))


def increments(values: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    """Last minus first value of each window, plus the value before each drop in it, in the order in which Prometheus adds.

    `values` [n, samples]; `low` and `high` [T] with `low <= high`; the result is [n, T].
    """
    delta: FloatArray = values[:, high] - values[:, low]
    dropped = values[:, 1:] < values[:, :-1]
    for row in np.flatnonzero(dropped.any(axis=1)):
        delta[row] = with_drops(delta[row], values[row], np.flatnonzero(dropped[row]) + 1, low, high)
    return delta


def with_drops(delta: FloatArray, values: FloatArray, drops: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    """Differences [T] of one series plus the value before each of its `drops` (samples less than the one before) in the window."""
    before = values[drops - 1].astype(np.float64)
    begin, end = np.searchsorted(drops, low, "right"), np.searchsorted(drops, high, "right")
    if np.all(np.rint(before) == before) and before.sum() + np.abs(values).max() < LARGEST_WHOLE and _whole(values):
        running = np.concatenate([[0.0], np.cumsum(before)])
        increased: FloatArray = delta + (running[end] - running[begin])
        return increased
    for step in range(int((end - begin).max(initial=0))):
        at = begin + step
        delta = np.where(at < end, delta + before[np.minimum(at, drops.size - 1)], delta)
    return delta


def _whole(values: FloatArray) -> bool:
    return values.dtype.kind in "iu" or bool(np.all(np.rint(values) == values))
