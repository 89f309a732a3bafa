"""`rate`, `increase` and `delta`, bit for bit as Prometheus computes them (extrapolatedRate in promql/functions.go)."""

from __future__ import annotations

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.windows import Copies, IntArray, Windows
from workbench.telemetry.series import FloatArray

LARGEST_WHOLE = 2.0**53
"""Below it every whole number is a float64, and every order of adding gives the same."""

RATES = frozenset({"rate", "increase", "delta"})


def extrapolated(
    begin: FloatArray,
    delta: FloatArray,
    windows: Windows | Copies,
    dialect: Dialect,
    window_s: float | None,
    *,
    counter: bool = True,
) -> FloatArray:
    """What `rate` (with `window_s`) or `increase` (without) gives in each window; `delta` if it is no counter.

    `begin` and `delta` [n, T] are the value of the first sample and the increments; anything comes out where a window has
    not enough samples.
    """
    with np.errstate(all="ignore"):
        covered, spacing, threshold = windows.covered_s, windows.spacing_s, windows.threshold_s
        to_zero = np.where((delta > 0) & (begin >= 0), covered * (begin / delta), np.inf) if counter else np.full(1, np.inf)
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


def common_factor(least: float, most: float, copies: Copies, window_s: float | None, *, counter: bool) -> float | None:
    """The factor of windows that are copies of each other, if no counter's zero is near enough to limit any left stretch.

    `least` is the least first value of the windows, `most` their greatest increment. The distance to zero is
    covered x begin / delta, with three roundings, so it is at least covered x least / most less those, for which a part in a
    million is plenty.
    """
    left, threshold = copies.left_s, copies.threshold_s
    if counter and not (0 < least < np.inf and copies.covered_s * least > 1.000001 * max(left, threshold) * max(most, 0.0)):
        return None
    left = copies.spacing_s / 2 if left >= threshold else left
    right = copies.right_s if copies.right_s < threshold else copies.spacing_s / 2
    factor = (copies.covered_s + left + right) / copies.covered_s
    return factor if window_s is None else factor / window_s


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
