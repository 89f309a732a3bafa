"""Sessions of users: who is there at the same time.

Sessions begin as a Poisson stream, as many as requests / requests per session, and each lasts for a length of its own: an
M/G/infinity system. So the number of active ones is Poisson with mean arrivals x mean length (Little's law), whatever the law of
lengths G, and one that lasts stays: Cov(N(t), N(t + lag)) = arrivals x E (G - lag)+ in a stationary stretch. For exponential
lengths that is a correlation of exp(-lag / length).

Sessions are counted once a minute, as session stores are, and the gauge holds the last count.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from workbench.rng import stream
from workbench.scenario.schema.traffic import Traffic
from workbench.telemetry.series import Array, FloatArray
from workbench.world.grid import Grid

COUNTED_EVERY_S = 60.0
_SIGMAS = 5.2
"""Lengths beyond so many standard deviations of the logarithm, one in ten million, are told apart no more."""
_MOST_SLOTS = 20_000
"""Nor are lengths beyond two weeks."""


def active_sessions(traffic: Traffic, rates: FloatArray, grid: Grid, seed: int, tier: str) -> Array:
    """Active sessions of a tier at every scrape, `[bins]`, int32. `rates` are its users' requests a second, `[bins]`."""
    every = max(1, round(COUNTED_EVERY_S / grid.step_s))
    arrivals = rates * grid.widths_s / traffic.requests_per_session
    counted = np.arange(0, len(grid), every)
    width_s = every * grid.step_s
    # The first count finds the sessions of a time before the run in which as many began as at its beginning.
    before = float(rates[0]) / traffic.requests_per_session * width_s
    slots = np.add.reduceat(arrivals, np.concatenate([[0], counted[:-1] + 1])) if len(counted) > 1 else arrivals[:1]
    slots[0] = before
    rng = stream(seed, "sessions", tier)
    if traffic.session_sigma is None:
        counts = _exponential(rng, slots, width_s / traffic.session_length)
    else:
        counts = _general(rng, slots, length_table(traffic.session_length, traffic.session_sigma, width_s))
    return np.repeat(counts, every)[: len(grid)].astype(np.int32)


def _exponential(rng: np.random.Generator, slots: FloatArray, a: float) -> Array:
    """Lengths without memory, `a` = slot / mean length: N[k] = Binomial(N[k-1], e^-a) + Poisson(arrivals that are still there).

    A recursion in time, done side by side in pieces: what is still there at the end of a piece goes on into the next one.
    """
    count = len(slots)
    stays = math.exp(-a)
    # What arrives evenly over a slot is still there at its end with probability (1 - e^-a) / a.
    arrive = rng.poisson(slots * (-math.expm1(-a) / a))
    size = min(count, max(math.ceil(math.sqrt(count)), math.ceil(3 / a)))
    pieces = -(-count // size)
    new = np.zeros((pieces, size), dtype=np.int64)
    new.reshape(-1)[:count] = arrive
    new[0, 0] = rng.poisson(slots[0] / a)
    total = np.zeros((pieces, size), dtype=np.int64)
    now = np.zeros(pieces, dtype=np.int64)
    for at in range(size):
        now = rng.binomial(now, stays) + new[:, at]
        total[:, at] = now
    carried = np.concatenate([[0], now[:-1]])
    while carried.any():
        for at in range(size):
            carried = rng.binomial(carried, stays)
            total[:, at] += carried
            if not carried.any():
                break
        carried = np.concatenate([[0], carried[:-1]])
    return total.reshape(-1)[:count]


def _general(rng: np.random.Generator, slots: FloatArray, table: tuple[Array, FloatArray]) -> Array:
    """Any law of lengths: arrivals of each slot and each length are independent Poisson counts (splitting)."""
    lags, shares = table
    warm = int(lags[-1])
    leaves = np.zeros(warm + len(slots) + warm + 1, dtype=np.int64)
    seen = np.zeros(warm + len(slots), dtype=np.int64)
    means = np.concatenate([np.full(warm, slots[0]), slots])
    for lag, share in zip(lags.tolist(), shares.tolist(), strict=True):
        arrive = rng.poisson(means * share)
        seen += arrive
        leaves[lag : lag + len(arrive)] += arrive
    return np.cumsum(seen - leaves[: len(seen)])[warm:]


def length_table(mean_s: float, sigma: float, width_s: float) -> tuple[Array, FloatArray]:
    """At how many counts a session is seen, and how often: lags `[n]`, ascending and above 0, and their shares `[n]`.

    A session that begins evenly within a slot is seen at more than m counts with probability (1 / width) x the integral of P(G > u)
    from m width to (m + 1) width. Longer lags are merged so that E (lags seen - k)+ stays as it is at each one kept: the covariance
    of active sessions is exact there and interpolated between. Those never seen are the rest of the shares.
    """
    most = mean_s * math.exp(-sigma * sigma / 2 + _SIGMAS * sigma)
    top = min(_MOST_SLOTS, max(2, math.ceil(most / width_s) + 1))
    # excess[m] = E (G - m width)+ / width: the mean number of counts beyond the first m.
    excess = _excess(mean_s, sigma, width_s * np.arange(top + 1, dtype=np.float64)) / width_s
    keep = [0]
    while keep[-1] < top:
        # One by one up to 16 counts, then in steps of an eighth; lengths that are all alike need their own.
        step = 1 if sigma < 0.05 else max(1, keep[-1] // 8)
        keep.append(min(top, keep[-1] + step))
    kept = excess[keep].tolist()
    if kept[-1] > 0:
        # What is left beyond the table is one last length, as long as keeps the mean.
        slope = (kept[-2] - kept[-1]) / (keep[-1] - keep[-2])
        keep.append(keep[-1] + math.ceil(kept[-1] / slope))
        kept.append(0.0)
    at = np.array(keep, dtype=np.int64)
    # The probability of being seen at more counts than each lag kept, as the slope of E (.)+ says.
    above = np.append(np.diff(kept) / -np.diff(at), 0.0)
    shares = above[:-1] - above[1:]
    used = shares > 1e-15
    return at[1:][used], shares[used]


def _excess(mean_s: float, sigma: float, beyond_s: FloatArray) -> FloatArray:
    """E (G - x)+ of a lognormal G with that mean: the formula of Black and Scholes for a call option."""
    if sigma == 0:
        return np.asarray(np.maximum(mean_s - beyond_s, 0.0))
    out = np.full(len(beyond_s), mean_s)
    x = beyond_s[1:]
    d = (math.log(mean_s) - np.log(x)) / sigma + sigma / 2
    out[1:] = np.maximum(mean_s * ndtr(d) - x * ndtr(d - sigma), 0.0)
    return out
