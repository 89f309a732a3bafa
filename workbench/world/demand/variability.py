"""Traffic that varies more than chance: a doubly stochastic (Cox) stream.

The rate is multiplied by exp(X - s^2 / 2), where X is a stationary Ornstein-Uhlenbeck process of variance s^2 = ln(1 + spread^2)
and correlation exp(-lag / memory): the factor is lognormal with mean 1 and standard deviation `spread`, and has the covariance
exp(s^2 exp(-lag / memory)) - 1. Counts N of bins with mean m therefore have the variance m + m^2 spread^2 (as far as a bin is short
beside the memory) and the covariance m^2 (exp(s^2 exp(-lag / memory)) - 1): an index of dispersion of 1 + m spread^2.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter

from workbench.rng import stream
from workbench.scenario.schema.traffic import Variability
from workbench.telemetry.series import FloatArray


def log_variance(spread: float) -> float:
    """Variance of the factor's logarithm."""
    return math.log1p(spread**2)


def wander(bins: int, step_s: float, memory_s: float, seed: int, *names: str) -> FloatArray:
    """A stationary Ornstein-Uhlenbeck process of variance 1 at the middle of each bin, exact on the grid, `[bins]`."""
    rho = math.exp(-step_s / memory_s)
    noise = stream(seed, "variability", *names).standard_normal(bins)
    noise[1:] *= math.sqrt(1 - rho**2)
    out: FloatArray = lfilter([1.0], [1.0, -rho], noise)
    return out


def factors(variability: Variability, routes: tuple[str, ...], bins: int, step_s: float, seed: int) -> dict[str, FloatArray]:
    """The factor of each route in each bin, `[bins]`."""
    variance = log_variance(variability.spread)
    common = float(variability.common)
    shared = wander(bins, step_s, variability.memory, seed, "all routes") if common > 0 else np.zeros(bins)
    whole: FloatArray | None = None
    out: dict[str, FloatArray] = {}
    for path in routes:
        if common == 1:
            if whole is None:
                whole = np.exp(math.sqrt(variance) * shared - variance / 2)
            out[path] = whole
            continue
        own = wander(bins, step_s, variability.memory, seed, path)
        mixed = math.sqrt(common) * shared + math.sqrt(1 - common) * own
        out[path] = np.exp(math.sqrt(variance) * mixed - variance / 2)
    return out
