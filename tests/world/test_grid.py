import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.world.calendar import local_seconds, working_hours
from workbench.world.grid import Grid

GRIDS = st.builds(
    Grid,
    st.sampled_from([1.0, 15.0, 30.0, 60.0]),
    st.sampled_from([0.0, 0.5, 0.75]),
    st.integers(2000, 90000).map(lambda tenths: tenths / 10),
)


def test_a_month_at_15_s_has_one_scrape_for_each_interval():
    grid = Grid(15, 7, 30 * 86400)

    assert len(grid) == 172_800
    assert grid.times[0] == 7
    assert grid.times[-1] == 2_591_992


@given(GRIDS)
def test_bins_join_without_gap_and_end_at_the_last_scrape(grid):
    assert grid.widths_s.sum() == pytest.approx(grid.times[-1])
    assert grid.times[-1] <= grid.horizon_s
    assert grid.times[-1] + grid.step_s > grid.horizon_s


@given(GRIDS, st.integers(0, 90000).map(lambda tenths: tenths / 10))
def test_what_is_scraped_by_an_instant_is_counted_one_by_one(grid, at):
    assert grid.scraped_by(at) == int((grid.times <= at + 1e-9 * grid.step_s).sum())


@given(GRIDS, st.integers(0, 90000).map(lambda tenths: tenths / 10))
def test_the_first_bin_from_an_instant_begins_there_or_later_and_the_one_before_earlier(grid, at):
    index = grid.first_bin_from(at)

    if index < len(grid):
        assert grid.start_of(index) >= at - 1e-6
    if index > 0:
        assert grid.start_of(index - 1) < at + 1e-6


@given(GRIDS, st.integers(0, 90000).map(lambda tenths: tenths / 10))
def test_the_nearest_edge_is_an_edge_and_no_other_is_nearer(grid, at):
    edges = np.concatenate([[0.0], grid.times])
    edge = grid.nearest_edge(at)

    assert np.min(np.abs(edges - edge)) < 1e-9
    assert abs(edge - at) <= np.min(np.abs(edges - at)) + grid.step_s * 0.5 + 1e-6


@pytest.mark.parametrize(
    ("zone", "start", "after_s", "weekday", "hour"),
    [
        ("UTC", dt.date(2026, 4, 1), 0, 2, 0.0),
        ("UTC", dt.date(2026, 4, 1), 5 * 86400 + 3600, 0, 1.0),
        ("Europe/Zurich", dt.date(2026, 3, 29), 1.5 * 3600, 6, 1.5),
        # Clocks go from 02:00 to 03:00.
        ("Europe/Zurich", dt.date(2026, 3, 29), 2.5 * 3600, 6, 3.5),
        ("Europe/Zurich", dt.date(2026, 10, 25), 3.5 * 3600, 6, 2.5),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 3.0 * 3600, 6, 2.5),
    ],
)
def test_local_time_follows_the_zone_through_its_changes(zone, start, after_s, weekday, hour):
    first = dt.datetime.combine(start, dt.time(), ZoneInfo(zone))

    week = local_seconds(first, np.array([0.0, after_s]))[1]

    assert week == pytest.approx(weekday * 86400 + hour * 3600)


# Lord Howe moves by half an hour, so its second change does not fall on an hour of the run.
@pytest.mark.parametrize(("zone", "month"), [("America/New_York", 1), ("Australia/Lord_Howe", 9)])
def test_local_time_equals_the_zone_library_over_a_year(zone, month):
    first = dt.datetime(2026, month, 1, tzinfo=ZoneInfo(zone))
    after = np.concatenate([np.arange(0, 365 * 86400, 5417.0), np.arange(212 * 86400, 219 * 86400, 600.0)])

    expected = []
    for seconds in after:
        local = (first.astimezone(dt.UTC) + dt.timedelta(seconds=float(seconds))).astimezone(first.tzinfo)
        expected.append(local.weekday() * 86400 + local.hour * 3600 + local.minute * 60 + local.second)

    np.testing.assert_allclose(local_seconds(first, after), expected)


def test_working_hours_are_monday_to_friday():
    week = np.arange(0, 7 * 86400, 1800.0)

    assert working_hours(week, 8, 20).sum() == 5 * 24
    assert not working_hours(week[week >= 5 * 86400], 0, 24).any()
