"""Functions of ranges: which samples their windows hold, series that were scraped together at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.promql.ast import At, Expr, Range, Subquery
from workbench.promql.held import Held
from workbench.promql.over_time import KERNELS
from workbench.promql.rates import RATES, common_factor, extrapolated, increments, with_drops
from workbench.promql.relabel import absent_labels
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, either
from workbench.promql.windows import Copies, IntArray, Times, Windows
from workbench.telemetry.series import FloatArray, Series, is_stale

if TYPE_CHECKING:
    from workbench.promql.moment import Moment

_CELLS = 1 << 19
"""Samples or results held together for series that share time stamps."""


_FEW = 256
"""Instants for which it does not pay to read whole series."""


class Ranges:
    """The functions of ranges at one block of instants."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._windows: dict[tuple[int, int, int, int | At | None], Windows] = {}

    def call(self, function: str, arguments: tuple[Expr, ...]) -> Vector:
        """A function of a range and of scalars."""
        window = next(argument for argument in arguments if isinstance(argument, Range | Subquery))
        scalars = tuple(self._moment.scalar(argument) for argument in arguments if argument is not window)
        if isinstance(window, Subquery):
            found = self._moment.evaluator.steps.windowed(self._moment, function, window, scalars)
        else:
            found = self._over(function, window, scalars)
        return self._finished(function, window, scalars, found)

    def of_rows(self, function: str, window: Subquery, rows: Vector, steps_ms: IntArray, scalars: Sequence[Scalar]) -> Vector:
        """A function of what an expression gave at the steps of a subquery: every element is a series of where it was present."""
        right_ms, latest_ms = self._moment.looked_at(window.offset_ms, window.at_ms)
        instants = len(right_ms)
        values, present = np.zeros((len(rows.labels), instants)), np.zeros((len(rows.labels), instants), bool)
        alike: dict[bytes, list[int]] = {}
        for row, there in enumerate(rows.present):
            alike.setdefault(there.tobytes(), []).append(row)
        for group in alike.values():
            there = rows.present[group[0]]
            windows = Windows.over(Times(steps_ms[there]), right_ms, window.window_ms, self._moment.dialect, latest_ms)
            values[group], present[group] = self._of_windows(
                function, window.window_ms, windows, rows.values[group][:, there], steps_ms[there], scalars
            )
        failed = None
        if rows.failed is not None:
            windows = Windows.over(Times(steps_ms[rows.failed]), right_ms, window.window_ms, self._moment.dialect, latest_ms)
            failed = windows.counts > 0
        return Vector(rows.labels, values, present, failed)

    def _finished(self, function: str, window: Range | Subquery, scalars: Sequence[Scalar], found: Vector) -> Vector:
        """Labels as the function leaves them, and where it fails."""
        failed = found.failed
        for scalar in scalars:
            failed = either(failed, scalar.failed)
        if function == "absent_over_time":
            absent: BoolArray = ~np.logical_or.reduce(found.present, axis=0)
            return Vector((absent_labels(window, self._moment.dialect),), np.ones((1, len(absent))), absent[None, :], failed)
        if function == "double_exponential_smoothing":
            # Prometheus looks at the factors wherever a window holds a sample, though it takes two for a value.
            usable: BoolArray = np.ones(found.values.shape[1], bool)
            for scalar in scalars:
                usable &= ~((scalar.values <= 0) | (scalar.values >= 1))
            failed = either(failed, ~usable & self._some(window))
        if function == "last_over_time":
            return Vector(found.labels, found.values, found.present, failed)
        return self._moment.without_names(found.labels, found.values, found.present, failed)

    def _some(self, window: Range | Subquery) -> BoolArray:
        """Where any window holds a sample: [T]."""
        some: BoolArray = np.logical_or.reduce(self.call("count_over_time", (window,)).present, axis=0)
        return some

    def _over(self, function: str, window: Range, scalars: Sequence[Scalar]) -> Vector:
        """A function of the samples of a window, over series that share time stamps together."""
        series = self._moment.evaluator.selected(window.selector)
        instants = len(self._moment.instants_ms)
        values = np.empty((len(series), instants))
        present = np.zeros((len(series), instants), dtype=np.bool_)
        rows: list[int] = []
        for row, one in enumerate(series):
            stale = self._without_stale(one, window)
            if stale is not None:
                held, times, windows = stale
                values[row], present[row] = self._of_windows(function, window.window_ms, windows, held[None, :], times.ms, scalars)
                continue
            if rows and (one.times is not series[rows[0]].times or len(rows) * instants > _CELLS):
                self._together(function, window, series, rows, scalars, values, present)
                rows = []
            rows.append(row)
        if rows:
            self._together(function, window, series, rows, scalars, values, present)
        return Vector(tuple(_labels(one) for one in series), values, present)

    def _together(
        self,
        function: str,
        window: Range,
        series: Sequence[Series],
        rows: list[int],
        scalars: Sequence[Scalar],
        values: FloatArray,
        present: BoolArray,
    ) -> None:
        """Fill the rows of series that share their time stamps and have no stale markers."""
        group = [series[row] for row in rows]
        times = self._moment.evaluator.times(group[0])
        right_ms, latest_ms = self._moment.looked_at(window.selector.offset_ms, window.selector.at_ms)
        latest_ms = self._moment.latest(group[0], latest_ms)
        if function in RATES and latest_ms is None and len(right_ms) >= _FEW:
            copies = Copies.of(times, right_ms, self._moment.step_ms, window.window_ms, self._moment.dialect)
            if copies is not None:
                shared = self._moment.evaluator.shared_rates
                for row, one in zip(rows, group, strict=True):
                    if shared is not None and shared.fill(one, function, window.window_ms, right_ms, values[row]):
                        continue
                    self._copied(function, window, copies, one, values[row])
                    if shared is not None:
                        shared.keep(one, function, window.window_ms, right_ms, values[row])
                present[rows] = True
                return
        windows = self._windows_over(times, window, right_ms, latest_ms)
        if function in {"rate", "increase"} and latest_ms is None and windows.enough.size and windows.enough.all():
            lent = self._moment.evaluator.lent(group, int(windows.high.max()))
            if lent is not None:
                counters, known = lent
                begin, delta = counters.first_and_increments(known, windows.low, windows.high)
                values[rows] = extrapolated(begin, delta, windows, self._moment.dialect, _per(function, window.window_ms))
                present[rows] = True
                return
        some = windows.high >= windows.low
        # The samples of these windows, and no other: later ones may not be filled yet.
        first = int(windows.low[some].min(initial=len(times)))
        last = int(windows.high[some].max(initial=-1))
        moved = windows.moved(-first)
        at_once = max(1, _CELLS // max(1, last + 1 - first))
        for some_rows in (rows[at : at + at_once] for at in range(0, len(rows), at_once)):
            held = np.array([series[row].values[first : last + 1] for row in some_rows], np.float64).reshape(len(some_rows), -1)
            values[some_rows], present[some_rows] = self._of_windows(
                function, window.window_ms, moved, held, times.ms[first : last + 1], scalars
            )

    def _copied(self, function: str, window: Range, copies: Copies, series: Series, out: FloatArray) -> None:
        """`rate`, `increase` or `delta` of one series in windows that are copies of each other, all with two samples or more."""
        counter = function != "delta"
        first, last = copies.low.start, copies.high.stop
        held, falls = self._moment.read.counter(series, self._moment.evaluator.times(series), first, last)
        begin: FloatArray = held[: copies.low.stop - first : copies.low.step]
        np.subtract(held[copies.high.start - first :: copies.high.step], begin, out=out)
        if counter and falls.size:
            low = np.arange(copies.low.start, copies.low.stop, copies.low.step) - first
            high = np.arange(copies.high.start, copies.high.stop, copies.high.step) - first
            out[:] = with_drops(out, held, falls, low, high)
        per_s = _per(function, window.window_ms)
        factor = common_factor(float(begin.min()), float(out.max()), copies, per_s, counter=counter)
        if factor is None:
            out[:] = extrapolated(begin, out, copies, self._moment.dialect, per_s, counter=counter)
        else:
            np.multiply(out, factor, out=out)

    def _of_windows(
        self,
        function: str,
        window_ms: int,
        windows: Windows,
        held: FloatArray,
        ms: IntArray,
        scalars: Sequence[Scalar],
    ) -> tuple[FloatArray, BoolArray]:
        """The function over the windows of the samples held [n, samples]: [n, T], and where it has a value [T]."""
        counts = windows.counts
        enough = counts >= (2 if function in RATES else 1 if function == "absent_over_time" else KERNELS[function][1])
        if function == "absent_over_time":
            return np.ones((len(held), len(counts))), enough
        out = np.zeros((len(held), len(counts)))
        at = np.flatnonzero(enough)
        if not at.size or not len(held):
            return out, enough
        some = windows.at(at)
        if function in RATES:
            counter = function != "delta"
            delta = increments(held, some.low, some.high) if counter else held[:, some.high] - held[:, some.low]
            begin = held[:, some.low]
            out[:, at] = extrapolated(begin, delta, some, self._moment.dialect, _per(function, window_ms), counter=counter)
            return out, enough
        parameters = tuple(scalar.values[at] for scalar in scalars)
        whole = Held(held, ms, some, self._moment.instants_ms[at], window_ms, parameters, self._moment.dialect, _edges(some))
        with np.errstate(all="ignore"):
            out[:, at] = KERNELS[function][0](whole)
        return out, enough

    def _without_stale(self, series: Series, window: Range) -> tuple[FloatArray, Times, Windows] | None:
        """The samples of a series that has stale markers near, without them; None if it has none."""
        moment = self._moment
        if series.values.dtype.kind != "f" or not len(moment.instants_ms):
            return None
        times = moment.evaluator.times(series)
        right_ms, latest_ms = moment.looked_at(window.selector.offset_ms, window.selector.at_ms)
        latest_ms = moment.latest(series, latest_ms)
        end_ms = right_ms if latest_ms is None else np.minimum(right_ms, latest_ms)
        first, last = times.until_one(int(right_ms.min()) - window.window_ms - 1), times.until_one(int(end_ms.max()))
        part = np.asarray(series.values[first:last], dtype=np.float64)
        stale = is_stale(part)
        if not stale.any():
            return None
        fresh = Times(times.ms[first:last][~stale])
        return part[~stale], fresh, Windows.over(fresh, right_ms, window.window_ms, moment.dialect, latest_ms)

    def _windows_over(self, times: Times, window: Range, right_ms: IntArray, latest_ms: IntArray | None) -> Windows:
        key = (id(times), window.window_ms, window.selector.offset_ms, window.selector.at_ms)
        if key not in self._windows:
            step_ms = self._moment.step_ms if window.selector.at_ms is None else 0
            self._windows[key] = Windows.over(times, right_ms, window.window_ms, self._moment.dialect, latest_ms, step_ms=step_ms)
        return self._windows[key]


def _labels(series: Series) -> Labels:
    return tuple(sorted((("__name__", series.key.name), *series.key.labels)))


def _per(function: str, window_ms: int) -> float | None:
    return window_ms / 1000.0 if function == "rate" else None


def _edges(windows: Windows) -> tuple[slice, slice] | None:
    """First and last samples as slices, if each window is the one before, a fixed number of samples later."""
    if len(windows.low) < 3:
        return None
    apart = int(windows.low[1] - windows.low[0])
    if apart < 1 or np.any(np.diff(windows.low) != apart) or np.any(np.diff(windows.high) != apart):
        return None
    low, high, whole = int(windows.low[0]), int(windows.high[0]), apart * (len(windows.low) - 1)
    return slice(low, low + whole + 1, apart), slice(high, high + whole + 1, apart)
