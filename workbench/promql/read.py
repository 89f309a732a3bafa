"""What one evaluation reads of series once, for all its blocks and windows."""

from __future__ import annotations

import numpy as np

from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import Array, FloatArray, Series

_CELLS = 1 << 22
"""Samples that are held as floats beside the originals; further series are converted anew for every block."""


class Read:
    """Counters as floats, and where they fall, from the first sample that was asked for up to the last instant of an evaluation."""

    def __init__(self, until_ms: int) -> None:
        self._until_ms = until_ms
        self._cells = 0
        self._known: dict[int, tuple[int, FloatArray, IntArray]] = {}

    def counter(self, series: Series, times: Times, first: int, end: int) -> tuple[FloatArray, IntArray]:
        """The samples of a series from index `first` to before `end`, and which of them, counted from there, fall."""
        key = id(series)
        known = self._known.get(key)
        if known is None or first < known[0] or known[0] + len(known[1]) < end:
            known = self._converted(series, first, max(end, times.until_one(self._until_ms)))
            floats = known[1]
            if floats.base is not series.values and floats is not series.values:
                self._cells += len(floats)
            if self._cells <= _CELLS:
                self._known[key] = known
        begin, held, falls = known
        falls = falls[np.searchsorted(falls, first - begin, "right") : np.searchsorted(falls, end - begin)]
        return held[first - begin : end - begin], falls - (first - begin)

    @staticmethod
    def _converted(series: Series, first: int, end: int) -> tuple[int, FloatArray, IntArray]:
        values: Array = series.values[first:end]
        falls = np.flatnonzero(values[1:] < values[:-1]) + 1
        return first, values.astype(np.float64, copy=False), falls
