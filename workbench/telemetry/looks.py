"""What numbers look like, whatever they were said to be: signs that a file was read the wrong way. Only ever findings."""

from __future__ import annotations

import numpy as np

from workbench.telemetry.series import FloatArray

FEWEST_ROWS = 12
"""Fewer say nothing: twelve counts in a row happen to rise once in half a billion."""
FEWEST_FOR_PERFECT = 10_000.0
"""At 99.9 % the chance of no error among so many is e^-10."""
_LONGEST_WINDOW = 60
_ROWS_FOR_WINDOW = 200


def looks_cumulative(counts: FloatArray) -> bool:
    """Whether these counts never fall, and rise in at least a third of the rows: then they are what a counter showed."""
    known = counts[~np.isnan(counts)]
    if len(known) < FEWEST_ROWS:
        return False
    steps = np.diff(known)
    return bool(steps.min() >= 0 and (steps > 0).mean() > 1 / 3)


def looks_per_interval(values: FloatArray) -> bool:
    """Whether these values fall far too often for a counter: in a tenth of the rows, and at least five times."""
    known = values[~np.isnan(values)]
    if len(known) < FEWEST_ROWS:
        return False
    falls = int((known[1:] < known[:-1]).sum())
    return falls >= max(5, 0.1 * len(known))


def rolling_window(counts: FloatArray) -> int | None:
    """The number of rows over which these counts look summed, so that every event is in as many rows; None if they do not.

    The differences of independent counts have an autocorrelation of -0.5 at lag 1 and of 0 elsewhere; those of sums over the last w
    counts, x[i] - x[i-w], have it at lag w alone. Differences are cut off at four typical ones, so that one burst decides nothing.
    """
    known = counts[~np.isnan(counts)]
    if len(known) < _ROWS_FOR_WINDOW:
        return None
    steps = np.diff(known)
    typical = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    if typical == 0:
        return None
    steps = np.clip(steps - steps.mean(), -4 * typical, 4 * typical)
    longest = min(_LONGEST_WINDOW, len(steps) // 8)
    whole = float(steps @ steps)
    related = np.array([float(steps[:-lag] @ steps[lag:]) / whole for lag in range(1, 2 * longest + 1)])
    noise = 5 / np.sqrt(len(steps))
    window = int(np.argmin(related[:longest])) + 1
    at = related[window - 1]
    beside = [related[window - 2] if window > 1 else -1.0, related[window]]
    isolated = min(beside) > -0.15 - noise and abs(related[2 * window - 1]) < 0.15 + noise
    return window if window > 1 and -0.65 < at < -0.35 and isolated else None


def all_failed(total: FloatArray, errors: FloatArray) -> bool:
    """Whether every request of every row is an error, over enough rows with traffic to be strange."""
    asked = (total > 0) & ~np.isnan(errors)
    return int(asked.sum()) >= FEWEST_ROWS and bool((errors[asked] == total[asked]).all())


def none_failed(total: FloatArray, errors: FloatArray) -> bool:
    """Whether there is no error among so many requests that a service of 99.9 % would almost surely have had some."""
    known = ~np.isnan(errors)
    return float(np.nansum(total[known])) >= FEWEST_FOR_PERFECT and float(errors[known].sum()) == 0
