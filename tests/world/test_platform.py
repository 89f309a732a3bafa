"""Each process of the platform against its law."""

import dataclasses
import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pytest

from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.components import Resources
from workbench.scenario.schema.delivery import Launch
from workbench.scenario.schema.people import Hours
from workbench.scenario.schema.platform import BatchJobs, LoadTest, Support, SupportTier
from workbench.telemetry.series import Series, SeriesKey
from workbench.units import DAY_S, HOUR_S
from workbench.world.demand.demand import demand
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import Impact, MetricBreaks
from workbench.world.platform.breaks import Break
from workbench.world.platform.checks import certificate_days
from workbench.world.platform.exported import Platform
from workbench.world.platform.load_test import load_test_rates
from workbench.world.platform.resources import resource_series
from workbench.world.platform.slots import Seen, Slots, seen
from workbench.world.platform.support import support_series
from workbench.world.platform.users import adoption, satisfaction, session_durations
from workbench.world.platform.web import web_series
from workbench.world.platform.work import batch_jobs, vulnerabilities

START = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
GRID = Grid(15.0, 7.0, 30 * DAY_S)
SLOTS = Slots(GRID, 20)
RATES = np.full(len(GRID), 100.0)
TIERS = ("free", "premium", "professional", "standard")
PAGE = "/api/v1/dashboard"


def users(*, failing=0.0, answer_s=0.4, per_slot=3000.0):
    """Requests of the page alone, the same in each slot; `failing` may be an array."""
    total = np.full(len(SLOTS), per_slot)
    bad = np.round(total * failing)
    each = {(PAGE, tier): total for tier in TIERS}
    return Seen(each, dict.fromkeys(each, bad), dict.fromkeys(each, total - bad), dict.fromkeys(each, total * answer_s))


def platform_of(month, **changes):
    return month.world.model_copy(update={"platform": month.world.platform.model_copy(update=changes)})


def named(series):
    out = {}
    for one in series:
        out.setdefault(one.key.name, {})[tuple(value for _, value in one.key.labels)] = one.values
    return out


def share_below(values, *labels, le):
    """Share of a histogram's events up to a bound, and how many there are."""
    buckets = {key: of for key, of in values.items() if set(labels) <= set(key)}
    return buckets[next(key for key in buckets if le in key)][-1] / buckets[next(k for k in buckets if "+Inf" in k)][-1]


def test_tickets_come_at_the_stated_rate_and_none_is_lost(month):
    support = Support(default=SupportTier(per_user_month=0.5), per_failed_request=0.0)
    world = platform_of(month, support=support)
    out = named(support_series(world, SLOTS, users(), START, 1))

    for tier in TIERS:
        expected = world.tiers[tier].users * 0.5
        opened = out["support_tickets_opened_total"][(tier,)]
        assert abs(opened[-1] - expected) < 4 * expected**0.5 + 2
        resolved = out["support_tickets_resolved_total"][(tier,)]
        np.testing.assert_array_equal(opened - resolved, out["support_tickets_open"][(tier,)])
        assert (opened >= resolved).all()
        assert (out["support_resolution_seconds_count"][(tier,)] == resolved).all()


def test_failed_requests_bring_further_tickets_and_only_those(month):
    support = Support(default=SupportTier(per_user_month=0.5), per_failed_request=0.01)
    world = platform_of(month, support=support)
    bad = np.zeros(len(SLOTS))
    bad[4000:4100] = 0.1
    calm, angry = (named(support_series(world, SLOTS, users(failing=of), START, 1)) for of in (0.0, bad))
    more = {tier: angry["support_tickets_opened_total"][(tier,)] - calm["support_tickets_opened_total"][(tier,)] for tier in TIERS}

    expected = 100 * 300 * 0.01
    for tier in TIERS:
        assert (more[tier][:4000] == 0).all()
        assert (more[tier][4101:] == more[tier][-1]).all()
        assert abs(more[tier][-1] - expected) < 4 * expected**0.5


