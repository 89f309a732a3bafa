"""Breakers, shedding, autoscalers, closed-loop users, time limits: each against arithmetic."""

import math

import numpy as np
import pytest

from tests.support.flows import STEP_S, effect, loaded
from tests.support.queueing_theory import mmc_mean_wait
from tests.support.small_worlds import served
from workbench.scenario.schema.components import Autoscaler, Breaker, Component, Shedding
from workbench.world.grid import Grid
from workbench.world.impact import CapacityFalls, ErrorsHappen, LatencyRises, TrafficRises
from workbench.world.load.breakers import broken_in, looked
from workbench.world.load.scaling import start, usual_replicas
from workbench.world.load.shedding import shed_shares

HALF = (("503", 0.5), ("504", 0.5))
MEAN_S = 0.02 * math.exp(0.125)


def test_a_breaker_opens_probes_and_closes() -> None:
    edge, breaker = ("api", "db"), Breaker(opens_at="50%", min_calls=20, open_for="1m")
    state, spans = (), []
    for at in range(40):
        failing = 0.9 if 5 <= at < 15 else 0.1
        spans.append(edge in broken_in(state, at))
        calls = 100.0
        state = looked(state, {edge: [(calls, failing)]}, {edge: breaker}, at, STEP_S)
    # Sees it in bin 5, is open for four bins, probes at the end of the fourth, and so on until a probe succeeds.
    assert np.flatnonzero(spans).tolist() == list(range(6, 18))


def test_few_calls_open_no_breaker() -> None:
    edge, breaker = ("api", "db"), Breaker(opens_at="50%", min_calls=20, open_for="1m")
    assert looked((), {edge: [(19.0, 1.0)]}, {edge: breaker}, 0, STEP_S) == ()
    assert looked((), {edge: [(10.0, 1.0), (10.0, 0.1)]}, {edge: breaker}, 0, STEP_S) != ()


def test_a_breaker_spares_a_failing_callee_and_lets_it_come_back() -> None:
    call = {"component": "db", "breaker": {"opens_at": "50%", "open_for": "1m"}}
    made = loaded({"api": served("1ms", 0.1, 50, calls=[call]), "db": served("20ms", 0.5, 8)}, ["api"], 100.0, codes={"503": "1%"})
    course = made.whole([effect(ErrorsHappen(0.9, HALF), 40, 60, "db")])
    used = course.utilisation["db"]
    assert used[39] == pytest.approx(100 * MEAN_S / 8, rel=1e-3)
    # What was in it when the breaker opened is worked off.
    assert used[41] < 0.03
    assert used[43:60].max() < 1e-5
    np.testing.assert_allclose(used[70:], used[39], rtol=1e-6)
    assert made.rate(course, slice(45, 55), "503").mean() > 98


@pytest.mark.parametrize("work", [[1.0, 2.0, 3.0], [3.0, 3.0, 3.0], [0.0, 6.0, 6.0], [9.0, 1.0, 4.0]])
def test_shedding_refuses_the_tiers_it_names_first_and_no_more_than_it_must(work: list[float]) -> None:
    shares = shed_shares(Shedding(above="80%", tiers=("free", "trial")), work, ["paid", "free", "trial"], 5)
    kept = sum(one * (1 - share) for one, share in zip(work, shares, strict=True))
    assert kept == pytest.approx(min(sum(work), 4.0))
    if shares[0] > 0:
        assert work[1] == 0 or shares[1] == 1
        assert work[2] == 0 or shares[2] == 1
    if shares[2] > 0:
        assert work[1] == 0 or shares[1] == 1


def test_shedding_keeps_utilisation_and_the_tier_that_pays() -> None:
    api = served("20ms", 0.5, 8, shedding={"above": "85%", "tiers": ["free"]})
    made = loaded({"api": api}, ["api"], 200.0, tiers={"free": "50%", "paid": "50%"})
    course = made.whole([effect(TrafficRises(2.5), 40, 80, None, tiers=("free", "paid"))])
    np.testing.assert_allclose(course.utilisation["api"][45:80], 0.85, rtol=0.01)
    offered = 500 * MEAN_S / 8
    of = course.routes["/"]
    good = np.array([answer.marks[: made.layout.classes.count].sum() for answer in of.answers])[of.which[:, 60]]
    assert good[1] > 0.999
    # What is too much, all of it from half of the calls.
    assert 1 - good[0] == pytest.approx(2 * (offered - 0.85) / offered, abs=0.02)


@pytest.mark.parametrize("metric", ["utilisation", "sessions"])
def test_skipping_looks_gives_the_replicas_of_looking_at_every_bin(metric: str) -> None:
    rng = np.random.default_rng(4)
    grid = Grid(15.0, 15.0, 15.0 * 8000)
    scaler = Autoscaler(
        metric=metric, target=0.6 if metric == "utilisation" else 100, min=2, max=12, every="1m", delay="200s", cool_down="10m"
    )
    component = Component(service={"median": "10ms", "sigma": 1}, replicas=3, autoscaler=scaler)
    wave = 4 + 3 * np.sin(np.arange(8000) / 500) + 0.3 * rng.standard_normal(8000)
    busy, sessions = wave.clip(0.0), 150 * wave.clip(0.0)
    counts, states = usual_replicas(component, busy, sessions, grid)
    now = start(component)
    for at in range(8000):
        assert counts[at] == now.serving, at
        now = now.looked(at, float(busy[at]), float(sessions[at]), grid, component)
    assert len(set(counts.tolist())) > 5
    assert len(states) < 8000


