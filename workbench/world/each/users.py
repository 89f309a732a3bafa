"""Users of one cell of one route: they send requests, wait, lose patience, try again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from workbench.scenario.schema.components import Retries
from workbench.scenario.schema.world import Route
from workbench.world.each.breaker import Budget
from workbench.world.each.calls import Step, answer
from workbench.world.each.condition import RouteSituation
from workbench.world.each.deadlines import Deadlines
from workbench.world.each.draws import Codes, Draw
from workbench.world.each.tally import Tally
from workbench.world.latency import TIMEOUT_CODES

_USUAL = RouteSituation()


class Request:
    """One request whose client waits for an answer. `triggered` once the client has one, or has left."""

    __slots__ = ("attempt", "cell", "done", "started", "triggered")

    def __init__(self, cell: Users, started: float, attempt: int, done: simpy.Event | None) -> None:
        self.cell, self.started, self.attempt, self.done = cell, started, attempt, done
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
        latency: Draw,
        draw: Draw,
        late: Deadlines[Request],
        late_code: str,
        retry: ClientRetry | None,
    ) -> None:
        self.tally = tally
        self._env, self._route, self._calls, self._asker = env, route, calls, asker
        self._latency, self._draw, self._deadlines, self._late_code = latency, draw, late, late_code
        self._retry = retry
        usual = [(code, float(share)) for code, share in sorted(route.codes.items()) if share > 0]
        self._others = sum(share for _, share in usual)
        self._other = Codes(usual) if usual else None
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
        self._answered(request, self._late_code)

    def _work(self, request: Request) -> Generator[simpy.Event, Any, None]:
        """What the system does for one request, whether or not anybody still waits for it."""
        self._deadlines.add(request)
        code = self._usual_code()
        if code in TIMEOUT_CODES:
            # It never gets an answer: its client leaves when the time is over, and is counted so.
            request.triggered = True
            yield simpy.Timeout(self._env, self._deadlines.after_s)
            request.triggered = False
            self._answered(request, code)
            return
        outcome = ""
        for call in self._calls:
            outcome = yield from call(self._asker)
            if outcome:
                break
        if not outcome and self._failing is not None and self._draw() < self._fails:
            outcome = self._failing.at(self._draw())
        if not outcome:
            yield simpy.Timeout(self._env, self._latency() * self._slow)
        if not request.triggered:
            self._answered(request, answer(outcome) if outcome else code)

    def _usual_code(self) -> str:
        """How the request is answered if nothing goes wrong on its way."""
        if self._foreign_code is not None and self._draw() < self._foreign:
            return self._foreign_code.at(self._draw())
        if self._other is not None:
            u = self._draw()
            if u < self._others:
                return self._other.at(u / self._others)
        return self._success

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
