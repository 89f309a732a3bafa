"""What callers do about calls that fail: breakers, and budgets of retries."""

from __future__ import annotations

from typing import Literal

import simpy

from workbench.scenario.schema.components import Breaker

State = Literal["closed", "open", "half-open"]
Admission = Literal["call", "probe", "refused"]


class BreakerState:
    """One circuit breaker. It looks at the end of each scrape interval at the calls that ended in it.

    Open, it fails calls at once for `open_for`; then single calls probe: a success closes it, a failure opens it again.
    """

    __slots__ = ("_env", "_probing", "_reopens_at", "_spec", "calls", "failed", "opened", "rejected", "state")

    def __init__(self, env: simpy.Environment, spec: Breaker) -> None:
        self._env, self._spec = env, spec
        self.state: State = "closed"
        self._reopens_at = 0.0
        self._probing = False
        self.calls = self.failed = 0
        self.opened = 0
        """How often it opened."""
        self.rejected = 0
        """Calls that it failed at once."""

    def admits(self) -> Admission:
        """Whether a call may be made now; one that may must be reported."""
        if self.state == "closed":
            return "call"
        if self.state == "open" and self._env.now >= self._reopens_at:
            self.state = "half-open"
        if self.state == "half-open" and not self._probing:
            self._probing = True
            return "probe"
        self.rejected += 1
        return "refused"

    def report(self, admitted: Admission, *, failed: bool) -> None:
        """How a call that was admitted ended. What was called before it opened tells nothing about now."""
        if admitted == "probe":
            self._probing = False
            if failed:
                self._open()
            else:
                self.state = "closed"
                self.calls = self.failed = 0
        elif self.state == "closed":
            self.calls += 1
            self.failed += failed

    def look(self) -> None:
        """A scrape interval is over."""
        if self.state == "closed" and self.calls >= self._spec.min_calls and self.failed >= float(self._spec.opens_at) * self.calls:
            self._open()
        self.calls = self.failed = 0

    def _open(self) -> None:
        self.state = "open"
        self._reopens_at = self._env.now + self._spec.open_for
        self.opened += 1


class Budget:
    """Retries are at most a share of first attempts, over this scrape interval and the one before."""

    __slots__ = ("_first", "_first_before", "_retries", "_retries_before", "_share", "spent")

    def __init__(self, share: float | None) -> None:
        self._share = share
        self._first = self._first_before = self._retries = self._retries_before = 0
        self.spent = 0
        """Retries made."""

    def first(self) -> None:
        """A first attempt is made."""
        self._first += 1

    def allows(self) -> bool:
        """Whether one more retry may be made; if so, it counts as made."""
        if self._share is not None:
            made = self._retries + self._retries_before
            if made + 1 > self._share * (self._first + self._first_before):
                return False
        self._retries += 1
        self.spent += 1
        return True

    def look(self) -> None:
        """A scrape interval is over."""
        self._first_before, self._first = self._first, 0
        self._retries_before, self._retries = self._retries, 0
