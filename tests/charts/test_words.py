"""How numbers are said: never across the bound that judges them, and unknown is not zero."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.charts import words


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10_000_000), st.sampled_from(["0.95", "0.99", "0.999", "0.9995", "0.9999"]))
def test_a_share_stays_on_its_side_of_the_target(bad, target):
    value, goal = 1 - bad / 10_000_000, Decimal(target)

    shown = Decimal(words.sli(value, goal).removesuffix("%")) / 100

    assert (shown < goal) == (Decimal(repr(value)) < goal)
    assert (shown < 1) == (value < 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (8.5, "8.5s"),
        (42, "42s"),
        (59.7, "1m"),
        (375, "6m15s"),
        (7500, "2h05m"),
        (86_399, "1d"),
        (273_600, "3d04h"),
        (None, "unknown"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize("say", [words.percent, words.duration, words.burn, words.number])
@pytest.mark.parametrize("value", [None, float("nan")])
def test_unknown_is_called_unknown(say, value):
    assert say(value) == "unknown"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0%"), (0.0001, "<0.1%"), (0.99999, ">99.9%"), (1.0, "100.0%"), (5.84, "584.0%")]
)
def test_a_share_that_is_not_zero_or_whole_is_not_shown_as_such(value, text):
    assert words.percent(value) == text


def test_instants_are_true_seconds_on_the_wall_clock_of_the_zone():
    start = dt.datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Zurich"))

    assert words.instant(start, 3 * 3600) == "29 Mar 04:00"  # clocks went forward at 02:00


@pytest.mark.parametrize(("names", "text"), [((), "none"), (("a", "b", "c"), "a, b, c"), (tuple("abcdefgh"), "a, b and 6 more")])
def test_wide_lists_are_shortened(names, text):
    assert words.shortened(names) == text


@pytest.mark.parametrize(("value", "target"), [(0.99949999999, "0.9995"), (0.9999999999, "0.999"), (0.99989999999, "0.9999")])
def test_even_beyond_the_last_decimal_a_share_stays_on_its_side(value, target):
    shown = Decimal(words.sli(value, Decimal(target)).removesuffix("%")) / 100

    assert shown < 1
    assert (shown < Decimal(target)) == (Decimal(repr(value)) < Decimal(target))