def test_support_answers_in_support_hours_unless_a_tier_has_it_around_the_clock(month):
    law = Lognormal(median="2h", sigma=0.0)
    office = SupportTier(per_user_month=5.0, respond=law)
    support = Support(
        default=office,
        tiers={"premium": office.model_copy(update={"around_the_clock": True})},
        hours=Hours(from_hour=9, to_hour=17),
        per_failed_request=0.0,
    )
    out = named(support_series(platform_of(month, support=support), SLOTS, users(), START, 1))["support_response_seconds_bucket"]

    assert share_below(out, "premium", le="14400.0") == 1.0
    # Opened on a working day between 9 and 15: 6 h of 24 on 5 days of 7, about.
    count = out[next(key for key in out if "free" in key and "+Inf" in key)][-1]
    assert share_below(out, "free", le="14400.0") == pytest.approx(
        (6 * 5 + 2 * 0 + 2 * 5) / 168, abs=4 * (0.25 / count) ** 0.5 + 0.02
    )


def test_the_largest_paint_waits_for_the_answer(month):
    world = month.world
    fast, slow = (named(web_series(world, SLOTS, users(answer_s=of), 1)) for of in (0.001, 3.0))
    web = world.platform.web
    render = 0.5 * math.erfc(-math.log(2.5 / web.render.median) / (web.render.sigma * math.sqrt(2)))
    visits = fast["page_visits_total"][(PAGE,)][-1]
    expected = 4 * 3000.0 * len(SLOTS) * float(web.visits)

    assert abs(visits - expected) < 4 * expected**0.5
    assert share_below(fast["web_vitals_lcp_seconds_bucket"], PAGE, le="2.5") == pytest.approx(render, abs=0.002)
    # An exponential answer of mean 3 s, then rendering: by numerical convolution.
    x = (np.arange(4000) + 0.5) / 4000
    answers = -3.0 * np.log1p(-x)
    left = np.maximum(2.5 - answers, 1e-12)
    both = np.mean([0.5 * math.erfc(-math.log(one / web.render.median) / (web.render.sigma * math.sqrt(2))) for one in left])
    assert share_below(slow["web_vitals_lcp_seconds_bucket"], PAGE, le="2.5") == pytest.approx(both, abs=0.02)
    for name in ("inp_seconds", "fid_seconds", "cls"):
        assert slow[f"web_vitals_{name}_count"][(PAGE,)][-1] == slow["page_visits_total"][(PAGE,)][-1]


@pytest.mark.parametrize(
    ("name", "le", "law"),
    [("inp_seconds", "0.2", "interaction"), ("fid_seconds", "0.1", "first_input"), ("cls", "0.1", None)],
)
def test_web_vitals_follow_their_laws(month, name, le, law):
    web = month.world.platform.web
    median, sigma = (web.shift_median, web.shift_sigma) if law is None else (getattr(web, law).median, getattr(web, law).sigma)
    out = named(web_series(month.world, SLOTS, users(), 1))
    expected = 0.5 * math.erfc(-math.log(float(le) / median) / (sigma * math.sqrt(2)))
    count = out["page_visits_total"][(PAGE,)][-1]

    share = share_below(out[f"web_vitals_{name}_bucket"], PAGE, le=le)
    assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / count) ** 0.5)


def test_sessions_that_end_are_as_many_as_begin_and_last_as_stated(month):
    traffic = month.world.traffic
    out = named(session_durations(month.world, SLOTS, RATES, 1))
    count, total = out["user_session_duration_seconds_count"][()][-1], out["user_session_duration_seconds_sum"][()][-1]
    expected = 100.0 / traffic.requests_per_session * SLOTS.times[-1]

    assert abs(count - expected) < 4 * expected**0.5
    assert total / count == pytest.approx(traffic.session_length, rel=4 / count**0.5)
    longer = 1 - share_below(out["user_session_duration_seconds_bucket"], le="900.0")
    assert longer == pytest.approx(math.exp(-900 / traffic.session_length), abs=4 * (0.25 / count) ** 0.5)


def launched(month, **launch):
    grid = Grid(60.0, 7.0, 60 * DAY_S)
    slots = Slots(grid, 5)
    stated = {"new": Launch(at="2026-04-08T10:00", feature="clips", **launch)}
    world = month.world.model_copy(update={"delivery": month.world.delivery.model_copy(update={"launches": stated})})
    return world, slots


