"""Formulas of availability, downtime and detection, by which the validation suite measures the world."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc, gammaln

from workbench.telemetry.series import FloatArray

Start = Literal["up", "down", "stationary"]


def availability(up_s: float, down_s: float) -> float:
    """Long-run share of the time that something is up, from the mean times up and down (renewal reward)."""
    return up_s / (up_s + down_s)


def in_series(parts: Sequence[float]) -> float:
    """Availability of what needs all of independent parts."""
    return math.prod(parts)


def at_least(need: int, parts: Sequence[float]) -> float:
    """Availability of what needs `need` of independent, unequal parts: a quorum; 1 is in parallel (Poisson binomial)."""
    counts = [1.0]
    for part in parts:
        counts = [
            (counts[k] * (1 - part) if k < len(counts) else 0.0) + (counts[k - 1] * part if k else 0.0)
            for k in range(len(counts) + 1)
        ]
    return math.fsum(counts[need:])


def with_fallback(first: float, other: float) -> float:
    """Availability of what goes to another part when the first fails, independently."""
    return first + (1 - first) * other


def within_downtime(downtime_s: ArrayLike, horizon_s: float, up_s: float, down_s: float, start: Start = "stationary") -> FloatArray:
    """Probability that something is down no longer than `downtime_s` within the horizon; times up and down are exponential.

    Takacs (1957): it is, if and only if the failures during the first `horizon - downtime` of time *up* have repairs that together
    take no longer than `downtime`. Their number is Poisson, their sum gamma: a series of positive terms.

    Args:
        downtime_s: Any shape; the result has it.
        horizon_s: Length of time looked at.
        up_s: Mean time up.
        down_s: Mean time down.
        start: How it begins; `stationary` is up with the probability of the availability.
    """
    x = np.asarray(downtime_s, np.float64)
    left = np.maximum(horizon_s - x, 0.0) / up_s
    most = int(left.max(initial=0.0) + 12 * math.sqrt(left.max(initial=0.0)) + 30)
    up, down = np.zeros(x.shape), np.zeros(x.shape)
    for n in range(most + 1):
        with np.errstate(divide="ignore"):
            share = np.exp(
                np.where(left > 0, n * np.log(np.where(left > 0, left, 1.0)), 0.0 if n == 0 else -np.inf) - left - gammaln(n + 1)
            )
        up += share * (gammainc(n, x / down_s) if n else 1.0)
        down += share * gammainc(n + 1, x / down_s)
    share_up = {"up": 1.0, "down": 0.0, "stationary": availability(up_s, down_s)}[start]
    out = share_up * up + (1 - share_up) * down
    return np.where(x < 0, 0.0, np.where(x >= horizon_s, 1.0, out))


def within_downtime_of(
    downtime_s: float, horizon_s: float, ups_within: Callable[[int, float], float], downs_within: Callable[[int, float], float]
) -> float:
    """The same for any laws of times up and down, beginning up (Takacs 1957).

    Args:
        downtime_s: Longest time down.
        horizon_s: Length of time looked at.
        ups_within: Probability that n times up take no longer than a time together; 1 for n = 0.
        downs_within: The same for times down.
    """
    if downtime_s >= horizon_s:
        return 1.0
    if downtime_s < 0:
        return 0.0
    out, n, above = 0.0, 0, 1.0
    while above > 1e-12:
        # Exactly n failures in the time up that there must be.
        more = ups_within(n + 1, horizon_s - downtime_s)
        out += (above - more) * downs_within(n, downtime_s)
        above, n = more, n + 1
    return out


def detection_time_s(window_s: float, factor: float, target: float, error_ratio: float) -> float:
    """How long a steady error ratio lasts, from a clean start, until a window's burn rate reaches `factor`; or infinity.

    window x factor x (1 - target) / error ratio (Google, The Site Reliability Workbook, chapter 5).
    """
    needed = factor * (1 - target)
    return window_s * needed / error_ratio if error_ratio >= needed else math.inf
