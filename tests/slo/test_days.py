import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from workbench.slo.days import day_edges

HOUR = 3600.0


def lengths(start, elapsed_s):
    return [(last - first) / HOUR for first, last in pairwise(day_edges(start, elapsed_s))]


@pytest.mark.parametrize(("month", "day", "odd"), [(3, 29, 23), (10, 25, 25)])
def test_the_day_on_which_clocks_change_is_an_hour_shorter_or_longer(month, day, odd):
    start = dt.datetime(2026, month, 1, tzinfo=ZoneInfo("Europe/Zurich"))
    days = 31
    elapsed_s = days * 24 * HOUR + (odd - 24) * HOUR

    found = lengths(start, elapsed_s)

    assert len(found) == days
    assert [k + 1 for k, hours in enumerate(found) if hours != 24] == [day]
    assert found[day - 1] == odd


def test_a_month_in_utc_has_equal_days():
    assert lengths(dt.datetime(2026, 4, 1, tzinfo=dt.UTC), 30 * 24 * HOUR) == [24.0] * 30


def test_first_and_last_day_of_a_history_are_cut():
    start = dt.datetime(2022, 8, 22, 18, 0, tzinfo=dt.UTC)

    assert lengths(start, 20 * HOUR) == [6, 14]


def test_a_period_within_one_day_has_one_day():
    assert day_edges(dt.datetime(2026, 4, 1, 5, tzinfo=dt.UTC), HOUR) == (0.0, HOUR)


def test_a_midnight_that_does_not_exist_begins_the_day_when_the_clock_jumps():
    # Santiago jumps from 24:00 on 5 September 2026 to 01:00 on 6 September.
    start = dt.datetime(2026, 9, 5, tzinfo=ZoneInfo("America/Santiago"))

    assert lengths(start, 47 * HOUR) == [24, 23]


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        day_edges(dt.datetime(2026, 4, 1), HOUR)  # noqa: DTZ001 - that is the point
