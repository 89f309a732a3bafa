from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import policy, requests, slo, telemetry
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.scenario.schema.policy import Sla
from workbench.sla.credits import credit_of, tier_credits


def sla(availability, *steps, price="1.00 EUR", cap="100%"):
    made = [{"below": below, "credit": credit} for below, credit in steps]
    return Sla.model_validate({"availability": availability, "price": price, "credits": made, "credit_cap": cap})


ATLASSIAN = sla("99.9%", ("99.9%", "10%"), ("99%", "25%"), ("95%", "50%"))
S3 = sla("99.9%", ("99.9%", "10%"), ("99%", "25%"), ("95%", "100%"))
PREMIUM = sla("99.95%", ("99.95%", "10%"), ("99%", "25%"), ("95%", "100%"), price="12.00 EUR")


def test_sixty_bad_minutes_of_a_month_pay_ten_percent_by_atlassians_schedule():
    found = credit_of("t", ATLASSIAN, 100, bad=60, total=43_200)

    assert round(found.availability * 100, 2) == 99.86
    assert found.credit_share == Decimal("0.1")
    assert str(found.credit) == "10.00 EUR"


def test_request_weighted_the_intervals_of_the_s3_example_are_99_50_percent():
    found = credit_of("t", S3, 1, bad=50, total=100 + 10_000)

    assert round(found.availability * 100, 2) == 99.50
    assert found.credit_share == Decimal("0.1")


@pytest.mark.parametrize(
    ("bad", "share"),
    [
        (0, "0"),
        (499, "0"),
        (500, "0"),
        (501, "0.1"),
        (9_999, "0.1"),
        (10_000, "0.1"),
        (10_001, "0.25"),
        (50_000, "0.25"),
        (50_001, "1"),
        (1_000_000, "1"),
    ],
)
def test_a_bound_belongs_to_the_step_above_it(bad, share):
    found = credit_of("t", PREMIUM, 10, bad=bad, total=1_000_000)

    assert found.credit_share == Decimal(share)
    assert found.breached is (bad > 500)


@pytest.mark.parametrize("promise", ["99.9%", "99.95%", "99.5%", "99.7%", "95%", "99.99%"])
def test_availability_exactly_at_the_promise_pays_nothing_though_binary_might_miss_it(promise):
    bad = int((1 - Decimal(promise[:-1]) / 100) * 10_000)

    at, over = (credit_of("t", sla(promise, (promise, "10%")), 1, bad=b, total=10_000) for b in (bad, bad + 1))

    assert (at.credit_share, at.breached) == (0, False)
    assert (over.credit_share, over.breached) == (Decimal("0.1"), True)


def test_a_difference_that_rounding_would_hide_still_pays_and_still_shows():
    found = credit_of("t", sla("99.9%", ("99.9%", "10%")), 1, bad=1_000_001, total=1_000_000_000)

    assert found.credit_share == Decimal("0.1")
    assert found.calculation.startswith("99.8999999 % of 1,000,000,000 requests")


@pytest.mark.parametrize(
    ("price", "credit"), [("0.25 EUR", "0.02"), ("0.75 EUR", "0.08"), ("0.85 EUR", "0.08"), ("0.95 EUR", "0.10")]
)
def test_money_is_rounded_once_half_to_even(price, credit):
    found = credit_of("t", sla("99.9%", ("99.9%", "10%"), price=price), 1, bad=1, total=10)

    assert str(found.credit) == f"{credit} EUR"


def test_cents_are_not_lost_by_rounding_each_user():
    found = credit_of("t", sla("99.9%", ("99.9%", "10%"), price="0.01 EUR"), 1000, bad=1, total=10)

    assert str(found.credit) == "1.00 EUR"


def test_the_calculation_is_one_sentence_that_can_be_checked_by_hand():
    found = credit_of("premium", PREMIUM, 1000, bad=1704, total=1_234_567)

    assert found.calculation == (
        "99.862 % of 1,234,567 requests, promised 99.95 %: below 99.95 % and at or above 99.0 % pays 10 % of 12,000.00 EUR"
    )
    assert str(found.credit) == "1200.00 EUR"


def test_the_cap_is_applied_and_named():
    found = credit_of("t", sla("99%", ("99%", "10%"), ("95%", "100%"), price="10.00 EUR", cap="30%"), 10, bad=1, total=10)

    assert found.credit_share == Decimal("0.3")
    assert str(found.credit) == "30.00 EUR"
    assert found.calculation.endswith("below 95.0 % pays 100 % of 100.00 EUR, capped at 30 %")


def test_a_breach_that_no_step_pays_for_is_a_breach():
    found = credit_of("t", sla("99.9%", ("99%", "10%")), 10, bad=5, total=1000)

    assert (found.breached, found.credit_share) == (True, 0)
    assert "no step of the schedule reaches so high" in found.calculation


def test_without_requests_nothing_is_known_and_nothing_is_paid():
    found = credit_of("t", PREMIUM, 10, bad=0, total=0)

    assert (found.availability, found.breached, found.credit.amount) == (None, None, 0)


@settings(derandomize=True, deadline=None)
@given(
    total=st.integers(1, 10**7),
    data=st.data(),
    users=st.integers(0, 10**5),
    cap=st.sampled_from(["0%", "20%", "100%"]),
)
def test_more_bad_requests_never_pay_less_and_never_more_than_the_cap(total, data, users, cap):
    first, second = sorted(data.draw(st.tuples(st.integers(0, total), st.integers(0, total))))
    terms = sla("99.95%", ("99.95%", "10%"), ("99%", "25%"), ("95%", "100%"), price="12.34 EUR", cap=cap)

    better, worse = (credit_of("t", terms, users, bad=bad, total=total) for bad in (first, second))

    assert better.credit.amount <= worse.credit.amount
    assert worse.credit.amount <= worse.fee.amount * terms.credit_cap + Decimal("0.005")


def two_tiers():
    times = np.array([15.0, 30.0])
    return telemetry(
        requests(times, [900, 90], [], route="/a", tier="premium", status_code="200"),
        requests(times, [10, 0], [], route="/b", tier="premium", status_code="503"),
        requests(times, [999, 1], [], route="/a", tier="free", status_code="429"),
        horizon_s=60,
    )


SLAS = {
    "free": {"availability": "95%", "price": "0.00 EUR"},
    "premium": {"availability": "99.95%", "price": "12.00 EUR", "credits": [{"below": "99.95%", "credit": "10%"}]},
    "standard": {"availability": "99.5%", "price": "5.00 EUR"},
}


def test_each_tier_is_measured_on_its_own_requests_and_429_is_not_the_services_failure():
    found = tier_credits(policy({"x": slo()}, slas=SLAS), {"premium": 7, "free": 99}, two_tiers(), SIMULATED)

    assert [(one.tier, one.good, one.total, one.breached, one.users) for one in found] == [
        ("premium", 990, 1000, True, 7),
        ("standard", 0, 0, None, 0),
        ("free", 1000, 1000, False, 99),
    ]
    assert str(found[0].credit) == "8.40 EUR"


def test_telemetry_without_tiers_has_no_credits():
    assert tier_credits(policy({"x": slo()}, slas=SLAS), {}, two_tiers(), RECORDED) == ()
    assert tier_credits(policy({"x": slo()}), {}, two_tiers(), SIMULATED) == ()
