"""What incidents, shedding and autoscalers do to requests, against arithmetic."""

import numpy as np
import pytest

from tests.support.small_worlds import exponential, incident, served, small_world
from tests.support.statistics import agrees
from workbench.world.each.result import EachResult
from workbench.world.each.simulate import simulate
from workbench.world.failures.planned import PlannedIncident
from workbench.world.impact import CacheCools, CapacityFalls, ErrorsHappen, Impact, LatencyRises, Shape, TrafficRises

SEEDS = range(4)
PLENTY = 1000
CODES = (("500", 0.25), ("503", 0.75))


def share(result: EachResult, code: str, low: int, high: int, cell: int = 0) -> float:
    track = result.routes["/"]
    answers = track.answers[cell, :, low:high]
    return float(answers[track.codes.index(code)].sum() / answers.sum())


def test_calls_of_a_component_fail_from_the_first_bin_of_an_incident_to_its_last() -> None:
    world = small_world({"api": served("1ms", servers=PLENTY)}, ["api"], 100.0)
    results = [simulate(world, 120, seed, incidents=[incident(ErrorsHappen(0.2, CODES), 30.0, 90.0)]) for seed in SEEDS]
    assert agrees([share(result, "500", 3, 7) for result in results], 0.05)
    assert agrees([share(result, "503", 3, 7) for result in results], 0.15)
    for result in results:
        failed = result.routes["/"].answers[0, 1:].sum(axis=0)
        # A request of a millisecond may begin in one bin and end in the next.
        assert failed[:3].sum() == 0
        assert failed[3:7].min() > 0
        assert failed[7] <= 1
        assert failed[8:].sum() == 0


def test_strength_follows_the_shape_of_the_incident() -> None:
    world = small_world({"api": served("1ms", servers=PLENTY)}, ["api"], 120.0)
    act = ErrorsHappen(0.8, CODES)
    ramp = Impact((act,), Shape("ramp", rise_s=120.0))
    planned = PlannedIncident("it", "scripted", "failure", ("api",), ("/",), ("all",), 0.0, 120.0, ramp)
    results = [simulate(world, 120, seed, incidents=[planned]) for seed in SEEDS]
    for k in range(1, 9):
        # In the middle of the bin, to the next sixteenth.
        strong = round((15 * k - 7.5) / 120 * 16) / 16
        assert agrees([share(result, "503", k, k + 1) for result in results], 0.8 * 0.75 * strong, within=5)


def test_only_the_tiers_of_an_incident_suffer() -> None:
    tiers = {"free": "60%", "paid": "40%"}
    world = small_world({"api": served("1ms", servers=PLENTY)}, ["api"], 100.0, tiers=tiers)
    hit = incident(ErrorsHappen(0.5, CODES), 0.0, 60.0, tiers=("paid",))
    results = [simulate(world, 60, seed, incidents=[hit]) for seed in SEEDS]
    assert agrees([share(result, "200", 0, 5, cell=1) for result in results], 0.5)
    assert all(share(result, "200", 0, 5, cell=0) == 1.0 for result in results)
    begun = [result.routes["/"].begun.sum(axis=1) for result in results]
    assert agrees([one[0] / one.sum() for one in begun], 0.6)


def test_service_times_rise_by_the_factor_and_with_them_utilisation() -> None:
    world = small_world({"api": served(servers=PLENTY)}, ["api"], 100.0)
    slow = incident(LatencyRises(3.0), 60.0, 120.0)
    results = [simulate(world, 120, seed, services={"api": exponential(0.02)}, incidents=[slow]) for seed in SEEDS]
    assert agrees([result.parts["api"].over(1, 5).mean_in_service for result in results], 2.0)
    assert agrees([result.parts["api"].over(6, 9).mean_in_service for result in results], 6.0)


def test_without_a_service_time_the_route_is_slow() -> None:
    world = small_world({"api": {}}, ["api"], 50.0, latency="40ms")
    result = simulate(world, 60, 1, incidents=[incident(LatencyRises(4.0), 30.0, 60.0)])
    track = result.routes["/"]
    # Latencies are all alike; requests under way at the change are those of before.
    assert track.seconds[0, 1:3].sum() / track.answered[0, 1:3].sum() == pytest.approx(0.04)
    assert track.seconds[0, 4:].sum() / track.answered[0, 4:].sum() == pytest.approx(0.16)


def test_lost_servers_make_a_queue_that_is_worked_off_afterwards() -> None:
    """40 calls a second, 10 servers of 0.1 s: a deficit of 20 a second for 60 s while 8 are gone, then 60 a second to spare."""
    world = small_world({"api": served("100ms", servers=10)}, ["api"], 40.0, traffic={"timeout": "1h"})
    gone = incident(CapacityFalls(0.8), 60.0, 120.0)
    results = [simulate(world, 180, seed, incidents=[gone]) for seed in SEEDS]
    queue = np.array([result.parts["api"].queue for result in results])
    # Averaged over the bin (105, 120]: 20 x 52.5.
    assert agrees(queue[:, 8], 1050.0)
    # 1,200 wait at 120 s; at 127.5 s 1,200 - 60 x 7.5 are left.
    assert agrees(queue[:, 9], 750.0)
    assert queue[:, 11:].max() < 1.0
    assert all(result.parts["api"].utilisation[5:8].min() > 0.99 for result in results)


