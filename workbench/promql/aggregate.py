"""`sum`, `avg`, `min`, `max`, `count`: over the elements of each group, in the order of their labels."""

from __future__ import annotations

import numpy as np

from workbench.promql.ast import Aggregate
from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray, Labels, Vector, dropped, kept
from workbench.telemetry.series import FloatArray


def group_key(expr: Aggregate, labels: Labels) -> Labels:
    """The labels of the group to which an element belongs."""
    return dropped(labels, expr.labels) if expr.without else kept(labels, expr.labels)


def aggregate(expr: Aggregate, argument: Vector, dialect: Dialect) -> Vector:
    """One element for each group that has any."""
    groups: dict[Labels, list[int]] = {}
    if expr.labels or expr.without:
        for row, labels in enumerate(argument.labels):
            groups.setdefault(group_key(expr, labels), []).append(row)
    elif argument.labels:
        groups[()] = list(range(len(argument.labels)))
    instants = argument.values.shape[1]
    values = np.zeros((len(groups), instants))
    present = np.zeros(values.shape, bool)
    for out, rows in enumerate(groups.values()):
        given, there = argument.values[rows], argument.present[rows]
        present[out] = there.any(axis=0)
        with np.errstate(all="ignore"):
            values[out] = _reduce(expr.operator, given, there, dialect)
    return Vector(tuple(groups), values, present, argument.failed)


def _reduce(operator: str, values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    match operator:
        case "sum":
            return _sum(values, there, dialect)
        case "avg":
            return _avg(values, there, dialect)
        case "count":
            counted: FloatArray = there.sum(axis=0).astype(np.float64)
            return counted
        case _:
            return _extreme(values, there, smallest=operator == "min")


def _sum(values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    total, rest = _compensated(values, there, dialect)
    return total + rest


def _compensated(values: FloatArray, there: BoolArray, dialect: Dialect) -> tuple[FloatArray, FloatArray]:
    """Sum and carried rounding error (Neumaier's variant, kahanSumInc), element after element; the error is 0 before 2.54."""
    given = np.where(there, values, 0.0)
    # The running sum does not depend on the carried error, so both are prefix sums; numpy adds along the first axis in order.
    totals = np.cumsum(given, axis=0)
    if not dialect.compensates or len(given) == 1:
        return totals[-1], np.zeros(values.shape[1])
    before, after, added = totals[:-1], totals[1:], given[1:]
    lost = np.where(np.abs(before) >= np.abs(added), (before - after) + added, (added - after) + before)
    rest = np.cumsum(lost, axis=0)[-1]
    # An infinite sum forgets the error; once infinite it stays so, or becomes NaN.
    return totals[-1], np.where(np.isinf(totals).any(axis=0), 0.0, rest)


def _avg(values: FloatArray, there: BoolArray, dialect: Dialect) -> FloatArray:
    count = there.sum(axis=0)
    if dialect.compensates:
        total, rest = _compensated(values, there, dialect)
        compensated: FloatArray = total / count + rest / count
        return compensated
    mean = np.zeros(values.shape[1])
    seen = np.zeros(values.shape[1])
    for value, here in zip(values, there, strict=True):
        seen = seen + here
        updated = np.where(seen == 1, value, mean + (value / seen - mean / seen))
        stays = np.isinf(mean) & ((np.isinf(value) & ((mean > 0) == (value > 0))) | np.isfinite(value))
        mean = np.where(here & ~stays, updated, mean)
    return mean


def _extreme(values: FloatArray, there: BoolArray, *, smallest: bool) -> FloatArray:
    """A NaN counts only where there is nothing else."""
    sign = 1.0 if smallest else -1.0
    best = np.fmin.reduce(np.where(there, sign * values, np.nan), axis=0)
    found: FloatArray = sign * best
    return found
