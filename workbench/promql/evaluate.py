"""The evaluator: any covered expression at many instants at once, exactly as Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.promql.aggregate import aggregate
from workbench.promql.ast import Aggregate, Binary, Call, Expr, Negate, Number, Range, Selector
from workbench.promql.dialect import LOOKBACK_MS, Dialect, VersionedProfile
from workbench.promql.histogram import histogram_quantile
from workbench.promql.operators import compute, with_scalar, with_vector
from workbench.promql.rates import extrapolated
from workbench.promql.selection import select
from workbench.promql.vector import Labels, Vector, merged, nothing, without_name
from workbench.promql.windows import IntArray, Windows, milliseconds
from workbench.telemetry.series import Array, FloatArray, Series, Telemetry, is_stale

_BLOCK = 8192
"""Instants evaluated together: bounds memory at (series x block) and keeps temporaries in the cache."""

_Value = Vector | FloatArray
"""A vector, or a scalar of shape [T]."""


class Evaluator:
    """Evaluates expressions over one telemetry by the rules of one Prometheus version.

    Reads no sample later than the instant evaluated and keeps none: the value arrays may be filled, and rewritten, while the
    evaluator lives. The `times` arrays must be complete.
    """

    def __init__(self, telemetry: Telemetry, profile: VersionedProfile) -> None:
        self.telemetry = telemetry
        self.dialect = Dialect.of(profile)
        self._selected: dict[Selector, tuple[Series, ...]] = {}
        self._times: dict[int, IntArray] = {}

    def evaluate(self, expr: Expr, instants: FloatArray) -> Vector:
        """The elements of an expression at instants (seconds, ascending); a scalar is one element without labels.

        Rows that are present nowhere are left out. Raises BadInput where Prometheus would fail the query: two elements with
        the same labels, or several that match one.
        """
        instants_ms = milliseconds(instants)
        blocks = [instants_ms[at : at + _BLOCK] for at in range(0, len(instants_ms), _BLOCK)] or [instants_ms]
        parts = [self._vector(expr, block) for block in blocks]
        return _joined(parts)

    def _vector(self, expr: Expr, instants_ms: IntArray) -> Vector:
        value = _Moment(self, instants_ms).value(expr)
        if isinstance(value, Vector):
            return value
        return Vector(((),), value[None, :], np.ones((1, len(instants_ms)), bool))

    def selected(self, selector: Selector) -> tuple[Series, ...]:
        """The series of a selector, looked up once."""
        if selector not in self._selected:
            self._selected[selector] = select(self.telemetry, selector)
        return self._selected[selector]

    def times_ms(self, series: Series) -> IntArray:
        """Time stamps of a series; one array for all series that share theirs."""
        # The series is alive as long as the telemetry, so the identity of its array is a name.
        key = id(series.times)
        if key not in self._times:
            self._times[key] = milliseconds(series.times)
        return self._times[key]


class _Moment:
    """One block of instants; common sub-expressions and windows are computed once."""

    def __init__(self, evaluator: Evaluator, instants_ms: IntArray) -> None:
        self._evaluator = evaluator
        self._dialect = evaluator.dialect
        self._instants_ms = instants_ms
        self._known: dict[Expr, _Value] = {}
        self._windows: dict[tuple[int, int, int], Windows] = {}

    def value(self, expr: Expr) -> _Value:
        """A vector, or a scalar of shape [T]."""
        if expr not in self._known:
            self._known[expr] = self._computed(expr)
        return self._known[expr]

    def _computed(self, expr: Expr) -> _Value:
        match expr:
            case Number(number):
                return np.full(len(self._instants_ms), number)
            case Selector():
                return self._newest(expr)
            case Call(function, arguments):
                return self._call(function, arguments)
            case Aggregate(argument=argument):
                return aggregate(expr, self._as_vector(argument), self._dialect)
            case Negate(argument):
                value = self.value(argument)
                if isinstance(value, Vector):
                    return merged([without_name(labels) for labels in value.labels], -value.values, value.present)
                return -value
            case Binary():
                return self._binary(expr)
            case Range():
                raise AssertionError("the parser admits ranges only as arguments of functions")

    def _as_vector(self, expr: Expr) -> Vector:
        value = self.value(expr)
        assert isinstance(value, Vector), "the parser checks types"  # noqa: S101
        return value

    def _as_scalar(self, expr: Expr) -> FloatArray:
        value = self.value(expr)
        assert not isinstance(value, Vector), "the parser checks types"  # noqa: S101
        return value

    def _binary(self, expr: Binary) -> _Value:
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, Vector):
            if isinstance(right, Vector):
                return with_vector(expr, left, right)
            return with_scalar(expr, left, right, scalar_left=False)
        if isinstance(right, Vector):
            return with_scalar(expr, right, left, scalar_left=True)
        number: FloatArray = np.asarray(compute(expr.operator, left, right), dtype=np.float64)
        return number

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> _Value:
        match function, arguments:
            case "time", ():
                return self._instants_ms / 1000.0
            case "vector", (argument,):
                return Vector(((),), self._as_scalar(argument)[None, :], np.ones((1, len(self._instants_ms)), bool))
            case "abs", (argument,):
                given = self._as_vector(argument)
                return merged([without_name(labels) for labels in given.labels], np.abs(given.values), given.present)
            case "histogram_quantile", (share, buckets):
                return histogram_quantile(self._as_scalar(share), self._as_vector(buckets), self._dialect)
            case _, (Range() as window,):
                return self._over(function, window)
            case _:
                raise AssertionError(f"the parser admits no {function}")

    def _over(self, function: str, window: Range) -> Vector:
        """A function of the samples of a window, series by series."""
        labels: list[Labels] = []
        values: list[FloatArray] = []
        present = []
        for series in self._evaluator.selected(window.selector):
            held, windows = self._held(series, window)
            match function:
                case "rate" | "increase":
                    seconds = window.window_ms / 1000.0 if function == "rate" else None
                    values.append(extrapolated(held, windows, self._dialect, seconds))
                    present.append(windows.enough)
                case "count_over_time":
                    values.append((windows.high - windows.low + 1).astype(np.float64))
                    present.append(windows.high >= windows.low)
                case _:
                    values.append(_resets(held, windows))
                    present.append(windows.high >= windows.low)
            labels.append(series.key.labels)
        if not labels:
            return nothing(len(self._instants_ms))
        return merged(labels, np.array(values), np.array(present))

    def _held(self, series: Series, window: Range) -> tuple[Array, Windows]:
        """The samples that a range function sees, and where in them each window lies."""
        selector = window.selector
        times_ms = self._evaluator.times_ms(series)
        if series.values.dtype.kind == "f" and len(self._instants_ms):
            # Stale markers are no samples; only this block's part of the series is read, the rest may not be filled yet.
            first = int(np.searchsorted(times_ms, self._instants_ms[0] - selector.offset_ms - window.window_ms, "left"))
            last = int(np.searchsorted(times_ms, self._instants_ms[-1] - selector.offset_ms, "right"))
            part = np.asarray(series.values[first:last], dtype=np.float64)
            stale = is_stale(part)
            if stale.any():
                fresh = ~stale
                windows = Windows.over(
                    times_ms[first:last][fresh], self._instants_ms, window.window_ms, selector.offset_ms, self._dialect
                )
                return part[fresh], windows
        key = (id(times_ms), window.window_ms, selector.offset_ms)
        if key not in self._windows:
            self._windows[key] = Windows.over(times_ms, self._instants_ms, window.window_ms, selector.offset_ms, self._dialect)
        return series.values, self._windows[key]

    def _newest(self, selector: Selector) -> Vector:
        """The newest sample within the lookback, unless it is a stale marker."""
        series = self._evaluator.selected(selector)
        if not series:
            return nothing(len(self._instants_ms))
        at_ms = self._instants_ms - selector.offset_ms
        values = np.zeros((len(series), len(at_ms)))
        present = np.zeros(values.shape, bool)
        for row, one in enumerate(series):
            times_ms = self._evaluator.times_ms(one)
            newest = np.searchsorted(times_ms, at_ms, "right") - 1
            here = np.flatnonzero(newest >= 0)
            if here.size == 0:
                continue
            age = at_ms[here] - times_ms[newest[here]]
            here = here[age < LOOKBACK_MS if self._dialect.left_open else age <= LOOKBACK_MS]
            found = one.values[newest[here]].astype(np.float64)
            values[row, here] = found
            present[row, here] = ~is_stale(found)
        return Vector(tuple(_with_name(one) for one in series), values, present)


def _with_name(series: Series) -> Labels:
    return tuple(sorted((("__name__", series.key.name), *series.key.labels)))


def _resets(values: Array, windows: Windows) -> FloatArray:
    out = np.zeros(windows.low.shape)
    usable = np.flatnonzero(windows.enough)
    if usable.size == 0:
        return out
    first, last = int(windows.low[usable].min()), int(windows.high[usable].max())
    held = values[first : last + 1]
    drops = np.flatnonzero(held[1:] < held[:-1]) + 1 + first
    out[usable] = np.searchsorted(drops, windows.high[usable], "right") - np.searchsorted(drops, windows.low[usable], "right")
    return out


def _joined(parts: Sequence[Vector]) -> Vector:
    """Blocks of instants side by side, without rows that are present nowhere."""
    rows: dict[Labels, int] = {}
    for part in parts:
        for labels, present in zip(part.labels, part.present, strict=True):
            if present.any():
                rows.setdefault(labels, len(rows))
    instants = sum(part.values.shape[1] for part in parts)
    values, there = np.zeros((len(rows), instants)), np.zeros((len(rows), instants), bool)
    start = 0
    for part in parts:
        end = start + part.values.shape[1]
        for labels, value, present in zip(part.labels, part.values, part.present, strict=True):
            if labels in rows:
                values[rows[labels], start:end] = value
                there[rows[labels], start:end] = present
        start = end
    return Vector(tuple(rows), values, there)
