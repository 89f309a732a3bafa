"""Worlds that are legal and unusual."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from workbench.alerts.timeline import timeline
from workbench.run.month import run
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.units import DAY_S, HOUR_S
from workbench.world.grid import Grid
from workbench.world.plan import draw_plan


def altered(scenario, *, horizon=6 * HOUR_S, clock=None, seed=3, **world):
    return dataclasses.replace(
        scenario,
        world=scenario.world.model_copy(update=world),
        clock=scenario.clock.model_copy(update={"horizon": horizon, **(clock or {})}),
        seed=seed,
    )


def holds(outcome):
    """What must hold of every run."""
    assert outcome.episodes == timeline(outcome.rules, outcome.telemetry, outcome.profile, outcome.horizon_s)
    totals: dict[tuple, np.ndarray] = {}
    for series in outcome.telemetry.by_name["http_requests_total"]:
        assert series.values.min() >= 0
        labels = series.key.label_map
        key = labels["route"], labels["tier"]
        totals[key] = totals.get(key, 0) + series.values.astype(np.int64)
    for series in outcome.telemetry.by_name["http_request_duration_seconds_count"]:
        np.testing.assert_array_equal(series.values, totals[series.key.label_map["route"], series.key.label_map["tier"]])


@pytest.mark.parametrize(
    "clock",
    [
        {"scrape_interval": 1.0, "scrape_phase": 0.0, "horizon": HOUR_S},
        {"scrape_interval": 7.0, "scrape_phase": 3.0},
        {"scrape_interval": 45.0, "scrape_phase": 40.0, "evaluation_interval": 20.0},
        {"scrape_interval": 60.0, "scrape_phase": 1.0, "evaluation_interval": 15.0, "prometheus": "2.42"},
        {"horizon": 6 * HOUR_S + 61.0},
        {"horizon": 30.0},
    ],
    ids=str,
)
def test_any_clock_gives_a_run_that_holds_together(two_days, clock):
    holds(run(altered(two_days, clock=clock)))


def test_counters_of_a_very_busy_system_do_not_overflow(two_days):
    traffic = two_days.world.traffic.model_copy(update={"mean_rps": 4e5, "capacity_rps": 9e5})
    delivery = two_days.world.delivery.model_copy(update={"per_working_day": 0.0})
    outcome = run(altered(two_days, horizon=18 * HOUR_S, clock={"scrape_interval": 60.0}, traffic=traffic, delivery=delivery))

    holds(outcome)
    assert max(int(s.values.max()) for s in outcome.telemetry.by_name["http_request_duration_seconds_count"]) > 2**31


def test_a_single_route_and_tier_without_failures_or_deployments_runs(two_days):
    world = two_days.world.model_dump(mode="json", by_alias=True)
    world["tiers"] = {"all": {"users": 10, "traffic_share": "100%"}}
    world["routes"] = {"/": {**world["routes"]["/api/v1/health"], "share": "100%", "codes": {}}}
    world["failure_modes"] = {}
    world["delivery"]["components"] = {}
    policy = two_days.policy.model_copy(
        update={
            "slos": {"all": two_days.policy.slos["application-availability"]},
            "slas": {},
            "burn_rate_alerts": {},
        }
    )
    scenario = dataclasses.replace(altered(two_days), world=World.model_validate(world), policy=policy)
    outcome = run(scenario)

    assert outcome.episodes == ()
    assert outcome.truth.incidents == ()
    assert outcome.truth.deployments == ()


def test_deployments_after_the_end_of_the_run_do_not_happen_in_it(two_days):
    delivery = two_days.world.delivery.model_copy(update={"per_working_day": 50.0})
    scenario = altered(two_days, horizon=6 * HOUR_S + 60, delivery=delivery)

    assert draw_plan(scenario.world, Grid(15, 7, scenario.clock.horizon), scenario.start, 1, slot_bins=20).deployments == ()


def test_a_code_that_fails_nobody_and_a_failure_that_looks_like_success_are_legal(two_days):
    effect = two_days.world.failure_modes["api-blip"].effect
    modes = {}
    for name, codes in (("none", {"500": "1", "502": "0"}), ("201", {"201": "1"})):
        own = effect.model_copy(update={"codes": {code: Decimal(share) for code, share in codes.items()}})
        modes[f"blip-{name}"] = two_days.world.failure_modes["api-blip"].model_copy(update={"effect": own, "every": 3600.0})
    holds(run(altered(two_days, failure_modes=modes)))


def test_a_policy_changes_nothing_outside_the_hours_in_which_it_acted(two_days):
    silent = {name: rule.model_copy(update={"page": False}) for name, rule in two_days.policy.burn_rate_alerts.items()}
    # Without restarts every difference of two values is a count of events.
    delivery = two_days.world.delivery.model_copy(update={"restarts_counters": False})
    days = altered(two_days, horizon=2 * DAY_S, seed=two_days.seed, delivery=delivery)
    acted = run(days)
    alone = run(dataclasses.replace(days, policy=two_days.policy.model_copy(update={"burn_rate_alerts": silent})))
    ends = {incident.id: incident.end_s for incident in alone.truth.incidents}
    spans = [(i.end_s, ends[i.id]) for i in acted.truth.incidents if ends[i.id] > i.end_s]
    assert spans
    for one, other in zip(acted.telemetry, alone.telemetry, strict=True):
        if one.key.name not in {"http_requests_total", "http_request_duration_seconds_bucket", "media_processing_completed_total"}:
            continue
        mine, theirs = (np.diff(series.values.astype(np.int64), prepend=0) for series in (one, other))
        differs = one.times[mine != theirs]
        # A piece of 20 scrapes is drawn together; media jobs are drawn by blocks of a day.
        reach = 24 * HOUR_S if one.key.name.startswith("media") else 600.0
        near = np.zeros(len(differs), dtype=bool)
        for begin, end in spans:
            near |= (differs >= begin - reach) & (differs <= end + reach)
        assert near.all(), str(one.key)


def test_every_incident_that_alerts_see_is_mitigated_while_somebody_works_on_its_routes(two_days):
    slow = Lognormal(median="5h", sigma=0.0)
    modes = {
        f"blip-{n}": two_days.world.failure_modes["api-blip"].model_copy(
            update={
                "every": 40_000.0,
                "duration": slow,
                "effect": two_days.world.failure_modes["api-blip"].effect.model_copy(
                    update={"ratio_median": Decimal("0.2"), "ratio_sigma": 0.0}
                ),
            }
        )
        for n in range(4)
    }
    outcome = run(altered(two_days, horizon=2 * DAY_S, failure_modes=modes))

    early = [i for i in outcome.truth.incidents if i.start_s < 1.7 * DAY_S]
    assert len(early) > 6
    assert all(i.mitigated_at_s is not None for i in early)


def test_an_escalated_page_is_answered_by_the_next_engineer(two_days):
    people = two_days.world.people.model_copy(update={"acknowledge": Lognormal(median="14m", sigma=1.0)})
    outcome = run(altered(two_days, horizon=2 * DAY_S, people=people))

    escalated = [page for page in outcome.truth.pages if page.escalated]
    assert escalated
    assert {page.engineer for page in escalated} == {"engineer-2"}
    assert {page.engineer for page in outcome.truth.pages if not page.escalated} <= {"engineer-1"}
