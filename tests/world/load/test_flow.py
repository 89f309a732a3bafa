"""The course of small worlds: independent of how it is asked for, metastable where it should be, as usual where nothing acts."""

import numpy as np
import pytest

from tests.support.flows import difference, effect, loaded
from tests.support.small_worlds import served
from workbench.rng import stream
from workbench.world.impact import CacheCools, CapacityFalls, ErrorsHappen, LatencyRises, Shape, TrafficRises

CODES = (("500", 0.5), ("503", 0.5))
TWO = {
    "api": served("20ms", 0.5, 8, calls=[{"component": "db", "timeout": "1s", "breaker": {"opens_at": "50%", "open_for": "1m"}}]),
    "db": served("10ms", 1.0, 4, arrivals_cv=1.3, queue={"limit": 300}, autoscaler={"target": 0.6, "min": 1, "max": 3}),
}
CLIENTS = {"retries": {"attempts": 3, "backoff": "1s"}, "timeout": "2s", "closed": {"think_time": "5s"}}
WAVES = 90 * (1.3 + 0.7 * np.sin(np.arange(240) / 17.0) + 0.2 * np.sin(np.arange(240) / 3.1))
INCIDENTS = [
    effect(LatencyRises(3.0), 30, 55, "db", "slow"),
    effect(TrafficRises(2.5), 50, 62, None, "crowd", Shape("ramp", rise_s=90.0)),
    effect(ErrorsHappen(0.8, CODES), 100, 108, "db", "errors", Shape("flapping", period_s=60.0)),
    effect([CapacityFalls(0.6), CacheCools(0.2)], 150, None, "api", "capacity"),
]


def busy(**more):
    return loaded(
        TWO, ["api"], WAVES, traffic=CLIENTS, tiers={"free": "40%", "paid": "60%"}, codes={"500": "1%", "503": "1%"}, **more
    )


@pytest.fixture(scope="module")
def whole():
    for one in INCIDENTS:
        one.tiers = frozenset({"free"}) if one.id == "errors" else frozenset({"free", "paid"})
    made = busy()
    return made, made.whole(INCIDENTS)


@pytest.mark.parametrize("pieces", ["bin by bin", "at random", "at random again"])
def test_a_course_does_not_depend_on_the_pieces_in_which_it_is_asked_for(pieces: str, whole) -> None:
    made, course = whole
    cuts = range(1, 240) if pieces == "bin by bin" else np.flatnonzero(stream(3, pieces).random(239) < 0.1) + 1
    again = busy(network=made.flow._situations.network)
    assert difference(course, again.whole(INCIDENTS, [int(cut) for cut in cuts])) == []


def test_much_goes_on_in_that_course(whole) -> None:
    # Else the test above shows nothing.
    made, course = whole
    followed = made.flow._followed
    assert 100 < len(followed) < 235
    assert any(state.open_until for state, _ in followed.values())
    assert len({int(one) for one in course.servers["db"]}) >= 2
    assert course.utilisation["db"].max() > 0.99
    assert any(settled for _, settled in followed.values())
    assert max(float(state.again.sum()) for state, _ in followed.values()) > 100


@pytest.mark.parametrize("first", [0, 52, 104, 200])
def test_what_was_forgotten_comes_again_as_if_it_had_never_been_asked_for(first: int, whole) -> None:
    made, course = whole
    again = busy(network=made.flow._situations.network)
    wrong = [effect(TrafficRises(4.0), max(first, 1), None, None, "wrong", tiers=("free", "paid"))]
    again.flow.usual()
    again.flow.course(0, 240, [*INCIDENTS, *wrong])
    again.flow.forget(first)
    kept = again.flow.course(first, 240, [one for one in INCIDENTS if one.overlaps(first, 240)])
    for path, of in kept.routes.items():
        np.testing.assert_array_equal(of.requests, course.routes[path].requests[:, first:])
    np.testing.assert_array_equal(kept.queue["db"], course.queue["db"][first:])


def test_incidents_of_later_change_nothing_before(whole) -> None:
    made, course = whole
    again = busy(network=made.flow._situations.network)
    fewer = again.whole(INCIDENTS[:2])
    np.testing.assert_array_equal(fewer.routes["/"].requests[:, :100], course.routes["/"].requests[:, :100])
    np.testing.assert_array_equal(fewer.queue["db"][:100], course.queue["db"][:100])


