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
    """One route's latency, cut at the histogram's bounds.

    Class 0 is the *body*: everything up to the first bound at or above the median. It holds most requests and is split into its
    buckets only every few minutes; the classes of the tail are kept at every scrape, because latency objectives live there.
    """

    law: Lognormal
    bounds: tuple[float, ...]
    """All bounds in seconds, ascending, without infinity."""
    first_tail: int
    """Index of the first bound kept at every scrape."""
    timeout_class: int
    """Where an answer that hit the time limit lies."""

    @classmethod
    def of(cls, law: Lognormal, bounds: tuple[float, ...], timeout_s: float) -> LatencyClasses:
        """The classes of one route; the last finite bound always belongs to the tail."""
        first = next((i for i, bound in enumerate(bounds) if bound >= law.median), len(bounds) - 1)
        above = next((i for i, bound in enumerate(bounds) if bound >= timeout_s), len(bounds))
        return cls(law, bounds, first, max(0, above - first))

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

    def shares(self, factor: float = 1.0) -> FloatArray:
        """Share of requests in each class when every latency is multiplied by `factor`, `[count]`."""
        return np.diff(lognormal_cdf(self.law, np.array([0.0, *self.tail_bounds, math.inf]) / factor))

    def body_shares(self, factor: float = 1.0) -> FloatArray:
        """How the body splits into its buckets, `[len(body_bounds) + 1]`, adding up to 1."""
        edges = np.array([0.0, *self.body_bounds, self.tail_bounds[0]]) / factor
        parts = np.diff(lognormal_cdf(self.law, edges))
        total = parts.sum()
        if total <= 0:
            # Nothing is left in the body at this factor; any split of nothing will do.
            parts = np.zeros(len(parts))
            parts[-1] = 1.0
            return parts
        split: FloatArray = parts / total
        return split

    def moves(self, factor: float, before: float = 1.0) -> FloatArray:
        """P(class b | class a) when latencies are multiplied by `factor`, `[count, count]`, rows adding up to 1.

        A request of class a has a latency X between two bounds; afterwards it has factor * X. Exact for the lognormal law, of
        which all latencies were already multiplied by `before`.
        """
        edges = np.array([0.0, *self.tail_bounds, math.inf])
        out = np.zeros((self.count, self.count))
        for a in range(self.count):
            low, high = edges[a], edges[a + 1]
            inside = np.diff(lognormal_cdf(self.law, np.array([low, high]) / before))[0]
            cuts = np.clip(edges / factor, low, high)
            parts = np.diff(lognormal_cdf(self.law, cuts / before))
            if inside > 1e-300 and parts.sum() > 0:
                out[a] = parts / parts.sum()
            else:
                out[a, a] = 1.0
        return out

    def class_means(self) -> FloatArray:
        """Mean latency in seconds inside each class, `[count]`: partial expectations of the lognormal law."""
        mu, sigma = math.log(self.law.median), self.law.sigma
        shifted = Lognormal.model_construct(median=math.exp(mu + sigma * sigma), sigma=sigma)
        edges = np.array([0.0, *self.tail_bounds, math.inf])
        mass = np.diff(lognormal_cdf(self.law, edges))
        partial = math.exp(mu + sigma * sigma / 2) * np.diff(lognormal_cdf(shifted, edges))
        fallback = np.array([*self.tail_bounds, self.tail_bounds[-1]])
        means: FloatArray = np.where(mass > 1e-12, partial / np.maximum(mass, 1e-300), fallback)
        return means
