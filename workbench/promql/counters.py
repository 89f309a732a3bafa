"""Counters that were scraped together: their restarts, and sums of sets of them as one monotone counter each.

Counters hold whole numbers, so every sum below 2^53 is exact and may be kept as a running total: adding up the increments of
a window over 200 series is then one subtraction, whatever the window. What is not a whole number, or falls below 0, ends the
trust from that sample on, and the general evaluation goes on alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.promql.rates import LARGEST_WHOLE
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import Array, FloatArray

_CELLS = 65_536
"""Samples read together: they fit the second-level cache."""
_MOST_RESTARTS = 4096
"""Remembered; a series that falls more often is no counter."""


class Counters:
    """Running totals of sets of counters over one array of time stamps.

    Samples are read once, by `grow`; `forget` must be told when some of them are rewritten.
    """

    def __init__(self, times: Times, values: Sequence[Array], sets: Sequence[Sequence[int]]) -> None:
        """`values` are the n arrays of samples, all as long as `times`; `sets` name rows of them."""
        self.times = times
        self._values = tuple(values)
        self._exact_types = all(v.dtype.kind in "iu" for v in values)
        self._order, self._starts, self._weights = _classes(len(values), sets)
        self._totals = np.zeros((len(sets), len(times)))
        self._buffer = np.empty((len(values), max(2, _CELLS // max(1, len(values)) + 1)))
        self._restarts: list[int] = []
        self._before = [np.zeros(len(values))]
        self._read = 0
        self._trusted = len(times)

    @property
    def trusted(self) -> int:
        """Samples that may be used: read, and whole numbers up to here."""
        return min(self._read, self._trusted)

    def grow(self, upto: int) -> None:
        """Read the samples before index `upto`."""
        piece = self._buffer.shape[1] - 1
        while self._read < min(upto, self._trusted):
            self._take(min(upto, self._read + piece))
        self._read = max(self._read, upto)

    def forget(self, first: int) -> None:
        """Samples from index `first` on are not what they were."""
        self._read = min(self._read, first)
        if self._trusted >= first:
            self._trusted = len(self.times)
        while self._restarts and self._restarts[-1] >= first:
            self._restarts.pop()
            self._before.pop()

    def between(self, low: IntArray | slice, high: IntArray | slice) -> FloatArray:
        """Increments of every set from sample `low` to sample `high`: [sets, T], exact."""
        if isinstance(low, slice) or isinstance(high, slice):
            return self._totals[:, high] - self._totals[:, low]
        return np.take(self._totals, high, axis=1) - np.take(self._totals, low, axis=1)

    def first_and_increments(self, rows: Sequence[int], low: IntArray, high: IntArray) -> tuple[FloatArray, FloatArray]:
        """Value of the first sample and increments of single counters: [n, T] each, exact."""
        first = np.array([self._values[row][low] for row in rows], np.float64)
        last = np.array([self._values[row][high] for row in rows], np.float64)
        if not self._restarts:
            return first, last - first
        before = np.array(self._before)[:, list(rows)]
        events = np.array(self._restarts)
        begin, end = np.searchsorted(events, low, "right"), np.searchsorted(events, high, "right")
        return first, last - first + (before[end] - before[begin]).T

    def _take(self, end: int) -> None:
        start = self._read
        begin = max(start - 1, 0)
        held = self._buffer[:, : end - begin]
        for row, at in enumerate(self._order):
            held[row] = self._values[at][begin:end]
        falls = held[:, 1:] < held[:, :-1]
        if not self._whole(held, falls):
            self._trusted = start
            return
        fresh = held[:, start - begin :]
        totals = self._totals[:, start:end]
        np.matmul(self._weights, np.add.reduceat(fresh, self._starts, axis=0), out=totals)
        totals += self._of_sets(self._before[-1])[:, None]
        if falls.any():
            for column in np.flatnonzero(falls.any(axis=0)):
                lost = np.zeros(len(self._order))
                lost[self._order] = np.where(falls[:, column], held[:, column], 0.0)
                self._restarts.append(int(begin + column + 1))
                self._before.append(self._before[-1] + lost)
                totals[:, self._restarts[-1] - start :] += self._of_sets(lost)[:, None]
        if len(self._restarts) > _MOST_RESTARTS or totals[:, -1].max(initial=0.0) >= LARGEST_WHOLE:
            self.forget(start)
            self._trusted = start
            return
        self._read = end

    def _whole(self, held: FloatArray, falls: BoolArray) -> bool:
        with np.errstate(invalid="ignore"):
            # A stale marker is a NaN, and equals nothing.
            if not self._exact_types and not np.array_equal(np.rint(held), held):
                return False
        # Where nothing falls, the first and the last column hold the extremes.
        ends = held if falls.any() else held[:, [0, -1]]
        return bool(ends.min() >= 0 and ends.max() * len(held) < LARGEST_WHOLE)

    def _of_sets(self, column: FloatArray) -> FloatArray:
        sums: FloatArray = self._weights @ np.add.reduceat(column[self._order], self._starts)
        return sums


def _classes(count: int, sets: Sequence[Sequence[int]]) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows that belong to the same sets are added up once.

    Returns the rows in order of their class, where each class starts in it, and which classes make up each set [sets, classes].
    """
    membership = np.zeros((count, len(sets)), bool)
    for column, rows in enumerate(sets):
        membership[list(rows), column] = True
    kinds: dict[bytes, int] = {}
    of_row = [kinds.setdefault(row.tobytes(), len(kinds)) for row in membership]
    order = np.argsort(of_row, kind="stable")
    starts = np.searchsorted(np.array(of_row)[order], np.arange(len(kinds)))
    weights = membership[order][starts].T.astype(np.float64)
    return order, starts, weights
