"""Windows over one `times` array: which samples they hold, and how far `rate` stretches beyond them.

Everything here depends on time stamps alone, so series that were scraped together share it.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    def over(cls, times_ms: IntArray, instants_ms: IntArray, window_ms: int, offset_ms: int, dialect: Dialect) -> Windows:
        """Windows that end at each instant, moved back by the offset."""
        right = instants_ms - offset_ms
        left = right - window_ms
        low = np.searchsorted(times_ms, left, "right" if dialect.left_open else "left")
        high = np.searchsorted(times_ms, right, "right") - 1
        enough = high > low
        a, b = np.where(enough, low, 0), np.where(enough, high, 0)
        if times_ms.size == 0:
            empty = np.zeros(instants_ms.shape)
            return cls(a, b, enough, empty, empty, empty, empty)
        covered = (times_ms[b] - times_ms[a]) / 1000.0
        spacing = covered / np.maximum(b - a, 1)
        return cls(low, high, enough, covered, (times_ms[a] - left) / 1000.0, (right - times_ms[b]) / 1000.0, spacing)

    @property
    def threshold_s(self) -> FloatArray:
        """An edge at least this far from its sample is not reached: only half a spacing is added."""
        return self.spacing_s * 1.1