def test_after_an_incident_the_usual_course_stands_again_to_the_bit() -> None:
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], 200.0)
    usual = made.flow.usual()
    course = made.whole([effect(TrafficRises(3.0), 40, 60, None)])
    assert course.queue["api"][59] > 1000
    last = int(np.flatnonzero(course.routes["/"].requests[0] != usual.routes["/"].requests[0])[-1])
    # The queue that it left is no traffic.
    assert last == 59
    assert made.flow.course(200, 240, []).routes == {}
    np.testing.assert_array_equal(course.queue["api"][200:], usual.queue["api"][200:])


RETRYING = {"retries": {"attempts": 4, "backoff": "1s", "jitter": "full"}, "timeout": "2s"}
SERVED = served("20ms", 0.5, 8)
CAPACITY = 8 / (0.02 * np.exp(0.125))


def after_an_overload(utilisation: float, component=SERVED, traffic=RETRYING, bins: int = 600):
    """Good answers as a share of first attempts, and utilisation, long after five minutes of three times the load."""
    made = loaded({"api": component}, ["api"], utilisation * CAPACITY, bins, traffic=traffic)
    course = made.whole([effect(TrafficRises(3.0), 40, 60, None)])
    late = slice(bins - 100, bins)
    return made, course, float(made.rate(course, late, "200").mean() / (utilisation * CAPACITY))


def test_a_retry_storm_outlives_its_trigger() -> None:
    made, course, good = after_an_overload(0.6)
    assert course.utilisation["api"][:40].max() < 0.7
    assert good < 0.05
    assert course.utilisation["api"][-1] > 0.99
    # And it is the retries: each request is tried four times.
    assert made.rate(course, slice(-50, None)).mean() == pytest.approx(4 * 0.6 * CAPACITY, rel=0.05)


@pytest.mark.parametrize(
    ("what", "traffic", "component"),
    [
        ("retry budget", {**RETRYING, "retries": {**RETRYING["retries"], "budget": "10%"}}, SERVED),
        ("no retries", {"timeout": "2s"}, SERVED),
        ("shedding", RETRYING, served("20ms", 0.5, 8, shedding={"above": "90%"})),
        ("short queue", RETRYING, served("20ms", 0.5, 8, queue={"limit": 40})),
        ("patience", RETRYING, served("20ms", 0.5, 8, queue={"max_wait": "500ms"})),
    ],
)
def test_it_ends_by_itself_with(what: str, traffic, component) -> None:
    _, course, good = after_an_overload(0.6, component, traffic)
    assert good > 0.99, what
    assert course.queue["api"][-1] < 2


def test_at_a_lower_load_it_ends_by_itself() -> None:
    # 4 attempts x 0.2 is below capacity.
    assert after_an_overload(0.2)[2] > 0.99


def test_hysteresis_a_storm_ends_only_far_below_the_load_at_which_it_began() -> None:
    # Up slowly to 0.7 of capacity: all is well. Overload: it breaks. Back at 0.7, 0.5, 0.3: still broken; at 0.2 it recovers.
    # The queue is long enough to make everybody wait for too long, and short enough to be worked off soon.
    levels = [0.7, 1.3, 0.7, 0.5, 0.3, 0.2, 0.7]
    lengths = [40, 20, 40, 40, 60, 40, 40]
    rps = CAPACITY * np.repeat(levels, lengths)
    api = served("20ms", 0.5, 8, queue={"limit": 3000})
    made = loaded({"api": api}, ["api"], rps, len(rps), traffic=RETRYING)
    course = made.whole()
    ends = np.cumsum(lengths)
    good = [
        float(made.rate(course, slice(end - 5, end), "200").mean() / (CAPACITY * level))
        for end, level in zip(ends, levels, strict=True)
    ]
    assert good[0] > 0.99
    assert max(good[1:5]) < 0.1
    assert min(good[5:]) > 0.99


def test_a_forgotten_incident_leaves_nothing_behind() -> None:
    made = loaded({"api": served("20ms", 0.5, 8)}, ["api"], 200.0)
    made.flow.usual()
    assert made.flow.course(0, 60, [effect(TrafficRises(3.0), 40, None, None)]).routes
    made.flow.forget(40)
    assert made.flow.course(40, 41, []).routes == {}
    assert made.flow.course(41, 240, []).routes == {}
