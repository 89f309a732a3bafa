"""One block of instants: the value of every sub-expression at all of them, each computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.promql import functions
from workbench.promql.aggregate import aggregate
from workbench.promql.ast import Aggregate, At, Binary, Call, Expr, Negate, Number, Selector, Text
from workbench.promql.dialect import LOOKBACK_MS
from workbench.promql.histogram import histogram_fraction, histogram_quantile
from workbench.promql.operators import of_scalars, with_scalar, with_vector
from workbench.promql.ranges import Ranges
from workbench.promql.read import Read
from workbench.promql.relabel import absent_labels, label_join, label_replace
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, merged, nothing, without_name
from workbench.promql.windows import IntArray, common_step
from workbench.telemetry.series import FloatArray, Series, is_stale

if TYPE_CHECKING:
    from workbench.promql.evaluate import Evaluator

Value = Vector | Scalar


class Moment:
    """The instants of one block, or the steps of one subquery."""

    def __init__(
        self,
        evaluator: Evaluator,
        instants_ms: IntArray,
        *,
        read: Read | None = None,
        evaluation_ms: int | None = None,
        in_subquery: bool = False,
    ) -> None:
        """`instants_ms` [T] ascends.

        `read` is what other blocks of the same evaluation have read.
        `evaluation_ms`: the instants are steps of a subquery evaluated then, so `@ start()` means then, and no later sample is
        there. Without it, `in_subquery` steps see what was there at their own time.
        """
        self.evaluator = evaluator
        self.dialect = evaluator.dialect
        self.instants_ms = instants_ms
        self.step_ms = common_step(instants_ms)
        self.read = Read(int(instants_ms[-1]) if len(instants_ms) else 0) if read is None else read
        self.evaluation_ms = evaluation_ms
        self.in_subquery = in_subquery
        self.may_clash = self.clashes = False
        """Whether there are two series that have the same labels without their names, and whether both have samples at any of the
        steps: there Prometheus fails a subquery, though they may take turns."""
        self._known: dict[int, Value] = {}
        self._ranges = Ranges(self)

    def value(self, expr: Expr) -> Value:
        """A vector or a scalar."""
        number = self.evaluator.number(expr)
        if number not in self._known:
            self._known[number] = self._computed(expr)
        return self._known[number]

    def vector(self, expr: Expr) -> Vector:
        """The value of an expression that is a vector."""
        value = self.value(expr)
        if not isinstance(value, Vector):
            raise TypeError("the parser admits no scalar where a vector is due")
        return value

    def scalar(self, expr: Expr) -> Scalar:
        """The value of an expression that is a scalar."""
        value = self.value(expr)
        if not isinstance(value, Scalar):
            raise TypeError("the parser admits no vector where a scalar is due")
        return value

    def looked_at(self, offset_ms: int, at_ms: int | At | None) -> tuple[IntArray, IntArray | None]:
        """Where a selector looks [T], and, if that may be ahead of the evaluation, the latest instant with samples [T]."""
        evaluation = self.instants_ms if self.evaluation_ms is None else np.full_like(self.instants_ms, self.evaluation_ms)
        if at_ms is None:
            seen = self.instants_ms
        elif isinstance(at_ms, At):
            seen = evaluation
        else:
            seen = np.full_like(self.instants_ms, at_ms)
        ahead = offset_ms < 0 or at_ms is not None or self.evaluation_ms is not None
        return seen - offset_ms, evaluation if ahead else None

    def latest(self, series: Series, latest_ms: IntArray | None) -> IntArray | None:
        """The latest instant with samples [T] of one series, which may lag behind the evaluation."""
        behind_ms = self.evaluator.behind_ms(series)
        if not behind_ms:
            return latest_ms
        evaluation = self.instants_ms if self.evaluation_ms is None else np.full_like(self.instants_ms, self.evaluation_ms)
        return evaluation - behind_ms if latest_ms is None else np.minimum(evaluation - behind_ms, latest_ms)

    def without_names(self, labels: tuple[Labels, ...], values: FloatArray, present: BoolArray, failed: BoolArray | None) -> Vector:
        """Rows whose names a function of a whole series drops: in a subquery two of one name clash even at different steps."""
        short = [without_name(one) for one in labels]
        if self.in_subquery and len(set(short)) < len(short):
            self.may_clash = True
            there = [one for one, row in zip(short, present, strict=True) if row.any()]
            self.clashes |= len(set(there)) < len(there)
        return merged(short, values, present, failed)

    def _computed(self, expr: Expr) -> Value:
        match expr:
            case Number(number):
                return Scalar(np.full(len(self.instants_ms), number))
            case Selector():
                return self._newest(expr)
            case Call(function, arguments):
                return self._call(function, arguments)
            case Aggregate(argument=argument, parameter=parameter):
                number_of = None if parameter is None or isinstance(parameter, Text) else self.scalar(parameter)
                return aggregate(expr, self.vector(argument), number_of, self.dialect)
            case Negate(argument):
                value = self.value(argument)
                if isinstance(value, Scalar):
                    return Scalar(-value.values, value.failed)
                return self.without_names(value.labels, -value.values, value.present, value.failed)
            case Binary():
                return self._binary(expr)
            case _:
                raise TypeError(f"the parser admits a {type(expr).__name__} only as an argument")

    def _binary(self, expr: Binary) -> Value:
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, Vector):
            if isinstance(right, Vector):
                return with_vector(expr, left, right, self.dialect)
            return with_scalar(expr, left, right, self.dialect, scalar_left=False)
        if isinstance(right, Vector):
            return with_scalar(expr, right, left, self.dialect, scalar_left=True)
        return of_scalars(expr.operator, left, right)

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> Value:
        texts = tuple(argument.value for argument in arguments if isinstance(argument, Text))
        match function, arguments:
            case "time", ():
                return Scalar(self.instants_ms / 1000.0)
            case "pi", ():
                return Scalar(np.full(len(self.instants_ms), np.pi))
            case "vector", (argument,):
                number = self.scalar(argument)
                return self._alone(number.values, number.failed)
            case "scalar", (argument,):
                return functions.scalar_of(self.vector(argument))
            case "absent", (argument,):
                given = self.vector(argument)
                absent = functions.histories(list(given.present), len(self.instants_ms))
                return Vector((absent_labels(argument, self.dialect),), np.ones((1, len(absent))), absent[None, :], given.failed)
            case "timestamp", (argument,):
                return self._timestamp(argument)
            case "histogram_quantile", (share, buckets):
                return histogram_quantile(self.scalar(share), self.vector(buckets), self.dialect)
            case "histogram_fraction", (lower, upper, buckets):
                return histogram_fraction(self.scalar(lower), self.scalar(upper), self.vector(buckets))
            case "label_replace", (argument, *_):
                target, template, source, pattern = texts
                return label_replace(self.vector(argument), target, template, source, pattern, self.dialect)
            case "label_join", (argument, *_):
                return label_join(self.vector(argument), texts[0], texts[1], texts[2:])
            case "clamp", (argument, low, high):
                return functions.clamped(self.vector(argument), self.scalar(low), self.scalar(high))
            case "clamp_min", (argument, low):
                return functions.clamped(self.vector(argument), self.scalar(low), None)
            case "clamp_max", (argument, high):
                return functions.clamped(self.vector(argument), None, self.scalar(high))
            case "round", (argument, *nearest):
                return functions.rounded(self.vector(argument), self.scalar(nearest[0]) if nearest else None)
            case (("sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc"), (argument, *_)):
                # A rule sees no order.
                return self.vector(argument)
            case _, () if function in functions.DATES:
                return self._alone(functions.of_times(function, np.trunc(self.instants_ms / 1000.0)), None)
            case _, (argument,) if function in functions.DATES:
                return functions.dates(function, self.vector(argument))
            case _, (argument,) if function in functions.SIMPLE:
                return functions.of_elements(function, self.vector(argument))
            case _:
                return self._ranges.call(function, arguments)

    def _alone(self, values: FloatArray, failed: BoolArray | None) -> Vector:
        return Vector(((),), values[None, :], np.ones((1, len(values)), bool), failed)

    def _timestamp(self, argument: Expr) -> Vector:
        """When the sample of a selector was taken; of anything else, the instant itself."""
        if isinstance(argument, Selector):
            at_ms, latest_ms = self.looked_at(argument.offset_ms, argument.at_ms)
            given = self._samples(self.evaluator.selected(argument), at_ms, latest_ms, times=True)
        else:
            given = self.vector(argument)
            given = Vector(
                given.labels, np.broadcast_to(self.instants_ms / 1000.0, given.present.shape), given.present, given.failed
            )
        return merged([without_name(labels) for labels in given.labels], given.values, given.present, given.failed)

    def _newest(self, selector: Selector) -> Vector:
        at_ms, latest_ms = self.looked_at(selector.offset_ms, selector.at_ms)
        return self._samples(self.evaluator.selected(selector), at_ms, latest_ms)

    def _samples(self, series: tuple[Series, ...], at_ms: IntArray, latest_ms: IntArray | None, *, times: bool = False) -> Vector:
        """The newest sample within the lookback, or its time, unless it is a stale marker."""
        if not series:
            return nothing(len(at_ms))
        values = np.zeros((len(series), len(at_ms)))
        present = np.zeros(values.shape, bool)
        until_ms = at_ms if latest_ms is None else np.minimum(at_ms, latest_ms)
        for row, one in enumerate(series):
            stamps = self.evaluator.times(one)
            seen_ms = self.latest(one, until_ms)
            newest = stamps.until(until_ms if seen_ms is None else seen_ms) - 1
            here = np.flatnonzero(newest >= 0)
            if here.size == 0:
                continue
            taken_ms = stamps.ms[newest[here]]
            age = at_ms[here] - taken_ms
            recent = age < LOOKBACK_MS if self.dialect.left_open else age <= LOOKBACK_MS
            here, taken_ms = here[recent], taken_ms[recent]
            found = one.values[newest[here]].astype(np.float64)
            values[row, here] = taken_ms / 1000.0 if times else found
            present[row, here] = ~is_stale(found)
        return Vector(tuple(with_name(one) for one in series), values, present)


def with_name(series: Series) -> Labels:
    """The labels of a series, its name among them."""
    return tuple(sorted((("__name__", series.key.name), *series.key.labels)))
