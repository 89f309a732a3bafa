"""Densities of time on grids of two resolutions: sums by FFT, greatest and k-th by distribution functions, truncation.

Every time is shared out between the two nearest multiples of the step so that means are exact, of sums too, and distribution
functions to second order in the step. Before a transform the masses are damped geometrically,
which keeps what lies beyond the end of a grid from wrapping around to its beginning (Gruebel and Hermesmeier 1999).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import gammaincc, ndtr

from workbench.telemetry.series import Array, FloatArray

_DAMPING = 16.0
"""Damping over the length of a grid: what wraps around is 1e-7 of what lies beyond the end."""


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """Grids of `cells` cells each, finest first."""

    steps_s: tuple[float, ...]
    cells: int
    _places: dict[tuple[float, ...], tuple[Array, Array, FloatArray, Array]] = field(default_factory=dict, repr=False)

    @cached_property
    def edges_s(self) -> FloatArray:
        """Upper edge of every cell, `[grids, cells]`."""
        out: FloatArray = np.array(self.steps_s)[:, None] * (np.arange(self.cells) + 0.5)
        return out

    @cached_property
    def middles_s(self) -> FloatArray:
        """Middle of every cell, `[grids, cells]`."""
        out: FloatArray = np.array(self.steps_s)[:, None] * np.arange(self.cells)
        return out

    @cached_property
    def damping(self) -> FloatArray:
        """Factor of every cell before a transform, `[cells]`."""
        out: FloatArray = np.exp(-_DAMPING / self.cells * np.arange(self.cells))
        return out

    @classmethod
    def of(cls, bounds: tuple[float, ...], longest_s: float) -> TimeGrid:
        """Grids on which every bound is a multiple of a step, or nearly, and that reach beyond `longest_s`."""
        cells = 2048
        fine = min(bounds[0] / 10, longest_s / cells)
        steps = [fine]
        while steps[-1] * cells < 1.05 * longest_s:
            steps.append(
                min(steps[-1] * 32, 1.05 * longest_s / cells * 1.0000001) if steps[-1] * 32 * cells > longest_s else steps[-1] * 32
            )
        return cls(tuple(steps), cells)

    def places(self, bounds: tuple[float, ...]) -> tuple[Array, Array, FloatArray, Array]:
        """For each bound its grid, its cell there, which part of the cell lies below it; and which bounds are infinite."""
        found = self._places.get(bounds)
        if found is None:
            finite = [bound if not math.isinf(bound) else 0.0 for bound in bounds]
            level = np.array([self.index(bound) for bound in finite])
            where = np.array(finite) / np.array(self.steps_s)[level] + 0.5
            cell = np.minimum(where.astype(np.int64), self.cells - 1)
            # The first cell is half as long as the others.
            part = np.where(cell == 0, (where - 0.5) * 2, where - cell)
            found = self._places[bounds] = level, cell, part, np.array([math.isinf(bound) for bound in bounds])
        return found

    def index(self, at_s: float) -> int:
        """The finest grid that reaches `at_s`."""
        for number, step in enumerate(self.steps_s):
            if at_s <= step * (self.cells - 1):
                return number
        return len(self.steps_s) - 1


class Density:
    """A measure on times, of mass `total` up to 1. Kept as masses, as a transform, or both."""

    __slots__ = ("_mass", "_spectrum", "_upto", "grid", "total")

    def __init__(self, grid: TimeGrid, total: float, *, mass: FloatArray | None = None, spectrum: Array | None = None) -> None:
        self.grid, self.total = grid, total
        self._mass, self._spectrum = mass, spectrum
        self._upto: FloatArray | None = None

    @property
    def mass(self) -> FloatArray:
        """Mass of every cell, `[grids, cells]`."""
        if self._mass is None:
            assert self._spectrum is not None  # noqa: S101 - one of the two is always there
            raw = np.fft.irfft(self._spectrum, self.grid.cells, axis=-1)
            self._mass = np.maximum(raw / self.grid.damping, 0.0)
        return self._mass

    @property
    def spectrum(self) -> Array:
        """Transform of the damped masses, `[grids, cells / 2 + 1]`."""
        if self._spectrum is None:
            assert self._mass is not None  # noqa: S101 - one of the two is always there
            self._spectrum = np.fft.rfft(self._mass * self.grid.damping, axis=-1)
        return self._spectrum

    def then(self, other: Density) -> Density:
        """The sum of two independent times."""
        return Density(self.grid, self.total * other.total, spectrum=self.spectrum * other.spectrum)

    def times(self, factor: float) -> Density:
        """The same with another mass."""
        if self._spectrum is not None:
            return Density(self.grid, self.total * factor, spectrum=self._spectrum * factor)
        return Density(self.grid, self.total * factor, mass=self.mass * factor)

    def plus(self, other: Density) -> Density:
        """One or the other."""
        if self._mass is not None and other._mass is not None:
            return Density(self.grid, self.total + other.total, mass=self._mass + other._mass)
        return Density(self.grid, self.total + other.total, spectrum=self.spectrum + other.spectrum)

    def upto(self) -> FloatArray:
        """Mass up to the upper edge of each cell, `[grids, cells]`."""
        if self._upto is None:
            self._upto = np.cumsum(self.mass, axis=-1)
        return self._upto

    def at(self, bounds: FloatArray) -> FloatArray:
        """Mass up to each bound, `[len(bounds)]`; up to infinity it is `total`."""
        running = self.upto()
        level, cell, part, beyond = self.grid.places(tuple(bounds.tolist()))
        below = np.where(cell > 0, running[level, np.maximum(cell - 1, 0)], 0.0)
        out = below + part * (running[level, cell] - below)
        out[beyond] = self.total
        return np.minimum(out, self.total)

    def mean(self) -> float:
        """Mean time of what lies on the coarsest grid; nan without mass."""
        mass = self.mass[-1]
        inside = mass.sum()
        return float(mass @ self.grid.middles_s[-1] / inside) if inside > 1e-300 else math.nan

    def cut(self, at_s: float) -> tuple[Density, Density]:
        """What is faster than a time limit; and the rest, as a mass at the limit."""
        running = self.at(np.array([at_s]))[0]
        kept = self.mass.copy()
        for number, step in enumerate(self.grid.steps_s):
            where = at_s / step
            if where >= self.grid.cells:
                continue
            cell = int(where + 0.5)
            kept[number, cell + 1 :] = 0
            kept[number, cell] *= where + 0.5 - cell
        return Density(self.grid, running, mass=kept), point(self.grid, at_s, max(0.0, self.total - running))


def point(grid: TimeGrid, at_s: float, total: float = 1.0) -> Density:
    """All mass at one time, spread over two cells so that its mean is exact."""
    mass = np.zeros((len(grid.steps_s), grid.cells))
    for number, step in enumerate(grid.steps_s):
        cell, part = divmod(at_s / step, 1.0)
        if cell + 1 < grid.cells:
            mass[number, int(cell)] = total * (1 - part)
            mass[number, int(cell) + 1] += total * part
    return Density(grid, total, mass=mass)


def _of_excess(grid: TimeGrid, excess: Callable[[FloatArray], FloatArray]) -> Density:
    """From E[(X - t)+]: every time is shared out between the two nearest multiples of the step so that the mean is exact."""
    masses = []
    for step in grid.steps_s:
        at: FloatArray = step * np.arange(grid.cells + 1, dtype=np.float64)
        above = excess(at)
        # Before 0 the mean excess falls with slope -1.
        slope = np.diff(above, prepend=above[0] + step) / step
        masses.append(np.maximum(np.diff(slope), 0.0))
    return Density(grid, 1.0, mass=np.array(masses))


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

    return _of_excess(grid, excess)


def gamma(grid: TimeGrid, shape: float, mean_s: float) -> Density:
    """A gamma time; shape 1 is exponential."""

    def excess(at: FloatArray) -> FloatArray:
        scaled = at * (shape / mean_s)
        out: FloatArray = mean_s * gammaincc(shape + 1, scaled) - at * gammaincc(shape, scaled)
        return out

    return _of_excess(grid, excess)


def uniform(grid: TimeGrid, longest_s: float) -> Density:
    """Uniform between 0 and `longest_s`."""
    if longest_s <= 0:
        return point(grid, 0.0)

    def excess(at: FloatArray) -> FloatArray:
        out: FloatArray = np.square(np.maximum(longest_s - at, 0.0)) / (2 * longest_s)
        return out

    return _of_excess(grid, excess)


def at_least(need: int, members: list[Density]) -> Density:
    """The time at which `need` of the members have happened: the k-th order statistic of independent, unequal times."""
    grid = members[0].grid
    # Distribution of how many have happened by each edge: Poisson binomial, one member after the other.
    counts = [np.ones_like(grid.edges_s), *(np.zeros_like(grid.edges_s) for _ in members)]
    ends = [1.0, *(0.0 for _ in members)]
    for number, member in enumerate(members, start=1):
        upto, total = member.upto(), member.total
        for k in range(number, 0, -1):
            counts[k] = counts[k] * (1 - upto) + counts[k - 1] * upto
            ends[k] = ends[k] * (1 - total) + ends[k - 1] * total
        counts[0] = counts[0] * (1 - upto)
        ends[0] *= 1 - total
    reached = sum(counts[need:])
    return Density(grid, float(sum(ends[need:])), mass=np.diff(reached, axis=-1, prepend=0.0))
