"""Windows over the time stamps of series that were scraped together: which samples they hold, how far they reach beyond them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray
from workbench.telemetry.series import FloatArray

IntArray = npt.NDArray[np.int64]


def milliseconds(times: FloatArray) -> IntArray:
    """Time stamps as Prometheus has them: whole milliseconds."""
    whole: IntArray = np.rint(np.asarray(times) * 1000.0).astype(np.int64)
    return whole


class Times:
    """The time stamps of series that were scraped together, and how many of them lie before an instant."""

    def __init__(self, ms: IntArray) -> None:
        """`ms` [n], whole milliseconds, strictly increasing."""
        self.ms = ms
        steps = np.diff(ms)
        self.step_ms = int(steps[0]) if steps.size and np.all(steps == steps[0]) else 0
        """The distance of neighbours if it is the same everywhere, else 0."""
        self.first_ms = int(ms[0]) if len(ms) else 0

    def __len__(self) -> int:
        return len(self.ms)

    def until(self, instants_ms: IntArray) -> IntArray:
        """How many samples are not later than each instant."""
        if not self.step_ms:
            return np.searchsorted(self.ms, instants_ms, "right")
        # On a regular grid the search is a division.
        counted: IntArray = np.clip((instants_ms - self.ms[0]) // self.step_ms + 1, 0, len(self.ms))
        return counted

    def until_one(self, instant_ms: int) -> int:
        """The same for one instant, without arrays."""
        if not self.step_ms:
            return int(np.searchsorted(self.ms, instant_ms, "right"))
        return min(max((instant_ms - self.first_ms) // self.step_ms + 1, 0), len(self.ms))

    def before(self, instants_ms: IntArray) -> IntArray:
        """How many samples are earlier than each instant."""
        return self.until(instants_ms - 1)


@dataclass(frozen=True, eq=False, slots=True)
class Windows:
    """The windows `[T - w, T]` (left-open from 3.0) of T instants over one array of time stamps.

    All arrays have shape [T]; `low` and `high` are the first and the last sample in the window, and the lengths of time mean
    nothing where `enough` is false.
    """

    low: IntArray
    high: IntArray
    enough: BoolArray
    """At least two samples."""
    covered_s: FloatArray
    """From the first to the last sample."""
    left_s: FloatArray
    """From the left edge to the first sample."""
    right_s: FloatArray
    """From the last sample to the right edge."""
    spacing_s: FloatArray
    """Mean distance of samples."""

    @classmethod
    def over(cls, times: Times, instants_ms: IntArray, window_ms: int, offset_ms: int, dialect: Dialect) -> Windows:
        """Windows that end at each instant, moved back by the offset."""
        right = instants_ms - offset_ms
        left = right - window_ms
        low = times.until(left) if dialect.left_open else times.before(left)
        high = times.until(right) - 1
        enough = high > low
        if not enough.any():
            empty = np.zeros(instants_ms.shape)
            return cls(low, high, enough, empty, empty, empty, empty)
        a, b = np.minimum(low, len(times) - 1), np.maximum(high, 0)
        first, last = times.ms[a], times.ms[b]
        covered = (last - first) / 1000.0
        spacing = covered / np.maximum(b - a, 1)
        return cls(low, high, enough, covered, (first - left) / 1000.0, (right - last) / 1000.0, spacing)

    @property
    def threshold_s(self) -> FloatArray:
        """An edge at least this far from its sample is not reached: only half a spacing is added."""
        return self.spacing_s * 1.1

    def at(self, some: IntArray) -> Windows:
        """Only some of the windows."""
        if len(some) == len(self.low):
            return self
        return Windows(*(getattr(self, name)[some] for name in self.__slots__))

    def moved(self, by: int) -> Windows:
        """The same windows over samples that are counted from another one."""
        return replace(self, low=self.low + by, high=self.high + by)
