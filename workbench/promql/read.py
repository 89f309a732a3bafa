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


class SharedRates:
    """Rates of single series over windows that end at one block of instants, for all expressions that are evaluated at it.

    Objectives overlap, so most series are read by several recording rules. It lives as long as the samples are not rewritten.
    """

    def __init__(self, cells: int = 1 << 23) -> None:
        """At most so many numbers are kept; what comes later is computed by each expression for itself."""
        self._free = cells
        self._known: dict[tuple[Series, str, int, int, int, int], FloatArray] = {}

    def fill(self, series: Series, function: str, window_ms: int, right_ms: IntArray, out: FloatArray) -> bool:
        """Write what is known into `out` [T]; False if nothing is. The windows end at `right_ms`, at equal distances."""
        known = self._known.get((series, function, window_ms, *_ends(right_ms)))
        if known is None:
            return False
        out[:] = known
        return True

    def keep(self, series: Series, function: str, window_ms: int, right_ms: IntArray, values: FloatArray) -> None:
        """Remember a copy of what was computed."""
        if self._free >= len(values):
            self._free -= len(values)
            self._known[series, function, window_ms, *_ends(right_ms)] = values.copy()


def _ends(right_ms: IntArray) -> tuple[int, int, int]:
    return int(right_ms[0]), int(right_ms[-1]), len(right_ms)
