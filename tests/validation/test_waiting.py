"""The request fidelity against the theory of queues. Tolerances are four standard errors over seeds."""

import math

import pytest

from tests.support.queueing_theory import (
    erlang_b,
    erlang_c,
    lognormal_moments,
    mm1_patience,
    mmc_mean_wait,
    mmck,
    pollaczek_khinchine,
)
from tests.support.small_worlds import exponential, incident, served, small_world
from tests.support.statistics import agrees
from workbench.world.each.result import EachResult, Usage
from workbench.world.each.simulate import simulate
from workbench.world.impact import TrafficRises

SERVICE_S = 0.1
SEEDS = range(8)
WARM_BINS = 4


def runs(rps: float, servers: int, seconds: float = 240, *, keep_waits: bool = False, **spec: object) -> list[EachResult]:
    """M/M/c at 10 calls a second for each server, once for each seed."""
    world = small_world({"api": served(servers=servers, **spec)}, ["api"], rps)
    law = {"api": exponential(SERVICE_S)}
    return [simulate(world, seconds, seed, services=law, keep_waits=keep_waits) for seed in SEEDS]


def steady(results: list[EachResult]) -> list[Usage]:
    return [result.parts["api"].over(WARM_BINS) for result in results]


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.6), (3, 0.75), (8, 0.8)])
def test_waits_and_queues_are_those_of_erlang_c(servers: int, utilisation: float) -> None:
    rps = utilisation * servers / SERVICE_S
    usage = steady(runs(rps, servers))
    wait_s = mmc_mean_wait(rps, SERVICE_S, servers)
    assert agrees([one.utilisation for one in usage], utilisation)
    assert agrees([one.waiting_share for one in usage], erlang_c(servers, servers * utilisation))
    assert agrees([one.mean_wait_s for one in usage], wait_s)
    assert agrees([one.mean_queue for one in usage], rps * wait_s)


def test_those_who_wait_wait_exponentially_long() -> None:
    rps, servers = 22.0, 3
    share, rate = erlang_c(servers, 2.2), servers / SERVICE_S - rps
    results = runs(rps, servers, keep_waits=True)
    for at_s in (0.05, 0.1, 0.3):
        above = [float((result.parts["api"].waits[200:] > at_s).mean()) for result in results]
        assert agrees(above, share * math.exp(-rate * at_s))


def test_waits_of_lognormal_service_are_those_of_pollaczek_and_khinchine() -> None:
    rps, sigma = 5.0, 0.6
    mean_s, second = lognormal_moments(0.1, sigma)
    world = small_world({"api": served("100ms", sigma)}, ["api"], rps)
    usage = [simulate(world, 1200, seed).parts["api"].over(WARM_BINS) for seed in SEEDS]
    assert agrees([one.mean_wait_s for one in usage], pollaczek_khinchine(rps, mean_s, second))
    assert agrees([one.utilisation for one in usage], rps * mean_s)


@pytest.mark.parametrize(("servers", "limit", "rps"), [(1, 3, 12.0), (4, 2, 35.0)])
def test_a_full_queue_refuses_as_m_m_c_k_does(servers: int, limit: int, rps: float) -> None:
    results = runs(rps, servers, queue={"limit": limit, "code": "429"})
    refused, queue = mmck(rps, SERVICE_S, servers, limit)
    usage = steady(results)
    assert agrees([one.refused_share for one in usage], refused)
    assert agrees([one.mean_queue for one in usage], queue)
    for result in results:
        track = result.routes["/"]
        assert track.answers[0, track.codes.index("429")].sum() == result.parts["api"].over().refused


def test_without_a_queue_calls_are_lost_as_erlang_b_says() -> None:
    usage = steady(runs(30.0, 4, queue={"limit": 0}))
    assert agrees([one.refused_share for one in usage], erlang_b(4, 3.0))


def test_calls_give_up_waiting_as_barrer_says() -> None:
    usage = steady(runs(9.0, 1, queue={"max_wait": "150ms"}))
    assert agrees([one.dropped / one.offered for one in usage], mm1_patience(9.0, SERVICE_S, 0.15))


@pytest.mark.parametrize("seed", SEEDS)
def test_queue_length_is_arrivals_times_wait_in_every_single_run(seed: int) -> None:
    """Little's law to the last digit, over a time that begins and ends with an empty system: traffic stops in the end."""
    world = small_world({"api": served(servers=2)}, ["api"], 19.0)
    silence = incident(TrafficRises(0.0), 240.0, 300.0)
    usage = simulate(world, 300, seed, services={"api": exponential(SERVICE_S)}, incidents=[silence]).parts["api"].over()
    assert usage.offered == usage.served > 4000
    assert usage.waited > 1000
    assert usage.queue_s == pytest.approx(usage.wait_s, rel=1e-9)
    assert usage.mean_queue == pytest.approx(usage.offered / usage.seconds * usage.mean_wait_s, rel=1e-9)


def test_work_is_conserved() -> None:
    """Every call that was offered was refused, dropped, served, or is still there."""
    for result in runs(12.0, 1, queue={"limit": 5, "max_wait": "200ms"}):
        usage = result.parts["api"].over()
        left = usage.offered - usage.refused - usage.dropped - usage.served
        assert 0 <= left <= 6
        track = result.routes["/"]
        assert track.begun.sum() - track.answered.sum() <= 7
