"""Sums as Prometheus adds them: one number after the other, the rounding error carried along (kahanSumInc)."""

from __future__ import annotations

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray
from workbench.telemetry.series import FloatArray


def increased(total: FloatArray, rest: FloatArray, added: FloatArray, *, forgets: bool) -> tuple[FloatArray, FloatArray]:
    """A compensated sum after one more number: the new total and the new carried error (Neumaier's variant).

    `forgets`: an infinite total forgets the error, see `Dialect.forgets_at_infinity`. Any shapes that broadcast.
    """
    after = total + added
    lost = np.where(np.abs(total) >= np.abs(added), (total - after) + added, (added - after) + total)
    carried = rest + lost
    return after, np.where(np.isinf(after), 0.0, carried) if forgets else carried


class RunningMean:
    """The mean from 2.55 on: a compensated sum, divided at the end, or from the first overflow on a running mean."""

    def __init__(self, first: FloatArray) -> None:
        """`first`: the first number of each mean."""
        self._total = first
        self._mean = np.zeros(first.shape)
        self._rest = np.zeros(first.shape)
        self._overflown = np.zeros(first.shape, bool)

    def add(self, added: FloatArray, count: FloatArray, here: BoolArray | None = None) -> None:
        """One more number, the `count`-th; where `here` is false there is none."""
        total, rest = increased(self._total, self._rest, added, forgets=True)
        on = ~self._overflown if here is None else ~self._overflown & here
        bursts = on & np.isinf(total)
        if bursts.any():
            np.copyto(self._mean, self._total / (count - 1), where=bursts)
            np.copyto(self._rest, self._rest / (count - 1), where=bursts)
            self._overflown |= bursts
        on &= ~bursts
        self._total = np.where(on, total, self._total)
        if self._overflown.any():
            running = self._overflown if here is None else self._overflown & here
            share = (count - 1) / count
            mean, carried = increased(share * self._mean, share * self._rest, added / count, forgets=True)
            np.copyto(self._mean, mean, where=running)
            rest = np.where(running, carried, rest)
            on = on | running
        self._rest = np.where(on, rest, self._rest)

    def value(self, count: FloatArray) -> FloatArray:
        """The mean of `count` numbers."""
        direct = self._total / count + self._rest / count
        result: FloatArray = np.where(self._overflown, self._mean + self._rest, direct)
        return result


def step_of_mean(mean: FloatArray, value: FloatArray, count: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Before 2.55: by how much a running mean changes, and where it stays because it is infinite already."""
    stays = np.isinf(mean) & ((np.isinf(value) & ((mean > 0) == (value > 0))) | np.isfinite(value))
    return value / count - mean / count, stays


def compensated(values: FloatArray, dialect: Dialect) -> FloatArray:
    """The sum along the first axis as `sum` gives it; numbers that are not there must be 0."""
    # The running total does not depend on the carried error, so both are prefix sums; numpy adds along the first axis in order.
    if not dialect.compensates_sum:
        return _plain(values)
    summed = _by_exact_errors(values)
    if np.isfinite(summed).all():
        return summed
    total = values[0].copy()
    rest = np.zeros(total.shape)
    for added in values[1:]:
        total, rest = increased(total, rest, added, forgets=dialect.forgets_at_infinity)
    result: FloatArray = total + rest
    return result


def _by_exact_errors(values: FloatArray) -> FloatArray:
    """The same where nothing overflows: an addition errs by a float, which Knuth's six operations find without a comparison."""
    total = values[0].copy()
    rest, after, back, error = (np.zeros(total.shape) for _ in range(4))
    for added in values[1:]:
        np.add(total, added, out=after)
        np.subtract(after, total, out=back)
        np.subtract(after, back, out=error)
        np.subtract(total, error, out=error)
        np.subtract(added, back, out=back)
        error += back
        rest += error
        total, after = after, total
    summed: FloatArray = total + rest
    return summed


def _plain(values: FloatArray) -> FloatArray:
    total: FloatArray = values[0].copy()
    for added in values[1:]:
        total += added
    return total
