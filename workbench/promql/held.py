"""The samples of a block of windows: what every function of a range works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray
from workbench.promql.windows import IntArray, Windows
from workbench.telemetry.series import FloatArray

_CELLS = 1 << 15
"""Windows x series that are worked on together, so that they stay in the cache."""


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """Samples of n series that share time stamps, and T windows over them, each with at least one sample."""

    values: FloatArray
    """[n, samples]."""
    ms: IntArray
    """[samples]: their time stamps."""
    windows: Windows
    """Counted from the first sample held."""
    instants_ms: IntArray
    """[T]: the instants of evaluation; the windows may end before them."""
    window_ms: int
    parameters: tuple[FloatArray, ...]
    """[T] each: the scalar arguments of the function, in order."""
    dialect: Dialect
    edges: tuple[slice, slice] | None = None
    """First and last samples as slices, if each window is the one before, a fixed number of samples later."""

    def pieces(self) -> Iterator[tuple[slice, Held]]:
        """The same, a few windows at a time."""
        at_once = max(64, _CELLS // max(1, len(self.values)))
        instants = len(self.instants_ms)
        for start in range(0, instants, at_once):
            yield slice(start, min(start + at_once, instants)), self.part(slice(start, start + at_once))

    def part(self, some: slice) -> Held:
        """Some of the windows."""
        windows = self.windows
        edges = self.edges
        if edges is not None:
            instants = range(len(self.instants_ms))[some]
            edges = _some(edges[0], instants), _some(edges[1], instants)
        return Held(
            self.values,
            self.ms,
            Windows(*(getattr(windows, name)[some] for name in Windows.__slots__)),
            self.instants_ms[some],
            self.window_ms,
            tuple(parameter[some] for parameter in self.parameters),
            self.dialect,
            edges,
        )

    def some(self, at: IntArray) -> Held:
        """Some of the windows, in order."""
        parameters = tuple(parameter[at] for parameter in self.parameters)
        windows = self.windows.at(at)
        return Held(self.values, self.ms, windows, self.instants_ms[at], self.window_ms, parameters, self.dialect)

    def first(self) -> FloatArray:
        """The first sample of each window: [n, T]."""
        return self.values[:, self.edges[0] if self.edges is not None else self.windows.low]

    def last(self) -> FloatArray:
        """The last sample of each window: [n, T]."""
        return self.values[:, self.edges[1] if self.edges is not None else self.windows.high]

    def steps(self, begin: int = 0) -> Iterator[tuple[int, FloatArray, BoolArray | None]]:
        """The k-th samples of all windows, for k from `begin` on: k, [n, T], and where there is one [T] (None: everywhere)."""
        counts = self.windows.counts
        for k in range(begin, int(counts.max(initial=0))):
            if self.edges is not None:
                low = self.edges[0]
                yield k, self.values[:, low.start + k : low.stop + k : low.step], None
            else:
                here = counts > k
                at = np.where(here, self.windows.low + k, self.windows.low)
                yield k, self.values[:, at], None if here.all() else here

    def times(self, k: int) -> IntArray:
        """The time stamp of the k-th sample of each window (of the first where there is none): [T]."""
        return self.ms[np.where(self.windows.counts > k, self.windows.low + k, self.windows.low)]


def _some(every: slice, instants: range) -> slice:
    step = every.step or 1
    return slice(every.start + instants.start * step, every.start + (instants.stop - 1) * step + 1, step)
