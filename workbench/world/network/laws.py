"""Laws of time put on grids, and those of them that were used last."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from scipy.special import gammaincc, ndtr

from workbench.telemetry.series import FloatArray
from workbench.world.network.density import Density, TimeGrid, point

Value = TypeVar("Value")

_MOST_LAWS = 256
"""About 100 kB each."""


class Kept(Generic[Value]):
    """Values that cost something to make: those used last are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value


class Laws:
    """Laws on one grid."""

    def __init__(self, grid: TimeGrid) -> None:
        self.grid = grid
        self._kept: Kept[Density] = Kept(_MOST_LAWS)

    def lognormal(self, median_s: float, sigma: float) -> Density:
        """A lognormal time."""
        return self._kept.get(("lognormal", median_s, sigma), partial(lognormal, self.grid, median_s, sigma))

    def gamma(self, shape: float, mean_s: float) -> Density:
        """A gamma time."""
        return self._kept.get(("gamma", shape, mean_s), partial(gamma, self.grid, shape, mean_s))

    def uniform(self, longest_s: float) -> Density:
        """A uniform time."""
        return self._kept.get(("uniform", longest_s), partial(uniform, self.grid, longest_s))

    def point(self, at_s: float) -> Density:
        """A fixed time."""
        return self._kept.get(("point", at_s), partial(point, self.grid, at_s))


def _of_excess(grid: TimeGrid, mean_s: float, excess: Callable[[FloatArray], FloatArray]) -> Density:
    """From E[(X - t)+]: every time is shared out between the two nearest multiples of the step so that the mean is exact."""
    masses = []
    for step in grid.steps_s:
        at: FloatArray = step * np.arange(grid.cells + 1, dtype=np.float64)
        above = excess(at)
        # Before 0 the mean excess falls with slope -1.
        slope = np.diff(above, prepend=above[0] + step) / step
        masses.append(np.maximum(np.diff(slope), 0.0))
    return Density(grid, 1.0, mean_s, mass=np.array(masses))


def lognormal(grid: TimeGrid, median_s: float, sigma: float) -> Density:
    """A lognormal time."""
    if sigma == 0:
        return point(grid, median_s)
    mean_s = median_s * math.exp(sigma * sigma / 2)

    def excess(at: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            d = -np.log(at / median_s) / sigma
        out: FloatArray = mean_s * ndtr(d + sigma) - at * ndtr(d)
        return out

    return _of_excess(grid, mean_s, excess)


def gamma(grid: TimeGrid, shape: float, mean_s: float) -> Density:
    """A gamma time; shape 1 is exponential."""

    def excess(at: FloatArray) -> FloatArray:
        scaled = at * (shape / mean_s)
        if shape == 1:
            return mean_s * np.exp(-scaled)
        # Nothing that counts lies further out: an incomplete gamma function of every point would take most of the time.
        inside = scaled < shape + 40 + 12 * math.sqrt(shape)
        x = scaled[inside]
        above = gammaincc(shape, x)
        with np.errstate(divide="ignore"):
            # gammaincc(shape + 1, x) = gammaincc(shape, x) + x^shape e^-x / Gamma(shape + 1)
            step = np.exp(shape * np.log(x) - x - math.lgamma(shape + 1))
        out: FloatArray = np.zeros(len(at))
        out[inside] = mean_s * (above + step) - at[inside] * above
        return out

    return _of_excess(grid, mean_s, excess)


def uniform(grid: TimeGrid, longest_s: float) -> Density:
    """Uniform between 0 and `longest_s`."""
    if longest_s <= 0:
        return point(grid, 0.0)

    def excess(at: FloatArray) -> FloatArray:
        out: FloatArray = np.square(np.maximum(longest_s - at, 0.0)) / (2 * longest_s)
        return out

    return _of_excess(grid, longest_s / 2, excess)
