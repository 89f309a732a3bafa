"""What `rate` and its kin see in one window of one series at one instant, step by step: plain numbers for a person to check.

The evaluator computes the same for all instants at once; this is the formula of extrapolatedRate (promql/functions.go) written down
once more, so a test can hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.telemetry.series import Series, SeriesKey, is_stale


@dataclass(frozen=True, slots=True)
class SeriesLook:
    """The samples of one series in a window, and what their increase is extrapolated to. Times in seconds."""

    key: SeriesKey
    samples: int
    first_s: float | None = None
    first_value: float | None = None
    last_s: float | None = None
    last_value: float | None = None
    resets: int = 0
    """How often the value fell: a counter that restarted."""
    counted: float | None = None
    """Last minus first value, plus what was lost at resets; None with fewer than two samples."""
    factor: float | None = None
    """What it is multiplied by to cover the whole window."""
    clamped: bool = False
    """The counter would have been below zero at the left edge, so the factor reaches only to its zero."""
    increase: float | None = None
    """`increase()` of the window: counted x factor."""
    rate: float | None = None
    """`rate()` of the window, a second."""


def look(series: Series, at_s: float, window_s: float, dialect: Dialect) -> SeriesLook:
    """One series in the window that ends at `at_s`."""
    times_ms = np.rint(series.times * 1000).astype(np.int64)
    right_ms = round(at_s * 1000)
    left_ms = right_ms - round(window_s * 1000)
    inside = (times_ms > left_ms if dialect.left_open else times_ms >= left_ms) & (times_ms <= right_ms)
    values = series.values[inside].astype(np.float64)
    times = times_ms[inside]
    fresh = ~is_stale(values)
    values, times = values[fresh], times[fresh]
    if not len(values):
        return SeriesLook(series.key, 0)
    first_s, last_s = float(times[0]) / 1000, float(times[-1]) / 1000
    found = SeriesLook(series.key, len(values), first_s, float(values[0]), last_s, float(values[-1]))
    if len(values) < 2:
        return found
    fell = values[1:] < values[:-1]
    counted = float(values[-1] - values[0])
    for lost in values[:-1][fell]:
        counted += float(lost)
    covered = (int(times[-1]) - int(times[0])) / 1000
    spacing = covered / (len(values) - 1)
    left, right = (int(times[0]) - left_ms) / 1000, (right_ms - int(times[-1])) / 1000
    to_zero = covered * (float(values[0]) / counted) if counted > 0 and values[0] >= 0 else float("inf")
    clamped = False
    if dialect.clamps_last:
        left = left if left < spacing * 1.1 else spacing / 2
        clamped, left = to_zero < left, min(left, to_zero)
    else:
        clamped, left = to_zero < left, min(left, to_zero)
        left = left if left < spacing * 1.1 else spacing / 2
    right = right if right < spacing * 1.1 else spacing / 2
    factor = (covered + left + right) / covered
    return SeriesLook(
        series.key,
        len(values),
        first_s,
        float(values[0]),
        last_s,
        float(values[-1]),
        int(fell.sum()),
        counted,
        factor,
        clamped,
        counted * factor,
        counted * (factor / window_s),
    )
