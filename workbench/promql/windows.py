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

    def until_each(self, begin_ms: int, step_ms: int, count: int) -> IntArray:
        """How many samples are not later than each of `count` instants, `step_ms` apart, a multiple of the samples' distance."""
        first = (begin_ms - self.first_ms) // self.step_ms + 1
        counted = np.arange(first, first + count * (step_ms // self.step_ms), step_ms // self.step_ms)
        return np.clip(counted, 0, len(self.ms), out=counted)

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
    def over(
        cls,
        times: Times,
        right_ms: IntArray,
        window_ms: int,
        dialect: Dialect,
        latest_ms: IntArray | None = None,
        *,
        step_ms: int = 0,
    ) -> Windows:
        """Windows that end at `right_ms` [T]; samples later than `latest_ms` [T] are not there yet (None: none are).

        `step_ms` is the distance of the ends, if it is known to be the same everywhere.
        """
        left = right_ms - window_ms
        if latest_ms is None and step_ms and times.step_ms and step_ms % times.step_ms == 0:
            begin_ms, edge = int(right_ms[0]), 0 if dialect.left_open else -1
            low = times.until_each(begin_ms - window_ms + edge, step_ms, len(right_ms))
            high = times.until_each(begin_ms, step_ms, len(right_ms)) - 1
        else:
            low = times.until(left) if dialect.left_open else times.before(left)
            high = times.until(right_ms if latest_ms is None else np.minimum(right_ms, latest_ms)) - 1
        enough = high > low
        if not enough.any():
            empty = np.zeros(right_ms.shape)
            return cls(low, high, enough, empty, empty, empty, empty)
        a, b = np.minimum(low, len(times) - 1), np.maximum(high, 0)
        first, last = times.ms[a], times.ms[b]
        covered = (last - first) / 1000.0
        spacing = covered / np.maximum(b - a, 1)
        return cls(low, high, enough, covered, (first - left) / 1000.0, (right_ms - last) / 1000.0, spacing)

    @property
    def threshold_s(self) -> FloatArray:
        """An edge at least this far from its sample is not reached: only half a spacing is added."""
        return self.spacing_s * 1.1

    @property
    def counts(self) -> IntArray:
        """How many samples each window holds; 0 or less: none."""
        return self.high - self.low + 1

    def at(self, some: IntArray) -> Windows:
        """Only some of the windows."""
        if len(some) == len(self.low):
            return self
        return Windows(*(getattr(self, name)[some] for name in self.__slots__))

    def moved(self, by: int) -> Windows:
        """The same windows over samples that are counted from another one."""
        return replace(self, low=self.low + by, high=self.high + by)


def common_step(instants_ms: IntArray) -> int:
    """The distance of neighbouring instants if it is the same everywhere, else 0."""
    if len(instants_ms) < 3:
        return 0
    step = int(instants_ms[1] - instants_ms[0])
    return step if np.all(np.diff(instants_ms) == step) else 0


@dataclass(frozen=True, eq=False, slots=True)
class Copies:
    """Windows that are copies of each other, one a whole number of samples after the other: what usual rules have."""

    low: slice
    high: slice
    """First and last sample of every window, as slices."""
    covered_s: float
    left_s: float
    right_s: float
    spacing_s: float
    """Lengths of time as in `Windows`, the same in all."""

    @classmethod
    def of(cls, times: Times, right_ms: IntArray, step_ms: int, window_ms: int, dialect: Dialect) -> Copies | None:
        """The windows that end at `right_ms`, `step_ms` apart; None unless they are copies with at least two samples each."""
        if not times.step_ms or not step_ms:
            return None
        count, begin, end = len(right_ms), int(right_ms[0]), int(right_ms[-1])
        apart, over = divmod(step_ms, times.step_ms)
        edge = 0 if dialect.left_open else -1
        low, last_low = times.until_one(begin - window_ms + edge), times.until_one(end - window_ms + edge)
        high, last_high = times.until_one(begin) - 1, times.until_one(end) - 1
        # Sample numbers are whole divisions of time, cut off at the ends of the series. If both edges move by as many samples
        # over the whole block as time does, none was cut off in between: the windows are copies of each other.
        whole = apart * (count - 1)
        if not (over == 0 < apart and last_low - low == whole == last_high - high and high > low):
            return None
        first_ms, last_ms = times.first_ms + low * times.step_ms, times.first_ms + high * times.step_ms
        covered = (last_ms - first_ms) / 1000.0
        return cls(
            slice(low, low + whole + 1, apart),
            slice(high, high + whole + 1, apart),
            covered,
            (first_ms - (begin - window_ms)) / 1000.0,
            (begin - last_ms) / 1000.0,
            covered / (high - low),
        )

    @property
    def threshold_s(self) -> float:
        """An edge at least this far from its sample is not reached: only half a spacing is added."""
        return self.spacing_s * 1.1
