import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scenario.schema.people import Hours
from workbench.units import DAY_S, HOUR_S
from workbench.world.recurrence import occurrences
from workbench.world.working_time import WorkingTime

MONDAY = dt.datetime(2026, 3, 23, tzinfo=ZoneInfo("Europe/Berlin"))
"""The clocks change on Sunday of this week."""
OFFICE = Hours(from_hour=9, to_hour=17)


def wall(start, at_s):
    return (start.astimezone(dt.UTC) + dt.timedelta(seconds=at_s)).astimezone(start.tzinfo)


@pytest.mark.parametrize(
    ("begins", "work_h", "ends"),
    [
        ("2026-03-23T10:00", 2, "2026-03-23T12:00"),
        ("2026-03-23T16:00", 2, "2026-03-24T10:00"),
        ("2026-03-23T05:00", 1, "2026-03-23T10:00"),
        ("2026-03-27T16:30", 1, "2026-03-30T09:30"),  # over the weekend on which an hour is skipped
        ("2026-03-28T12:00", 8, "2026-03-30T17:00"),
    ],
)
def test_work_goes_on_in_working_hours_alone(begins, work_h, ends):
    at_s = (dt.datetime.fromisoformat(begins).replace(tzinfo=MONDAY.tzinfo) - MONDAY.astimezone(dt.UTC)).total_seconds()
    done = WorkingTime(OFFICE, MONDAY, 14 * DAY_S).one_after(at_s, work_h * HOUR_S)

    assert wall(MONDAY, done).replace(tzinfo=None) == dt.datetime.fromisoformat(ends)


@given(st.floats(0, 13 * DAY_S), st.floats(1, 3 * DAY_S))
def test_what_was_worked_until_the_end_is_what_there_was_to_do(at_s, work_s):
    works = WorkingTime(OFFICE, MONDAY, 14 * DAY_S)
    end_s = works.one_after(at_s, work_s)

    worked = works.worked(np.array([at_s, end_s]))
    assert worked[1] - worked[0] == pytest.approx(work_s, abs=1e-5)
    assert works.is_open(end_s - 1e-3 * min(1.0, work_s))


def test_somebody_works_eight_hours_of_five_days_a_week():
    minutes = np.arange(0.0, 7 * DAY_S, 60.0)
    works = WorkingTime(OFFICE, MONDAY, 14 * DAY_S)

    assert sum(works.is_open(float(at_s)) for at_s in minutes) == 5 * 8 * 60


def test_around_the_clock_time_passes_as_it_is():
    works = WorkingTime(None, MONDAY, 14 * DAY_S)

    assert works.one_after(12_345.0, 678.0) == pytest.approx(13_023.0)
    assert works.next_open(99.0) == 99.0


def test_what_ends_long_after_the_run_never_ends_in_it():
    works = WorkingTime(OFFICE, MONDAY, 14 * DAY_S)

    assert math.isinf(works.one_after(0.0, 400 * DAY_S))


def local(times, start):
    return [wall(start, at_s).isoformat(timespec="minutes") for at_s in times]


def test_a_weekly_window_stays_at_the_same_time_on_the_wall_when_the_clocks_change():
    times = occurrences(
        dt.datetime.fromisoformat("2026-03-01T04:00"), "FREQ=WEEKLY;BYDAY=SU", None, start=MONDAY, from_s=0.0, to_s=21 * DAY_S
    )

    assert local(times, MONDAY) == ["2026-03-29T04:00+02:00", "2026-04-05T04:00+02:00", "2026-04-12T04:00+02:00"]
    assert times[1] - times[0] == 7 * DAY_S
    before = occurrences(
        dt.datetime.fromisoformat("2026-03-01T04:00"), "FREQ=WEEKLY;BYDAY=SU", None, start=MONDAY, from_s=-2 * DAY_S, to_s=0.0
    )
    assert times[0] - before[0] == 7 * DAY_S - HOUR_S


def test_a_time_that_the_clocks_skip_is_as_much_later_as_they_skip():
    [at_s] = occurrences(dt.datetime.fromisoformat("2026-03-29T02:30"), None, None, start=MONDAY, from_s=0.0, to_s=14 * DAY_S)

    assert local([at_s], MONDAY) == ["2026-03-29T03:30+02:00"]


def test_of_a_time_that_the_clocks_show_twice_the_first_counts():
    start = dt.datetime(2026, 10, 19, tzinfo=ZoneInfo("Europe/Berlin"))
    times = occurrences(dt.datetime.fromisoformat("2026-10-20T02:30"), "FREQ=DAILY", None, start=start, from_s=0.0, to_s=8 * DAY_S)

    assert local(times, start)[5] == "2026-10-25T02:30+02:00"
    assert [round(gap / HOUR_S) for gap in np.diff(times)] == [24, 24, 24, 24, 24, 25]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=MONTHLY;BYDAY=1SU", ["2026-04-05", "2026-05-03"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2026-03-27", "2026-04-24", "2026-05-29"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;COUNT=3", ["2026-03-24", "2026-04-07", "2026-04-21"]),
        ("FREQ=DAILY;UNTIL=20260325T010000Z", ["2026-03-23", "2026-03-24", "2026-03-25"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-03-31", "2026-05-31"]),
        (None, ["2026-03-23"]),
    ],
)
def test_rules_mean_what_the_standard_says(rule, expected):
    # Expected dates are read off a calendar of 2026.
    times = occurrences(
        dt.datetime.fromisoformat("2026-03-23T02:00"), rule, "Europe/Berlin", start=MONDAY, from_s=0.0, to_s=70 * DAY_S
    )

    assert [text[:10] for text in local(times, MONDAY)] == expected


def test_a_window_of_another_zone_lies_at_the_same_moment():
    [berlin] = occurrences(
        dt.datetime.fromisoformat("2026-04-01T09:00"), None, "Europe/Berlin", start=MONDAY, from_s=0.0, to_s=20 * DAY_S
    )
    [tokyo] = occurrences(
        dt.datetime.fromisoformat("2026-04-01T16:00"), None, "Asia/Tokyo", start=MONDAY, from_s=0.0, to_s=20 * DAY_S
    )

    assert berlin == tokyo
