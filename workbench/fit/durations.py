"""How long incidents last: three families fitted by maximum likelihood, compared by the Kolmogorov-Smirnov distance.

Likelihoods of the three are comparable too: lognormal and Weibull have two parameters, the exponential is the Weibull of shape 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from workbench.telemetry.series import FloatArray


@dataclass(frozen=True, slots=True)
class DurationFit:
    """One family fitted to durations."""

    family: str
    """`lognormal`, `weibull`, `exponential`."""
    parameters: tuple[tuple[str, float], ...]
    """Named; those that end in `_s` are seconds."""
    median_s: float
    """Of the fitted distribution."""
    log_likelihood: float
    ks_distance: float
    """Largest distance between the fitted and the empirical distribution function."""
    n: int

    @property
    def aic(self) -> float:
        """Akaike's criterion, `2 k - 2 ln L`; smaller is better."""
        return 2 * len(self.parameters) - 2 * self.log_likelihood


def fit_durations(durations_s: npt.ArrayLike) -> tuple[DurationFit, ...]:
    """Fit all families, nearest by KS distance first.

    Args:
        durations_s: Seconds, shape (n,), all positive and finite, at least two different values.

    Raises:
        ValueError: The durations cannot be fitted, and why.
    """
    durations: FloatArray = np.sort(np.asarray(durations_s, dtype=np.float64).ravel())
    if not np.isfinite(durations).all() or (durations <= 0).any():
        raise ValueError("durations must be positive and finite")
    if len(durations) < 2 or durations[0] == durations[-1]:
        raise ValueError("a fit needs at least two different durations")
    fits = (_lognormal(durations), _weibull(durations), _exponential(durations))
    return tuple(sorted(fits, key=lambda fit: (fit.ks_distance, fit.family)))


def ks_distance(ordered: FloatArray, distribution: Callable[[FloatArray], FloatArray]) -> float:
    """Kolmogorov-Smirnov distance of sorted values from a distribution function."""
    n = len(ordered)
    expected = distribution(ordered)
    above = np.arange(1, n + 1) / n - expected
    below = expected - np.arange(n) / n
    return float(max(above.max(), below.max()))


def _lognormal(x: FloatArray) -> DurationFit:
    """Mean and standard deviation (over n) of the logarithm."""
    logs = np.log(x)
    mu, sigma = float(logs.mean()), float(logs.std())
    likelihood = -len(x) * (math.log(sigma) + 0.5 * math.log(2 * math.pi) + 0.5) - float(logs.sum())
    distance = ks_distance(x, lambda t: ndtr((np.log(t) - mu) / sigma))
    median = math.exp(mu)
    return DurationFit("lognormal", (("median_s", median), ("sigma", sigma)), median, likelihood, distance, len(x))


def _weibull(x: FloatArray) -> DurationFit:
    """The shape k solves `sum(x^k ln x) / sum(x^k) - 1/k = mean(ln x)`; the scale follows from it.

    The left side grows with k, so bisection finds the one root; x is divided by its largest value so that powers cannot overflow.
    """
    top = float(x[-1])
    logs = np.log(x / top)
    mean = float(logs.mean())

    def excess(k: float) -> float:
        powers = np.exp(k * logs)
        return float((powers * logs).sum() / powers.sum()) - 1 / k - mean

    low, high = 1e-6, 1.0
    while excess(high) < 0:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    shape = (low + high) / 2
    scale = top * float(np.exp(shape * logs).mean()) ** (1 / shape)
    z = np.log(x / scale)
    likelihood = len(x) * math.log(shape / scale) + (shape - 1) * float(z.sum()) - float(np.exp(shape * z).sum())
    distance = ks_distance(x, lambda t: -np.expm1(-((t / scale) ** shape)))
    median = scale * math.log(2) ** (1 / shape)
    return DurationFit("weibull", (("shape", shape), ("scale_s", scale)), median, likelihood, distance, len(x))


def _exponential(x: FloatArray) -> DurationFit:
    mean = float(x.mean())
    likelihood = -len(x) * (math.log(mean) + 1)
    distance = ks_distance(x, lambda t: -np.expm1(-t / mean))
    return DurationFit("exponential", (("mean_s", mean),), mean * math.log(2), likelihood, distance, len(x))
