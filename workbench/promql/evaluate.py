"""The evaluator: any covered expression at many instants at once, exactly as Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.promql.aggregate import aggregate
from workbench.promql.ast import Aggregate, Binary, Call, Expr, Negate, Number, Range, Selector
from workbench.promql.counters import Counters
from workbench.promql.dialect import LOOKBACK_MS, Dialect, VersionedProfile
from workbench.promql.histogram import histogram_quantile
from workbench.promql.operators import of_scalars, with_scalar, with_vector
from workbench.promql.rates import extrapolated, increments, resets
from workbench.promql.selection import select
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, merged, nothing, without_name
from workbench.promql.windows import IntArray, Times, Windows, milliseconds
from workbench.telemetry.series import FloatArray, Series, Telemetry, is_stale

_BLOCK = 8192
"""Instants evaluated together: bounds memory at (series x block) and keeps temporaries in the cache."""

_CELLS = 1 << 19
"""Samples or results held together for series that share time stamps."""

_RATES = frozenset({"rate", "increase"})

_Value = Vector | Scalar


class Evaluator:
    """Evaluates expressions over one telemetry by the rules of one Prometheus version.

    Reads no sample later than the instant evaluated and keeps none: the value arrays may be filled, and rewritten, while the
    evaluator lives. The `times` arrays must be complete.
    """

    def __init__(self, telemetry: Telemetry, profile: VersionedProfile) -> None:
        self.telemetry = telemetry
        self.dialect = Dialect.of(profile)
        self._selected: dict[Selector, tuple[Series, ...]] = {}
        self._times: dict[int, Times] = {}
        self._lent: dict[Series, tuple[Counters, int]] = {}

    def evaluate(self, expr: Expr, instants: FloatArray) -> Vector:
        """The elements of an expression at instants (seconds, ascending); a scalar is one element without labels.

        Rows that are present nowhere are left out. Where Prometheus would fail the query (two elements with the same labels,
        several that match one) the instant is `failed`, and nothing is present.
        """
        instants_ms = milliseconds(instants)
        blocks = [instants_ms[at : at + _BLOCK] for at in range(0, len(instants_ms), _BLOCK)] or [instants_ms]
        parts = [self._vector(expr, block) for block in blocks]
        return _joined(parts)

    def _vector(self, expr: Expr, instants_ms: IntArray) -> Vector:
        value = _Moment(self, instants_ms).value(expr)
        if isinstance(value, Vector):
            return value
        return Vector(((),), value.values[None, :], np.ones((1, len(instants_ms)), bool), value.failed)

    def selected(self, selector: Selector) -> tuple[Series, ...]:
        """The series of a selector, looked up once."""
        if selector not in self._selected:
            self._selected[selector] = select(self.telemetry, selector)
        return self._selected[selector]

    def times(self, series: Series) -> Times:
        """Time stamps of a series; one value for all series that share theirs."""
        # The series is alive as long as the telemetry, so the identity of its array is a name.
        key = id(series.times)
        if key not in self._times:
            self._times[key] = Times(milliseconds(series.times))
        return self._times[key]

    def lend(self, series: Sequence[Series], counters: Counters) -> None:
        """Let `rate` take increments from running totals, where they are trusted, instead of reading whole windows."""
        for row, one in enumerate(series):
            self._lent[one] = (counters, row)

    def lent(self, series: Sequence[Series], last: int) -> tuple[Counters, list[int]] | None:
        """Totals that know all these series through sample `last`, and their rows."""
        known = [self._lent.get(one) for one in series]
        if known[0] is None or known[0][0].trusted <= last:
            return None
        rows = [one[1] for one in known if one is not None and one[0] is known[0][0]]
        return (known[0][0], rows) if len(rows) == len(series) else None


class _Moment:
    """One block of instants; common sub-expressions and windows are computed once."""

    def __init__(self, evaluator: Evaluator, instants_ms: IntArray) -> None:
        self._evaluator = evaluator
        self._dialect = evaluator.dialect
        self._instants_ms = instants_ms
        self._known: dict[Expr, _Value] = {}
        self._windows: dict[tuple[int, int, int], Windows] = {}

    def value(self, expr: Expr) -> _Value:
        """A vector or a scalar."""
        if expr not in self._known:
            self._known[expr] = self._computed(expr)
        return self._known[expr]

    def _computed(self, expr: Expr) -> _Value:
        match expr:
            case Number(number):
                return Scalar(np.full(len(self._instants_ms), number))
            case Selector():
                return self._newest(expr)
            case Call(function, arguments):
                return self._call(function, arguments)
            case Aggregate(argument=argument):
                return aggregate(expr, self._as_vector(argument), self._dialect)
            case Negate(argument):
                value = self.value(argument)
                if isinstance(value, Vector):
                    return merged([without_name(labels) for labels in value.labels], -value.values, value.present, value.failed)
                return Scalar(-value.values, value.failed)
            case Binary():
                return self._binary(expr)
            case Range():
                raise AssertionError("the parser admits ranges only as arguments of functions")

    def _as_vector(self, expr: Expr) -> Vector:
        value = self.value(expr)
        assert isinstance(value, Vector), "the parser checks types"  # noqa: S101
        return value

    def _as_scalar(self, expr: Expr) -> Scalar:
        value = self.value(expr)
        assert isinstance(value, Scalar), "the parser checks types"  # noqa: S101
        return value

    def _binary(self, expr: Binary) -> _Value:
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, Vector):
            if isinstance(right, Vector):
                return with_vector(expr, left, right)
            return with_scalar(expr, left, right, scalar_left=False)
        if isinstance(right, Vector):
            return with_scalar(expr, right, left, scalar_left=True)
        return of_scalars(expr.operator, left, right)

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> _Value:
        match function, arguments:
            case "time", ():
                return Scalar(self._instants_ms / 1000.0)
            case "vector", (argument,):
                number = self._as_scalar(argument)
                return Vector(((),), number.values[None, :], np.ones((1, len(self._instants_ms)), bool), number.failed)
            case "abs", (argument,):
                given = self._as_vector(argument)
                return merged([without_name(labels) for labels in given.labels], np.abs(given.values), given.present, given.failed)
            case "histogram_quantile", (share, buckets):
                return histogram_quantile(self._as_scalar(share), self._as_vector(buckets), self._dialect)
            case _, (Range() as window,):
                return self._over(function, window)
            case _:
                raise AssertionError(f"the parser admits no {function}")

    def _over(self, function: str, window: Range) -> Vector:
        """A function of the samples of a window, over series that share time stamps together."""
        series = self._evaluator.selected(window.selector)
        instants = len(self._instants_ms)
        values, present = np.zeros((len(series), instants)), np.zeros((len(series), instants), bool)
        rows: list[int] = []
        for row, one in enumerate(series):
            stale = self._without_stale(one, window)
            if stale is not None:
                held, windows = stale
                values[row], present[row] = self._of_window(function, window, windows, held[None, :])
                continue
            if rows and (one.times is not series[rows[0]].times or len(rows) * instants > _CELLS):
                self._together(function, window, series, rows, values, present)
                rows = []
            rows.append(row)
        if rows:
            self._together(function, window, series, rows, values, present)
        return merged([one.key.labels for one in series], values, present)

    def _together(
        self, function: str, window: Range, series: Sequence[Series], rows: list[int], values: FloatArray, present: BoolArray
    ) -> None:
        """Fill the rows of series that share their time stamps."""
        group = [series[row] for row in rows]
        windows = self._windows_over(self._evaluator.times(group[0]), window)
        if function in _RATES and windows.enough.all():
            lent = self._evaluator.lent(group, int(windows.high[-1]))
            if lent is not None:
                counters, known = lent
                begin, delta = counters.first_and_increments(known, windows.low, windows.high)
                values[rows], present[rows] = extrapolated(begin, delta, windows, self._dialect, _per(function, window)), True
                return
        some = windows.high >= windows.low
        # The samples of these windows, and no other: later ones may not be filled yet.
        first = int(windows.low[some].min(initial=len(group[0].times)))
        last = int(windows.high[some].max(initial=-1))
        moved = windows.moved(-first)
        at_once = max(1, _CELLS // max(1, last + 1 - first))
        for some_rows in (rows[at : at + at_once] for at in range(0, len(rows), at_once)):
            held = np.array([series[row].values[first : last + 1] for row in some_rows], np.float64).reshape(len(some_rows), -1)
            values[some_rows], present[some_rows] = self._of_window(function, window, moved, held)

    def _of_window(self, function: str, window: Range, windows: Windows, held: FloatArray) -> tuple[FloatArray, BoolArray]:
        """The function over the windows of the samples held [n, samples]: [n, T], and where it has a value [T]."""
        some = windows.high >= windows.low
        out = np.zeros((len(held), len(some)))
        at = np.flatnonzero(windows.enough)
        low, high = windows.low[at], windows.high[at]
        match function:
            case "rate" | "increase":
                delta = increments(held, low, high)
                out[:, at] = extrapolated(held[:, low], delta, windows.at(at), self._dialect, _per(function, window))
                return out, windows.enough
            case "resets":
                out[:, at] = resets(held, low, high)
                return out, some
            case _:
                out[:] = windows.high - windows.low + 1
                return out, some

    def _without_stale(self, series: Series, window: Range) -> tuple[FloatArray, Windows] | None:
        """The samples of a series that has stale markers near, without them; None if it has none."""
        if series.values.dtype.kind != "f" or not len(self._instants_ms):
            return None
        times = self._evaluator.times(series)
        offset_ms = window.selector.offset_ms
        first, last = times.until(
            np.array([self._instants_ms[0] - offset_ms - window.window_ms - 1, self._instants_ms[-1] - offset_ms])
        )
        part = np.asarray(series.values[first:last], dtype=np.float64)
        stale = is_stale(part)
        if not stale.any():
            return None
        fresh = Times(times.ms[first:last][~stale])
        return part[~stale], Windows.over(fresh, self._instants_ms, window.window_ms, offset_ms, self._dialect)

    def _windows_over(self, times: Times, window: Range) -> Windows:
        key = (id(times), window.window_ms, window.selector.offset_ms)
        if key not in self._windows:
            self._windows[key] = Windows.over(times, self._instants_ms, window.window_ms, window.selector.offset_ms, self._dialect)
        return self._windows[key]

    def _newest(self, selector: Selector) -> Vector:
        """The newest sample within the lookback, unless it is a stale marker."""
        series = self._evaluator.selected(selector)
        if not series:
            return nothing(len(self._instants_ms))
        at_ms = self._instants_ms - selector.offset_ms
        values = np.zeros((len(series), len(at_ms)))
        present = np.zeros(values.shape, bool)
        for row, one in enumerate(series):
            times = self._evaluator.times(one)
            newest = times.until(at_ms) - 1
            here = np.flatnonzero(newest >= 0)
            if here.size == 0:
                continue
            age = at_ms[here] - times.ms[newest[here]]
            here = here[age < LOOKBACK_MS if self._dialect.left_open else age <= LOOKBACK_MS]
            found = one.values[newest[here]].astype(np.float64)
            values[row, here] = found
            present[row, here] = ~is_stale(found)
        return Vector(tuple(_with_name(one) for one in series), values, present)


def _with_name(series: Series) -> Labels:
    return tuple(sorted((("__name__", series.key.name), *series.key.labels)))


def _per(function: str, window: Range) -> float | None:
    return window.window_ms / 1000.0 if function == "rate" else None


def _joined(parts: Sequence[Vector]) -> Vector:
    """Blocks of instants side by side, without rows that are present nowhere."""
    rows: dict[Labels, int] = {}
    parts = [_without_failed(part) for part in parts]
    for part in parts:
        for labels, present in zip(part.labels, part.present, strict=True):
            if present.any():
                rows.setdefault(labels, len(rows))
    instants = sum(part.values.shape[1] for part in parts)
    values, there = np.zeros((len(rows), instants)), np.zeros((len(rows), instants), bool)
    failed = np.zeros(instants, bool)
    start = 0
    for part in parts:
        end = start + part.values.shape[1]
        for labels, value, present in zip(part.labels, part.values, part.present, strict=True):
            if labels in rows:
                values[rows[labels], start:end] = value
                there[rows[labels], start:end] = present
        if part.failed is not None:
            failed[start:end] = part.failed
        start = end
    return Vector(tuple(rows), values, there, failed if failed.any() else None)


def _without_failed(vector: Vector) -> Vector:
    """Nothing is present where the query fails."""
    if vector.failed is None:
        return vector
    return replace(vector, present=vector.present & ~vector.failed)