def calm_of(slots, failing=0.0):
    total = np.full(len(slots), 1000.0)
    key = (PAGE, "free")
    return Seen({key: total}, {key: total * failing}, {key: total * (1 - failing)}, {key: total})


def test_so_many_users_try_a_feature_in_a_week_and_keep_it_for_a_month_as_stated(month):
    world, slots = launched(month, tried_in_7d="20%", kept_at_30d="60%")
    out = named(adoption(world, slots, calm_of(slots), START, 1))
    key = ("clips", "new")
    at_s = 2 * DAY_S + 10 * HOUR_S
    week = int(np.searchsorted(slots.times, at_s + 7 * DAY_S)) - 1
    eligible = out["feature_users_eligible"][key]
    total = sum(tier.users for tier in world.tiers.values())

    assert (eligible == np.where(slots.times >= at_s, total, 0)).all()
    share = out["feature_users_tried_total"][key][week] / total
    assert share == pytest.approx(0.2, abs=4 * (0.16 / total) ** 0.5)
    seen_month, kept = out["feature_users_30d_total"][key][-1], out["feature_users_kept_30d_total"][key][-1]
    assert kept / seen_month == pytest.approx(0.6, abs=4 * (0.24 / seen_month) ** 0.5)
    assert (out["feature_users_active"][key] <= out["feature_users_tried_total"][key]).all()


def test_while_requests_fail_fewer_users_adopt(month):
    world, slots = launched(month, tried_in_7d="20%")
    good, bad = (named(adoption(world, slots, calm_of(slots, failing), START, 1)) for failing in (0.0, 0.5))
    week = int(np.searchsorted(slots.times, 9 * DAY_S + 10 * HOUR_S)) - 1
    total = sum(tier.users for tier in world.tiers.values())
    share = bad["feature_users_tried_total"]["clips", "new"][week] / total

    # Half of the tries count for nothing: the rate is half of that which gives 20 % in a week.
    assert share == pytest.approx(1 - 0.8**0.5, abs=4 * (0.1 / total) ** 0.5)
    assert share < good["feature_users_tried_total"]["clips", "new"][week] / total


def test_satisfaction_falls_with_failures_and_is_the_mean_of_what_was_answered(month):
    stated = month.world.platform.satisfaction
    scores = {
        failing: named(satisfaction(month.world, SLOTS, users(failing=failing), 1))["customer_satisfaction_score"][()][-1]
        for failing in (0.0, 0.01, 0.02)
    }
    answers = stated.per_day * 30

    # Whole stars between 1 and 5: a normal about the mean, rounded and cut.
    for failing, score in scores.items():
        z = np.random.default_rng(1).standard_normal(400_000)
        mean = stated.base - stated.per_bad_percent * 100 * failing
        given = np.clip(np.rint(mean + stated.sigma * z), 1, 5)
        assert score == pytest.approx(given.mean(), abs=4 * given.std() / answers**0.5)
    assert scores[0.0] > scores[0.01] > scores[0.02]


def test_batch_jobs_are_late_as_often_as_their_law_says(month):
    grid = Grid(60.0, 7.0, 300 * DAY_S)
    slots = Slots(grid, 5)
    batch = BatchJobs(deadline="16m")
    out = named(batch_jobs(platform_of(month, batch=batch), slots, np.full(len(grid), 7.0), 1))["batch_jobs_total"]
    late = 0.5 * math.erfc(math.log(batch.deadline / batch.duration.median) / (batch.duration.sigma * math.sqrt(2)))
    count = out[("late",)][-1] + out[("in_time",)][-1]

    assert count == pytest.approx(300 * 24, abs=3)
    assert out[("late",)][-1] / count == pytest.approx(late, abs=4 * (late * (1 - late) / count) ** 0.5)


