"""The call graph as processes: what one call does, from its share of requests down to the callee's servers.

A call that somebody waits for is a generator of simpy events that returns its outcome: "" for a success, else how it failed, a
status code or one of the two below. Where the caller may leave before the answer (a time limit, calls in parallel), the callee is a
process of its own and works on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import simpy

from workbench.scenario.schema.components import Retries
from workbench.world.each.breaker import BreakerState, Budget
from workbench.world.each.deadlines import Deadlines
from workbench.world.each.draws import Draw
from workbench.world.each.station import Station

Work = Generator[simpy.Event, Any, str]
Step = Callable[[int], Work]
"""Makes one call on behalf of an asker: requests of one route and tier, given by their number."""

OPEN = "open"
"""A breaker was open; answered by `BREAKER_CODE`."""
LATE = "late"
"""The caller gave up waiting; answered by `TIMEOUT_CODE`."""
BREAKER_CODE, TIMEOUT_CODE = "503", "504"
_CODES = {OPEN: BREAKER_CODE, LATE: TIMEOUT_CODE}


def answer(outcome: str) -> str:
    """The status code that a failed outcome is answered by."""
    return _CODES.get(outcome, outcome)


def with_share(step: Step, share: float, draw: Draw) -> Step:
    """A share of requests makes the call at all."""

    def work(asker: int) -> Work:
        return (yield from step(asker)) if draw() < share else ""

    return work


def with_times(step: Step, times: int) -> Step:
    """Calls one after the other, up to the first that fails."""

    def work(asker: int) -> Work:
        for _ in range(times):
            outcome = yield from step(asker)
            if outcome:
                return outcome
        return ""

    return work


def with_fallback(step: Step, other: Step | None) -> Step:
    """When the call fails: another one, or None to go on without an answer."""

    def work(asker: int) -> Work:
        outcome = yield from step(asker)
        if outcome:
            return "" if other is None else (yield from other(asker))
        return ""

    return work


def with_cache(step: Step, look_up: Step, hits: Callable[[], float], draw: Draw) -> Step:
    """Look up first. A miss makes the call, and so does a look-up that fails. `hits` is the hit rate now."""

    def work(asker: int) -> Work:
        failed = yield from look_up(asker)
        if not failed and draw() < hits():
            return ""
        return (yield from step(asker))

    return work


def with_retries(env: simpy.Environment, step: Step, spec: Retries, budget: Budget, draw: Draw) -> Step:
    """Failed calls are made again, after a wait, as long as the budget lasts."""
    waits = [spec.backoff * spec.multiplier**k for k in range(spec.attempts - 1)]
    jitter = spec.jitter == "full"

    def work(asker: int) -> Work:
        budget.first()
        outcome = yield from step(asker)
        for wait in waits:
            if not outcome or not budget.allows():
                break
            pause = wait * draw() if jitter else wait
            if pause > 0:
                yield simpy.Timeout(env, pause)
            outcome = yield from step(asker)
        return outcome

    return work


def with_breaker(step: Step, breaker: BreakerState) -> Step:
    """A breaker that is open fails the call at once."""

    def work(asker: int) -> Work:
        admitted = breaker.admits()
        if admitted == "refused":
            return OPEN
        outcome = yield from step(asker)
        breaker.report(admitted, failed=bool(outcome))
        return outcome

    return work


def with_timeout(env: simpy.Environment, step: Step, after_s: float) -> Step:
    """The caller leaves after a time; the callee works on."""
    deadlines: Deadlines[simpy.Event] = Deadlines(env, after_s, lambda done: _settle(done, LATE))

    def work(asker: int) -> Work:
        done = simpy.Event(env)
        deadlines.add(done)
        simpy.Process(env, _into(done, step(asker)))
        outcome: str = yield done
        return outcome

    return work


def with_pool(step: Step, pool: Station) -> Step:
    """At most so many calls at once; others wait for a connection."""

    def work(asker: int) -> Work:
        got = pool.start()
        if got is not True:
            assert not isinstance(got, bool)  # noqa: S101 - a pool's queue has no limit
            yield got
        outcome = yield from step(asker)
        pool.release()
        return outcome

    return work


def in_parallel(env: simpy.Environment, steps: Sequence[Step], need: int) -> Step:
    """Calls made at once. The outcome comes with the last success needed, or when so many failed that these cannot come."""
    spare = len(steps) - need

    def work(asker: int) -> Work:
        done = simpy.Event(env)
        counts = [0, 0]

        def one(step: Step) -> Generator[simpy.Event, Any, None]:
            outcome = yield from step(asker)
            counts[bool(outcome)] += 1
            if not done.triggered and (counts[1] > spare if outcome else counts[0] >= need):
                done.succeed(outcome)

        for step in steps:
            simpy.Process(env, one(step))
        outcome: str = yield done
        return outcome

    return work


def _into(done: simpy.Event, work: Work) -> Generator[simpy.Event, Any, None]:
    outcome = yield from work
    _settle(done, outcome)


def _settle(done: simpy.Event, outcome: str) -> None:
    if not done.triggered:
        done.succeed(outcome)
