"""One window taken apart against the evaluator that computes all windows at once, and against figures by hand."""

import numpy as np
import pytest

from tests.support.histories import counters
from workbench.alerts.rules import Profile
from workbench.alerts.window_look import look
from workbench.promql.dialect import Dialect
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, SeriesKey


@pytest.mark.parametrize("version", ["2.42", "2.53", "3.5"])
@pytest.mark.parametrize("kind", [{}, {"gaps": True}, {"stale": True, "whole": False}, {"phase_s": 0.0}])
@pytest.mark.parametrize(("window", "window_s"), [("5m", 300.0), ("1m", 60.0), ("45m", 2700.0), ("40s", 40.0)])
def test_rate_and_increase_are_those_of_the_evaluator(version, kind, window, window_s):
    telemetry = counters(3, routes=2, **kind)
    profile = Profile(prometheus=version)
    evaluator, dialect = Evaluator(telemetry, profile), Dialect.of(profile)
    compared = 0
    for at_s in (0.0, 30.0, 300.0, 777.0, 1800.0, 3600.0):
        for function in ("rate", "increase"):
            vector = evaluator.evaluate(parse(f"{function}(req[{window}])"), np.array([at_s]))
            wanted = {
                labels: values[0]
                for labels, values, here in zip(vector.labels, vector.values, vector.present, strict=True)
                if here[0]
            }
            found = {one.key.labels: getattr(look(one, at_s, window_s, dialect), function) for one in telemetry}
            assert {labels: value for labels, value in found.items() if value is not None} == wanted
            compared += len(wanted)
    assert compared > 20


def test_a_counter_near_zero_is_extrapolated_only_to_its_zero():
    """Measured: an error counter that is 0 until second 330, then 1, over 5 minutes 7 s off the grid."""
    times = np.arange(7.0, 700.0, 15.0)
    series = Series(SeriesKey.of("errors_total"), times, (times > 330).astype(float))
    profile = Profile()

    found = look(series, 607.0 + 8, 300.0, Dialect.of(profile))

    assert (found.samples, found.first_value, found.last_value, found.counted) == (20, 0.0, 1.0, 1.0)
    assert found.clamped
    assert found.factor == pytest.approx((285 + 0 + 8) / 285)


def test_a_restart_is_counted_with_what_was_lost():
    series = Series(SeriesKey.of("x_total"), np.array([0.0, 10.0, 20.0, 30.0]), np.array([5, 9, 2, 4]))

    found = look(series, 30.0, 60.0, Dialect.of(Profile()))

    assert (found.resets, found.counted) == (1, 4 - 5 + 9)


def test_a_window_without_two_samples_says_so():
    series = Series(SeriesKey.of("x_total"), np.array([7.0, 22.0]), np.array([1, 2]))
    dialect = Dialect.of(Profile())

    empty, single = look(series, 600.0, 60.0, dialect), look(series, 10.0, 60.0, dialect)

    assert (empty.samples, empty.counted, empty.rate) == (0, None, None)
    assert (single.samples, single.first_s, single.counted) == (1, 7.0, None)
    assert look(Series(series.key, np.empty(0), np.empty(0)), 0.0, 60.0, dialect).samples == 0
