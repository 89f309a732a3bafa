"""At which instants a query fails, as Prometheus fails it: decided instant by instant, not once for the whole run."""

import numpy as np
import pytest

from workbench.alerts.rules import Profile
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, SeriesKey, Telemetry

EARLY, LATE, BOTH = [0.0, 60.0], [600.0, 660.0], [0.0, 60.0, 600.0, 660.0]


def one(name, times, value=1.0, **labels):
    return Series(SeriesKey.of(name, labels), np.array(times), np.full(len(times), value))


TELEMETRY = Telemetry.of(
    [
        one("a", BOTH, j="x", i="1"),
        one("a", LATE, j="x", i="2"),
        one("b", BOTH, j="x"),
        one("c", EARLY, j="x", i="1"),
    ],
    horizon_s=700,
    scrape_interval_s=60,
)


@pytest.mark.parametrize(
    ("expr", "fails"),
    [
        ('-{__name__=~"a|c"}', [True, False]),
        ("b + on(j) a", [False, True]),
        ("a + on(j) b", [False, True]),
        ("a + on(j) group_left b", [False, False]),
        ("b + on(j) group_left a", [False, True]),
        ("a > on(j) b", [False, False]),  # the filter drops both matches before they are counted
        ("a > bool on(j) b", [False, True]),
        ("b > on(j) a", [False, True]),
        ("nothing + on(j) a", [False, False]),  # an empty side: nothing is matched
        ("sum(a + on(j) b) or vector(1)", [False, True]),
        ("b and on(j) a", [False, False]),
    ],
)
def test_an_instant_fails_where_labels_or_matches_are_not_unique(expr, fails):
    found = Evaluator(TELEMETRY, Profile()).evaluate(parse(expr), np.array([60.0, 660.0]))
    failed = np.zeros(2, bool) if found.failed is None else found.failed

    assert failed.tolist() == fails
    assert not (found.present & failed).any()


def test_conditions_say_where_they_failed():
    presence = Conditions(Evaluator(TELEMETRY, Profile()), [parse("b + on(j) a > 0")]).present(np.array([60_000, 660_000]))[0]

    assert presence.failed.tolist() == [False, True]
    assert [row.tolist() for row in presence.elements.values()] == [[True, False]]
