"""Bounds of the sums of rates of sets of counters at one block of instants: see `bounds` for what they are good for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.promql.counters import Counters
from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray
from workbench.promql.windows import Copies, IntArray, Windows, common_step
from workbench.telemetry.series import FloatArray

_MARGIN = 1e-13
"""Far more than the roundings of a quotient, a product and a comparison, far less than what decides anything."""


@dataclass(frozen=True, eq=False, slots=True)
class Bounds:
    """R expressions of one shape at T instants: each value lies in [low, high] where there is an element."""

    low: FloatArray
    high: FloatArray
    """[R, T], or whatever broadcasts to it."""
    sure: BoolArray | None
    """Where there is an element; None: everywhere."""
    maybe: BoolArray | None
    """Where there may be one; None: everywhere."""


_UNKNOWN = np.array([[np.inf]])
"""The bound of a value that nobody asks for: presence is all that a condition is."""
_NOWHERE = np.zeros((1, 1), bool)


@dataclass(frozen=True, eq=False, slots=True)
class _Increments:
    """Exact increments of every set in every window, and by what they are multiplied at least and at most."""

    total: FloatArray
    """[sets, T]."""
    least: FloatArray
    most: FloatArray
    """[T]; where all windows are alike one number, or one for each set [sets, 1]."""
    copies: Copies | None
    """The windows, if all are alike."""
    enough: BoolArray | None
    """[1, T]; None: everywhere."""


class SetBounds:
    """Bounds of the sums of rates of every set of counters, at one block of instants; each window is computed once."""

    def __init__(self, counters: Counters, instants_ms: IntArray, dialect: Dialect, largest_set: int) -> None:
        """`instants_ms` [T] ascends; every sample up to the last of them has been read."""
        self._counters = counters
        self._instants_ms = instants_ms
        self._step_ms = common_step(instants_ms)
        self._dialect = dialect
        self._rounding = (4 * largest_set + 64) * 2.0**-53
        self._known: dict[int, _Increments] = {}
        self._tight: set[int] = set()
        self._bounds: dict[tuple[int, bool], Bounds] = {}

    def bounds(self, rows: IntArray | slice, window_ms: int, *, per_second: bool) -> Bounds:
        """Of some sets over one window: [rows, T]."""
        key = (window_ms, per_second)
        if key not in self._bounds:
            self._bounds[key] = self._computed(window_ms, window_ms / 1000.0 if per_second else 1.0)
        every = self._bounds[key]
        return Bounds(every.low[rows], every.high[rows], every.sure, every.maybe)

    def quotient(
        self, operator: str, above: IntArray | slice, below: IntArray | slice, limits: FloatArray, window_ms: int
    ) -> Bounds | None:
        """Where the quotient of the sums of two sets compares with a limit above 0 [rows, 1]; None if windows are not alike.

        With increments E and R, exact, and factors between `least` and `most`, E / R x least / most <= quotient, and it is above
        the limit t where E x (least / most / t) > R; not so where E x (most / least / t) <= R. A margin on both sides covers all
        roundings. Where R is 0 the quotient is infinite, unless E is 0 too: then it is NaN, which compares with nothing.
        """
        known = self._increments(window_ms)
        if known.copies is None:
            return None
        top, bottom = known.total[above], known.total[below]
        maybe_above = _of(known.most, above) / _of(known.least, below) / limits * (1 + _MARGIN)
        if operator in {">", ">="}:
            maybe = top * maybe_above > bottom
            if not maybe.any():
                return Bounds(-_UNKNOWN, _UNKNOWN, _NOWHERE, _NOWHERE)
        known = self._tightened(window_ms)
        surely_above = _of(known.least, above) / _of(known.most, below) / limits * (1 - _MARGIN)
        maybe_above = _of(known.most, above) / _of(known.least, below) / limits * (1 + _MARGIN)
        if operator in {">", ">="}:
            sure, maybe = top * surely_above > bottom, top * maybe_above > bottom
        else:
            sure = top * maybe_above < bottom
            maybe = ~(top * surely_above > bottom)
        return Bounds(-_UNKNOWN, _UNKNOWN, sure, maybe)

    def _computed(self, window_ms: int, per_s: float) -> Bounds:
        self._increments(window_ms)
        known = self._tightened(window_ms)
        least, most = known.least / per_s, known.most / per_s
        return Bounds(known.total * least, known.total * most, known.enough, known.enough)

    def _increments(self, window_ms: int) -> _Increments:
        if window_ms not in self._known:
            times = self._counters.times
            fresh = self._counters.fresh(int(self._instants_ms[0]) - window_ms - 1, int(self._instants_ms[-1]))
            if fresh is not None:
                times = fresh[0]
            copies = Copies.of(times, self._instants_ms, self._step_ms, window_ms, self._dialect)
            if copies is not None:
                total = self._counters.between(copies.low, copies.high)
                self._known[window_ms] = _Increments(total, *self._common_factors(copies), copies, None)
            else:
                windows = Windows.over(times, self._instants_ms, window_ms, self._dialect, step_ms=self._step_ms)
                low, high = np.where(windows.enough, windows.low, 0), np.where(windows.enough, windows.high, 0)
                if fresh is not None:
                    low, high = fresh[1][low], fresh[1][high]
                enough = None if windows.enough.all() else windows.enough[None, :]
                self._known[window_ms] = _Increments(self._counters.between(low, high), *self._factors(windows), None, enough)
        return self._known[window_ms]

    def _tightened(self, window_ms: int) -> _Increments:
        """The same with the whole stretch to the left edge as the least one too, where nothing limits it."""
        known = self._known[window_ms]
        copies = known.copies
        if copies is not None and window_ms not in self._tight:
            reach = max(copies.left_s, copies.threshold_s)
            far = self._counters.far_from_zero(copies.low, copies.high, copies.covered_s, reach)
            least = np.where(far[:, None], known.most * ((1 - self._rounding) / (1 + self._rounding)), known.least)
            known = self._known[window_ms] = replace(known, least=least)
            self._tight.add(window_ms)
        return known

    def _common_factors(self, copies: Copies) -> tuple[FloatArray, FloatArray]:
        """The same as `_factors`, in plain numbers."""
        left, right, threshold, half = copies.left_s, copies.right_s, copies.threshold_s, copies.spacing_s / 2
        left = (half if left >= threshold else left) if self._dialect.clamps_last else min(left, threshold)
        right = right if right < threshold else half
        least = (copies.covered_s + right) / copies.covered_s * (1 - self._rounding)
        most = (copies.covered_s + left + right) / copies.covered_s * (1 + self._rounding)
        return np.array(least), np.array(most)

    def _factors(self, windows: Windows) -> tuple[FloatArray, FloatArray]:
        """By what an increment is multiplied at least and at most: without and with the whole stretch to the left edge."""
        covered, threshold = windows.covered_s, windows.threshold_s
        with np.errstate(all="ignore"):
            if self._dialect.clamps_last:
                left = np.where(windows.left_s >= threshold, windows.spacing_s / 2, windows.left_s)
            else:
                # Before 2.51 the distance to zero may stand in for an edge out of reach, as far as the threshold.
                left = np.minimum(windows.left_s, threshold)
            right = np.where(windows.right_s < threshold, windows.right_s, windows.spacing_s / 2)
            most = (covered + left + right) / covered * (1 + self._rounding)
            least = (covered + right) / covered * (1 - self._rounding)
        return np.asarray(least), np.asarray(most)


def _of(factor: FloatArray, rows: IntArray | slice) -> FloatArray:
    """The factors of some sets; all sets may have one in common."""
    return factor[rows] if factor.ndim == 2 else factor
