"""The course of small worlds: equilibrium, overload, retries, breakers, autoscalers, and that chunks do not matter."""

import datetime as dt

import numpy as np
import pytest

from tests.support.plain_worlds import small_world
from workbench.world.course import differs
from workbench.world.demand.demand import demand
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import CapacityFalls, ErrorsHappen, Impact, LatencyRises, Shape, TrafficRises
from workbench.world.layout import layouts
from workbench.world.load.flow import Flow
from workbench.world.network.answers import Network

START = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
ONE = {"service": {"median": "100ms", "sigma": 0.0}, "concurrency": 8}


def flow_of(world, hours=2.0):
    grid = Grid(15, 7, hours * 3600)
    network = Network(world)
    wanted = demand(world, grid, START, 1)
    shapes = layouts(network, {}, tuple(cell.labels for cell in wanted.cells))
    return Flow(world, shapes, grid, network, wanted.requests, wanted.cells, sessions=np.zeros(len(grid)), seed=1), grid, shapes[0]


def effect(act, first=100, last=200, components=("api",), tiers=("all",), shape=None):
    return ActiveEffect("e", Impact((act,), shape or Shape()), frozenset({"/"}), frozenset(tiers), first, last, components)


def code(layout, answer, name):
    return answer.marks[layout.classes.count + layout.others.index(name)]


def test_in_equilibrium_waits_are_erlangs():
    # Offered 5.6 of 8: P(wait) 0.27067, with exponential service; constant service halves the wait (Allen and Cunneen).
    flow, _, _ = flow_of(small_world({"api": ONE}, ["api"], rps=56.0))
    usual = flow.usual()

    answer = usual.routes["/"].answers[int(usual.routes["/"].which[0, 100])]
    assert usual.utilisation["api"][100] == pytest.approx(0.7)
    assert answer.mean_s == pytest.approx(0.1 + 0.5 * 0.27067 * 0.1 / (8 * 0.3), rel=2e-3)
    assert usual.queue["api"][100] == pytest.approx(0.5 * 0.27067 * 0.7 / 0.3, rel=5e-3)


@pytest.mark.parametrize(
    "act",
    [ErrorsHappen(0.3, (("500", 1.0),)), LatencyRises(2.5), CapacityFalls(0.6), TrafficRises(3.0)],
    ids=lambda act: type(act).__name__,
)
def test_a_course_does_not_depend_on_how_it_is_asked(act):
    retries = {"retries": {"attempts": 3, "backoff": "1s"}}
    world = small_world({"api": {**ONE, "queue": {"limit": 400, "max_wait": "3s"}}}, ["api"], rps=50.0, traffic=retries)
    acting = [effect(act, shape=Shape("ramp", rise_s=600.0))]
    whole, grid, _ = flow_of(world)
    at_once = whole.course(0, 400, acting).routes["/"]
    single, _, _ = flow_of(world)
    for at in range(400):
        one = single.course(at, at + 1, acting)
        if at % 37 == 5:
            single.forget(at - 3)
            for again in range(at - 3, at + 1):
                one = single.course(again, again + 1, acting)
        route = one.routes.get("/")
        base = single.usual().routes["/"] if route is None else route
        place = at if route is None else 0
        assert base.requests[0, place] == at_once.requests[0, at]
        np.testing.assert_array_equal(
            base.answers[int(base.which[0, place])].marks, at_once.answers[int(at_once.which[0, at])].marks, err_msg=str(at)
        )
    assert len(grid) > 400


def test_after_an_incident_everything_is_as_usual_again():
    flow, _, _ = flow_of(small_world({"api": ONE}, ["api"], rps=50.0))
    course = flow.course(0, 400, [effect(CapacityFalls(0.5))]).routes["/"]
    other = differs(course, flow.usual().routes["/"], 0, 400)

    assert other[100:200].all()
    assert not other[:100].any()
    assert not other[300:].any()


def test_a_queue_outlasts_what_built_it_up():
    flow, _, _ = flow_of(small_world({"api": ONE}, ["api"], rps=60.0, traffic={"timeout": "30s"}))
    course = flow.course(0, 400, [effect(CapacityFalls(0.5), 100, 120)])

    # 20 bins of 15 s with 60 arrivals and 40 served a second leave 6,000; 20 a second more than arrive are served afterwards.
    assert course.queue["api"][119] == pytest.approx(6000, rel=0.05)
    assert course.queue["api"][130] == pytest.approx(6000 - 11 * 15 * 20, rel=0.1)
    assert course.queue["api"][145] < 5


def test_a_full_queue_refuses_what_cannot_be_served():
    flow, _, layout = flow_of(small_world({"api": {**ONE, "queue": {"limit": 50}}}, ["api"], rps=60.0))
    course = flow.course(0, 200, [effect(CapacityFalls(0.5))]).routes["/"]
    answer = course.answers[int(course.which[0, 180])]

    assert code(layout, answer, "503") == pytest.approx(1 - 40 / 60, abs=0.02)