def test_a_cold_cache_sends_everything_to_its_component() -> None:
    call = {"component": "db", "cache": {"component": "cache", "hit_rate": "90%"}}
    parts = {"api": {"calls": [call]}, "db": served("1ms", servers=PLENTY), "cache": served("1ms", servers=PLENTY)}
    world = small_world(parts, ["api"], 80.0)
    for factor in (0.0, 0.5):
        cold = incident(CacheCools(factor), 60.0, 120.0, "cache")
        results = [simulate(world, 120, seed, incidents=[cold]) for seed in SEEDS]
        misses = [result.parts["db"].arrived / np.maximum(result.parts["cache"].arrived, 1) for result in results]
        assert agrees([float(one[1:5].mean()) for one in misses], 0.1)
        assert agrees([float(one[5:9].mean()) for one in misses], 1 - 0.9 * factor, bias=1e-3)


def test_arrivals_are_poisson_at_the_rate_of_the_bin() -> None:
    world = small_world({"api": {}}, ["api"], 12.0)
    usual, more, fewer = ([], [], [])
    for seed in range(8):
        acts = [incident(TrafficRises(3.0, (("401", 1.0),)), 300.0, 600.0), incident(TrafficRises(0.25), 600.0, 900.0)]
        named = [PlannedIncident(**{**one.__dict__, "id": name}) for one, name in zip(acts, ("up", "down"), strict=True)]
        result = simulate(world, 900, seed, incidents=named)
        begun = result.routes["/"].begun[0]
        usual += begun[1:21].tolist()
        more += begun[21:41].tolist()
        fewer += begun[41:61].tolist()
        assert agrees([share(result, "401", k, k + 1) for k in range(22, 41)], 2 / 3)
    for counts, factor in ((usual, 1.0), (more, 3.0), (fewer, 0.25)):
        assert agrees(counts, 180.0 * factor)
        # Index of dispersion of 160 Poisson counts: 1, with a standard error of sqrt(2 / 159).
        assert abs(np.var(counts, ddof=1) / np.mean(counts) - 1) < 4 * np.sqrt(2 / 159)


def test_shedding_keeps_utilisation_where_it_shall_stay() -> None:
    shed = served(servers=5, shedding={"above": "80%", "code": "429"})
    world = small_world({"api": shed}, ["api"], 100.0)
    results = [simulate(world, 150, seed, services={"api": exponential(0.1)}) for seed in SEEDS]
    assert agrees([result.parts["api"].over(4).utilisation for result in results], 0.8, bias=0.01)
    assert agrees([share(result, "429", 4, 11) for result in results], 0.6, bias=0.005)
    calm = simulate(small_world({"api": shed}, ["api"], 30.0), 180, 1, services={"api": exponential(0.1)})
    assert calm.parts["api"].over(4).shed < 0.03 * calm.parts["api"].over(4).offered


def test_tiers_are_shed_in_the_order_that_is_named() -> None:
    shed = served(servers=5, shedding={"above": "80%", "tiers": ["free"], "code": "429"})
    tiers = {"free": "50%", "paid": "50%"}
    for rps, free, paid in ((60.0, 20 / 30, 0.0), (100.0, 1.0, 0.2)):
        world = small_world({"api": shed}, ["api"], rps, tiers=tiers)
        results = [simulate(world, 150, seed, services={"api": exponential(0.1)}) for seed in SEEDS]
        assert agrees([share(result, "429", 4, 11, cell=0) for result in results], free, bias=0.02)
        assert agrees([share(result, "429", 4, 11, cell=1) for result in results], paid, bias=0.02)


def test_an_autoscaler_follows_the_load_after_its_delay() -> None:
    scaler = {"target": 0.5, "min": 2, "max": 30, "every": "30s", "delay": "60s", "cool_down": "2m"}
    api = served(servers=2, replicas=10, autoscaler=scaler)
    world = small_world({"api": api}, ["api"], 50.0)
    surge = incident(TrafficRises(2.5), 300.0, 900.0)
    result = simulate(world, 1400, 3, services={"api": exponential(0.2)}, incidents=[surge])
    servers = result.parts["api"].rows[1:, 9] / result.parts["api"].widths_s[1:]
    before, during, after = servers[:19], servers[19:59], servers[59:]
    # 10 servers' worth of work at a target of 50 %: 10 replicas of 2 servers; then 25.
    assert abs(np.median(before) / 2 - 10) <= 1.01
    assert abs(np.median(during[10:]) / 2 - 25) <= 2
    # Nothing arrives before the delay is over, nothing leaves before the load was lower for the cool-down.
    assert during[:3].max() <= before.max() + 1e-6
    assert after[:7].min() >= during[10:].min() - 1
    assert abs(np.median(after[-10:]) / 2 - 10) <= 1.01


def test_users_who_wait_for_slow_answers_ask_less_often() -> None:
    """Think time 1 s, answers of 0.2 s that become 2 s: (1 + 0.2) / (1 + 2) of the requests are left."""
    traffic = {"closed": {"think_time": "1s"}}
    world = small_world({"api": served("200ms", servers=PLENTY)}, ["api"], 50.0, traffic=traffic)
    slow = incident(LatencyRises(10.0), 120.0, 240.0)
    results = [simulate(world, 240, seed, incidents=[slow]) for seed in range(8)]
    usual = [float(result.routes["/"].begun[0, 2:8].mean()) / 15 for result in results]
    slowed = [float(result.routes["/"].begun[0, 10:].mean()) / 15 for result in results]
    assert agrees(usual, 50.0, bias=0.1)
    assert agrees(slowed, 50.0 * 1.2 / 3.0, bias=0.2)
