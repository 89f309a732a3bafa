"""Active sessions: each begins at random, lasts, and ends (M/G/infinity)."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter

from workbench.rng import stream
from workbench.scenario.schema.traffic import Traffic
from workbench.telemetry.series import Array, FloatArray
from workbench.world.grid import Grid

_MOST_SESSIONS = 4_000_000
"""More are not drawn one by one."""
_BEFORE = 6
"""Sessions from so many mean lengths before the run may still last when it begins."""


def active_sessions(traffic: Traffic, rates: FloatArray, grid: Grid, seed: int, tier: str) -> Array:
    """Sessions that are active at each scrape, `[bins]`, int32. `rates` are the tier's requests a second `[bins]`.

    Every session has its own beginning and length, so one that lasts is there at the next scrape too. Their mean is arrivals times
    mean length (Little's law). Beyond four million sessions a run, an Ornstein-Uhlenbeck process of the same mean, variance (equal
    to the mean) and memory stands for them: the limit of M/M/infinity for many sessions.
    """
    starting = rates * grid.widths_s / traffic.requests_per_session
    length_s = traffic.session_length
    expected = float(starting.sum())
    rng = stream(seed, "sessions", tier)
    if expected > _MOST_SESSIONS:
        mean = rates / traffic.requests_per_session * length_s
        rho = math.exp(-grid.step_s / length_s)
        noise = rng.standard_normal(len(grid))
        noise[1:] *= math.sqrt(1 - rho**2)
        wandering = lfilter([1.0], [1.0, -rho], noise)
        out: Array = np.rint(np.maximum(mean + np.sqrt(mean) * wandering, 0)).astype(np.int32)
        return out
    before_s = _BEFORE * length_s
    count_before = int(rng.poisson(float(starting[1] / grid.step_s if len(starting) > 1 else starting[0]) * before_s))
    # How many begin in each bin is Poisson, and where in it uniform.
    began = np.repeat(np.arange(len(grid)), rng.poisson(starting))
    begun = np.concatenate(
        [-before_s * rng.random(count_before), grid.times[began] - grid.widths_s[began] * rng.random(len(began))]
    )
    ended = begun + _lengths(traffic, len(begun), rng)
    # A session is active at a scrape if it has begun and not ended by then.
    bins = len(grid)
    first, last = (np.clip(np.ceil((at - grid.phase_s) / grid.step_s), 0, bins).astype(np.int64) for at in (begun, ended))
    change = np.bincount(first, minlength=bins + 1)[: bins + 1] - np.bincount(last, minlength=bins + 1)[: bins + 1]
    active: Array = np.cumsum(change)[:bins].astype(np.int32)
    return active


def _lengths(traffic: Traffic, count: int, rng: np.random.Generator) -> FloatArray:
    mean, sigma = traffic.session_length, traffic.session_sigma
    if sigma is None:
        return rng.exponential(mean, count)
    if sigma == 0:
        return np.full(count, mean)
    out: FloatArray = mean * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
    return out
