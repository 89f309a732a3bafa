"""One component as a queue: what is in it, what leaves it, who waits; stationary and in between.

In equilibrium it is M/M/c with a limit on the calls that wait (Erlang C where there is none, Erlang B where nobody may wait), waits
scaled by (ca^2 + cs^2) / 2 for other gaps and service times (Allen and Cunneen 1978). In between, the number of calls in it follows
the pointwise stationary fluid flow: it grows by what arrives and falls by what a station with so many calls in it would serve in
equilibrium (Wang, Tipper and Banerjee 1996). So a queue persists, grows without end above capacity, and relaxes to the formula.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.telemetry.series import FloatArray

_UNLIMITED = 1 << 40
_POINTS = 400
_NEARLY = 0.75
"""Mean wait, as a share of the longest, of those who are served from a queue that calls leave."""


@dataclass(frozen=True, eq=False)
class Station:
    """A station of `servers` in equilibrium, by offered load. All arrays ascend and have the same length."""

    servers: int
    offered: FloatArray
    """Erlangs: arrivals a second times the mean time that one holds a server."""
    waits: FloatArray
    """Probability that a call that enters must wait."""
    queued: FloatArray
    """Mean number waiting."""
    busy: FloatArray
    """Mean number of servers at work: the calls that leave in one mean holding time."""
    blocked: FloatArray
    """Probability that a call finds the queue full."""

    @property
    def inside(self) -> FloatArray:
        """Mean number in the station, waiting or at work."""
        return self.queued + self.busy


@lru_cache(maxsize=512)
def station(servers: int, limit: int | None, variability: float) -> Station:
    """The table of one kind of station.

    Args:
        servers: c, at least 1.
        limit: K, calls that may wait; None is no limit.
        variability: (ca^2 + cs^2) / 2; 1 is M/M/c.
    """
    places = _UNLIMITED if limit is None else limit
    far = -np.expm1(np.linspace(0.0, -14.0, _POINTS))
    if places < _UNLIMITED:
        # Beyond full load too: a limited queue has an equilibrium at any load.
        far = np.concatenate([far, 1 + np.geomspace(1e-6, 60.0, 120)])
    offered = far * servers
    wait, queued, blocked = _equilibrium(servers, places, offered)
    # A queue that is full is full whatever varies: the factor fades as it fills.
    full = queued / places if 0 < places < _UNLIMITED else np.zeros_like(queued)
    queued = queued * (variability + (1 - variability) * np.minimum(full, 1.0))
    if places < _UNLIMITED:
        queued = np.minimum(queued, places)
    busy = offered * (1 - blocked)
    return Station(servers, offered, wait, np.maximum.accumulate(queued), np.maximum.accumulate(np.minimum(busy, servers)), blocked)


def _equilibrium(servers: int, places: int, offered: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """P(wait | enters), mean queue and P(blocked) of M/M/c with K places to wait, for each offered load."""
    loss = erlang_b(servers, offered)
    r = offered / servers
    if places >= _UNLIMITED:
        with np.errstate(divide="ignore", invalid="ignore"):
            wait = loss / (1 - r * (1 - loss))
            queued = wait * r / (1 - r)
        return wait, queued, np.zeros_like(offered)
    # Weights relative to P(all c busy, none waiting) = 1: below it 1 / B, above it geometric in r.
    below = 1 / np.maximum(loss, 1e-300)  # sum of P(n <= c) / P(c)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        one = np.abs(r - 1) < 1e-9
        top = r**places
        finite = np.isfinite(top)
        waiting = np.where(one, float(places), r * (1 - top) / (1 - r))
        moment = np.where(one, places * (places + 1) / 2.0, r * (1 - (places + 1) * top + places * top * r) / np.square(1 - r))
        whole = below + waiting
        # Far beyond capacity the powers overflow: the queue is full but for a geometric gap.
        gap = 1 / np.maximum(r - 1, 1e-12)
        queued = np.where(finite, moment / whole, np.maximum(places - gap, 0.0))
        blocked = np.where(finite, top / whole, 1 - 1 / r) if places else 1 / whole
        enters = 1 - blocked
        wait = np.where(finite, (1 + waiting - top) / whole / np.maximum(enters, 1e-12), 1.0) if places else np.zeros_like(r)
    return np.clip(wait, 0.0, 1.0), np.clip(queued, 0.0, float(places)), np.clip(blocked, 0.0, 1.0)


def erlang_b(servers: int, offered: FloatArray) -> FloatArray:
    """Erlang's loss formula by its recursion B(c) = a B(c-1) / (c + a B(c-1)), `[len(offered)]` (Erlang 1917)."""
    out = np.ones_like(offered)
    for number in range(1, servers + 1):
        out = offered * out / (number + offered * out)
    return out


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a station did during one bin."""

    inside: float
    """Calls in it at the end."""
    waits: float
    wait_s: float
    refused: float
    """Share of the arrivals that found the queue full."""
    queued: float
    utilisation: float
    saturated: bool = False
    """The queue is as long as calls are willing to wait."""


def advance(
    kind: Station, inside: float, arrivals_per_s: float, held_s: float, width_s: float, max_wait_s: float | None = None
) -> Stretch:
    """One bin of the fluid flow, by the implicit Euler rule: stable whatever the bin's length, and it stays in equilibrium there.

    Args:
        kind: The station in equilibrium.
        inside: Calls in it at the begin.
        arrivals_per_s: Calls that arrive.
        held_s: Mean time that a call holds a server.
        width_s: Length of the bin.
        max_wait_s: Calls that waited so long leave unserved.
    """
    flows = width_s / held_s
    levels = kind.inside
    # Left side of x + h (departures(x) - arrivals (1 - blocked(x))) = inside, ascending in x.
    left = levels + flows * kind.busy - width_s * arrivals_per_s * (1 - kind.blocked)
    at = float(np.interp(inside, left, np.arange(len(levels))))
    low = min(int(at), len(levels) - 2)
    part = at - low

    def value(of: FloatArray) -> float:
        return float(of[low] + part * (of[low + 1] - of[low]))

    busy, blocked, queued, waits = value(kind.busy), value(kind.blocked), value(kind.queued), value(kind.waits)
    if inside > left[-1] and kind.blocked[-1] == 0:
        # Beyond the table: all servers busy, everything else waits.
        level = inside + width_s * arrivals_per_s - flows * kind.servers
        busy, waits, queued = float(kind.servers), 1.0, max(level - kind.servers, float(kind.queued[-1]))
    served_per_s = busy / held_s
    most = math.inf if max_wait_s is None else max_wait_s * served_per_s
    if max_wait_s is not None and queued > most:
        # Who has waited so long leaves: what comes in beyond what is served is dropped, and those who are served waited nearly as
        # long. Drops take the place of refusals; the narrow wait of the others lies below the limit.
        blocked = max(blocked, 1 - served_per_s / arrivals_per_s) if arrivals_per_s > served_per_s else blocked
        return Stretch(most + busy, 1.0, _NEARLY * max_wait_s, min(1.0, blocked), most, busy / kind.servers, saturated=True)
    wait_s = queued / max(waits * served_per_s, 1e-300) if queued > 0 else 0.0
    return Stretch(queued + busy, waits, wait_s, blocked, queued, busy / kind.servers)
