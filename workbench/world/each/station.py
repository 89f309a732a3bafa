"""Servers with one queue in front: first come, first served, with all that validation wants to know about it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import simpy


class Readings(NamedTuple):
    """Everything that a station has counted since the start."""

    offered: int
    """Calls that asked for a server."""
    refused: int
    """Of these, refused because the queue was full, or no server was left."""
    shed: int
    """Of these, refused to keep utilisation down."""
    dropped: int
    """Of these, dropped after they had waited for the longest time allowed."""
    waited: int
    """Of these, given a server only after a wait."""
    wait_s: float
    """Sum of the waits of all that got a server."""
    served: int
    """Calls that left their server."""
    busy_s: float
    """Server-seconds of work."""
    queue_s: float
    """Call-seconds of waiting: over time, the mean queue length."""
    server_s: float
    """Server-seconds that there were."""


class Ticket(simpy.Event):
    """A place in the queue. Its value says whether it came to a server."""

    at: float


class Station:
    """`servers` that share one queue.

    A call takes a server with `start` and gives it back with `release`. Where servers go, work that has begun goes on.
    """

    __slots__ = (
        "_busy_s", "_env", "_limit", "_max_wait_s", "_queue", "_queue_s", "_server_s", "_since", "_wait_s", "busy", "dropped",
        "offered", "refused", "served", "servers", "shed", "waited", "waits",
    )  # fmt: skip

    def __init__(
        self,
        env: simpy.Environment,
        servers: int,
        *,
        limit: int | None = None,
        max_wait_s: float | None = None,
        keep_waits: bool = False,
    ) -> None:
        self._env, self.servers = env, servers
        self._limit, self._max_wait_s = limit, max_wait_s
        self._queue: deque[Ticket] = deque()
        self.busy = 0
        self.offered = self.refused = self.shed = self.dropped = self.waited = self.served = 0
        self._wait_s = self._busy_s = self._queue_s = self._server_s = 0.0
        self._since = float(env.now)
        self.waits: list[float] | None = [] if keep_waits else None
        """Wait of every call that got a server, in the order in which they got it."""

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._queue)

    def start(self) -> bool | Ticket:
        """True: a server is taken. False: refused. Else a ticket to wait for; its value says whether a server was taken."""
        self.offered += 1
        if self.busy < self.servers and not self._queue:
            self._count()
            self.busy += 1
            if self.waits is not None:
                self.waits.append(0.0)
            return True
        # Without any server there is nobody to take a call on.
        if self.servers <= 0 or (self._limit is not None and len(self._queue) >= self._limit):
            self.refused += 1
            return False
        self._count()
        ticket = Ticket(self._env)
        ticket.at = self._since
        self._queue.append(ticket)
        if self._max_wait_s is not None:
            patience = simpy.Timeout(self._env, self._max_wait_s, ticket)
            patience.callbacks.append(self._give_up)
        return ticket

    def release(self) -> None:
        """Give a server back; whoever waits longest takes it."""
        self._count()
        self.busy -= 1
        self.served += 1
        if self._queue:
            self._admit()

    def resize(self, servers: int) -> None:
        """Change the number of servers."""
        if servers != self.servers:
            self._count()
            self.servers = servers
            self._admit()

    def read(self) -> Readings:
        """Everything counted so far, the present included."""
        self._count()
        return Readings(
            self.offered,
            self.refused,
            self.shed,
            self.dropped,
            self.waited,
            self._wait_s,
            self.served,
            self._busy_s,
            self._queue_s,
            self._server_s,
        )

    def _admit(self) -> None:
        now = self._since
        while self._queue and self.busy < self.servers:
            ticket = self._queue.popleft()
            self.busy += 1
            self.waited += 1
            self._wait_s += now - ticket.at
            if self.waits is not None:
                self.waits.append(now - ticket.at)
            ticket.succeed(value=True)

    def _give_up(self, patience: simpy.Event) -> None:
        ticket: Ticket = patience._value  # noqa: SLF001 - `value` is typed as possibly nothing
        if not ticket.triggered:
            # All have the same patience and came in order: whoever gives up stands first.
            self._count()
            self._queue.popleft()
            self.dropped += 1
            ticket.succeed(value=False)

    def _count(self) -> None:
        now = self._env.now
        gone = now - self._since
        if gone:
            self._busy_s += gone * self.busy
            self._queue_s += gone * len(self._queue)
            self._server_s += gone * self.servers
            self._since = now
