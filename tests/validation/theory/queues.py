"""Queues: the request fidelity and the aggregate one against Erlang, Pollaczek and Khinchine, Little."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.support.fidelities import course
from tests.support.queueing_theory import erlang_b, erlang_c, lognormal_moments, mmc_mean_wait, mmck, pollaczek_khinchine
from tests.support.small_worlds import exponential, incident, served, small_world
from tests.validation.theory.line import Line, computed, sampled
from workbench.rng import stream
from workbench.world.each.result import EachResult, Usage
from workbench.world.each.simulate import simulate
from workbench.world.impact import TrafficRises

RUNS = 8
REQUESTS = 5000
"""Expected in one run, beside those of the first bins, which are left out."""
STEP_S = 15.0
WARM_BINS = 4
PRECISE = 0.03
"""The aggregate fidelity reads its queues from tables; they are as precise as that ..."""
NEGLECTED = 0.03
"""... and 0 where fewer calls wait than this."""
ONE_CV = math.sqrt(math.log(2))
"""Sigma of a lognormal law whose coefficient of variation is 1."""


def _number(value: float) -> str:
    return f"{value:.3g}"


def _runs(
    world: Any, rps: float, rng: np.random.Generator, *, exponential_s: float | None = None, keep_waits: bool = False
) -> list[EachResult]:
    """Independent runs; no two sets of parameters share a seed."""
    first = int(rng.integers(1 << 30))
    laws = None if exponential_s is None else {"api": exponential(exponential_s)}
    seconds = WARM_BINS * STEP_S + math.ceil(REQUESTS / rps / STEP_S) * STEP_S
    return [simulate(world, seconds, first + run, services=laws, keep_waits=keep_waits) for run in range(RUNS)]


def _steady(results: Sequence[EachResult]) -> list[Usage]:
    return [result.parts["api"].over(WARM_BINS) for result in results]


def _world(rps: float, servers: int, **more: Any) -> Any:
    return small_world({"api": served(servers=servers, **more)}, ["api"], rps)


def losses(seed: int, sets: int) -> list[Line]:
    """Erlang B: M/M/c/c."""
    rng, out = stream(seed, "validation", "losses"), []
    for _ in range(sets):
        servers, held_s = int(rng.integers(1, 13)), float(rng.uniform(0.03, 0.3))
        load = servers * float(rng.uniform(0.4, 1.5))
        usage = _steady(_runs(_world(load / held_s, servers, queue={"limit": 0}), load / held_s, rng, exponential_s=held_s))
        words = f"servers {servers}, load {_number(load)}, service {_number(held_s)} s"
        blocked = erlang_b(servers, load)
        out.append(sampled(words, "share refused", blocked, [one.refused_share for one in usage]))
        out.append(sampled(words, "servers at work", load * (1 - blocked), [one.mean_in_service for one in usage]))
    return out


def waits(seed: int, sets: int) -> list[Line]:
    """Erlang C: who waits in M/M/c, how long, and how many do."""
    rng, out = stream(seed, "validation", "waits"), []
    for _ in range(sets):
        servers, held_s, rho = int(rng.integers(1, 13)), float(rng.uniform(0.03, 0.2)), float(rng.uniform(0.55, 0.85))
        rps = rho * servers / held_s
        results = _runs(_world(rps, servers), rps, rng, exponential_s=held_s, keep_waits=True)
        usage = _steady(results)
        words = f"servers {servers}, utilisation {_number(rho)}, service {_number(held_s)} s"
        share, wait_s = erlang_c(servers, rho * servers), mmc_mean_wait(rps, held_s, servers)
        out.append(sampled(words, "utilisation", rho, [one.utilisation for one in usage]))
        out.append(sampled(words, "share that waits", share, [one.waiting_share for one in usage]))
        out.append(sampled(words, "mean wait, s", wait_s, [one.mean_wait_s for one in usage]))
        out.append(sampled(words, "mean number waiting", rps * wait_s, [one.mean_queue for one in usage]))
        longer_s = wait_s / share  # the mean of those who wait at all
        cut = round(WARM_BINS * STEP_S * rps)
        above = [float((of[cut:] > longer_s).mean()) for result in results if (of := result.parts["api"].waits) is not None]
        out.append(sampled(words, f"share that waits over {_number(longer_s)} s", share / math.e, above))
    return out


def limited(seed: int, sets: int) -> list[Line]:
    """M/M/c/K: a queue with room for some."""
    rng, out = stream(seed, "validation", "limited"), []
    for _ in range(sets):
        servers, places, held_s = int(rng.integers(1, 9)), int(rng.integers(1, 7)), float(rng.uniform(0.03, 0.2))
        rho = float(rng.uniform(0.8, 1.4))
        rps = rho * servers / held_s
        usage = _steady(_runs(_world(rps, servers, queue={"limit": places}), rps, rng, exponential_s=held_s))
        words = f"servers {servers}, places {places}, utilisation {_number(rho)}, service {_number(held_s)} s"
        refused, queue = mmck(rps, held_s, servers, places)
        out.append(sampled(words, "share refused", refused, [one.refused_share for one in usage]))
        out.append(sampled(words, "mean number waiting", queue, [one.mean_queue for one in usage]))
        out.append(sampled(words, "mean wait, s", queue / (rps * (1 - refused)), [one.mean_wait_s for one in usage]))
    return out


def lognormal(seed: int, sets: int) -> list[Line]:
    """Pollaczek and Khinchine: M/G/1 with lognormal service."""
    rng, out = stream(seed, "validation", "lognormal"), []
    for _ in range(sets):
        median_ms, sigma, rho = int(rng.integers(20, 151)), round(float(rng.uniform(0.2, 1.0)), 2), float(rng.uniform(0.3, 0.75))
        mean_s, second = lognormal_moments(median_ms / 1000, sigma)
        rps = rho / mean_s
        usage = _steady(_runs(small_world({"api": served(f"{median_ms}ms", sigma)}, ["api"], rps), rps, rng))
        words = f"median {median_ms} ms, sigma {sigma}, utilisation {_number(rho)}"
        out.append(sampled(words, "mean wait, s", pollaczek_khinchine(rps, mean_s, second), [one.mean_wait_s for one in usage]))
        out.append(sampled(words, "utilisation", rho, [one.utilisation for one in usage]))
    return out


def little(seed: int, sets: int) -> list[Line]:
    """Little's law: in a run that begins and ends empty it holds to the last digit, whatever the laws."""
    rng, out = stream(seed, "validation", "little"), []
    for run in range(sets):
        servers, sigma, rho = int(rng.integers(1, 9)), round(float(rng.uniform(0.0, 1.2)), 2), float(rng.uniform(0.5, 0.95))
        rps = rho * servers / lognormal_moments(0.05, sigma)[0]
        world = small_world({"api": served("50ms", sigma, servers)}, ["api"], rps)
        silence = incident(TrafficRises(0.0), 90.0, 180.0)
        usage = simulate(world, 180.0, seed + run, incidents=[silence]).parts["api"].over()
        words = f"servers {servers}, sigma {sigma}, utilisation {_number(rho)}, {usage.offered:.0f} calls"
        arrivals = usage.offered / usage.seconds
        out.append(computed(words, "mean number waiting", arrivals * usage.mean_wait_s, usage.mean_queue, 1e-9))
    return out


