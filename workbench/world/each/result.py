"""What a request-level simulation leaves behind, beside telemetry: exact statistics of every component, for validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.telemetry.series import Array, FloatArray
from workbench.world.each.station import Readings
from workbench.world.each.tally import RouteTrack
from workbench.world.grid import Grid


@dataclass(frozen=True)
class Usage:
    """One component or pool over some bins: sums, and what follows from them."""

    seconds: float
    offered: float
    """Calls that asked for a server."""
    refused: float
    shed: float
    dropped: float
    waited: float
    """Calls that got a server only after a wait."""
    wait_s: float
    served: float
    busy_s: float
    queue_s: float
    server_s: float

    @property
    def started(self) -> float:
        """Calls that got a server, all those still waiting taken for such."""
        return self.offered - self.refused - self.shed - self.dropped

    @property
    def utilisation(self) -> float:
        """Busy share of the servers."""
        return self.busy_s / self.server_s if self.server_s else 0.0

    @property
    def mean_queue(self) -> float:
        """Calls waiting, averaged over time."""
        return self.queue_s / self.seconds

    @property
    def mean_in_service(self) -> float:
        """Calls being worked on, averaged over time."""
        return self.busy_s / self.seconds

    @property
    def mean_wait_s(self) -> float:
        """Mean wait of a call that got a server; 0 for those that did not wait."""
        return self.wait_s / self.started if self.started else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the calls that got a server and had to wait for it."""
        return self.waited / self.started if self.started else 0.0

    @property
    def refused_share(self) -> float:
        """Share of calls refused because the queue was full."""
        return self.refused / self.offered if self.offered else 0.0


@dataclass(frozen=True)
class PartTrack:
    """One component, or one pool of connections, in each bin."""

    widths_s: FloatArray
    rows: FloatArray
    """`station.Readings` of each bin, `[bins, 10]`."""
    arrived: Array
    """Calls that reached the component, `[bins]`."""
    failed: Array
    """Calls that failed in it, those refused or dropped not among them, `[bins]`."""
    waits: FloatArray | None = None
    """Wait of every call, seconds, in the order in which they got a server; only if asked for."""

    def over(self, low: int = 0, high: int | None = None) -> Usage:
        """Bins [low, high) together."""
        total = Readings(*self.rows[low:high].sum(axis=0).tolist())
        return Usage(seconds=float(self.widths_s[low:high].sum()), **total._asdict())

    @property
    def utilisation(self) -> FloatArray:
        """Busy share of the servers in each bin, `[bins]`; 0 where there were none."""
        busy, servers = self.rows[:, 7], self.rows[:, 9]
        out: FloatArray = busy / servers.clip(min=1e-300)
        return out

    @property
    def queue(self) -> FloatArray:
        """Calls waiting, averaged over each bin, `[bins]`."""
        out: FloatArray = self.rows[:, 8] / self.widths_s.clip(min=1e-300)
        return out


@dataclass(frozen=True)
class EachResult:
    """One simulation, request by request. Bins are those of `grid`; what happened after the last scrape is not in it."""

    grid: Grid
    routes: Mapping[str, RouteTrack]
    parts: Mapping[str, PartTrack]
    """Components; those without a service time have no servers."""
    pools: Mapping[str, PartTrack]
    """Connection pools, by `caller > callee`."""
    breakers_opened: Mapping[str, int]
    """How often each breaker opened, by `caller > callee`."""
    breakers_rejected: Mapping[str, int]
    """Calls that each failed at once."""
    retries: Mapping[str, int]
    """Retries made by callers, by `caller > callee`."""
    requests: int
    """Requests that were sent, retries of clients included."""
