import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import DAY, MONTH
from workbench.scenario.schema.policy import BudgetLevels
from workbench.slo.account import BudgetStatus
from workbench.slo.budget import BURN_WINDOWS, account, burn, burn_rate, meets, total_budget_s

LEVELS = BudgetLevels()
THREE_NINES = Decimal("0.999")


def budget(bad, known, *, target=THREE_NINES, window_s=MONTH, elapsed_s=MONTH):
    return account(bad, known, target=target, window_s=window_s, elapsed_s=elapsed_s, levels=LEVELS)


@pytest.mark.parametrize(
    ("target", "expected"),
    [("0.999", dt.timedelta(minutes=43, seconds=12)), ("0.9995", dt.timedelta(minutes=21, seconds=36))],
)
def test_the_budget_as_time_is_exact(target, expected):
    assert total_budget_s(MONTH, Decimal(target)) == Decimal(expected.total_seconds())


def test_a_window_that_binary_cannot_hold_stays_decimal():
    assert total_budget_s(0.1, THREE_NINES) == Decimal("0.0001")


@settings(derandomize=True, deadline=None)
@given(known=st.integers(1, 10**9), share=st.fractions(0, 1), nines=st.sampled_from(["0.9", "0.99", "0.999", "0.9995", "0.95"]))
def test_a_constant_error_ratio_burns_at_the_ratio_over_one_minus_target(known, share, nines):
    bad = int(known * share)

    assert burn(bad, known, Decimal(nines)) == Fraction(bad, known) / (1 - Fraction(nines))


@settings(derandomize=True, deadline=None)
@given(bad=st.integers(0, 10**6), good=st.integers(1, 10**9), days=st.integers(1, 30))
def test_consumed_and_remaining_make_up_the_total_and_rate_times_time_is_consumption(bad, good, days):
    found = budget(bad, bad + good, elapsed_s=days * DAY)

    assert found.consumed_s + found.remaining_s == pytest.approx(float(found.total_s), rel=1e-12, abs=1e-9)
    assert found.rate * days / 30 == pytest.approx(found.consumed_share, rel=1e-12)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (499, "HEALTHY"),
        (500, "CAUTION"),
        (749, "CAUTION"),
        (750, "WARNING"),
        (899, "WARNING"),
        (900, "CRITICAL"),
        (999, "CRITICAL"),
        (1000, "EXCEEDED"),
        (1001, "EXCEEDED"),
    ],
)
def test_a_level_is_reached_at_its_share_not_over_it(bad, status):
    assert budget(bad, 1_000_000).status is BudgetStatus[status]


@pytest.mark.parametrize(("bad", "met"), [(999, True), (1000, True), (1001, False)])
def test_an_sli_exactly_at_the_target_meets_it(bad, met):
    assert meets(bad, 1_000_000, THREE_NINES) is met


@pytest.mark.parametrize("target", ["0.9", "0.95", "0.99", "0.995", "0.999", "0.9995", "0.9999"])
def test_exactly_the_whole_budget_is_spent_whatever_the_target_looks_like_in_binary(target):
    bad = int((1 - Decimal(target)) * 10_000_000)

    found = budget(bad, 10_000_000, target=Decimal(target))

    assert found.consumed_share == 1.0
    assert found.status is BudgetStatus.EXCEEDED


@pytest.mark.parametrize(("bad", "exceeded"), [(143, False), (144, False), (145, True)])
def test_a_burn_rate_is_exceeded_only_strictly_over_its_threshold(bad, exceeded):
    found = burn_rate(BURN_WINDOWS[0], bad, 10_000, target=THREE_NINES, budget=budget(0, 1))

    assert found.exceeded is exceeded
    assert found.burn_rate == pytest.approx(bad / 10)


def test_the_windows_are_those_of_the_reference_table():
    assert [(row.window_s / 3600, float(row.threshold), row.severity) for row in BURN_WINDOWS] == [
        (1, 14.4, "critical"),
        (6, 6, "warning"),
        (24, 3, "info"),
        (72, 1, "notice"),
    ]


def test_half_the_budget_in_ten_days_of_thirty_is_all_of_it_after_twenty():
    found = budget(1500, 1_000_000, elapsed_s=10 * DAY)

    assert found.consumed_share == 0.5
    assert found.rate == 1.5
    assert found.projected_exhaustion_s == 20 * DAY


def test_a_budget_spent_slower_than_time_passes_outlasts_the_window():
    assert budget(999, 1_000_000, elapsed_s=10 * DAY).projected_exhaustion_s is None
    assert budget(1000, 1_000_000, elapsed_s=10 * DAY).projected_exhaustion_s == 30 * DAY


def test_after_more_than_a_window_only_its_last_window_counts():
    found = budget(2000, 1_000_000, window_s=7 * DAY, elapsed_s=30 * DAY)

    assert found.consumed_share == 2.0
    assert found.projected_exhaustion_s == 23 * DAY + 3.5 * DAY


def test_what_is_left_lasts_as_long_as_the_burn_rate_lets_it():
    found = burn_rate(BURN_WINDOWS[1], 20, 10_000, target=THREE_NINES, budget=budget(500, 1_000_000))

    assert found.burn_rate == 2.0
    assert found.projected_exhaustion_s == pytest.approx(0.5 * MONTH / 2)


def test_an_overspent_budget_is_gone_now_and_a_quiet_window_never_spends_it():
    spent = budget(2000, 1_000_000)

    assert burn_rate(BURN_WINDOWS[0], 1, 10, target=THREE_NINES, budget=spent).projected_exhaustion_s == 0
    assert burn_rate(BURN_WINDOWS[0], 0, 10, target=THREE_NINES, budget=spent).projected_exhaustion_s is None


def test_without_events_everything_is_unknown_but_the_size_of_the_budget():
    found = budget(0, 0)

    assert found.status is BudgetStatus.UNKNOWN
    assert (found.consumed_share, found.consumed_s, found.remaining_s, found.rate, found.projected_exhaustion_s) == (None,) * 5
    assert found.total_s == 2592
    assert burn_rate(BURN_WINDOWS[0], 0, 0, target=THREE_NINES, budget=found).burn_rate is None
    assert meets(0, 0, THREE_NINES) is None
