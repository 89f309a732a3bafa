"""What calls do, against arithmetic: retries, time limits, breakers, caches, fallbacks, parallel calls, pools, held servers."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.support.queueing_theory import lognormal_moments, mmc_mean_wait
from tests.support.small_worlds import exponential, incident, served, small_world
from tests.support.statistics import agrees
from workbench.scenario.schema.world import World
from workbench.world.each.draws import Law
from workbench.world.each.result import EachResult
from workbench.world.each.simulate import simulate
from workbench.world.impact import ErrorsHappen

SEEDS = range(5)
PLENTY = 1000


def runs(world: World, seconds: float = 60, services: Mapping[str, Law] | None = None) -> list[EachResult]:
    return [simulate(world, seconds, seed, services=services) for seed in SEEDS]


def share(result: EachResult, code: str) -> float:
    track = result.routes["/"]
    return float(track.answers[0, track.codes.index(code)].sum() / track.answered.sum())


def ratio(result: EachResult, name: str, to: str) -> float:
    return float(result.parts[name].arrived.sum() / result.parts[to].arrived.sum())


def mean_latency(result: EachResult, first: int = 1) -> float:
    track = result.routes["/"]
    return float(track.seconds[:, first:].sum() / track.answered[:, first:].sum())


def api(calls: Sequence[Any], **others: Any) -> World:
    """A route whose component `api` has no servers of its own and makes some calls."""
    return small_world({"api": {"calls": list(calls)}, **others}, ["api"], 60.0)


def test_calls_are_tried_again_until_one_succeeds() -> None:
    fails, attempts = 0.3, 3
    call = {"component": "db", "retries": {"attempts": attempts, "backoff": "0s"}}
    results = runs(api([call], db=served("1ms", servers=PLENTY, errors="30%", error_code="502")))
    assert agrees([share(result, "502") for result in results], fails**attempts)
    assert agrees([ratio(result, "db", "api") for result in results], (1 - fails**attempts) / (1 - fails))


def test_each_wait_between_attempts_is_longer_than_the_one_before() -> None:
    """Everything fails: 100 ms + 200 ms + 400 ms without jitter, half of it on average with it."""
    for jitter, expected in (("none", 0.7), ("full", 0.35)):
        retries = {"attempts": 4, "backoff": "100ms", "multiplier": 2, "jitter": jitter}
        world = api([{"component": "db", "retries": retries}], db=served("1ms", servers=PLENTY, errors="100%"))
        assert agrees([mean_latency(result) for result in runs(world, 60)], expected + 4 * 0.001, bias=1e-9)


def test_a_budget_limits_retries_to_a_share_of_first_attempts() -> None:
    call = {"component": "db", "retries": {"attempts": 3, "backoff": "1ms", "budget": "20%"}}
    for result in runs(api([call], db=served("1ms", servers=PLENTY, errors="90%"))):
        made = result.parts["db"].arrived.sum() - result.parts["api"].arrived.sum()
        assert 0 <= result.retries["api > db"] - made <= 3, "some are decided on and not made yet"
        assert 0.18 <= ratio(result, "db", "api") - 1 <= 0.2


def test_callers_leave_when_their_time_is_over_and_callees_work_on() -> None:
    mean_s, limit_s = 0.1, 0.15
    world = api([{"component": "db", "timeout": "150ms"}], db=served(servers=PLENTY))
    results = runs(world, services={"db": exponential(mean_s)})
    late = 2.718281828459045 ** (-limit_s / mean_s)
    assert agrees([share(result, "504") for result in results], late)
    # Work that nobody waits for any more occupies servers all the same.
    assert agrees([result.parts["db"].over(2).mean_in_service for result in results], 60.0 * mean_s)
    # min(S, limit), and the route's own millisecond for those who got an answer.
    assert agrees([mean_latency(result, 2) for result in results], mean_s * (1 - late) + 0.001 * (1 - late))


def test_clients_leave_after_their_limit() -> None:
    mean_s = 0.2
    world = small_world({"api": served(servers=PLENTY)}, ["api"], 100.0, latency="1ms", traffic={"timeout": "500ms"})
    results = runs(world, services={"api": exponential(mean_s)})
    late = 2.718281828459045 ** (-(0.5 - 0.001) / mean_s)
    assert agrees([share(result, "504") for result in results], late)
    for result in results:
        track = result.routes["/"]
        # All of them lie in the bucket that ends at the limit, none above.
        assert track.buckets[0, track.bounds.index(1.0) :].sum() == 0
        assert agrees([one.parts["api"].over(2).mean_in_service for one in results], 100.0 * mean_s)


def test_a_cache_spares_its_component_the_hits() -> None:
    call = {"component": "db", "cache": {"component": "cache", "hit_rate": "80%"}}
    results = runs(api([call], db=served("20ms", servers=PLENTY), cache=served("2ms", servers=PLENTY)))
    assert agrees([ratio(result, "cache", "api") for result in results], 1.0, bias=1e-12)
    assert agrees([ratio(result, "db", "api") for result in results], 0.2)
    assert agrees([mean_latency(result) for result in results], 0.002 + 0.2 * 0.020 + 0.001, bias=1e-6)


def test_a_call_falls_back_on_another_or_goes_on_without() -> None:
    db = served("1ms", servers=PLENTY, errors="25%", error_code="502")
    other = served("1ms", servers=PLENTY, errors="10%", error_code="500")
    results = runs(api([{"component": "db", "fallback": "other"}], db=db, other=other))
    assert agrees([share(result, "500") for result in results], 0.25 * 0.1)
    assert agrees([ratio(result, "other", "api") for result in results], 0.25)
    assert all(share(result, "200") == 1 for result in runs(api([{"component": "db", "fallback": "none"}], db=db), 30))


@pytest.mark.parametrize(("need", "expected"), [(None, 0.8**3), (2, 0.8**3 + 3 * 0.8**2 * 0.2), (1, 1 - 0.2**3)])
def test_a_quorum_needs_so_many_of_its_parallel_calls(need: int | None, expected: float) -> None:
    replicas = {f"r{k}": served(f"{k}0ms", servers=PLENTY, errors="20%") for k in (1, 2, 3)}
    call = {"parallel": list(replicas), **({"need": need} if need else {})}
    results = runs(api([call], **replicas))
    assert agrees([share(result, "200") for result in results], expected)
    # Whatever the outcome, all three are called.
    assert all(abs(ratio(result, "r3", "r1") - 1) < 1e-3 for result in results)


def test_the_answer_of_a_quorum_comes_with_the_last_one_needed() -> None:
    replicas = {f"r{k}": served(f"{k}00ms", servers=PLENTY) for k in (1, 2, 3)}
    for need, seconds in ((1, 0.1), (2, 0.2), (3, 0.3)):
        result = simulate(api([{"parallel": list(replicas), "need": need}], **replicas), 30, 1)
        assert mean_latency(result) == pytest.approx(seconds + 0.001)


def test_calls_are_made_so_many_times_by_a_share_of_requests() -> None:
    results = runs(api([{"component": "db", "times": 3, "share": "40%"}], db=served("10ms", servers=PLENTY)))
    assert agrees([ratio(result, "db", "api") for result in results], 1.2)
    assert agrees([mean_latency(result) for result in results], 0.4 * 0.03 + 0.001, bias=1e-6)


def test_a_pool_makes_callers_wait_as_servers_would() -> None:
    world = api([{"component": "db", "pool": 8}], db=served(servers=PLENTY))
    results = runs(world, services={"db": exponential(0.1)}, seconds=240)
    pools = [result.pools["api > db"].over(4) for result in results]
    assert agrees([pool.mean_wait_s for pool in pools], mmc_mean_wait(60.0, 0.1, 8))
    assert agrees([pool.utilisation for pool in pools], 6 / 8)


@pytest.mark.parametrize("holds", [True, False])
def test_a_server_is_held_during_calls_only_where_the_component_says_so(holds: bool) -> None:
    front = served("10ms", servers=PLENTY, holds=holds, calls=["db"])
    results = runs(small_world({"api": front, "db": served("30ms", servers=PLENTY)}, ["api"], 100.0), 60)
    assert agrees([result.parts["api"].over(1).mean_in_service for result in results], 4.0 if holds else 1.0)
    assert agrees([result.parts["db"].over(1).mean_in_service for result in results], 3.0)


def test_times_along_the_path_add_up() -> None:
    world = small_world(
        {"api": served("20ms", 0.5, PLENTY, calls=["db", "db"]), "db": served("10ms", 0.8, PLENTY)}, ["api"], 100.0, latency="5ms"
    )
    expected = lognormal_moments(0.02, 0.5)[0] + 2 * lognormal_moments(0.01, 0.8)[0] + 0.005
    assert agrees([mean_latency(result) for result in runs(world)], expected)


def test_a_breaker_opens_probes_and_closes() -> None:
    """The callee fails from 60 to 180 s. Seen at 75 s; then each probe fails at once, so it opens every 30 s until 180 s."""
    breaker = {"opens_at": "50%", "min_calls": 20, "open_for": "30s"}

    world = small_world(
        {"api": {"calls": [{"component": "db", "breaker": breaker}]}, "db": served("1ms", servers=PLENTY)}, ["api"], 50
    )
    outage = incident(ErrorsHappen(1.0, (("500", 1.0),)), 60, 180, "db")
    result = simulate(world, 300, 5, incidents=[outage])
    arrived = result.parts["db"].arrived
    bins = result.grid
    during = [int(arrived[k]) for k in range(bins.first_bin_from(75), bins.first_bin_from(180))]
    assert sum(during) == result.breakers_opened["api > db"] - 1 == 3
    track = result.routes["/"]
    rejected = track.answers[0, track.codes.index("503")]
    assert rejected.sum() == result.breakers_rejected["api > db"]
    # Closed again by the first probe after the end: from 75 + 30 k s on, k = 4, that is 195 s.
    assert rejected[: bins.first_bin_from(75)].sum() == 0
    assert rejected[bins.first_bin_from(210) :].sum() == 0
    assert (arrived[bins.first_bin_from(210) :] > 0).all()


def test_a_breaker_stays_closed_below_its_share_and_its_number_of_calls() -> None:
    for errors, min_calls in (("40%", 20), ("100%", 100_000)):
        call = {"component": "db", "breaker": {"opens_at": "50%", "min_calls": min_calls}}
        result = simulate(api([call], db=served("1ms", servers=PLENTY, errors=errors)), 120, 1)
        assert result.breakers_opened["api > db"] == 0


def test_usual_answers_come_after_the_first_call_and_time_outs_when_the_time_is_over() -> None:
    """8 ms to the first answer, 8 + 30 + 1 ms to a success, 10 s to a time-out; all of them call everything."""
    parts = {"api": served("8ms", servers=PLENTY), "db": served("30ms", servers=PLENTY)}
    world = small_world(parts, ["api", "db"], 60.0, codes={"404": "20%", "503": "5%", "504": "2%"})
    results = runs(world)
    assert agrees([share(result, "404") for result in results], 0.2)
    for result in results:
        track = result.routes["/"]
        answered = dict(zip(track.codes, track.answers[0].sum(axis=1).tolist(), strict=True))
        by_bound = dict(zip((*track.bounds, float("inf")), track.buckets[0].sum(axis=1).tolist(), strict=True))
        assert by_bound.pop(0.01) == answered["404"] + answered["503"]
        assert by_bound.pop(0.05) == answered["200"]
        assert by_bound.pop(10.0) == answered["504"] > 0
        assert sum(by_bound.values()) == 0
        assert ratio(result, "db", "api") > 0.999