def test_vulnerabilities_are_found_at_their_rate_and_fixed_after_their_time(month):
    grid = Grid(300.0, 7.0, 3000 * DAY_S)
    slots = Slots(grid, 12)
    out = named(vulnerabilities(month.world, grid, slots, 1))
    law = month.world.platform.vulnerability_fix
    for severity, factor in (("critical", 1), ("high", 5), ("medium", 15), ("low", 40)):
        found, fixed = (out[f"vulnerabilities_{what}_total"][(severity,)] for what in ("found", "fixed"))
        expected = grid.horizon_s / month.world.platform.vulnerability_every
        assert abs(found[-1] - expected) < 4 * expected**0.5 + 1
        assert (found >= fixed).all()
        # Little's law: open ones = rate x mean time to fix.
        mean_s = factor * law.median * math.exp(law.sigma**2 / 2)
        open_ = expected / grid.horizon_s * mean_s
        assert (found - fixed).mean() == pytest.approx(open_, rel=4 * 1.2 / expected**0.5 + mean_s / grid.horizon_s)


def effect_of(process, share, first, last=None):
    impact = Impact((MetricBreaks(process, share),))
    return ActiveEffect("x", impact, frozenset(), frozenset(), first, last)


def exported(month, **changes):
    world = platform_of(month, **changes)
    sessions = {tier: np.zeros(len(GRID), np.int32) for tier in TIERS}
    return Platform(world, GRID, RATES, sessions, start=START, seed=1, slot_bins=20)


@pytest.mark.parametrize(
    ("process", "metric"),
    [
        ("backup", "backup_verification_success_rate"),
        ("consistency", "consistency_check_success_rate"),
        ("scan", "security_scans"),
        ("corruption", "data_corruption_events"),
        ("certificate", "ssl_certificate_validity_days"),
    ],
)
def test_what_breaks_shows_in_its_metric_alone_and_not_before(month, process, metric):
    usual, broken = exported(month), exported(month)
    first, last = GRID.first_bin_from(10 * DAY_S), GRID.first_bin_from(13 * DAY_S)
    effect = effect_of(process, 1.0, first)
    assert broken.began(effect)
    effect.last = last
    assert broken.ended(effect)

    for one, other in zip(usual.series(), broken.series(), strict=True):
        assert one.key == other.key
        assert (one.values[:first] == other.values[:first]).all()
        assert (one.values == other.values).all() == (one.key.name != metric), str(one.key)
    assert not broken.began(ActiveEffect("y", Impact(()), frozenset(), frozenset(), 5))


def test_a_break_that_is_taken_back_early_leaves_what_a_short_one_leaves(month):
    """As the loop does it: first nobody knows the end, then it is known."""
    first, last = GRID.first_bin_from(10 * DAY_S), GRID.first_bin_from(11 * DAY_S)
    for process in ("backup", "consistency", "corruption", "certificate", "scan"):
        late, known = exported(month), exported(month)
        effect = effect_of(process, 0.7, first)
        late.began(effect)
        effect.last = last
        late.ended(effect)
        known._breaks["x"] = (Break(process, 0.7, GRID.start_of(first), GRID.start_of(last)),)
        known._rewrite(0)
        for one, other in zip(late.series(), known.series(), strict=True):
            np.testing.assert_array_equal(one.values, other.values, err_msg=f"{process} {one.key}")


def test_failed_backups_bring_the_rate_of_a_day_to_nothing(month):
    platform = exported(month)
    platform.began(effect_of("backup", 1.0, GRID.first_bin_from(10.5 * DAY_S)))
    [rate] = [one.values for one in platform.series() if one.key.name == "backup_verification_success_rate"]
    at = GRID.scraped_by(12 * DAY_S)

    assert rate[GRID.scraped_by(10.4 * DAY_S)] == 1.0
    assert rate[at] == 0.0


def test_a_certificate_is_renewed_in_time_or_expires_where_renewal_fails(month):
    grid = Grid(300.0, 7.0, 300 * DAY_S)
    good = certificate_days(month.world, grid, 1)
    never = certificate_days(platform_of(month, certificate_renewal_success=Decimal(0)), grid, 1)

    assert good.min() >= 35 - 0.01
    assert never[grid.times > 90 * DAY_S].max() == 0.0
    half = platform_of(month, certificate_renewal_success=Decimal("0.5"))
    least = [float(certificate_days(half, grid, seed).min()) for seed in range(100)]
    # Each of the five renewals is late by a geometric number of days, so the latest by about 2.8.
    assert 35 - np.mean(least) == pytest.approx(sum(1 - (1 - 0.5**k) ** 5 for k in range(1, 40)), abs=0.7)


