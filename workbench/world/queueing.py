"""Formulas of queues. The world's stations are built on them, and the validation suite measures the world by them.

Loads are *offered* loads in erlangs: arrivals a second times the mean time that one holds a server. Wherever an argument may be an
array, arguments are broadcast against each other and the result is an array; elsewhere it is stated. Times are in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc, gammaln, xlogy

from workbench.telemetry.series import FloatArray


def erlang_b(servers: ArrayLike, offered: ArrayLike) -> FloatArray:
    """Share of calls that find all servers of M/G/c/c busy, with any number of servers (Erlang 1917).

    B = P(N = c) / P(N <= c) for a Poisson number N of mean `offered`. Where P(N <= c) is tiny, the continued fraction of the
    incomplete gamma function (Legendre; Abramowitz and Stegun 6.5.31) is used instead. Relative error below 1e-9 up to 10,000
    servers.
    """
    c, a = np.broadcast_arrays(np.asarray(servers, np.float64), np.asarray(offered, np.float64))
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        out: FloatArray = np.exp(xlogy(c, a) - a - gammaln(c + 1)) / gammaincc(c + 1, a)
    far = a > c + 4 * np.sqrt(c) + 4
    if np.any(far):
        out = np.where(far, _blocked_far(np.where(far, c, 1.0), np.where(far, a, 20.0)), out)
    return np.where(a == 0, np.where(c == 0, 1.0, 0.0), np.clip(out, 0.0, 1.0))


def _blocked_far(c: FloatArray, a: FloatArray) -> FloatArray:
    """Erlang B far beyond full load, by Lentz's evaluation of the continued fraction of Gamma(c + 1, a)."""
    b = a - c
    tiny = 1e-300
    front = 1 / tiny * np.ones_like(a)
    d = 1 / b
    out = d.copy()
    for n in range(1, 400):
        weight = -n * (n - c - 1)
        b = b + 2
        d = weight * d + b
        d = 1 / np.where(d == 0, tiny, d)
        front = b + weight / front
        front = np.where(front == 0, tiny, front)
        step = d * front
        out = out * step
        if np.all(np.abs(step - 1) < 1e-13):
            break
    return 1 / (a * out)


def erlang_c(servers: ArrayLike, offered: ArrayLike) -> FloatArray:
    """Share of calls of M/M/c that must wait (Erlang 1917); 1 from full load on."""
    c, a = np.broadcast_arrays(np.asarray(servers, np.float64), np.asarray(offered, np.float64))
    loss = erlang_b(c, a)
    # With 1 - rho (1 - B) = ((c - a) + a B) / c nothing cancels near full load.
    with np.errstate(divide="ignore", invalid="ignore"):
        out: FloatArray = c * loss / (c - a + a * loss)
    return np.where(a >= c, 1.0, out)


def mmc_mean_wait_s(arrivals_per_s: ArrayLike, held_s: ArrayLike, servers: ArrayLike) -> FloatArray:
    """Mean wait of all calls of M/M/c, those that need not wait included; infinite from full load on."""
    held = np.asarray(held_s, np.float64)
    a, c = np.asarray(arrivals_per_s, np.float64) * held, np.asarray(servers, np.float64)
    with np.errstate(divide="ignore"):
        return np.where(a < c, erlang_c(c, a) * held / np.where(a < c, c - a, 1.0), np.inf)


def mmc_waits_longer(longer_s: ArrayLike, arrivals_per_s: ArrayLike, held_s: ArrayLike, servers: ArrayLike) -> FloatArray:
    """Share of calls of M/M/c that wait longer than `longer_s`: C exp(-(c - a) t / held); first come, first served."""
    held = np.asarray(held_s, np.float64)
    a, c = np.asarray(arrivals_per_s, np.float64) * held, np.asarray(servers, np.float64)
    out: FloatArray = erlang_c(c, a) * np.exp(-np.maximum(c - a, 0.0) * np.asarray(longer_s, np.float64) / held)
    return out