def aggregate(seed: int, sets: int) -> list[Line]:
    """M/M/c in the aggregate fidelity: the course of a world whose service has a coefficient of variation of 1."""
    rng, out = stream(seed, "validation", "aggregate"), []
    for _ in range(sets):
        servers, rho = int(rng.integers(1, 65)), float(rng.uniform(0.3, 0.95))
        mean_s = lognormal_moments(0.05, ONE_CV)[0]
        rps = rho * servers / mean_s
        made = course(small_world({"api": served("50ms", ONE_CV, servers)}, ["api"], rps), 60.0)[0]
        words = f"servers {servers}, utilisation {_number(rho)}"
        queue = rps * mmc_mean_wait(rps, mean_s, servers)
        out.append(computed(words, "utilisation", rho, float(made.utilisation["api"][-1]), 1e-6))
        places = int(rng.integers(1, 21))
        out.append(computed(words, "mean number waiting", queue, float(made.queue["api"][-1]), PRECISE, NEGLECTED))
        rho = float(rng.uniform(0.6, 1.4))
        rps = rho * servers / mean_s
        full = small_world({"api": served("50ms", ONE_CV, servers, queue={"limit": places})}, ["api"], rps)
        words = f"servers {servers}, places {places}, utilisation {_number(rho)}"
        queue = mmck(rps, mean_s, servers, places)[1]
        out.append(
            computed(words, "mean number waiting", queue, float(course(full, 600.0)[0].queue["api"][-1]), PRECISE, NEGLECTED)
        )
    return out


FORMULAS: dict[str, Callable[[int, int], list[Line]]] = {
    "Erlang B": losses,
    "Erlang C and the waits of M/M/c": waits,
    "M/M/c/K": limited,
    "M/G/1, Pollaczek and Khinchine": lognormal,
    "Little's law": little,
    "M/M/c in the aggregate fidelity": aggregate,
}
