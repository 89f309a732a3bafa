"""Budgets that count slices of time."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import DAY, START, policy, requests, series, slo, telemetry
from tests.slo.test_indicators import RULES, SLOS, busy, recounted
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.scenario.schema.policy import TimeSlices
from workbench.slo.events import EventCounts
from workbench.slo.indicators import count_events
from workbench.slo.measure import measure_slos
from workbench.slo.slices import count_slices


def sliced(length, slice_target, target="95%", window="30d", **indicator):
    return slo(target, window, **indicator) | {"time_slices": {"length": length, "target": slice_target}}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("length", "seconds"), [("1m", 60), ("5m", 300)])
def test_the_bad_slices_of_every_objective_agree_with_pandas(name, length, seconds):
    data, frame = busy()
    mine = recounted(frame, name)
    by_slice = mine.assign(slice=np.ceil(mine.time / seconds).astype(int)).groupby("slice")[["bad", "events"]].sum()
    by_slice = by_slice[by_slice.index * seconds <= 6000]
    target = 1 - by_slice.bad.sum() / by_slice.events.sum() + 0.01
    wanted = SLOS[name] | {"time_slices": {"length": length, "target": f"{target * 100:.4f}%"}}

    (found,) = measure_slos(policy({"one": wanted}), data, SIMULATED, START, 6000.0)

    limit = Decimal(f"{target * 100:.4f}") / 100
    good = sum(1 - Decimal(int(row.bad)) / int(row.events) >= limit if row.events else True for row in by_slice.itertuples())
    assert (found.total, found.good) == (6000 // seconds, good)
    assert 0 < good < found.total


DAYS = 14
RATE = 24_000 / 24 / 60
"""Requests a minute of the worked example of OpenSLO's budgeting methods."""


def attacked(minutes, availability=0.01, baseline=0.99, scale=60):
    """Two weeks of minutes, baseline but for an attack from day 3 on; events are scaled up so that shares are whole numbers."""
    times = np.arange(DAYS * 1440) * 60.0 + 30
    total = np.full(len(times), round(RATE * scale))
    good = np.full(len(times), round(RATE * scale * baseline))
    good[3 * 1440 : 3 * 1440 + minutes] = round(RATE * scale * availability)
    made = (
        requests(times, good, route="/", tier="t", status_code="200"),
        requests(times, total - good, route="/", tier="t", status_code="500"),
    )
    return telemetry(*made, horizon_s=DAYS * DAY, scrape_interval_s=60.0)


@pytest.mark.parametrize(("minutes", "consumed"), [(504, 0.5), (1008, 1.0), (1009, 1009 / 1008)])
def test_openslo_allows_an_attack_of_1008_minutes_by_time_slices(minutes, consumed):
    """2 weeks at 95 %: 5 % of 20,160 slices of a minute, 16h48m; the baseline of 99 % spends nothing."""
    wanted = policy({"one": sliced("1m", "95%", "95%", "14d")})

    (found,) = measure_slos(wanted, attacked(minutes), SIMULATED, START, DAYS * DAY)

    assert found.budget.consumed_share == pytest.approx(consumed, rel=1e-12)
    assert (found.total - found.good, found.total) == (minutes, 20_160)
    assert found.met is (minutes <= 1008)


def test_the_same_attack_counted_by_events_spends_the_baseline_as_well():
    wanted = policy({"one": slo("95%", "14d")})

    (found,) = measure_slos(wanted, attacked(1008), SIMULATED, START, DAYS * DAY)

    bad = (20_160 - 1008) * 10 + 1008 * 990
    assert (found.total - found.good, found.total) == (bad, 20_160_000)


def test_a_week_at_99_95_percent_has_a_budget_of_302_4_seconds():
    wanted = policy({"one": sliced("1m", "99%", "99.95%", "7d")})

    (found,) = measure_slos(wanted, attacked(0), SIMULATED, START, DAYS * DAY)

    assert found.budget.total_s == Decimal("302.4")


