"""Traffic that varies more than chance: a doubly stochastic Poisson (Cox) stream.

The rate is multiplied by F = exp(s x - s^2 / 2), x a stationary Ornstein-Uhlenbeck process with variance 1 and correlation
exp(-lag / memory): E F = 1, Var F = exp(s^2) - 1 = spread^2, and Cov(F(t), F(t + lag)) = exp(s^2 exp(-lag / memory)) - 1. F is
taken at the middle of each bin and holds for all of it. For counts N of n bins with mean m each follows (law of total covariance)

    Var N / E N = 1 + (m / n) (n c(0) + 2 sum_{k=1}^{n-1} (n - k) c(k)),    c(k) = exp(s^2 phi^k) - 1,    phi = exp(-step / memory),

and for single bins the autocorrelation at lag k >= 1 is m c(k) / (1 + m c(0)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.traffic import Variability
from workbench.telemetry.series import FloatArray
from workbench.world.grid import Grid

_RANGE = 1e4
"""A scan goes so far that early values are scaled by at most this much: four of sixteen digits."""


def log_variance(spread: float) -> float:
    """s^2 of the lognormal factor whose standard deviation is `spread`."""
    return math.log1p(spread * spread)


def rate_factors(variability: Variability, routes: Sequence[str], grid: Grid, seed: int) -> FloatArray:
    """The factor of each route in each bin, `[routes, bins]`; one row for all of them where they have everything in common."""
    square = log_variance(variability.spread)
    common = float(variability.common)
    out: FloatArray | None = None
    shared = ornstein_uhlenbeck(stream(seed, "traffic varies", "all"), grid, variability.memory) if common > 0 else None
    if common >= 1:
        assert shared is not None  # noqa: S101 - it is drawn where anything is common
        return _lognormal(shared, square)[None, :]
    out = np.empty((len(routes), len(grid)))
    for row, route in enumerate(routes):
        own = ornstein_uhlenbeck(stream(seed, "traffic varies", "route", route), grid, variability.memory)
        own *= math.sqrt(1 - common)
        if shared is not None:
            own += math.sqrt(common) * shared
        out[row] = _lognormal(own, square)
    return out


def ornstein_uhlenbeck(rng: np.random.Generator, grid: Grid, memory_s: float) -> FloatArray:
    """The stationary process of variance 1 at the middles of the bins, `[bins]`: exact, not a discretisation."""
    noise = rng.standard_normal(len(grid))
    if len(noise) < 2:
        return noise
    # The first bin is as short as the phase, so its middle lies nearer to that of the second.
    gap = float(grid.middles_s[1] - grid.middles_s[0]) / memory_s
    phi = math.exp(-grid.step_s / memory_s)
    rest = noise[1:] * math.sqrt(-math.expm1(-2 * grid.step_s / memory_s))
    rest[0] = math.exp(-gap) * noise[0] + math.sqrt(-math.expm1(-2 * gap)) * noise[1]
    noise[1:] = _scan(rest, phi)
    return noise


def _scan(steps: FloatArray, phi: float) -> FloatArray:
    """y[k] = phi y[k-1] + steps[k], by blocks: inside a block a cumulative sum of scaled steps, then the block ends."""
    count = len(steps)
    block = count if phi >= 1 else 1 if phi <= 1 / _RANGE else min(count, max(1, int(math.log(_RANGE) / -math.log(phi))))
    if block == 1:
        return _few(steps, phi)
    rows = -(-count // block)
    padded = np.zeros(rows * block)
    padded[:count] = steps
    table = padded.reshape(rows, block)
    powers = phi ** np.arange(block)
    inside = np.cumsum(table / powers, axis=1) * powers
    if rows > 1:
        ends = _few(inside[:, -1], phi**block)
        inside[1:] += ends[:-1, None] * (phi * powers)
    return np.ascontiguousarray(inside.reshape(-1)[:count])


def _few(steps: FloatArray, phi: float) -> FloatArray:
    """The same for phi <= 0.01, where eight terms hold every digit of a double."""
    out = steps.copy()
    factor = phi
    for back in range(1, 8):
        if factor < 1e-18 or back >= len(steps):
            break
        out[back:] += factor * steps[:-back]
        factor *= phi
    return out


def _lognormal(normal: FloatArray, square: float) -> FloatArray:
    return np.asarray(np.exp(math.sqrt(square) * normal - square / 2))


def covariance(spread: float, memory_s: float, lag_s: float) -> float:
    """Of the rate's factor with itself `lag_s` later."""
    return math.expm1(log_variance(spread) * math.exp(-lag_s / memory_s))


def index_of_dispersion(spread: float, memory_s: float, step_s: float, mean: float, bins: int = 1) -> float:
    """Variance over mean of counts of `bins` bins with `mean` requests each; 1 for a Poisson stream."""
    lags = sum((bins - k) * covariance(spread, memory_s, k * step_s) for k in range(1, bins))
    return 1 + mean / bins * (bins * covariance(spread, memory_s, 0) + 2 * lags)


def autocorrelation(spread: float, memory_s: float, step_s: float, mean: float, lag: int) -> float:
    """Of counts of single bins with `mean` requests, `lag` >= 1 bins apart."""
    return mean * covariance(spread, memory_s, lag * step_s) / (1 + mean * covariance(spread, memory_s, 0))