def test_shedding_keeps_the_utilisation_that_it_is_told():
    shedding = {**ONE, "shedding": {"above": "85%", "code": "429"}}
    flow, _, layout = flow_of(small_world({"api": shedding}, ["api"], rps=60.0))
    course = flow.course(0, 200, [effect(TrafficRises(2.0), components=())])
    answer = course.routes["/"].answers[int(course.routes["/"].which[0, 180])]

    assert course.utilisation["api"][180] == pytest.approx(0.85, abs=0.02)
    assert code(layout, answer, "429") == pytest.approx(1 - 68 / 120, abs=0.02)


def test_a_pool_of_connections_is_a_queue_for_what_it_leads_to():
    components = {"api": {"service": {"median": "1ms", "sigma": 0.0}, "concurrency": 100}, "db": {**ONE, "concurrency": 1000}}
    flow, _, _ = flow_of(small_world(components, ["api", {"component": "db", "pool": 8}], rps=56.0))
    usual = flow.usual()
    answer = usual.routes["/"].answers[int(usual.routes["/"].which[0, 100])]

    assert usual.utilisation["/ -> db"][100] == pytest.approx(0.7, rel=1e-3)
    assert answer.mean_s == pytest.approx(0.101 + 0.27067 * 0.1 / (8 * 0.3), rel=5e-3)


def test_a_breaker_opens_spares_the_callee_and_closes_again():
    components = {"api": {"service": {"median": "1ms", "sigma": 0.0}, "concurrency": 100}, "db": {**ONE, "concurrency": 100}}
    call = {"component": "db", "breaker": {"opens_at": "50%", "open_for": "1m"}}
    flow, _, layout = flow_of(small_world(components, ["api", call], rps=50.0))
    course = flow.course(0, 300, [effect(ErrorsHappen(0.9, (("500", 1.0),)), components=("db",))])
    route = course.routes["/"]
    broken = np.array([code(layout, route.answers[int(which)], "503") for which in route.which[0]])

    assert broken[102:195].mean() > 0.7
    assert broken[:100].max() < 1e-9
    assert broken[215:].max() < 1e-9
    assert course.utilisation["db"][110] < 0.1 * course.utilisation["db"][50] + 1e-9


def test_an_autoscaler_adds_replicas_after_its_delay_and_not_beyond_its_limit():
    scaler = {"metric": "utilisation", "target": 0.5, "min": 4, "max": 6, "every": "1m", "delay": "3m"}
    component = {"service": {"median": "100ms", "sigma": 0.0}, "replicas": 4, "concurrency": 2, "autoscaler": scaler}
    flow, _, _ = flow_of(small_world({"api": component}, ["api"], rps=35.0), hours=3.0)
    servers = flow.course(0, 500, [effect(TrafficRises(2.0), 100, 400, components=())]).servers["api"]

    assert set(servers[:100].tolist()) == {8}
    assert 8 <= servers[110] <= 8
    assert servers[130] == 12
    assert servers.max() == 12


def test_users_who_wait_ask_less_often_when_answers_take_long():
    closed = {"closed": {"think_time": "1s"}, "timeout": "30s"}
    flow, _, _ = flow_of(small_world({"api": {**ONE, "concurrency": 1000}}, ["api"], rps=50.0, traffic=closed))
    course = flow.course(0, 200, [effect(LatencyRises(20.0))]).routes["/"]

    assert course.requests[0, 180] == pytest.approx(course.requests[0, 50] * (1 + 0.1) / (1 + 2.0), rel=1e-3)


def met(retries, rps=60.0, **component):
    """Goodput as a share of demand, bin by bin, around a burst of three times the traffic for five minutes."""
    api = {**ONE, "queue": {"limit": 4000}, **component}
    traffic = {"retries": retries, "timeout": "2s"} if retries else {"timeout": "2s"}
    flow, grid, layout = flow_of(small_world({"api": api}, ["api"], rps=rps, traffic=traffic))
    course = flow.course(0, 480, [effect(TrafficRises(3.0), 100, 120, components=())]).routes["/"]
    good = np.array([answer.marks[: layout.classes.count].sum() for answer in course.answers])
    return good[course.which[0]] * course.requests[0] / (rps * grid.widths_s[:480])


def test_retries_keep_a_system_down_long_after_the_burst_that_broke_it():
    storm = met({"attempts": 4, "backoff": "1s"})

    assert storm[60:100].min() > 0.95
    assert storm[300:].max() < 0.5


def test_a_retry_budget_lets_it_recover():
    assert met({"attempts": 4, "backoff": "1s", "budget": "10%"})[300:].min() > 0.95


def test_without_retries_it_recovers():
    assert met(None)[300:].min() > 0.95


def test_shedding_lets_it_recover():
    assert met({"attempts": 4, "backoff": "1s"}, shedding={"above": "90%"})[300:].min() > 0.85


def test_at_a_lower_load_it_recovers_too():
    assert met({"attempts": 4, "backoff": "1s"}, rps=16.0)[300:].min() > 0.95
