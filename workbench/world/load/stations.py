"""One component as a queue: what is in it, what leaves it, who waits; in equilibrium and in between.

In equilibrium it is M/M/c with a limit on the calls that wait, or calls that leave when they have waited for too long; queues
are scaled by (ca^2 + cs^2) / 2 for other gaps and service times (Allen and Cunneen). In between, the number of calls in it follows
the pointwise stationary fluid flow: it grows by what arrives and falls by what a station with so many calls in it would serve in
equilibrium (Wang, Tipper and Banerjee 1996). So a queue persists, grows without end above capacity, and relaxes to the formula.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammainccinv

from workbench.telemetry.series import FloatArray
from workbench.world.queueing import mmc_patience, mmck

_POINTS = 400
_BEYOND = 120
_MOST = 61.0
"""Tables of stations that lose calls reach up to so many times full load."""
_STEADY_CHANGE = 0.05
_SUB_STEPS = 4


@dataclass(frozen=True, eq=False, slots=True)
class Station:
    """A station of `servers` in equilibrium, by offered load. All arrays have the same length; those but `lost` ascend."""

    servers: int
    offered: FloatArray
    """Erlangs: arrivals a second times the mean time that one holds a server."""
    waits: FloatArray
    """Probability that a call must wait."""
    queued: FloatArray
    """Mean number waiting."""
    busy: FloatArray
    """Mean number of servers at work: the calls that leave in one mean holding time."""
    lost: FloatArray
    """Share of all calls that no server works on."""
    inside: FloatArray
    """Mean number in the station, waiting or at work."""
    patient: bool
    """Whether what is lost was turned away at once (True), or left after waiting (False)."""
    endless: bool
    """Whether any number may wait."""


@lru_cache(maxsize=512)
def station(servers: int, limit: int | None, patience: float | None, variability: float) -> Station:
    """The table of one kind of station.

    Args:
        servers: c, at least 1.
        limit: Calls that may wait; None is no limit.
        patience: Mean holding times after which a waiting call leaves; None is never.
        variability: (ca^2 + cs^2) / 2; 1 is M/M/c.
    """
    if limit is not None and patience is not None:
        # Whichever is reached first; near each other, leaving after a wait.
        limit, patience = (limit, None) if limit < 0.7 * patience * servers else (None, patience)
    rho = -np.expm1(np.linspace(0.0, -14.0, _POINTS))
    endless = limit is None and patience is None
    if not endless:
        # Beyond full load too: a station that loses calls has an equilibrium at any load.
        rho = np.concatenate([rho, 1 + np.geomspace(1e-6, _MOST - 1, _BEYOND)])
    offered = rho * servers
    found = (
        mmck(servers, limit, offered, variability) if patience is None else mmc_patience(servers, patience, offered, variability)
    )
    queued, busy = np.maximum.accumulate(found.queued), np.maximum.accumulate(np.minimum(found.busy, servers))
    return Station(servers, offered, found.waits, queued, busy, found.lost, queued + busy, patience is None, endless)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a station did during one bin: means over it, but for `inside`."""

    inside: float
    """Calls in it at the end."""
    waits: float
    queued: float
    busy: float
    lost: float
    """Share of the arrivals that no server works on: served = arrivals (1 - lost) - growth, exactly."""


def advance(kind: Station, inside: float, arrivals_per_s: float, held_s: float, width_s: float) -> Stretch:
    """One bin of the fluid flow, by the implicit Euler rule: stable whatever the bin's length, and it stays in equilibrium there.

    In four steps where much changes, else in one.

    Args:
        kind: The station in equilibrium.
        inside: Calls in it at the begin.
        arrivals_per_s: Calls that arrive.
        held_s: Mean time that a call holds a server.
        width_s: Length of the bin.
    """
    whole = _step(kind, inside, arrivals_per_s, held_s, width_s)
    if abs(whole.inside - inside) <= _STEADY_CHANGE * inside + 0.01:
        return whole
    waits = queued = busy = lost = 0.0
    for _ in range(_SUB_STEPS):
        part = _step(kind, inside, arrivals_per_s, held_s, width_s / _SUB_STEPS)
        inside = part.inside
        waits += part.waits / _SUB_STEPS
        queued += part.queued / _SUB_STEPS
        busy += part.busy / _SUB_STEPS
        lost += part.lost / _SUB_STEPS
    return Stretch(inside, waits, queued, busy, lost)


