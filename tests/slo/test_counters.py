import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import counter, series
from workbench.slo.counters import CounterReader, increments, restarts
from workbench.telemetry.series import STALE

EVENTS = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@st.composite
def restarted_counters(draw, rows=None):
    """Events and a counter of them that restarts at some rows, each restart visible as a decrease."""
    events = np.array(draw(EVENTS if rows is None else st.lists(st.integers(0, 50), min_size=rows, max_size=rows)))
    values = np.zeros(len(events), dtype=np.int64)
    level = 0
    for row, new in enumerate(events):
        fresh = row > 0 and new < level and draw(st.booleans())
        level = new if fresh else level + new
        values[row] = level
    return events, values


@settings(derandomize=True, deadline=None)
@given(restarted_counters())
def test_restarts_at_any_place_change_no_increment(made):
    events, values = made
    for dtype in (np.int32, np.int64, np.uint32, np.float64):
        assert increments(values.astype(dtype)).tolist() == events.tolist()


def test_a_restart_gives_the_new_value_and_the_first_value_counts():
    assert increments(np.array([5, 7, 3, 3, 10], dtype=np.int32)).tolist() == [5, 2, 3, 0, 7]
    assert restarts(np.array([5, 7, 3, 3, 10])).tolist() == [2]


def test_unsigned_counters_do_not_wrap_around():
    assert increments(np.array([5, 3], dtype=np.uint64)).tolist() == [5, 3]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 30).flatmap(lambda rows: st.lists(restarted_counters(rows), min_size=1, max_size=5)))
def test_the_sum_of_counters_with_restarts_of_their_own_is_the_sum_of_their_events(made):
    times = np.arange(len(made[0][0]), dtype=float)
    group = [series("c", times, values.astype(np.int32), n=str(k)) for k, (_, values) in enumerate(made)]
    shared = [type(one)(one.key, times, one.values) for one in group]

    ((found_times, found),) = CounterReader().summed(shared)

    assert found_times is times
    assert found.tolist() == np.sum([events for events, _ in made], axis=0).tolist()


def test_sums_beyond_the_range_of_the_samples_own_type_are_exact():
    times = np.arange(2.0)
    near_the_top = np.array([2**31 - 10, 2**31 - 5], dtype=np.int32)
    group = [type(s)(s.key, times, s.values) for s in (series("c", times, near_the_top, n=str(k)) for k in range(9))]

    ((_, found),) = CounterReader().summed(group)

    assert found.tolist() == [9 * (2**31 - 10), 45]


def test_integers_and_floats_add_up_without_changing_the_telemetry():
    times = np.arange(3.0)
    whole, half = np.array([1, 2, 3]), np.array([0.5, 1.0, 0.25])
    group = [type(s)(s.key, times, s.values) for s in (series("c", times, whole, n="a"), series("c", times, half, n="b"))]

    for order in (group, group[::-1]):
        ((_, found),) = CounterReader().summed(order)
        assert found.tolist() == [1.5, 1.5, 1.25]
    assert half.tolist() == [0.5, 1.0, 0.25]


def test_stale_markers_and_other_nan_hold_no_sample():
    one = series("c", [0, 1, 2, 3], [2.0, STALE, np.nan, 5.0])

    times, values = CounterReader().samples(one)

    assert times.tolist() == [0, 3]
    assert values.tolist() == [2.0, 5.0]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_the_helper_that_tests_use_restarts_where_it_says(dtype):
    assert counter(np.array([4, 4, 1, 1], dtype=dtype), [2]).tolist() == [4, 8, 1, 2]