def test_resources_follow_load_and_traffic(month):
    stated = Resources(memory_base="40%", memory_at_full_load="80%", storage_used="50%", storage_growth="10%")
    components = {"api": month.world.components["api"].model_copy(update={"resources": stated})}
    world = month.world.model_copy(update={"components": {**month.world.components, **components}})
    load = np.linspace(0.0, 1.0, len(GRID))
    out = named(resource_series(world, SLOTS, RATES, {"api": load}, {"api": np.full(len(GRID), 0.1)}))

    cpu, memory, storage = (out[f"component_{what}_utilization_ratio"][("api",)] for what in ("cpu", "memory", "storage"))
    np.testing.assert_allclose(memory, 0.4 + 0.4 * cpu + 0.1)
    assert cpu[len(SLOTS) // 2] == pytest.approx(0.5, abs=0.001)
    assert storage[-1] / 0.5 == pytest.approx(1.1, rel=1e-4)
    bare = world.model_copy(update={"components": {"api": components["api"].model_copy(update={"resources": None})}})
    assert named(resource_series(bare, SLOTS, RATES, {})) == {}


def test_a_load_test_offers_the_peak_and_nothing_between_tests(month):
    world = platform_of(month, load_test=LoadTest(starts="2026-04-07T03:00", lasts="15m"))
    more = load_test_rates(world, GRID, START, RATES)
    on = more > 0

    # Four Tuesdays and the last one of the thirty days, fifteen minutes each.
    assert on.sum() == 5 * 60
    assert (more[on] + RATES[on] == world.traffic.capacity_rps).all()
    offered, usual = (demand(one, GRID, START, 1).rates() for one in (world, month.world))
    assert offered[on] == pytest.approx(np.maximum(usual[on], world.traffic.capacity_rps))
    np.testing.assert_allclose(offered[~on], usual[~on], rtol=1e-12)


def test_slots_see_what_counters_grew_by_restarts_included():
    grid = Grid(15.0, 7.0, 3600.0)
    slots = Slots(grid, 4)
    rng = np.random.default_rng(1)
    counts = {code: rng.poisson(5.0, len(grid)) for code in ("200", "304", "404", "503")}
    series = []
    for code, of in counts.items():
        values = np.cumsum(of)
        values[80:] -= values[79]
        series.append(Series(SeriesKey.of("http_requests_total", route="/", tier="t", status_code=code), grid.times, values))
    found = seen(slots, series)

    sums = {code: of[: len(slots) * 4].reshape(-1, 4).sum(axis=1) for code, of in counts.items()}
    np.testing.assert_array_equal(found.requests["/", "t"], sum(sums.values()))
    np.testing.assert_array_equal(found.failed["/", "t"], sums["503"])
    np.testing.assert_array_equal(found.good["/", "t"], sums["200"] + sums["304"])


def test_a_run_exports_every_process_and_its_rates_are_worth_a_look(two_days):
    from workbench.run.month import run  # noqa: PLC0415 - only here a whole run is needed

    outcome = run(dataclasses.replace(two_days, clock=two_days.clock.model_copy(update={"horizon": 86_400.0})))
    names = set(outcome.telemetry.by_name)
    for name in (
        "support_tickets_opened_total", "support_response_seconds_bucket", "support_resolution_seconds_count", "page_visits_total",
        "web_vitals_lcp_seconds_bucket", "web_vitals_inp_seconds_bucket", "web_vitals_fid_seconds_bucket", "web_vitals_cls_bucket",
        "user_session_duration_seconds_sum", "customer_satisfaction_score", "batch_jobs_total", "vulnerabilities_found_total",
        "media_processing_duration_seconds_bucket",
    ):  # fmt: skip
        assert name in names
    assert float(outcome.telemetry.by_name["page_visits_total"][0].values[-1]) > 0