def test_an_autoscaler_answers_a_crowd_after_its_delay_and_goes_back_after_its_cool_down() -> None:
    scaler = {"target": 0.7, "min": 1, "max": 10, "every": "1m", "delay": "3m", "cool_down": "10m"}
    api = served("20ms", 0.5, 4, replicas=2, autoscaler=scaler)
    made = loaded({"api": api}, ["api"], 0.6 * 8 / MEAN_S)
    course = made.whole([effect(TrafficRises(1.5), 40, 120, None)])
    replicas = course.servers["api"] // 4
    assert set(replicas[:40].tolist()) == {2}
    # Utilisation is 0.9 from bin 40 on; it looks after bin 43 and needs 7.2 / 4 / 0.7 replicas; they serve 12 bins later.
    assert int(np.flatnonzero(replicas != 2)[0]) == 43 + 1 + 12
    assert set(replicas[60:120].tolist()) == {3}
    # From 120 on two would do; it sees that after bin 123 and waits for 40 bins.
    back = int(np.flatnonzero(replicas[120:] == 2)[0]) + 120
    assert back == 123 + 40 + 1
    assert course.utilisation["api"][119] == pytest.approx(0.6, rel=1e-3)


def test_users_who_wait_send_less_while_answers_are_slow() -> None:
    closed = {"closed": {"think_time": "4s"}, "timeout": "60s"}
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], 20.0, traffic=closed)
    course = made.whole([effect(LatencyRises(80.0), 40, 100, "api")])
    of = course.routes["/"]
    usual, slow = of.answers[of.which[0, 10]], of.answers[of.which[0, 99]]
    users = 20 * (4 + usual.mean_s)
    rate = made.rate(course, slice(99, 100))[0]
    # Answers of the bin before set its pace.
    before = of.answers[of.which[0, 98]]
    assert rate == pytest.approx(users / (4 + before.mean_s), rel=1e-6)
    assert slow.mean_s > 10
    # Eight servers of 1.8 s each are never idle, and nobody overtakes them.
    assert made.rate(course, slice(80, 100)).mean() == pytest.approx(8 / (80 * MEAN_S), rel=0.1)


def test_open_users_do_not_care() -> None:
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], 100.0)
    course = made.whole([effect(LatencyRises(80.0), 40, 100, "api")])
    np.testing.assert_allclose(made.rate(course, slice(None)), 100.0)


def test_what_waits_too_long_is_dropped_and_capacity_is_still_used() -> None:
    api = served("20ms", 0.5, 8, queue={"max_wait": "800ms", "code": "503"})
    made = loaded({"api": api}, ["api"], 200.0, traffic={"timeout": "5s"})
    course = made.whole([effect(TrafficRises(4.0), 40, 100, None)])
    capacity = 8 / MEAN_S
    assert made.rate(course, slice(60, 100), "200").mean() == pytest.approx(capacity, rel=0.02)
    assert made.rate(course, slice(60, 100), "503").mean() == pytest.approx(800 - capacity, rel=0.02)


def test_a_full_queue_refuses_what_capacity_does_not_take() -> None:
    made = loaded({"api": served("20ms", 0.5, 8, queue={"limit": 50})}, ["api"], 200.0, traffic={"timeout": "5s"})
    course = made.whole([effect(CapacityFalls(0.75), 40, 100)])
    capacity = 2 / MEAN_S
    assert made.rate(course, slice(60, 100), "200").mean() == pytest.approx(capacity, rel=0.03)
    assert course.servers["api"][[39, 50]].tolist() == [8, 2]
    np.testing.assert_allclose(course.queue["api"][60:100], 50, rtol=0.05)


def test_no_servers_at_all_refuse_everything() -> None:
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], 100.0)
    course = made.whole([effect(CapacityFalls(1.0), 40, 50)])
    assert made.rate(course, slice(42, 50), "503").tolist() == pytest.approx([100.0] * 8)
    assert made.rate(course, slice(60, 70), "200").mean() > 99.9


def test_time_limits_of_callers_waste_what_their_callees_do() -> None:
    # The caller leaves after 100 ms, the callee works on: it stays as busy, and nobody gets anything.
    call = {"component": "db", "timeout": "100ms"}
    made = loaded({"api": served("1ms", 0.1, 50, calls=[call]), "db": served("20ms", 0.5, 8)}, ["api"], 200.0)
    course = made.whole([effect(LatencyRises(1.9), 40, 240, "db")])
    assert course.utilisation["db"][-1] > 0.99
    assert made.rate(course, slice(-5, None), "504").mean() > 190