def _step(kind: Station, inside: float, arrivals_per_s: float, held_s: float, width_s: float) -> Stretch:
    served, arrived = width_s / held_s, width_s * arrivals_per_s
    # Left side of x + served busy(x) - arrived (1 - lost(x)) = inside, ascending in x: bisect for the point of the table below.
    low, high = 0, len(kind.inside) - 1
    levels, works, losses = kind.inside, kind.busy, kind.lost
    while high - low > 1:
        middle = (low + high) // 2
        if levels[middle] + served * works[middle] - arrived * (1 - losses[middle]) <= inside:
            low = middle
        else:
            high = middle
    left = float(levels[low] + served * works[low] - arrived * (1 - losses[low]))
    right = float(levels[high] + served * works[high] - arrived * (1 - losses[high]))
    part = min(1.0, max(0.0, (inside - left) / (right - left))) if right > left else 1.0

    def value(of: FloatArray) -> float:
        first = float(of[low])
        return first + part * (float(of[high]) - first)

    level, busy, waits, queued = value(levels), value(works), value(kind.waits), value(kind.queued)
    if inside > right:
        busy, waits = float(kind.servers), 1.0
        if kind.endless:
            # Beyond the table: all servers busy, everything else waits.
            level = max(level, inside + arrived - served * busy)
        queued = level - busy
    # From the balance, so that nothing is lost or made by rounding.
    lost = 1 - (served * busy + level - inside) / arrived if arrived > 0 else 0.0
    return Stretch(level, waits, queued, busy, min(1.0, max(0.0, lost)))


def in_equilibrium(kind: Station, offered: float) -> Stretch:
    """The station at an offered load; of an endless one beyond full load, its last point below."""
    low = min(max(bisect_right(kind.offered, offered) - 1, 0), len(kind.offered) - 2)
    first, last = float(kind.offered[low]), float(kind.offered[low + 1])
    part = min(1.0, max(0.0, (offered - first) / (last - first)))

    def value(of: FloatArray) -> float:
        return float(of[low]) + part * (float(of[low + 1]) - float(of[low]))

    return Stretch(value(kind.inside), value(kind.waits), value(kind.queued), value(kind.busy), value(kind.lost))


def spread_in_equilibrium(kind: Station, stretch: Stretch, offered: float) -> float:
    """Variance of the number that wait, given that some do: geometric, or, above full load, the geometric gap to a full queue."""
    square = stretch.queued**2
    if kind.endless or offered <= kind.servers:
        return square
    return min(square, offered * kind.servers / (offered - kind.servers) ** 2)


def wait_of(kind: Station, stretch: Stretch, held_s: float, shape: float, max_wait_s: float | None) -> tuple[float, float]:
    """Mean and gamma shape of the wait of those that wait.

    Where calls leave after `max_wait_s`, such that just the share leaves that the station loses: the network drops whoever waits
    longer.
    """
    if stretch.queued <= 0 or stretch.waits <= 0:
        return 0.0, 1.0
    # Little's law over those that enter: who leaves after waiting is among them.
    entering_per_s = stretch.busy / held_s / (1.0 if kind.patient else max(1 - stretch.lost, 1e-9))
    mean_s = stretch.queued / max(stretch.waits * entering_per_s, 1e-300)
    if kind.patient or max_wait_s is None:
        return mean_s, shape
    tail = min(stretch.lost / stretch.waits, 0.9999)
    if tail < 1e-9:
        return min(mean_s, max_wait_s / 5), shape
    return max_wait_s / _upper_quantile(shape, tail), shape


@lru_cache(maxsize=4096)
def _upper_quantile(shape: float, tail: float) -> float:
    """Of a gamma law of mean 1: what only a share `tail` exceeds."""
    return max(float(gammainccinv(shape, tail)) / shape, 1e-9)


def gamma_shape(queued: float, spread: float) -> float:
    """Shape of the wait that goes with a mean number waiting and its variance; at most 64."""
    return min(64.0, max(1.0, queued**2 / spread)) if spread > 0 else 1.0 if queued <= 0 else 64.0


def random_walk(arrivals_per_s: float, arrivals_cv: float, served_per_s: float, variability: float) -> float:
    """Variance that a queue that never empties gains in a second (Cox and Miller 1965): ca^2 arrivals + cs^2 departures."""
    held_squared = max(0.0, 2 * variability - arrivals_cv**2)
    return arrivals_per_s * arrivals_cv**2 + served_per_s * held_squared
