from dataclasses import replace
from decimal import Decimal

import pytest

from tests.scoring.test_match import HORIZON, HOUR, fired, incident, judged
from workbench.scoring.scorecard import QUARTER_S, scorecard
from workbench.sla.credit import TierCredit
from workbench.slo.account import BudgetAccount, BudgetStatus, SloResult
from workbench.units import Money
from workbench.world.truth import Truth

MONTH = 30 * 24 * HOUR


def result(name, days, consumed):
    budget = BudgetAccount(MONTH, Decimal(2592), MONTH, consumed, None, None, consumed, BudgetStatus.HEALTHY, None)
    return SloResult(name, "", "events", ("/a",), Decimal("0.999"), 1, 1, 1.0, True, 0, budget, (), tuple(days))


def credit(breached):
    nothing = Money(Decimal(0), "EUR")
    return TierCredit("t", Decimal("0.99"), 1, 1, 1.0, breached, Decimal(0), 1, nothing, nothing, "")


def card(slos=(), score=None, credits=(), truth=None, episodes=(), horizon_s=MONTH):  # noqa: A002 - the field's word
    return {line.key: line for line in scorecard(slos, score, credits, truth, episodes, horizon_s)}


def test_the_lines_are_the_reference_systems_five_in_its_order():
    lines = scorecard((), None, (), None, (), MONTH)

    assert [(line.title, line.target) for line in lines] == [
        ("SLO compliance rate", "> 95 %"),
        ("Customer SLA violations", "< 1 a quarter"),
        ("Mean time to SLO recovery", "< 30 min"),
        ("Error budget utilization", "50-80 %"),
        ("False alert rate", "< 5 %"),
    ]
    assert all(line.value is None and line.met is None and line.definition for line in lines)


@pytest.mark.parametrize(("good_days", "met"), [(95, False), (96, True)])
def test_compliance_is_the_share_of_days_that_met_their_own_target(good_days, met):
    days = [True] * good_days + [False] * (100 - good_days) + [None] * 7

    line = card(slos=[result("x", days[:40], 0.6), result("y", days[40:], 0.6)])["slo_compliance"]

    assert line.value == good_days / 100
    assert line.met is met
    assert f"{good_days} of 100 SLO-days" in line.shown


@pytest.mark.parametrize(
    ("breached", "value", "met"),
    [([False, False], 0, True), ([True, False, None], 1, False), ([None], None, None), ([], None, None)],
)
def test_violations_are_tiers_and_an_unknown_tier_is_no_success(breached, value, met):
    line = card(credits=[credit(one) for one in breached])["sla_violations"]

    assert (line.value, line.met) == (value, met)


def test_one_breach_in_a_month_is_three_a_quarter_and_in_a_year_a_quarter_of_one():
    month, year = (card(credits=[credit(True)], horizon_s=days * 86_400.0)["sla_violations"] for days in (30, 365.25))
    quarter = card(credits=[credit(True)], horizon_s=QUARTER_S)["sla_violations"]

    assert month.shown == "1 in 30d (3.0 a quarter)"
    assert (month.met, quarter.met, year.met) == (False, False, True)


def test_recovery_is_the_mean_length_of_significant_incidents_detected_or_not():
    incidents = [incident("i", 10, 10.25), incident("j", 20, 21), incident("tiny", 30, 30.1)]
    found = judged(incidents, [fired(10.1, 11)])

    line = card(score=found, truth=Truth(tuple(incidents)), horizon_s=HORIZON)["recovery_time_s"]

    assert line.value == pytest.approx((0.25 + 1) / 2 * HOUR)
    assert line.shown == "37.5 min (2 incidents)"
    assert line.met is False


def test_a_month_without_significant_incidents_has_no_recovery_time():
    line = card(score=judged([], []), truth=Truth(()), horizon_s=HORIZON)["recovery_time_s"]

    assert (line.value, line.met, line.shown) == (None, None, "no significant incident")


@pytest.mark.parametrize(
    ("shares", "value", "met"),
    [([0.5], 0.5, True), ([0.8], 0.8, True), ([0.49], 0.49, False), ([0.81], 0.81, False), ([0.2, 1.2, None], 0.7, True)],
)
def test_budget_use_is_the_mean_consumption_not_capped(shares, value, met):
    line = card(slos=[result(str(k), (), share) for k, share in enumerate(shares)])["budget_used"]

    assert line.value == pytest.approx(value)
    assert line.met is met


def test_overspent_budgets_are_counted_beside_their_mean():
    line = card(slos=[result("x", (), 0.2), result("y", (), 1.2), result("z", (), 1.0)])["budget_used"]

    assert line.shown == "80.0% on average (1 of 3 objectives over 100 %)"


@pytest.mark.parametrize(("false", "met"), [(0, True), (1, False), (2, False)])
def test_false_alerts_are_firings_that_no_incident_explains(false, met):
    episodes = [fired(10.2 + k / 100, 11) for k in range(19)] + [fired(100 + k, 101 + k) for k in range(false)]
    found = judged([incident("i", 10, 12)], episodes)

    line = card(score=found, truth=Truth(()), episodes=episodes)["false_alerts"]

    assert line.value == pytest.approx(false / (19 + false))
    assert line.met is met


def test_exactly_five_percent_is_not_under_five_percent():
    found = judged([], [])
    twenty = replace(found, overall=replace(found.overall, firings=20, true_firings=19))

    assert card(score=twenty)["false_alerts"].met is False


def test_silence_and_missing_truth_are_told_apart():
    assert card()["false_alerts"].shown == "no firing"
    assert card(episodes=[fired(1, 2)])["false_alerts"].shown == "unknown (1 firings, no ground truth)"
