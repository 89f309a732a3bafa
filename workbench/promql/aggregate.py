"""Aggregations: over the elements of each group, in the order of the elements (aggregation in promql/engine.go)."""

from __future__ import annotations

import numpy as np

from workbench.promql.ast import Aggregate, Text
from workbench.promql.dialect import Dialect
from workbench.promql.ranking import count_values, quantile_of, ranked
from workbench.promql.summation import RunningMean, compensated, step_of_mean
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, dropped, either, kept
from workbench.telemetry.series import FloatArray


def group_key(expr: Aggregate, labels: Labels) -> Labels:
    """The labels of the group to which an element belongs."""
    return dropped(labels, expr.labels) if expr.without else kept(labels, expr.labels)


def aggregate(expr: Aggregate, argument: Vector, parameter: Scalar | None, dialect: Dialect) -> Vector:
    """One element for each group that has any; for `topk` and `bottomk` the elements that stay.

    `parameter` is the scalar in front of the argument, if there is one.
    """
    groups: dict[Labels, list[int]] = {}
    if expr.labels or expr.without:
        for row, labels in enumerate(argument.labels):
            groups.setdefault(group_key(expr, labels), []).append(row)
    elif argument.labels:
        groups[()] = list(range(len(argument.labels)))
    if isinstance(expr.parameter, Text):
        return count_values(expr, argument)
    failed = argument.failed if parameter is None else either(argument.failed, parameter.failed)
    if parameter is not None and expr.operator in {"topk", "bottomk"}:
        return ranked(expr.operator, argument, list(groups.values()), parameter.values, failed, dialect)
    instants = argument.values.shape[1]
    values = np.empty((len(groups), instants))
    present = np.empty(values.shape, bool)
    for out, rows in enumerate(groups.values()):
        if len(rows) == 1 and expr.operator in {"sum", "min", "max"}:
            # A compensated sum ends with the addition of an error, here 0, which makes 0 of -0.
            np.add(argument.values[rows[0]], 0.0 if dialect.compensates_sum and expr.operator == "sum" else -0.0, out=values[out])
            present[out] = argument.present[rows[0]]
            continue
        given, there = argument.values[rows], argument.present[rows]
        present[out] = there.any(axis=0)
        with np.errstate(all="ignore"):
            if parameter is not None:
                values[out] = quantile_of(parameter.values, given, there)
            else:
                values[out] = _reduce(expr.operator, given, there, dialect)
    return Vector(tuple(groups), values, present, failed)


def _reduce(operator: str, values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    match operator:
        case "sum":
            return compensated(values if there.all() else np.where(there, values, 0.0), dialect)
        case "avg":
            return _avg(values, there, dialect)
        case "count":
            counted: FloatArray = there.sum(axis=0).astype(np.float64)
            return counted
        case "group":
            return np.ones(values.shape[1])
        case "stddev":
            return np.sqrt(_variance(values, there, dialect))
        case "stdvar":
            return _variance(values, there, dialect)
        case _:
            return _extreme(values, there, smallest=operator == "min")


def _avg(values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    count = np.cumsum(there, axis=0).astype(np.float64)
    first = there & (count == 1)
    if dialect.compensates_avg:
        mean = RunningMean(np.where(first, values, 0.0).sum(axis=0) if len(values) > 1 else values[0])
        for value, seen, here in zip(values, count, there & ~first, strict=True):
            if here.any():
                mean.add(value, seen, here)
        return mean.value(count[-1])
    plain = np.zeros(values.shape[1])
    for value, seen, here, begins in zip(values, count, there, first, strict=True):
        change, stays = step_of_mean(plain, value, seen)
        plain = np.where(begins, value, np.where(here & ~stays, plain + change, plain))
    return plain


def _variance(values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    count = np.zeros(values.shape[1])
    mean, total = np.zeros(count.shape), np.zeros(count.shape)
    for value, here in zip(values, there, strict=True):
        begins = here & (count == 0)
        count = count + here
        delta = value - mean
        moved = mean + delta / count
        total = np.where(here & ~begins, total + delta * (value - moved), total)
        mean = np.where(begins, value, np.where(here, moved, mean))
        if dialect.infinity_has_no_spread:
            total = np.where(begins & ~np.isfinite(value), np.nan, total)
    result: FloatArray = total / count
    return result


def _extreme(values: FloatArray, there: BoolArray, *, smallest: bool) -> FloatArray:
    """A NaN counts only where there is nothing else."""
    sign = 1.0 if smallest else -1.0
    best = np.fmin.reduce(np.where(there, sign * values, np.nan), axis=0)
    found: FloatArray = sign * best
    return found
