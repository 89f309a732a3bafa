"""Latency as classes: which share of a route's requests lies between two histogram bounds, and where a slowdown moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.base import Lognormal
from workbench.telemetry.series import FloatArray

TIMEOUT_CODES = frozenset({"499", "504"})
"""Answers that come when the time limit is over; all other failures answer fast."""


def lognormal_cdf(law: Lognormal, at_s: FloatArray) -> FloatArray:
    """P(latency <= at) for bounds in seconds, `[len(at_s)]`; 0 at 0, 1 at infinity."""
    out = np.empty(len(at_s))
    for index, bound in enumerate(at_s):
        if bound <= 0:
            out[index] = 0.0
        elif math.isinf(bound) or law.sigma == 0:
            out[index] = 1.0 if math.isinf(bound) or bound >= law.median else 0.0
        else:
            out[index] = 0.5 * math.erfc(-math.log(bound / law.median) / (law.sigma * math.sqrt(2)))
    return out


@dataclass(frozen=True)
class LatencyClasses:
    """One route's latencies, cut at the histogram's bounds.

    Class 0 is the *body*: everything up to the first bound at or above the usual median. It holds most requests and is split into
    its buckets only every few minutes; the classes of the tail are kept at every scrape, because latency objectives live there.
    """

    bounds: tuple[float, ...]
    """All bounds in seconds, ascending, without infinity."""
    first_tail: int
    """Index of the first bound kept at every scrape."""
    timeout_class: int
    """Where an answer that hit the time limit lies."""

    @classmethod
    def of(cls, median_s: float, bounds: tuple[float, ...], timeout_s: float) -> LatencyClasses:
        """The classes of one route whose usual median is given; the last finite bound always belongs to the tail."""
        first = next((i for i, bound in enumerate(bounds) if bound >= median_s), len(bounds) - 1)
        above = next((i for i, bound in enumerate(bounds) if bound >= timeout_s), len(bounds))
        return cls(bounds, first, max(0, above - first))

    @property
    def tail_bounds(self) -> tuple[float, ...]:
        """Bounds kept at every scrape."""
        return self.bounds[self.first_tail :]

    @property
    def body_bounds(self) -> tuple[float, ...]:
        """Bounds kept only every few minutes."""
        return self.bounds[: self.first_tail]

    @property
    def count(self) -> int:
        """Number of classes: the body, between two tail bounds each, above the last."""
        return len(self.tail_bounds) + 1
