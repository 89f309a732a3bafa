"""Densities of time on grids of two resolutions: sums by FFT, mixtures, truncation.

Every time is shared out between the two nearest multiples of the step so that means are exact, of sums too, and distribution
functions to second order in the step. Before a transform the masses are damped geometrically,
which keeps what lies beyond the end of a grid from wrapping around to its beginning (Gruebel and Hermesmeier 1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

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

    def joined(self, mass: FloatArray, total: float | None = None, beyond: float = 0.0) -> Density:
        """The measure of masses `[grids, cells]` that were computed on each grid by itself.

        Each grid counts where no finer one reaches, and is made to hold what the finer ones hold below. Mass `beyond` all of them,
        or what is missing from a known `total`, is taken to lie at their end.
        """
        first, below, end = 0.0, 0.0, -1.0
        for number, step in enumerate(self.steps_s):
            inner = int(np.searchsorted(self.middles_s[number], end, side="right"))
            inside = float(mass[number, :inner].sum())
            mass[number, :inner] *= below / inside if inside > 0 else 0.0
            first += float(mass[number, inner:] @ self.middles_s[number, inner:])
            below += float(mass[number, inner:].sum())
            end = step * (self.cells - 0.5)
        whole = below + beyond if total is None else total
        return Density(self, whole, first + max(0.0, whole - below) * end, mass=mass)

    def index(self, at_s: float) -> int:
        """The finest grid that reaches `at_s`."""
        for number, step in enumerate(self.steps_s):
            if at_s <= step * (self.cells - 1):
                return number
        return len(self.steps_s) - 1


class Density:
    """A measure on times, of mass `total` up to 1. Kept as masses, as a transform, or both; all at 0 where it is `instant`."""

    __slots__ = ("_mass", "_spectrum", "_upto", "first", "grid", "instant", "total")

    def __init__(
        self,
        grid: TimeGrid,
        total: float,
        first: float = 0.0,
        *,
        mass: FloatArray | None = None,
        spectrum: Array | None = None,
    ) -> None:
        """`first` is the integral of time over the measure, what lies beyond the grids included. Neither: all happens at 0."""
        self.grid, self.total, self.first = grid, total, first
        self.instant = mass is None and spectrum is None
        self._mass, self._spectrum = mass, spectrum
        self._upto: FloatArray | None = None

    @property
    def mass(self) -> FloatArray:
        """Mass of every cell, `[grids, cells]`."""
        if self._mass is None:
            if self._spectrum is None:
                self._mass = np.zeros((len(self.grid.steps_s), self.grid.cells))
                self._mass[:, 0] = self.total
            else:
                raw = np.fft.irfft(self._spectrum, self.grid.cells, axis=-1)
                self._mass = np.maximum(raw / self.grid.damping, 0.0)
        return self._mass

    @property
    def spectrum(self) -> Array:
        """Transform of the damped masses, `[grids, cells / 2 + 1]`."""
        if self._spectrum is None:
            self._spectrum = np.fft.rfft(self.mass * self.grid.damping, axis=-1)
        return self._spectrum

    def then(self, other: Density) -> Density:
        """The sum of two independent times."""
        if other.instant:
            return self.times(other.total)
        if self.instant:
            return other.times(self.total)
        first = self.first * other.total + self.total * other.first
        return Density(self.grid, self.total * other.total, first, spectrum=self.spectrum * other.spectrum)

    def times(self, factor: float) -> Density:
        """The same with another mass."""
        if factor == 1:
            return self
        total, first = self.total * factor, self.first * factor
        if self.instant:
            return Density(self.grid, total)
        if self._spectrum is not None:
            return Density(self.grid, total, first, spectrum=self._spectrum * factor)
        return Density(self.grid, total, first, mass=self.mass * factor)

    def plus(self, other: Density) -> Density:
        """One or the other."""
        if other.total <= 0:
            return self
        if self.total <= 0:
            return other
        total, first = self.total + other.total, self.first + other.first
        if self.instant and other.instant:
            return Density(self.grid, total)
        if self._spectrum is None and other._spectrum is None:
            return Density(self.grid, total, first, mass=self.mass + other.mass)
        # The transform of what happens at 0 is its mass everywhere.
        one, two = (density.total if density.instant else density.spectrum for density in (self, other))
        return Density(self.grid, total, first, spectrum=np.add(one, two))

    def upto(self) -> FloatArray:
        """Mass up to the upper edge of each cell, `[grids, cells]`."""
        if self._upto is None:
            self._upto = np.cumsum(self.mass, axis=-1)
        return self._upto

    def at(self, bounds: FloatArray) -> FloatArray:
        """Mass up to and at each bound, `[len(bounds)]`; up to infinity it is `total`.

        Inside a cell mass is even, but what a cell has beyond the mean of its neighbours is an atom in its middle.
        """
        if self.instant:
            reached: FloatArray = np.where(bounds >= 0, self.total, 0.0)
            return reached
        level, cell, part, beyond = self.grid.places(tuple(bounds.tolist()))
        running, mass = self.upto(), self.mass
        before, here = np.maximum(cell - 1, 0), mass[level, cell]
        below = np.where(cell > 0, running[level, before], 0.0)
        around = mass[level, np.minimum(cell + 1, self.grid.cells - 1)] / 2 + np.where(cell > 0, mass[level, before] / 2, 0.0)
        even = np.minimum(here, around)
        passed = (cell == 0) | (part >= 0.5 - 1e-9)
        out = below + part * even + np.where(passed, here - even, 0.0)
        out[beyond] = self.total
        capped: FloatArray = np.minimum(out, self.total)
        return capped

    def mean(self) -> float:
        """Mean time; nan without mass."""
        return self.first / self.total if self.total > 1e-300 else math.nan

    def between(self, low_s: float, high_s: float) -> tuple[float, float]:
        """Mass between two times and its integral of time, on the finest grid that reaches the later; half of a cell at a time."""
        level = len(self.grid.steps_s) - 1 if math.isinf(high_s) else self.grid.index(high_s)
        at, mass = self.grid.middles_s[level], self.mass[level]
        near = self.grid.steps_s[level] * 1e-6
        first = np.searchsorted(at, low_s - near)
        last = np.searchsorted(at, high_s + near)
        inside, times = mass[first:last].copy(), at[first:last]
        if len(inside):
            inside[0] *= 0.5 if abs(times[0] - low_s) <= near and low_s > 0 else 1.0
            inside[-1] *= 0.5 if abs(times[-1] - high_s) <= near else 1.0
        return float(inside.sum()), float(inside @ times)

    def cut(self, at_s: float) -> tuple[Density, Density]:
        """What is faster than a time limit; and the rest, as a mass at the limit."""
        if self.instant or at_s > self.grid.steps_s[-1] * (self.grid.cells - 1):
            return self, Density(self.grid, 0.0)
        total = float(self.at(np.array([at_s]))[0])
        level = self.grid.index(at_s)
        kept = self.mass.copy()
        first = 0.0
        for number, step in enumerate(self.grid.steps_s):
            cell = int(at_s / step + 0.5 + 1e-9)
            if cell >= self.grid.cells:
                continue
            # Every grid keeps the same mass, so that bounds read on different ones fit together.
            kept[number, cell:] = 0
            kept[number, cell] = max(0.0, total - kept[number].sum())
            kept[number] *= total / max(float(kept[number].sum()), 1e-300)
            if number == level:
                first = float(kept[number] @ self.grid.middles_s[number])
        return Density(self.grid, total, first, mass=kept), point(self.grid, at_s, max(0.0, self.total - total))


def point(grid: TimeGrid, at_s: float, total: float = 1.0) -> Density:
    """All mass at one time, spread over two cells so that its mean is exact."""
    if at_s <= 0 or total <= 0:
        return Density(grid, max(0.0, total))
    mass = np.zeros((len(grid.steps_s), grid.cells))
    for number, step in enumerate(grid.steps_s):
        cell, part = divmod(at_s / step, 1.0)
        if 1 - part < 1e-9:
            cell, part = cell + 1, 0.0
        if cell + 1 < grid.cells:
            mass[number, int(cell)] = total * (1 - part)
            mass[number, int(cell) + 1] += total * part
    return Density(grid, total, total * at_s, mass=mass)
