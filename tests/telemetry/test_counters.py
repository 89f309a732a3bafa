import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.telemetry.counters import common_grid, hidden_restarts, increments, place_on_grid, running_sum, usual_spacing
from workbench.telemetry.series import STALE, Series, SeriesKey


def counter(values, dtype=np.int64):
    values = np.array(values, dtype=dtype)
    return Series(SeriesKey("c"), np.arange(len(values)) * 15.0, values)


def test_a_fall_is_a_restart_and_its_new_value_counts_whole():
    assert increments(counter([5, 7, 7, 2, 3])).tolist() == [5, 2, 0, 2, 1]


def test_a_restart_that_comes_back_higher_is_not_seen():
    assert increments(counter([5, 7])).tolist() == [5, 2]
    assert hidden_restarts(np.array([5, 7, 3, 9]), np.array([False, True, True, False])).tolist() == [1]


def test_narrow_integers_do_not_overflow_and_stay_integers():
    steps = increments(counter([2**31 - 1, 0, 2**31 - 1], np.int32))

    assert steps.dtype == np.int64
    assert steps.tolist() == [2**31 - 1, 0, 2**31 - 1]


def test_stale_markers_hold_no_events_and_do_not_hide_the_next_ones():
    assert increments(counter([5, STALE, 9, STALE, 1], np.float64)).tolist() == [5, 0, 4, 0, 1]


def test_a_series_without_samples_has_no_increments():
    assert increments(counter([])).tolist() == []


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=60))
def test_running_sums_equal_those_of_pandas_grouped_by_restart(rows):
    events = np.array([count for count, _ in rows], dtype=np.int64)
    restarted = np.array([flag for _, flag in rows], dtype=bool)

    expected = pd.Series(events, dtype="int64").groupby(np.cumsum(restarted)).cumsum()

    assert running_sum(events, restarted).tolist() == expected.tolist()


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), max_size=60))
def test_increments_undo_running_sums_wherever_restarts_show(rows):
    events = np.array([count for count, _ in rows], dtype=np.int64)
    restarted = np.array([flag for _, flag in rows], dtype=bool)
    values = running_sum(events, restarted)
    hidden = hidden_restarts(values, restarted)

    seen = increments(counter(values))

    lost = values[hidden - 1]
    assert np.delete(seen, hidden).tolist() == np.delete(events, hidden).tolist()
    assert (events[hidden] - seen[hidden]).tolist() == lost.tolist()


def test_the_usual_spacing_is_a_distance_that_occurs():
    assert usual_spacing(np.array([0.0, 15, 30, 100, 200])) == 15
    with pytest.raises(ValueError, match="fewer than two"):
        usual_spacing(np.array([1.0]))


def test_a_common_grid_of_one_array_is_that_array_itself():
    times, other = np.array([7.0, 22.0]), np.array([7.0, 30.0])

    assert common_grid((times, times)) is times
    assert common_grid((times, other)).tolist() == [7, 22, 30]
    assert place_on_grid(other, times).tolist() == [0, -1]
