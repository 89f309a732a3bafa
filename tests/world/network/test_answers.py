"""Answers of call trees against closed forms and against the same trees played call by call."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plain_worlds import small_world
from tests.support.played_calls import Player
from workbench.world.course import Condition, RouteCondition
from workbench.world.network.answers import Network

CODES = ("404", "500", "502", "503", "504")
FAST = {"service": {"median": "10ms", "sigma": 0.4}}


def answer(world, condition=None):
    network = Network(world)
    return network.answer("/", condition or RouteCondition(), CODES), network


def code(found, network, name):
    return found.marks[network.classes["/"].count + CODES.index(name)]


def test_a_retry_leaves_the_failures_of_all_attempts():
    shaky = {**FAST, "errors": "20%"}
    world = small_world({"a": FAST, "b": shaky}, ["a", {"component": "b", "retries": {"attempts": 3, "backoff": "10ms"}}])
    found, network = answer(world)

    assert code(found, network, "500") == pytest.approx(0.2**3, rel=1e-6)
    assert found.visits["b"] == pytest.approx(1 + 0.2 + 0.04, rel=1e-6)


def test_a_budget_limits_retries_to_its_share_of_first_attempts():
    shaky = {**FAST, "errors": "50%"}
    retries = {"attempts": 4, "backoff": "10ms", "budget": "10%"}
    found, _ = answer(small_world({"a": FAST, "b": shaky}, ["a", {"component": "b", "retries": retries}]))

    assert found.visits["b"] == pytest.approx(1.1, rel=1e-3)


def test_a_fallback_of_none_is_a_degraded_success():
    shaky = {**FAST, "errors": "30%"}
    found, network = answer(small_world({"a": FAST, "b": shaky}, ["a", {"component": "b", "fallback": "none"}]))

    assert code(found, network, "500") == 0
    assert found.failing == 0


def test_a_cache_spares_its_component_and_is_a_mixture_of_two_times():
    world = small_world(
        {"a": FAST, "cache": {"service": {"median": "1ms", "sigma": 0.1}}, "db": {"service": {"median": "50ms", "sigma": 0.1}}},
        ["a", {"component": "db", "cache": {"component": "cache", "hit_rate": "90%"}}],
    )
    warm, _ = answer(world)
    cold, _ = answer(world, RouteCondition((("cache", Condition(hits=0.0)),)))

    mean = {
        name: float(median) * math.exp(sigma**2 / 2)
        for name, median, sigma in (("a", 0.01, 0.4), ("c", 0.001, 0.1), ("d", 0.05, 0.1))
    }
    assert warm.visits["db"] == pytest.approx(0.1)
    assert cold.visits["db"] == pytest.approx(1.0)
    assert warm.mean_s == pytest.approx(mean["a"] + mean["c"] + 0.1 * mean["d"], rel=1e-3)
    assert cold.mean_s == pytest.approx(mean["a"] + mean["c"] + mean["d"], rel=1e-3)


def test_an_open_breaker_fails_at_once_and_calls_nobody():
    world = small_world({"a": FAST, "b": FAST}, ["a", {"component": "b", "breaker": {}}])
    found, network = answer(world, RouteCondition(open_breakers=(("/", "b"),)))

    assert code(found, network, "503") == pytest.approx(1.0)
    assert "b" not in found.visits


def test_who_waits_waits_an_exponential_time_more():
    world = small_world({"a": FAST}, ["a"])
    found, _ = answer(world, RouteCondition((("a", Condition(waits=0.5, wait_s=0.2)),)))

    assert found.mean_s == pytest.approx(0.01 * math.exp(0.08) + 0.1, rel=1e-3)


def test_what_a_client_no_longer_waits_for_is_a_time_out():
    world = small_world({"a": {"service": {"median": "10s", "sigma": 0.5}}}, ["a"])
    found, network = answer(world)

    assert code(found, network, "504") == pytest.approx(0.5, abs=2e-3)


def test_usual_failures_stay_and_failures_of_components_thin_the_rest():
    world = small_world({"a": {**FAST, "errors": "10%", "error_code": "502"}}, ["a"], codes={"404": "4%", "500": "1%"})
    found, network = answer(world)

    assert code(found, network, "500") == pytest.approx(0.01)
    assert code(found, network, "502") == pytest.approx(0.99 * 0.1)
    assert code(found, network, "404") == pytest.approx(0.04 * 0.9)
    assert found.marks.sum() == pytest.approx(1.0)


names = st.sampled_from(["a", "b", "c"])
calls = st.recursive(
    st.fixed_dictionaries(
        {"component": names},
        optional={
            "share": st.sampled_from(["100%", "60%"]),
            "times": st.integers(1, 2),
            "timeout": st.sampled_from(["40ms", "200ms"]),
            "retries": st.fixed_dictionaries(
                {"attempts": st.integers(2, 3), "backoff": st.just("20ms"), "jitter": st.sampled_from(["none", "full"])}
            ),
            "cache": st.fixed_dictionaries({"component": st.just("cache"), "hit_rate": st.just("70%")}),
            "fallback": st.sampled_from(["none", "c"]),
        },
    ),
    lambda inner: st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda some: st.fixed_dictionaries({"parallel": st.just(some)}, optional={"need": st.integers(1, len(some))})
    ),
    max_leaves=5,
)
components = {
    "front": {"service": {"median": "4ms", "sigma": 0.4}},
    "a": {"service": {"median": "15ms", "sigma": 0.6}, "errors": "4%", "error_code": "500"},
    "b": {"service": {"median": "60ms", "sigma": 0.9}, "errors": "10%", "error_code": "502", "calls": ["c"]},
    "c": {"service": {"median": "8ms", "sigma": 0.5}, "errors": "2%", "error_code": "503"},
    "cache": {"service": {"median": "1ms", "sigma": 0.5}, "errors": "1%"},
}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(calls, min_size=1, max_size=2), st.integers(0, 2**32 - 1))
def test_any_call_tree_fares_as_when_it_is_played_call_by_call(some, seed):
    world = small_world(components, ["front", *some])
    condition = RouteCondition(
        (("a", Condition(waits=0.3, wait_s=0.03, failing=0.05, codes=(("500", 1.0),))), ("b", Condition(slow=1.5)))
    )
    found, network = answer(world, condition)
    requests = 60_000
    seen = Player(world, dict(condition.components), np.random.default_rng(seed)).play(requests)

    bounds = np.array([*network.classes["/"].tail_bounds, np.inf])
    # Five standard errors, and what the grid adds where a distribution is steep.
    for upto, share in zip(
        np.cumsum(found.marks[: len(bounds)]), [(seen.ok & (seen.time_s <= b)).mean() for b in bounds], strict=True
    ):
        assert abs(upto - share) < 5 * math.sqrt(share * (1 - share) / requests) + 2e-3
    for name in ("500", "502", "503", "504"):
        share = (seen.code == int(name)).mean()
        # Which of several failures of parallel calls is answered is a convention; their sum is not.
        if not any("parallel" in call for call in some):
            assert abs(code(found, network, name) - share) < 5 * math.sqrt(share * (1 - share) / requests) + 2e-3
    for name, visits in seen.visits.items():
        assert found.visits.get(name, 0.0) == pytest.approx(visits, abs=6 * math.sqrt(max(visits, 0.01) * 3 / requests) + 2e-3)
