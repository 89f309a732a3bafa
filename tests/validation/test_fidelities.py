"""Both fidelities of the same world: requests one by one against what the aggregate fidelity expects of every bin.

Differences may be those of chance (four standard errors) and the bias of the approximation that each case states: `share` of the
shares of codes and latencies, `load` of utilisation and of calls, `queue` of the queue's length.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.fidelities import Row, compare
from tests.support.small_worlds import incident, served, small_world
from workbench.scenario.schema.world import World
from workbench.world.impact import Act, CacheCools, ErrorsHappen, LatencyRises, TrafficRises

PLENTY = 1000
FAST, SLOW = range(4), range(8)


@dataclass(frozen=True)
class Case:
    """A world, and how near the two fidelities must be."""

    components: Mapping[str, Any]
    calls: tuple[Any, ...] = ("api",)
    rps: float = 80.0
    world: Mapping[str, Any] = field(default_factory=dict)
    acts: tuple[tuple[Act, str | None], ...] = ()
    """What acts from 65 to 185 s, and on which component; then these two minutes alone are compared."""
    share: float = 0.002
    load: float = 0.005
    queue: float = 0.1

    def made(self) -> World:
        """The world."""
        return small_world(self.components, self.calls, self.rps, **self.world)

    def rows(self, seeds: range, seconds: float) -> dict[str, Row]:
        """Every figure that is compared."""
        if not self.acts:
            return compare(self.made(), seconds, 35.0, seeds)
        acting = [incident(act, 65.0, 185.0, component) for act, component in self.acts]
        # The first bin still answers what was sent before, and its queue is only building up.
        return compare(self.made(), 185.0, 80.0, seeds, acting, 185.0)

    def misses(self, seeds: range, seconds: float) -> list[str]:
        """Figures that differ by more than chance and what is stated."""
        out = []
        for what, row in self.rows(seeds, seconds).items():
            kind = what.partition(" ")[0]
            if kind == "queue":
                near = row.agrees(relative=self.queue, absolute=0.05)
            elif kind in {"utilisation", "calls", "requests"}:
                near = row.agrees(relative=self.load)
            else:
                near = row.agrees(absolute=self.share)
            out += [] if near else [str(row)]
        return out


def path(api: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"api": dict(api), **others}


TWO = path(served("50ms", 0.5, 8, calls=["db"]), db=served("20ms", 1.0, 4))
USUAL = {"latency": "10ms", "codes": {"404": "2%", "500": "1%", "504": "0.5%"}}
REPLICAS = {f"r{k}": served("30ms", 1.0, PLENTY, errors="10%", error_code="502") for k in range(3)}
CACHED = {"component": "db", "cache": {"component": "cache", "hit_rate": "80%"}, "times": 2, "share": "50%"}
CACHE = path(
    served("10ms", 0.5, PLENTY, calls=[CACHED]), db=served("40ms", 1.0, PLENTY), cache=served("2ms", 0.3, PLENTY, errors="1%")
)
RETRY = {"component": "db", "retries": {"attempts": 3, "backoff": "20ms"}}
LATE = {"component": "db", "timeout": "100ms", "fallback": "other"}
CLIENTS = {"traffic": {"retries": {"attempts": 3, "backoff": "1s"}, "timeout": "2s"}, "codes": {"500": "2%"}}
HALF = (("500", 0.5), ("503", 0.5))

SLEEPY = path(served("500ms", 0.5, PLENTY))
CLOSED = {"traffic": {"closed": {"think_time": "2s"}}}

CASES = {
    "usual answers and a path of two": Case(TWO, rps=60, world=USUAL, queue=0.25),
    "retries": Case(
        path(served("10ms", 0.5, PLENTY, calls=[RETRY]), db=served("40ms", 1.0, PLENTY, errors="20%", error_code="502"))
    ),
    "time limit and fallback": Case(
        path(served("10ms", 0.5, PLENTY, calls=[LATE]), db=served("40ms", 1.0, PLENTY), other=served("200ms", 0.3, PLENTY))
    ),
    "cache, times and share": Case(CACHE),
    "quorum": Case(path(served("10ms", 0.5, PLENTY, calls=[{"parallel": list(REPLICAS), "need": 2}]), **REPLICAS)),
    "held servers": Case(path(served("10ms", 0.5, 20, calls=["db"], holds=True), db=served("40ms", 1.0, 20)), rps=120),
    "retries of clients": Case(path(served("50ms", 0.5, PLENTY)), world=CLIENTS, share=0.003),
    "users who wait": Case(SLEEPY, world=CLOSED, acts=((LatencyRises(3.0), "api"),), share=0.006, load=0.02),
    "errors": Case(TWO, rps=60, acts=((ErrorsHappen(0.1, HALF), "db"),), world={"codes": {"500": "1%", "503": "1%"}}, queue=0.25),
    "errors of requests": Case(
        TWO, rps=60, acts=((ErrorsHappen(0.1, HALF), None),), world={"codes": {"500": "1%", "503": "1%"}}, queue=0.25
    ),
    "slow": Case(TWO, rps=60, acts=((LatencyRises(1.3), "db"),), share=0.01, queue=0.25),
    "cold cache": Case(CACHE, acts=((CacheCools(0.25), "cache"),)),
    "foreign traffic": Case(
        path(served("50ms", 0.5, 40)),
        rps=60,
        acts=((TrafficRises(1.5, (("404", 1.0),)), None),),
        world={"codes": {"404": "2%"}},
        share=0.004,
    ),
    "retries of clients when much fails": Case(
        path(served("50ms", 0.5, PLENTY)),
        acts=((ErrorsHappen(0.5, HALF), "api"),),
        world={**CLIENTS, "codes": {"500": "2%", "503": "1%"}},
        share=0.01,
        load=0.02,
    ),
}


@pytest.mark.parametrize(
    "name", ["usual answers and a path of two", "retries", "cache, times and share", "errors", "users who wait"]
)
def test_both_fidelities_agree(name: str) -> None:
    assert CASES[name].misses(FAST, 110.0) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_both_fidelities_agree_over_long(case: Case) -> None:
    assert case.misses(SLOW, 605.0) == []


LOADS = {0.3: (0.002, 0.2), 0.5: (0.003, 0.2), 0.7: (0.012, 0.2), 0.8: (0.025, 0.25)}
"""By utilisation: how far shares of latencies may be off, and the queue."""


@pytest.mark.slow
@pytest.mark.parametrize("utilisation", LOADS)
@pytest.mark.parametrize("servers", [1, 4, 16])
@pytest.mark.parametrize("sigma", [0.5, 0.83, 1.2])
def test_waits_agree_up_to_a_high_load(utilisation: float, servers: int, sigma: float) -> None:
    """Lognormal service times whose squared coefficients of variation are 0.28, 1 and 3.2."""
    share, queue = LOADS[utilisation]
    # With one server and very variable service the waits are far from the exponential law that the aggregate fidelity gives them.
    share = max(0.05, 4 * share) if servers == 1 and sigma == 1.2 else share
    mean_s = 0.05 * 2.718281828459045 ** (sigma**2 / 2)
    # A warm-up of 35 s is many times the relaxation time at these loads.
    case = Case(path(served("50ms", sigma, servers)), rps=utilisation * servers / mean_s, share=share, queue=queue, load=0.01)
    assert case.misses(SLOW, 35 + 12_000 / case.rps) == []


OVERLOADED = {
    "time limits shorter than the queue": (
        Case(
            path(
                served(
                    "10ms",
                    0.5,
                    8,
                    calls=[
                        {"component": "db", "timeout": "100ms", "retries": {"attempts": 3, "backoff": "20ms"}, "fallback": "none"}
                    ],
                ),
                db=served("40ms", 1.0, 8, errors="5%"),
            ),
            share=0.05,
            load=0.05,
            queue=0.3,
        ),
        "waits do not feed back on retries of callers below saturation",
    ),
    "a full queue of steady service": (
        Case(path(served("100ms", 0.5, 4, queue={"limit": 6})), rps=45, share=0.03, load=0.01, queue=0.2),
        "waits in a full queue are spread too widely: it is never nearly empty",
    ),
    "patience shorter than the queue": (
        Case(path(served("100ms", 0.5, 4, queue={"max_wait": "200ms"})), rps=45, share=0.05, load=0.02, queue=0.3),
        "waits shorter than the patience are spread too widely",
    ),
}
"""Where the aggregate fidelity is known to be wrong, and how."""


@pytest.mark.slow
def test_a_run_that_begins_above_capacity_builds_its_queue_up_from_then_on() -> None:
    # Requests one by one count when they are answered, the aggregate when they are sent: 7 % are still waiting.
    case = Case(path(served("20ms", 1.0, 4)), rps=128, share=0.05, load=0.1, queue=0.2)

    assert case.misses(FAST, 335.0) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name, marks=pytest.mark.xfail(reason=why, strict=True)) for name, (case, why) in OVERLOADED.items()],
)
def test_both_fidelities_agree_in_overload(case: Case) -> None:
    assert case.misses(FAST, 335.0) == []
