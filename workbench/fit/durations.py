"""How long incidents last: five families fitted by maximum likelihood, compared by the Kolmogorov-Smirnov distance.

Likelihoods are comparable too (AIC): the exponential has one parameter, the others two. Intervals come from the observed
information (the curvature of the log-likelihood in the logarithms of the parameters) and are of 90 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammainc, gammaincinv, gammaln, ndtr

from workbench.telemetry.series import FloatArray


@dataclass(frozen=True, slots=True)
class DurationFit:
    """One family fitted to durations."""

    family: str
    """`lognormal`, `weibull`, `gamma`, `loglogistic`, `exponential`."""
    parameters: tuple[tuple[str, float], ...]
    """Named; those that end in `_s` are seconds."""
    median_s: float
    """Of the fitted distribution."""
    log_likelihood: float
    ks_distance: float
    """Largest distance between the fitted and the empirical distribution function."""
    n: int
    intervals: tuple[tuple[float, float], ...] = ()
    """90 % interval of each parameter, in their order; empty where the likelihood is too flat for one."""

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
    fits = (_lognormal(durations), _weibull(durations), _exponential(durations), _gamma(durations), _loglogistic(durations))
    with_intervals = (replace(fit, intervals=_intervals(fit, durations)) for fit in fits)
    return tuple(sorted(with_intervals, key=lambda fit: (fit.ks_distance, fit.family)))


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


def _gamma(x: FloatArray) -> DurationFit:
    """The shape solves `log(k) - digamma(k) = log(mean) - mean(log)` (Minka 2002); the scale follows from the mean."""
    logs, mean = np.log(x), float(x.mean())
    gap = math.log(mean) - float(logs.mean())
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(100):
        step = (math.log(shape) - _digamma(shape) - gap) / (1 / shape - _digamma(shape, 1))
        following = shape - step if shape > step else shape / 2
        if abs(following - shape) < 1e-12 * shape:
            break
        shape = following
    scale = mean / shape
    likelihood = float((shape - 1) * logs.sum() - x.sum() / scale - len(x) * (shape * math.log(scale) + gammaln(shape)))
    distance = ks_distance(x, lambda t: gammainc(shape, t / scale))
    median = scale * float(gammaincinv(shape, 0.5))
    return DurationFit("gamma", (("shape", shape), ("scale_s", scale)), median, likelihood, distance, len(x))


def _digamma(x: float, order: int = 0) -> float:
    from scipy.special import digamma, polygamma  # noqa: PLC0415 - beside their use

    return float(digamma(x) if order == 0 else polygamma(order, x))


def _loglogistic(x: FloatArray) -> DurationFit:
    """The logarithm is logistic with location m and scale s: alternating roots of the two likelihood equations."""
    logs = np.log(x)
    location, scale = float(np.median(logs)), max(1e-6, float(logs.std()) * math.sqrt(3) / math.pi)

    def slope_at(m: float, s: float) -> tuple[float, float]:
        z = (logs - m) / s
        f = 2 * expit(z) - 1
        return float(f.sum()), float((z * f).sum()) - len(logs)

    for _ in range(200):
        before = (location, scale)
        low, high = float(logs.min()), float(logs.max())
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if slope_at(middle, scale)[0] > 0 else (low, middle)
        location = (low + high) / 2
        down, up = math.log(scale) - 3, math.log(scale) + 3
        for _ in range(60):
            middle = (down + up) / 2
            down, up = (middle, up) if slope_at(location, math.exp(middle))[1] > 0 else (down, middle)
        scale = math.exp((down + up) / 2)
        if abs(location - before[0]) < 1e-10 and abs(scale - before[1]) < 1e-10:
            break
    z = (logs - location) / scale
    likelihood = float((z - 2 * np.logaddexp(0, z)).sum() - len(x) * math.log(scale) - logs.sum())
    distance = ks_distance(x, lambda t: expit((np.log(t) - location) / scale))
    median = math.exp(location)
    return DurationFit("loglogistic", (("median_s", median), ("shape", 1 / scale)), median, likelihood, distance, len(x))


def log_likelihood(family: str, parameters: tuple[float, ...], x: FloatArray) -> float:
    """Of durations under a family with its parameters in the order in which a fit names them."""
    logs = np.log(x)
    if family == "lognormal":
        z = (logs - math.log(parameters[0])) / parameters[1]
        return float(-(0.5 * z * z).sum() - len(x) * math.log(parameters[1] * math.sqrt(2 * math.pi)) - logs.sum())
    if family == "loglogistic":
        z = (logs - math.log(parameters[0])) * parameters[1]
        return float((z - 2 * np.logaddexp(0, z)).sum() + len(x) * math.log(parameters[1]) - logs.sum())
    if family == "exponential":
        return float(-len(x) * math.log(parameters[0]) - x.sum() / parameters[0])
    shape, scale = parameters
    if family == "gamma":
        return float((shape - 1) * logs.sum() - x.sum() / scale - len(x) * (shape * math.log(scale) + gammaln(shape)))
    z = logs - math.log(scale)
    return float(len(x) * math.log(shape / scale) + (shape - 1) * z.sum() - np.exp(shape * z).sum())


_NORMAL_95 = 1.6448536269514722


def _intervals(fit: DurationFit, x: FloatArray) -> tuple[tuple[float, float], ...]:
    """90 % intervals from the observed information in the logarithms of the parameters."""
    centre = np.log([value for _, value in fit.parameters])
    if not np.isfinite(centre).all():
        return ()
    step = 1e-3

    def at(*moves: tuple[int, float]) -> float:
        moved = centre.copy()
        for index, by in moves:
            moved[index] += by
        return log_likelihood(fit.family, tuple(float(v) for v in np.exp(moved)), x)

    size = len(centre)
    information = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            corners = at((i, step), (j, step)) - at((i, step), (j, -step)) - at((i, -step), (j, step)) + at((i, -step), (j, -step))
            information[i, j] = -corners / (4 * step * step)
    try:
        variance = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return ()
    if not (variance > 0).all():
        return ()
    se = np.sqrt(variance)
    return tuple(
        (math.exp(float(c - _NORMAL_95 * s)), math.exp(float(c + _NORMAL_95 * s))) for c, s in zip(centre, se, strict=True)
    )
