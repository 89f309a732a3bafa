"""Where a second history lies among the periods that a fitted world could have had.

For each statistic: the history's percentile among the drawn periods, the central 90 % interval, and the interval score of
Gneiting and Raftery (2007), (u - l) + (2 / a) (l - x)+ + (2 / a) (x - u)+ with a = 0.1; smaller is better, and inside it is
the interval's width.

The verdict is calibrated on the drawn periods themselves, because statistics of one period depend on each other: how many
statistics of a drawn period lie outside of the intervals, and how far the farthest lies out, say what is usual. The world is
said not to cover the second history if either is exceeded by fewer than 2.5 % of its own periods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from workbench.telemetry.series import FloatArray

LEVEL = 0.9
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Place:
    """One statistic of the second history among those of the drawn periods."""

    statistic: str
    seen: float
    percentile: float
    """Share of drawn periods below it, those equal to it counted half."""
    low: float
    high: float
    middle: float
    score: float
    """Interval score."""
    distance: float
    """How far from the middle, in half-widths of the interval on that side; up to 1 is inside."""

    @property
    def inside(self) -> bool:
        """Whether it lies in the central interval."""
        return self.low <= self.seen <= self.high


@dataclass(frozen=True, eq=False)
class Verdict:
    """The second history against the world."""

    places: tuple[Place, ...]
    runs: int
    coverage_low: float
    """90 % interval of the share of statistics inside (Clopper and Pearson), as if they were independent."""
    coverage_high: float
    usual_outside: int
    """So many statistics lie outside in at most 2.5 % of the world's own periods."""
    usual_distance: float
    """So far out lies the farthest statistic in at most 2.5 % of the world's own periods."""
    left_out: tuple[str, ...]
    """Statistics that are the same in every period and in the history."""

    @property
    def inside(self) -> int:
        """Statistics inside their interval."""
        return sum(place.inside for place in self.places)

    @property
    def misses(self) -> tuple[Place, ...]:
        """Those outside, the farthest first."""
        return tuple(sorted((p for p in self.places if not p.inside), key=lambda p: -p.distance))

    @property
    def farthest(self) -> float:
        """Distance of the farthest statistic."""
        return max((place.distance for place in self.places), default=0.0)

    @property
    def covers(self) -> bool:
        """Whether the world covers the history at the stated level."""
        return len(self.places) - self.inside <= self.usual_outside and self.farthest <= self.usual_distance

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        inside = f"{self.inside} of {len(self.places)} statistics lie in their 90% intervals"
        if not self.places:
            return "Nothing can be compared: the second history shows no statistic that varies."
        if self.covers:
            return f"The world covers the second history: {inside}, as many as in its own periods."
        worst = self.misses[0] if self.misses else max(self.places, key=lambda place: place.distance)
        count = len(self.places) - self.inside
        why = (
            f"more than {self.usual_outside} outside occur in fewer than 1 in 40 of its own periods"
            if count > self.usual_outside
            else "none of its own periods, or fewer than 1 in 40, has a statistic so far out"
        )
        way = "above" if worst.seen > worst.middle else "below"
        return f"The world does not cover the second history: {inside}, and {why}; farthest out is {worst.statistic}, {way} it."


def judge(seen: Mapping[str, float], drawn: Sequence[Mapping[str, float]]) -> Verdict:
    """Compare; statistics that are NaN in the history or in any drawn period are left out.

    Args:
        seen: Statistics of the second history.
        drawn: Those of the drawn periods, at least 40.

    Raises:
        ValueError: Fewer than 40 periods.
    """
    if len(drawn) < 40:
        raise ValueError("at least 40 periods are needed to tell what is usual")
    places: list[Place] = []
    columns: list[FloatArray] = []
    same: list[str] = []
    for name, value in seen.items():
        values = np.array([one.get(name, math.nan) for one in drawn])
        if math.isnan(value) or np.isnan(values).any():
            continue
        if np.ptp(values) == 0 and values[0] == value:
            same.append(name)
            continue
        places.append(_place(name, value, values))
        columns.append(values)
    outside_usual, distance_usual = _usual(places, columns)
    inside = sum(place.inside for place in places)
    low, high = binomial_interval(inside, len(places))
    return Verdict(tuple(places), len(drawn), low, high, outside_usual, distance_usual, tuple(same))


def _place(name: str, value: float, values: FloatArray) -> Place:
    low, middle, high = (float(q) for q in np.quantile(values, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]))
    below = float((values < value).mean() + 0.5 * (values == value).mean())
    alpha = 1 - LEVEL
    score = (high - low) + 2 / alpha * (max(0.0, low - value) + max(0.0, value - high))
    return Place(name, value, below, low, high, middle, score, float(_distances(np.array([value]), low, middle, high)[0]))


def _distances(values: FloatArray, low: float, middle: float, high: float) -> FloatArray:
    """Distance from the middle in half-widths of the interval on that side.

    A side without width (a count that is mostly 0) takes the other side's, or a unit of its own.
    """
    width = max(high - low, 1e-12 * max(1.0, abs(middle)), 1e-300)
    up, down = max(high - middle, 0.25 * width), max(middle - low, 0.25 * width)
    if high == low:
        up = down = max(abs(middle), 1.0)
    return np.asarray(np.where(values >= middle, (values - middle) / up, (middle - values) / down), np.float64)


def _usual(places: Sequence[Place], columns: Sequence[FloatArray]) -> tuple[int, float]:
    """How many outside, and how far out, 97.5 % of the drawn periods do not exceed."""
    if not places:
        return 0, 0.0
    runs = len(columns[0])
    outside = np.zeros(runs)
    farthest = np.zeros(runs)
    for place, values in zip(places, columns, strict=True):
        outside += (values < place.low) | (values > place.high)
        farthest = np.maximum(farthest, _distances(values, place.low, place.middle, place.high))
    return int(np.ceil(np.quantile(outside, 1 - _TAIL))), float(np.quantile(farthest, 1 - _TAIL))


def binomial_interval(successes: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """Interval of a share by Clopper and Pearson (1934)."""
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high
