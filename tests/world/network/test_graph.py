"""What the call graph alone says: order, visits, ceilings."""

import pytest

from tests.support.plain_worlds import small_world
from workbench.world.course import RouteCondition
from workbench.world.network.answers import Network
from workbench.world.network.graph import Graph

PARTS = {
    "front": {"calls": ["a", {"component": "db", "cache": {"component": "cache", "hit_rate": "80%"}, "times": 2}]},
    "a": {"errors": "1%", "calls": [{"component": "db", "share": "50%"}]},
    "db": {"errors": "2%"},
    "cache": {},
    "spare": {"errors": "10%"},
}


def test_components_come_before_those_that_they_call():
    order = Graph(small_world(PARTS, ["front"])).order()

    assert sorted(order) == sorted(PARTS)
    assert order.index("front") < order.index("a") < order.index("db")
    assert order.index("front") < order.index("cache")


def test_visits_are_products_along_the_way():
    visits = Graph(small_world(PARTS, ["front"])).visits("/")

    through_a = 0.99 * (1 - 0.5 * 0.02)
    once = 1 - 0.2 * 0.02
    assert visits["front"] == visits["a"] == 1
    assert visits["cache"] == pytest.approx(through_a * (1 + once))
    assert visits["db"] == pytest.approx(0.99 * 0.5 + through_a * 0.2 * (1 + once))
    assert "spare" not in visits


def test_the_ceiling_is_what_errors_leave():
    graph = Graph(small_world(PARTS, ["front"]))
    assert graph.ceiling("/") == pytest.approx(0.99 * (1 - 0.5 * 0.02) * (1 - 0.2 * 0.02) ** 2)

    helped = Graph(small_world(PARTS, ["front", {"component": "spare", "fallback": "none"}]))
    assert helped.ceiling("/") == pytest.approx(graph.ceiling("/"))


def test_what_a_route_keeps_when_one_component_fails_depends_on_how_it_is_called():
    def kept(call, failing=0.1):
        return Graph(small_world({"a": {}, "b": {"errors": "5%"}, "c": {}}, ["a", call])).kept("/", "b", failing)

    assert kept("b") == pytest.approx(0.9)
    assert kept({"component": "b", "times": 2}) == pytest.approx(0.81)
    assert kept({"component": "b", "share": "30%"}) == pytest.approx(0.97)
    assert kept({"component": "b", "fallback": "c"}) == 1
    assert kept({"component": "b", "retries": {"attempts": 2}}) == pytest.approx(0.99)
    assert kept({"parallel": ["b", "b", "b"], "need": 2}) == pytest.approx(0.9**3 + 3 * 0.9**2 * 0.1)
    assert kept({"component": "b", "cache": {"component": "c", "hit_rate": "60%"}}) == pytest.approx(1 - 0.4 * 0.1)


def test_visits_agree_with_those_of_answers():
    parts = {name: {**part, "service": {"median": "5ms", "sigma": 0.5}} for name, part in PARTS.items()}
    world = small_world(parts, ["front"])

    answer = Network(world).answer("/", RouteCondition(), ("500", "503", "504"))
    assert dict(answer.visits) == pytest.approx(dict(Graph(world).visits("/")), rel=1e-9)