def test_a_slice_without_events_is_good_and_one_without_a_scrape_is_unknown():
    times = np.array([30.0, 90.0, 330.0])  # minutes 1, 2 and 6
    made = (
        requests(times, np.array([5, 0, 5]), route="/", tier="t", status_code="200"),
        requests(times, np.array([5, 0, 0]), route="/", tier="t", status_code="500"),
    )
    (found,) = measure_slos(policy({"one": sliced("1m", "99%")}), telemetry(*made, horizon_s=360.0), SIMULATED, START, 360.0)

    assert (found.good, found.total, found.unknown_events) == (2, 3, 3)


def test_rows_whose_errors_are_unknown_make_unknown_slices():
    times = np.arange(10) * 60.0
    known = np.ones(10, bool)
    known[4] = False
    made = (requests(times, np.full(10, 5), route="/"), series("http_request_errors_total", times[known], np.zeros(9), route="/"))
    data = telemetry(*made, horizon_s=600.0, scrape_interval_s=60.0)

    (found,) = measure_slos(policy({"one": sliced("1m", "99%")}), data, RECORDED, START, 600.0)

    assert (found.good, found.total, found.unknown_events) == (8, 8, 2)  # the row at 0 and that at 60 make the first minute


def cumulated(*columns):
    return [np.concatenate(([0], np.cumsum(column))) for column in columns]


def test_a_slice_exactly_at_its_target_is_good():
    times = np.arange(1, 5) * 60.0
    bad, known, everything = cumulated([1, 2, 1000, 1001], [100, 100, 100_000, 100_000], [100, 100, 100_000, 100_000])
    events = EventCounts((), times, bad, known, everything)

    found = count_slices(events, TimeSlices.model_validate({"length": "1m", "target": "99%"}), 240.0)

    assert np.diff(found.bad).tolist() == [0, 1, 0, 1]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), length=st.sampled_from(["15s", "1m", "7m"]), target=st.sampled_from(["90%", "99%", "100%"]))
def test_good_bad_and_unknown_slices_are_all_slices_and_a_stricter_slice_is_never_better(seed, length, target):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.choice(np.arange(1, 1800), 300, replace=False)) * 2.0
    made = [
        requests(times, rng.poisson(rate, 300), route="/", tier="t", status_code=code) for code, rate in (("200", 3), ("500", 0.1))
    ]
    data = telemetry(*made, horizon_s=3600.0)

    def counted(share):
        return count_events(policy({"one": sliced(length, share)}), data, SIMULATED).slos["one"]

    mine, loose = counted(target), counted("50%")
    assert len(mine.times) == 3600 // {"15s": 15, "1m": 60, "7m": 420}[length] == mine.everything[-1]
    assert 0 <= mine.bad[-1] <= mine.known[-1] <= mine.everything[-1]
    assert loose.bad[-1] <= mine.bad[-1]


def test_slices_of_a_query_that_is_evaluated_are_its_steps():
    times = np.arange(241) * 15.0
    bad = np.where((times > 600) & (times <= 1200), (times - 600) * 0.5, np.where(times > 1200, 300.0, 0.0))
    data = telemetry(series("all", times, times * 1.0), series("bad", times, bad), horizon_s=3600.0)
    ratio = "sum(rate(bad[{{.window}}])) / sum(rate(all[{{.window}}]))"
    wanted = sliced("1m", "90%", kind="query", ratio=ratio)

    (found,) = measure_slos(policy({"one": wanted}), data, SIMULATED, START, 3600.0)

    assert (found.total - found.good, found.total) == (10, 60)


def test_the_days_of_a_sliced_objective_are_judged_by_its_slices():
    data = attacked(1440, availability=0.9)

    (found,) = measure_slos(policy({"one": sliced("1m", "95%", "99%", "14d")}), data, SIMULATED, START, DAYS * DAY)

    assert pd.Series(found.daily_met).value_counts().to_dict() == {True: 13, False: 1}
