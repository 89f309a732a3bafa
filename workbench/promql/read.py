"""What one evaluation reads of series once, for all its blocks and windows."""

from __future__ import annotations

import numpy as np

from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import Array, FloatArray, Series

_CELLS = 1 << 22
"""Samples that are held as floats beside the originals; further series are converted anew for every block."""


class Read:
    """Counters as floats, and where they fall, up to the last instant of an evaluation."""

    def __init__(self, until_ms: int) -> None:
        self._until_ms = until_ms
        self._cells = 0
        self._known: dict[int, tuple[FloatArray, IntArray]] = {}

    def counter(self, series: Series, times: Times, needed: int) -> tuple[FloatArray, IntArray]:
        """The samples of a series that are there by then, `needed` at least, and which of them are less than the one before."""
        key = id(series)
        if key not in self._known or len(self._known[key][0]) < needed:
            values: Array = series.values[: max(needed, times.until_one(self._until_ms))]
            falls = np.flatnonzero(values[1:] < values[:-1]) + 1
            floats: FloatArray = values.astype(np.float64, copy=False)
            if floats is not values:
                self._cells += len(values)
                if self._cells > _CELLS:
                    return floats, falls
            self._known[key] = floats, falls
        return self._known[key]
