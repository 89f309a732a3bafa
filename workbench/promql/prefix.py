"""Sums over windows out of prefix sums, where that provably gives the same float as adding one sample after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.promql.held import Held
from workbench.promql.rates import LARGEST_WHOLE
from workbench.promql.summation import increased
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray
from workbench.telemetry.series import FloatArray

_UNIT = 2.0**-53
"""Largest relative error of one rounding."""


def exact_sums(held: Held) -> FloatArray | None:
    """Sums of whole numbers so small that every order of adding is exact; None where that is not so."""
    values = held.values
    if not np.array_equal(np.rint(values), values) or np.abs(values).sum(axis=1).max(initial=0.0) >= LARGEST_WHOLE:
        return None
    so_far = _before(np.cumsum(values, axis=1))
    # Prometheus begins with 0, so no sum is -0.
    sums: FloatArray = so_far[:, held.windows.high + 1] - so_far[:, held.windows.low] + 0.0
    return sums


def window_sums(held: Held) -> FloatArray:
    """`sum_over_time`: total plus carried rounding error.

    The errors of the single additions are exact, so with a carried error summed up without rounding the result would be the
    rounded true sum. The rounding of the carried errors moves it by at most L x 2^-53 times their sum, for L samples, and so by
    less than L^2 x 2^-106 times the sum of absolute values. The true sum comes out of prefix sums kept in two floats, whose error
    has a bound of the same kind. Where everything within both bounds rounds to one float, that is the result; the others are
    added up one by one.
    """
    exact = exact_sums(held)
    if exact is not None:
        return exact
    out = np.empty((len(held.values), len(held.instants_ms)))
    low, high = held.windows.low, held.windows.high
    for row, values in enumerate(held.values):
        sums, sure = _enclosed(values, low, high)
        out[row] = sums
        for at in _pieces(np.flatnonzero(~sure)):
            out[row, at] = _one_by_one(values, low[at], high[at], forgets=held.dialect.forgets_at_infinity)
    return out


def window_means(held: Held, one_by_one: Callable[[Held], FloatArray]) -> FloatArray:
    """`avg_over_time` from 2.55 on: total / L + carried error / L, for windows of L samples.

    The total has the rounding of every single addition in it, so it is added up as Prometheus does, which is one plain addition
    a sample. The carried error is the true sum less the total; the true sum comes out of prefix sums, within a bound, and where
    everything within the bound gives one float, that is the mean. The others are left to `one_by_one`.
    """
    count = held.windows.counts.astype(np.float64)
    exact = exact_sums(held)
    if exact is not None:
        return exact / count
    totals = np.empty((len(held.values), len(held.instants_ms)))
    for where, part in held.pieces():
        totals[:, where] = _plain_totals(part)
    out = np.empty(totals.shape)
    unsure = np.zeros(len(count), bool)
    for row, values in enumerate(held.values):
        truth = _Truth.of(values, held.windows.low, held.windows.high)
        apart = truth.difference - totals[row]
        carried = apart + (_lost(truth.difference, -totals[row], apart) + truth.rest)
        bound = truth.bound + 4 * _UNIT * np.abs(carried)
        least, most = (totals[row] / count + (carried + sign * bound) / count for sign in (-1, 1))
        out[row] = np.where(truth.zero, 0.0, least)
        unsure |= ~((least == most) & truth.usable | truth.zero)
    for at in _pieces(np.flatnonzero(unsure)):
        out[:, at] = one_by_one(held.some(at))
    return out


def _plain_totals(held: Held) -> FloatArray:
    total = held.first().copy()
    for _, value, here in held.steps(1):
        if here is None:
            total += value
        else:
            np.add(total, value, out=total, where=here)
    return total


def _pieces(at: IntArray) -> list[IntArray]:
    return [at[start : start + 4096] for start in range(0, len(at), 4096)]


def _before(so_far: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((len(so_far), 1)), so_far], axis=1)


@dataclass(frozen=True, eq=False, slots=True)
class _Truth:
    """The true sums of the windows of one series, but for the roundings that Prometheus's carried error has in it: [T] each."""

    difference: FloatArray
    rest: FloatArray
    """The sum is `difference` + `rest`, as real numbers, give or take `bound`."""
    bound: FloatArray
    usable: BoolArray
    """Whether all samples are finite and far from overflow."""
    zero: BoolArray
    """Whether all samples are 0."""

    @classmethod
    def of(cls, values: FloatArray, low: IntArray, high: IntArray) -> _Truth:
        finite = np.isfinite(values)
        unusable = _before(np.cumsum(~finite)[None, :])[0]
        given = np.where(finite, values, 0.0)
        totals = _before(np.cumsum(given)[None, :])[0]
        lost = _lost(totals[:-1], given, totals[1:])
        rests = _before(np.cumsum(lost)[None, :])[0]
        size = _before(np.cumsum(np.abs(given))[None, :])[0]
        count = (high - low + 1).astype(np.float64)
        begin, end = totals[low], totals[high + 1]
        difference = end - begin
        rest = _lost(end, -begin, difference) + (rests[high + 1] - rests[low])
        # All that was rounded: the prefix sums of errors, three additions here, and the errors that Prometheus carries.
        prefixes = len(values) * _UNIT * float(np.abs(lost).sum()) * 2
        carried = 2 * count * _UNIT * (count * _UNIT * (size[high + 1] - size[low] + 4 * len(values) * _UNIT * size[-1]))
        bound = 1.001 * (prefixes + carried) + 8 * _UNIT * (np.abs(rest) + np.abs(rests[high + 1]) + np.abs(rests[low])) + 1e-300
        usable = (unusable[high + 1] == unusable[low]) & (np.abs(size[-1]) < 1e300)
        something = _before(np.cumsum(values != 0)[None, :])[0]
        return cls(difference, rest, bound, usable, something[high + 1] == something[low])


def _enclosed(values: FloatArray, low: IntArray, high: IntArray) -> tuple[FloatArray, BoolArray]:
    """Sums of the windows [T] of one series, and where they are certain."""
    truth = _Truth.of(values, low, high)
    least, most = truth.difference + (truth.rest - truth.bound), truth.difference + (truth.rest + truth.bound)
    return np.where(truth.zero, 0.0, least), ((least == most) & truth.usable) | truth.zero


def _lost(one: FloatArray, other: FloatArray, total: FloatArray) -> FloatArray:
    """The exact error of an addition (Knuth's TwoSum)."""
    back = total - one
    error: FloatArray = (one - (total - back)) + (other - back)
    return error


def _one_by_one(values: FloatArray, low: IntArray, high: IntArray, *, forgets: bool) -> FloatArray:
    total, rest = np.zeros(len(low)), np.zeros(len(low))
    for k in range(int((high - low).max(initial=-1)) + 1):
        here = low + k <= high
        after, carried = increased(total, rest, values[np.where(here, low + k, low)], forgets=forgets)
        total, rest = np.where(here, after, total), np.where(here, carried, rest)
    return np.where(np.isinf(total), total, total + rest)