def mmc_wait_quantile_s(quantile: ArrayLike, arrivals_per_s: ArrayLike, held_s: ArrayLike, servers: ArrayLike) -> FloatArray:
    """The wait that a share `quantile` of the calls of M/M/c do not exceed; 0 where so many need not wait at all."""
    held = np.asarray(held_s, np.float64)
    a, c = np.asarray(arrivals_per_s, np.float64) * held, np.asarray(servers, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = np.log(erlang_c(c, a) / (1 - np.asarray(quantile, np.float64))) * held / (c - a)
    return np.where(a < c, np.maximum(wait, 0.0), np.inf)


def mg1_mean_wait_s(arrivals_per_s: ArrayLike, held_s: ArrayLike, squared_cv: ArrayLike) -> FloatArray:
    """Mean wait of M/G/1 (Pollaczek 1930, Khinchine 1932); infinite from full load on.

    `squared_cv` is the squared coefficient of variation of the time that a call holds the server.
    """
    held = np.asarray(held_s, np.float64)
    rho = np.asarray(arrivals_per_s, np.float64) * held
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = rho / (1 - rho) * (1 + np.asarray(squared_cv, np.float64)) / 2 * held
    return np.where(rho < 1, wait, np.inf)


def ggc_mean_wait_s(
    arrivals_per_s: ArrayLike, held_s: ArrayLike, servers: ArrayLike, arrivals_cv: ArrayLike, held_cv: ArrayLike
) -> FloatArray:
    """Mean wait of G/G/c by the approximation of Allen and Cunneen (Allen 1978): that of M/M/c times (ca^2 + cs^2) / 2.

    Exact for M/M/c and M/G/1.
    """
    factor = (np.square(np.asarray(arrivals_cv, np.float64)) + np.square(np.asarray(held_cv, np.float64))) / 2
    out: FloatArray = mmc_mean_wait_s(arrivals_per_s, held_s, servers) * factor
    return out


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A station in equilibrium; all arrays have the shape of the load."""

    waits: FloatArray
    """Share of the calls that are taken in which must wait."""
    queued: FloatArray
    """Mean number waiting."""
    lost: FloatArray
    """Share of all calls that no server works on: no place to wait, or dropped after the longest wait."""
    busy: FloatArray
    """Mean number of servers at work."""


def mmck(servers: int, places: int | None, offered: ArrayLike, variability: float = 1.0) -> Equilibrium:
    """M/M/c with `places` to wait, None for any number (then loads must be below `servers`).

    From the balance equations (Kleinrock 1975, section 3.6), by sums of a geometric series relative to P(all servers busy and
    nobody waits), so that neither many servers nor many places overflow.

    With a `variability` (ca^2 + cs^2) / 2 other than 1 the queue of those that wait is still geometric, longer or shorter so that
    without a limit the mean wait is that of Allen and Cunneen, and far above full load the empty places are scaled alike. An
    approximation; who is lost is left as it is.
    """
    a = np.asarray(offered, np.float64)
    loss = erlang_b(servers, a)
    if places is None:
        waits = erlang_c(servers, a)
        with np.errstate(divide="ignore"):
            queued = np.where(a < servers, waits * a / np.where(a < servers, servers - a, 1.0), np.inf)
        return Equilibrium(waits, queued * variability, np.zeros_like(a), np.minimum(a, servers))
    r = a / servers
    down = r <= 1
    # Counted from the end of the queue that is more likely: powers of s = min(r, 1 / r) alone.
    s = np.where(down, r, 1 / np.where(down, 1.0, r))
    near = np.abs(1 - s) * (places + 1) < 1e-6
    gap = np.where(near, 1.0, 1 - s)
    powers = s**places
    total = np.where(near, places + 1.0, (1 - powers * s) / gap)  # sum of s^k, k = 0..K
    moment = np.where(
        near, places * (places + 1) / 2.0, s * (1 - (places + 1) * powers + places * powers * s) / np.square(gap)
    )  # sum of k s^k
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        # P(fewer than c) relative to P(exactly c, nobody waits).
        fewer = np.where(loss > 0, 1 / np.where(loss > 0, loss, 1.0) - 1, np.inf)
        unit = np.where(down, 1.0, powers)  # P(exactly c) relative to the likelier end
        below = np.where(unit > 0, fewer * unit, 0.0)
    whole = below + total
    full = np.where(down, powers, 1.0) / whole
    waiting_or_full = total / whole
    if variability == 1:
        queued = np.where(down, moment, places * total - moment) / whole
    else:
        scaled = np.where(
            down, variability * r / (1 - np.where(down, r, 0.0) + variability * r), variability / (variability + np.abs(r - 1))
        )
        from_end = _geometric_mean(scaled, places)
        queued = waiting_or_full * np.where(down, from_end, places - from_end)
    taken = 1 - full
    waits = np.where(taken > 0, (waiting_or_full - full) / np.where(taken > 0, taken, 1.0), 1.0)
    queued, full = np.where(a > 0, queued, 0.0), np.where(a > 0, full, 0.0 if servers + places else 1.0)
    return Equilibrium(np.where(a > 0, waits, 0.0), queued, full, a * (1 - full))


def _geometric_mean(ratio: FloatArray, places: int) -> FloatArray:
    """Mean of a geometric number, of a ratio up to 1, given that it is at most `places`."""
    near = (1 - ratio) * (places + 1) < 1e-6
    some = np.where(near, 0.0, ratio)
    top = some ** (places + 1)
    return np.where(near, places / 2, some / (1 - some) - (places + 1) * top / (1 - top))


def _exponential_mean(x: FloatArray, longest: float) -> FloatArray:
    """Mean of a time on [0, longest] whose density is proportional to exp(x t / longest)."""
    small = np.abs(x) < 1e-6
    size = np.where(small, 1.0, np.abs(x))
    away = longest * (1 / -np.expm1(-size) - 1 / size)
    return np.where(small, longest / 2, np.where(x > 0, away, longest - away))


def mmc_patience(servers: int, patience: float, offered: ArrayLike, variability: float = 1.0) -> Equilibrium:
    """M/M/c whose calls leave unserved once they have waited for `patience` mean holding times (Barrer 1957).

    The virtual wait has, relative to the density at 0, the density exp((a - c) w) up to the patience and falls with exp(-c w)
    beyond, where calls only pass (Baccelli and Hebuterne 1981). Here `waits` is a share of all calls. `queued` counts those too
    that will leave; it comes from Little's law. With a `variability` other than 1 the waits of those that are served are scaled as
    in `mmck`.
    """
    a = np.asarray(offered, np.float64)
    x = (a - servers) * patience
    up = x > 0
    # Relative to the density at the likelier end of [0, patience].
    small = np.abs(x) < 1e-8
    bulk = np.where(small, patience, patience * -np.expm1(-np.abs(x)) / np.where(small, 1.0, np.abs(x)))
    end = np.where(up, 1.0, np.exp(-np.abs(x)))
    begin = np.where(up, np.exp(-np.abs(x)), 1.0)
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        # a P(c - 1 busy) is the density at 0; P(fewer than c) = that / (a B(c - 1) ...) by the loss formula with c - 1 servers.
        loss_before = erlang_b(servers - 1, a)
        idle = np.where(begin > 0, begin / (a * loss_before), 0.0)
    passed = end / servers
    whole = idle + bulk + passed
    lost = passed / whole
    waits = (bulk + passed) / whole
    # Mean of min(virtual wait, patience) over all calls.
    queued = a * (bulk / whole * _exponential_mean(x / variability, patience) + lost * patience)
    empty = a <= 0
    return Equilibrium(
        np.where(empty, 0.0, waits), np.where(empty, 0.0, queued), np.where(empty, 0.0, lost), np.where(empty, 0.0, a * (1 - lost))
    )


def littles_number(arrivals_per_s: ArrayLike, time_s: ArrayLike) -> FloatArray:
    """Mean number in a system from the mean time that each spends in it (Little 1961)."""
    out: FloatArray = np.asarray(arrivals_per_s, np.float64) * np.asarray(time_s, np.float64)
    return out


def littles_time_s(number: ArrayLike, arrivals_per_s: ArrayLike) -> FloatArray:
    """Mean time in a system from the mean number in it (Little 1961); 0 where nobody arrives."""
    n, rate = np.broadcast_arrays(np.asarray(number, np.float64), np.asarray(arrivals_per_s, np.float64))
    out: FloatArray = np.divide(n, rate, out=np.zeros(n.shape), where=rate > 0)
    return out


def closed_requests_per_s(users: ArrayLike, think_s: ArrayLike, answer_s: ArrayLike) -> FloatArray:
    """Requests of users who wait for each answer and then think (the interactive response time law, Denning and Buzen 1978)."""
    out: FloatArray = np.asarray(users, np.float64) / (np.asarray(think_s, np.float64) + np.asarray(answer_s, np.float64))
    return out


def mmc_relaxation_s(held_s: float, servers: int, offered: float) -> float:
    """Time constant with which M/M/c comes to its equilibrium, held / (sqrt(c) - sqrt(a))^2 (Cohen 1982, section II.2)."""
    gap = math.sqrt(servers) - math.sqrt(min(offered, servers))
    return held_s / gap**2 if gap > 0 else math.inf


@dataclass(frozen=True, eq=False)
class Levels:
    """Mean number in a station by offered load, and back: what the pointwise stationary fluid flow needs."""

    offered: FloatArray
    """Ascending."""
    inside: FloatArray
    """Mean number waiting or at work, ascending."""

    @classmethod
    def of(cls, offered: FloatArray, equilibrium: Equilibrium) -> Levels:
        """From a station computed at ascending loads."""
        return cls(offered, np.maximum.accumulate(equilibrium.queued + equilibrium.busy))

    def number(self, offered: ArrayLike) -> FloatArray:
        """L(a), between the points of the table by straight lines."""
        out: FloatArray = np.interp(np.asarray(offered, np.float64), self.offered, self.inside)
        return out

    def load(self, number: ArrayLike) -> FloatArray:
        """a(L): the load that has so many inside in equilibrium; beyond the table its last load."""
        out: FloatArray = np.interp(np.asarray(number, np.float64), self.inside, self.offered)
        return out
