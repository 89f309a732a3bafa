"""Users of one cell of one route: they send requests, wait, lose patience, try again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from workbench.scenario.schema.components import Retries
from workbench.scenario.schema.world import Route
from workbench.world.each.breaker import Budget
from workbench.world.each.calls import TIMEOUT_CODE, Step, answer
from workbench.world.each.condition import RouteSituation
from workbench.world.each.deadlines import Deadlines
from workbench.world.each.draws import Codes, Draw
from workbench.world.each.tally import Tally
from workbench.world.latency import TIMEOUT_CODES

_USUAL = RouteSituation()


class Request:
    """One request whose client waits for an answer. `triggered` once the client has one, or has left."""

    __slots__ = ("attempt", "cell", "done", "late", "started", "triggered")

    def __init__(self, cell: Users, started: float, attempt: int, done: simpy.Event | None) -> None:
        self.cell, self.started, self.attempt, self.done = cell, started, attempt, done
        self.late = TIMEOUT_CODE
        """How it is counted if its client leaves."""
        self.triggered = False


@dataclass(frozen=True)
class ClientRetry:
    """What clients do about a failure."""

    spec: Retries
    retries: Callable[[str], bool]
    """Whether they try again after an answer of this code."""
    budget: Budget
    jitter: Draw


class Users:
    """One cell of one route."""

    def __init__(
        self,
        env: simpy.Environment,
        route: Route,
        calls: Sequence[Step],
        asker: int,
        *,
        tally: Tally,
        latency: Draw | None,
        draw: Draw,
        late: Deadlines[Request],
        retry: ClientRetry | None,
    ) -> None:
        self.tally = tally
        self._env, self._route, self._calls, self._asker = env, route, calls, asker
        self._latency, self._draw, self._deadlines = latency, draw, late
        self._retry = retry
        usual = [(code, float(share)) for code, share in sorted(route.codes.items()) if share > 0]
        lasting = [(code, share) for code, share in usual if code.startswith("5")]
        others = [(code, share) for code, share in usual if not code.startswith("5")]
        self._lasting, self._lasting_code = sum(share for _, share in lasting), Codes(lasting) if lasting else None
        self._others, self._other = sum(share for _, share in others), Codes(others) if others else None
        self._success = route.success_code
        self.enter(_USUAL)

    def enter(self, now: RouteSituation) -> None:
        """Be in a situation from now on."""
        self._slow = now.slow
        self._fails, self._failing = now.failing.share, now.failing.drawn()
        foreign = sorted(now.foreign.items())
        self._foreign = sum(share for _, share in foreign)
        self._foreign_code = Codes(foreign) if self._foreign > 0 else None

    def send(self, attempt: int = 0, done: simpy.Event | None = None) -> None:
        """One request; `done` succeeds when its client has an answer or has left, and has nothing left to try."""
        self.tally.begun += 1
        if attempt:
            self.tally.retries += 1
        elif self._retry is not None:
            self._retry.budget.first()
        request = Request(self, self._env.now, attempt, done)
        simpy.Process(self._env, self._work(request))

    def leave(self, request: Request) -> None:
        """The client of a request has waited long enough."""
        self._answered(request, request.late)

    def _work(self, request: Request) -> Generator[simpy.Event, Any, None]:
        """What the system does for one request, whether or not anybody still waits for it.

        Answers that have nothing to do with its way (a page that does not exist, a refused password) come after the first call,
        that of the component which serves the route; the rest of the way is gone all the same.
        """
        self._deadlines.add(request)
        code, sure = self._fated()
        outcome = ""
        if code in TIMEOUT_CODES:
            # It never gets an answer: its client leaves when the time is over, and is counted so.
            request.late = code
            for call in self._calls:
                outcome = yield from call(self._asker)
                if outcome:
                    break
            if outcome and not sure and not request.triggered:
                self._answered(request, answer(outcome))
            return
        for number, call in enumerate(self._calls):
            outcome = yield from call(self._asker)
            if number == 0 and code and (sure or not outcome) and not request.triggered:
                self._answered(request, code)
            if outcome:
                break
        if not outcome and not code and self._latency is not None:
            yield simpy.Timeout(self._env, self._latency() * self._slow)
        if not request.triggered:
            self._answered(request, answer(outcome) if outcome else code or self._success)

    def _fated(self) -> tuple[str, bool]:
        """How the request is answered whatever it meets, and whether even failures on its way change nothing; "" by its way alone.

        Usual server errors stay as they are; then come requests that are not what users send, and those that incidents of the route
        fail; what remains of the usual answers comes only if nothing fails on the way.
        """
        u = self._draw() if self._lasting else 1.0
        if self._lasting_code is not None and u < self._lasting:
            return self._lasting_code.at(u / self._lasting), True
        if self._foreign_code is not None and self._draw() < self._foreign:
            return self._foreign_code.at(self._draw()), True
        if self._failing is not None and self._draw() < self._fails:
            return self._failing.at(self._draw()), True
        if self._other is not None:
            # Of all requests, so of those that are left a larger share.
            u = self._draw() * (1 - self._lasting)
            if u < self._others:
                return self._other.at(u / self._others), False
        return "", False

    def _answered(self, request: Request, code: str) -> None:
        request.triggered = True
        # Nobody waits longer than the limit; rounding must not put a time-out above its bucket's bound.
        self.tally.add(code, min(self._env.now - request.started, self._deadlines.after_s))
        retry = self._retry
        if retry is not None and request.attempt + 1 < retry.spec.attempts and retry.retries(code) and retry.budget.allows():
            pause = retry.spec.backoff * retry.spec.multiplier**request.attempt
            if retry.spec.jitter == "full":
                pause *= retry.jitter()
            again = simpy.Timeout(self._env, pause)
            again.callbacks.append(lambda _: self.send(request.attempt + 1, request.done))
        elif request.done is not None:
            request.done.succeed()
