"""Counters that were scraped together: their restarts, and sums of sets of them as one monotone counter each.

Counters hold whole numbers, so every sum below 2^53 is exact and may be kept as a running total: adding up the increments of
a window over 200 series is then one subtraction, whatever the window. What is not a whole number, or falls below 0, ends the
trust from that sample on, and the general evaluation goes on alone. Stale markers that all of them have at the same instants, as
targets whose scrapes fail, are no samples.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from workbench.promql.rates import LARGEST_WHOLE
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import Array, FloatArray, is_stale

_CELLS = 65_536
"""Samples read together: they fit the second-level cache."""
_LONG = 8192
"""Samples read together where nothing falls."""
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
        self._short = all(v.dtype == np.int32 for v in values)
        self._sets = tuple(np.array(rows) for rows in sets)
        self._order, self._starts, self._weights = _classes(len(values), sets)
        self._parts = tuple(tuple(np.flatnonzero(row).tolist()) for row in self._weights)
        """The classes of which each set is made."""
        self._alone = [rows[0] for rows in sets] if all(len(rows) == 1 for rows in sets) else None
        """The counter of each set, if every set has only one."""
        self._totals = np.zeros((len(sets), len(times)))
        self._buffer = np.empty((len(values), max(2, _CELLS // max(1, len(values)) + 1)))
        self._restarts: list[int] = []
        self._before = [np.zeros(len(values))]
        self._holes: list[int] = []
        self._fresh: tuple[int, Times, IntArray] | None = None
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
            if self._add(min(upto, self._read + _LONG)):
                continue
            end = min(upto, self._read + piece)
            if not self._copy(end):
                self._take(end)
        self._read = max(self._read, upto)

    def forget(self, first: int) -> None:
        """Samples from index `first` on are not what they were."""
        self._read = min(self._read, first)
        if self._trusted >= first:
            self._trusted = len(self.times)
        while self._restarts and self._restarts[-1] >= first:
            self._restarts.pop()
            self._before.pop()
        if self._holes and self._holes[-1] >= first:
            del self._holes[bisect.bisect_left(self._holes, first) :]
            self._fresh = None

    def fresh(self, begin_ms: int, end_ms: int) -> tuple[Times, IntArray] | None:
        """The samples read so far without stale markers, as times and as indices; None if there is no marker in (begin, end]."""
        if not self._holes:
            return None
        first, last = self.times.until_one(begin_ms), self.times.until_one(end_ms)
        place = bisect.bisect_left(self._holes, first)
        if place == len(self._holes) or self._holes[place] >= last:
            return None
        if self._fresh is None or self._fresh[0] != len(self._holes):
            kept = np.delete(np.arange(len(self.times)), self._holes)
            self._fresh = (len(self._holes), Times(self.times.ms[kept]), kept)
        return self._fresh[1:]

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

    def far_from_zero(self, low: slice, high: slice, covered_s: float, reach_s: float) -> BoolArray:
        """For which sets no counter's zero lies within `reach_s` of the first sample of any window: [sets].

        `low` and `high` are the first and last samples of the windows, ascending, `covered_s` apart. The distance is
        covered x first value / increments; the value is at least that of the first window, if no restart follows, and the
        increments are at most those from the first sample of all to the last. A part in a million covers the roundings.
        """
        first, last = low.start, high.stop - 1
        if any(first < restart < low.stop for restart in self._restarts):
            return np.zeros(len(self._sets), bool)
        rows = range(len(self._values))
        value, delta = self.first_and_increments(rows, np.array([first]), np.array([last]))
        far = (value > 0) & (covered_s * value > 1.000001 * reach_s * delta)
        return np.array([far[of_set].all() for of_set in self._sets])

    def _add(self, end: int) -> bool:
        """The same as `_take` up to the first sample that falls: counters of 32 bits are added up as they are.

        Says whether it got any further.
        """
        if not self._short or self._alone is not None:
            return False
        start = self._read
        begin = max(start - 1, 0)
        for values in self._values:
            held = values[begin:end]
            falls = held[1:] < held[:-1]
            if falls.any():
                end = begin + 1 + int(np.argmax(falls))
                if end <= start:
                    return False
        first = np.array([values[begin] for values in self._values])
        last = np.array([values[end - 1] for values in self._values], np.int64)
        if first.min() < 0 or last.sum() > np.iinfo(np.int32).max:
            return False
        totals = self._totals[:, start:end]
        sums = np.empty((len(self._starts), end - start), np.int32)
        for summed, rows in zip(sums, np.split(self._order, self._starts[1:]), strict=True):
            summed[:] = self._values[rows[0]][start:end]
            for at in rows[1:]:
                np.add(summed, self._values[at][start:end], out=summed)
        before = self._of_sets(self._before[-1])
        for total, (one, *others), lost in zip(totals, self._parts, before, strict=True):
            added = sums[one] if not others else sums[one] + sums[others[0]]
            for other in others[1:]:
                added += sums[other]
            np.add(added, lost, out=total)
        if totals[:, -1].max(initial=0.0) >= LARGEST_WHOLE:
            return False
        self._read = end
        return True

    def _copy(self, end: int) -> bool:
        """The same as `_take` where every set is one counter that does not fall."""
        if self._alone is None or not self._exact_types:
            return False
        start = self._read
        fresh = self._totals[:, start:end]
        for at, row in enumerate(self._alone):
            fresh[at] = self._values[row][start:end]
        before = fresh[:, 0] if not start else np.array([self._values[row][start - 1] for row in self._alone], np.float64)
        falls = fresh[:, 1:] < fresh[:, :-1]
        if falls.any() or (fresh[:, 0] < before).any() or not self._whole(fresh, falls):
            return False
        if self._restarts:
            fresh += self._of_sets(self._before[-1])[:, None]
            if fresh[:, -1].max(initial=0.0) >= LARGEST_WHOLE:
                return False
        self._read = end
        return True

    def _take(self, end: int) -> None:
        start = self._read
        begin = max(start - 1, 0)
        held = self._buffer[:, : end - begin]
        for row, at in enumerate(self._order):
            held[row] = self._values[at][begin:end]
        holes = self._bridged(held, begin)
        falls = held[:, 1:] < held[:, :-1]
        if holes is None or not self._whole(held, falls):
            self._trusted = start
            return
        fresh = held[:, start - begin :]
        totals = self._totals[:, start:end]
        sums = np.add.reduceat(fresh, self._starts, axis=0)
        # Each set has few of the classes, so rows are added; a product of matrices would multiply mostly by 0.
        for row, (first, *others) in zip(totals, self._parts, strict=True):
            row[:] = sums[first]
            for other in others:
                np.add(row, sums[other], out=row)
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
        self._holes += [hole for hole in holes if hole >= start]
        self._read = end

    def _bridged(self, held: FloatArray, begin: int) -> list[int] | None:
        """Put the sample before into every stale marker of `held`; where they are. None unless all counters have the same ones."""
        if self._exact_types or not np.isnan(held).any():
            return []
        stale = is_stale(held)
        columns = np.flatnonzero(stale[0])
        if not (stale == stale[0]).all():
            return None
        for column in columns.tolist():
            held[:, column] = held[:, column - 1] if column else self._good(begin)
        holes: list[int] = (begin + columns).tolist()
        return holes

    def _good(self, index: int) -> FloatArray:
        """The last samples before an index that are no markers; 0 where there are none."""
        holes = set(self._holes)
        index -= 1
        while index in holes:
            index -= 1
        return np.array([self._values[at][index] if index >= 0 else 0.0 for at in self._order], np.float64)

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
