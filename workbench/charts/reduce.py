"""Columns brought to what a screen shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.telemetry.series import FloatArray

MOST_POINTS = 2000
"""A line of a figure never has more; no screen shows more columns of pixels."""


def envelope(values: FloatArray, most: int = MOST_POINTS) -> npt.NDArray[np.intp]:
    """Indices, ascending, of at most `most` values whose line looks like the line of all of them.

    The column is cut into equal bins; of each, the places of the smallest and of the largest value stay, and of a bin without any
    number one NaN: a peak of one step and a gap of one bin are both still seen. First and last value always stay.
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    bins = max((most - 2) // 2, 1)
    width = -(-n // bins)
    padded = np.full(bins * width, np.nan)
    padded[:n] = values
    table = padded.reshape(bins, width)
    offset = np.arange(bins) * width
    low = np.argmin(np.where(np.isnan(table), np.inf, table), axis=1) + offset
    high = np.argmax(np.where(np.isnan(table), -np.inf, table), axis=1) + offset
    kept = np.concatenate([low, high, [0, n - 1]])
    return np.unique(kept[kept < n])