def test_threads_that_wait_for_a_busy_callee_are_busy_too() -> None:
    held = {"api": served("1ms", 0.1, 40, calls=["db"], holds=True), "db": served("20ms", 0.5, 4)}
    made = loaded(held, ["api"], 0.85 * 4 / MEAN_S)
    course = made.flow.usual()
    rate = 0.85 * 4 / MEAN_S
    # Little's law over what is inside: work, waiting for the callee, the callee's work.
    threads = rate * (0.001 + MEAN_S) + course.queue["db"][100]
    assert course.queue["db"][100] > 2
    assert course.utilisation["api"][100] * 40 == pytest.approx(threads, rel=0.02)


def test_a_long_service_takes_its_time_to_fill_a_queue() -> None:
    # Jobs of ten minutes: a minute after the load rose the queue is far from its equilibrium.
    made = loaded({"api": served("10m", 0.3, 20)}, ["api"], 0.5 * 20 / (600 * math.exp(0.045)), 960, traffic={"timeout": "1h"})
    course = made.whole([effect(TrafficRises(1.6), 40, 400, None)])
    assert course.utilisation["api"][39] == pytest.approx(0.5, rel=1e-3)
    assert course.utilisation["api"][44] < 0.6
    assert course.utilisation["api"][399] == pytest.approx(0.8, rel=0.02)
    # And works on what it has after the crowd has gone.
    assert course.utilisation["api"][404] > 0.7


def test_a_month_needs_few_answers_and_idle_components_none() -> None:
    day = 100 * (1.2 + np.sin(np.arange(20_000) / 900.0))
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], day, 20_000)
    usual = made.flow.usual()
    assert 3 < len(usual.routes["/"].answers) < 60
    # Mean queue over the whole run: that of every bin's own formula.
    from workbench.world.queueing import mmck  # noqa: PLC0415

    offered = day * MEAN_S
    factor = (1 + math.expm1(0.25)) / 2
    exact = (mmck(8, None, offered).queued * factor).mean()
    assert usual.queue["api"].mean() == pytest.approx(exact, rel=0.05)


def test_a_pool_of_connections_is_a_station_whose_calls_last_as_long_as_the_callee() -> None:
    call = {"component": "db", "pool": 5}
    sigma = math.sqrt(math.log(2))  # squared coefficient of variation 1: M/M/c
    rate = 0.8 * 5 / (0.02 * math.exp(math.log(2) / 2))
    made = loaded({"api": served("1ms", 0.0, 1000, calls=[call]), "db": served("20ms", sigma, 1000)}, ["api"], rate)
    course = made.flow.usual()
    assert course.utilisation["api -> db"][100] == pytest.approx(0.8, rel=0.01)
    wait_s = mmc_mean_wait(rate, 0.02 * math.exp(math.log(2) / 2), 5)
    assert course.queue["api -> db"][100] == pytest.approx(rate * wait_s, rel=0.05)
    of = course.routes["/"]
    free = loaded({"api": served("1ms", 0.0, 1000, calls=["db"]), "db": served("20ms", sigma, 1000)}, ["api"], rate).flow.usual()
    theirs = free.routes["/"]
    longer = of.answers[of.which[0, 100]].mean_s - theirs.answers[theirs.which[0, 100]].mean_s
    assert longer == pytest.approx(wait_s, rel=0.05)


def test_a_slow_callee_exhausts_the_pool() -> None:
    calls = [{"component": "db", "pool": 10, "timeout": "1s"}]
    made = loaded({"api": served("1ms", 0.1, 1000, calls=calls), "db": served("20ms", 0.5, 1000)}, ["api"], 100.0)
    course = made.whole([effect(LatencyRises(40.0), 40, 100, "db")])
    assert course.utilisation["api -> db"][50] == pytest.approx(1.0, rel=1e-3)
    # Never more than ten at once, however many servers there are.
    assert course.queue["api -> db"][99] > 1000
    busy = course.utilisation["api -> db"][10] * 10
    assert busy == pytest.approx(100 * MEAN_S, rel=0.01)


def test_an_overloaded_component_lets_through_what_it_serves_and_later_its_backlog() -> None:
    api, db = served("20ms", 0.5, 8, calls=["db"]), served("5ms", 0.5, 8)
    made = loaded({"api": api, "db": db}, ["api"], 250.0, traffic={"timeout": "1h"})
    course = made.whole([effect(TrafficRises(2.0), 40, 60, None)])
    each = 0.005 * math.exp(0.125)
    calls = course.utilisation["db"] * 8 / each
    assert calls[39] == pytest.approx(250, rel=1e-3)
    np.testing.assert_allclose(calls[42:60], 8 / MEAN_S, rtol=0.01)
    np.testing.assert_allclose(calls[61:75], 8 / MEAN_S, rtol=0.01)
    assert calls[-1] == pytest.approx(250, rel=1e-3)
    # Nobody is lost: whatever came was served in the end.
    assert calls.sum() == pytest.approx(250 * 240 + 250 * 20, rel=5e-3)
