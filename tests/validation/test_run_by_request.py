"""A whole run request by request: the same world, the same names, the same incidents; what alerts do takes effect at once."""

import dataclasses
import itertools
from decimal import Decimal

import numpy as np
import pytest

from tests.support.places import ROOT
from workbench.errors import BadInput
from workbench.outcome import Outcome
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.incidents import ScriptedIncident
from workbench.units import DAY_S, HOUR_S
from workbench.world.driven import driven
from workbench.world.each.system import EachSystem


@pytest.fixture(scope="module")
def hours() -> Scenario:
    """Six hours of the starter, thin of traffic, in which much goes wrong."""
    week = load_scenario(ROOT / "scenarios/starter/scenario.yaml")
    modes = {
        name: mode.model_copy(update={"every": 2.0 * HOUR_S, "weibull_shape": 1.0, "business_hours_factor": 1.0})
        for name, mode in week.world.failure_modes.items()
    }
    errors = modes["api-errors"].effect
    assert errors is not None
    modes["api-errors"] = modes["api-errors"].model_copy(
        update={"effect": errors.model_copy(update={"ratio_median": Decimal("0.4")})}
    )
    people = week.world.people.model_copy(update={"mitigate": Lognormal(median="3m", sigma=0.3)})
    traffic = week.world.traffic.model_copy(update={"mean_rps": 3.0})
    delivery = week.world.delivery.model_copy(update={"per_working_day": 12.0, "from_hour": 0.0, "to_hour": 6.0})
    world = week.world.model_copy(update={"failure_modes": modes, "traffic": traffic, "delivery": delivery, "people": people})
    clock = week.clock.model_copy(update={"horizon": 6.0 * HOUR_S})
    return dataclasses.replace(week, world=world, clock=clock, seed=5, fidelity="request")


@pytest.fixture(scope="module")
def outcomes(hours: Scenario) -> dict[str, Outcome]:
    return {"request": run(hours), "aggregate": run(dataclasses.replace(hours, fidelity="aggregate"))}


def test_both_fidelities_meet_the_same_incidents_and_deployments(outcomes: dict[str, Outcome]) -> None:
    truths = [outcome.truth for outcome in outcomes.values()]
    assert truths[0] is not None
    assert truths[1] is not None
    begun = [[(one.id, one.start_s, one.natural_end_s, one.effect) for one in truth.incidents] for truth in truths]
    assert len(begun[0]) >= 4
    assert begun[0] == begun[1]
    assert truths[0].deployments == truths[1].deployments
    assert len(truths[0].deployments) >= 3


def test_every_series_of_the_aggregate_fidelity_is_there(outcomes: dict[str, Outcome]) -> None:
    keys = {fidelity: {series.key for series in outcome.telemetry} for fidelity, outcome in outcomes.items()}
    assert keys["aggregate"] - keys["request"] == set()
    # A request can time out although nothing in the other fidelity does.
    assert {str(key) for key in keys["request"] - keys["aggregate"] if dict(key.labels).get("status_code") != "504"} == set()


def test_buckets_codes_and_counts_add_up_at_every_scrape(outcomes: dict[str, Outcome]) -> None:
    telemetry = outcomes["request"].telemetry
    for count in telemetry.by_name["http_request_duration_seconds_count"]:
        labels = count.key.label_map
        codes = [one.values for one in telemetry.by_name["http_requests_total"] if one.key.label_map.items() >= labels.items()]
        buckets = [
            one for one in telemetry.by_name["http_request_duration_seconds_bucket"] if one.key.label_map.items() >= labels.items()
        ]
        assert np.array_equal(sum(codes), count.values)
        ordered = sorted(buckets, key=lambda one: float(one.key.label_map["le"]))
        assert all((low.values <= high.values).all() for low, high in itertools.pairwise(ordered))
        assert np.array_equal(ordered[-1].values, count.values)
        assert count.times is telemetry.by_name["http_requests_total"][0].times


def test_counters_begin_again_where_a_deployment_restarts_them(outcomes: dict[str, Outcome]) -> None:
    telemetry, truth = outcomes["request"].telemetry, outcomes["request"].truth
    assert truth is not None
    deployed = {one.start_s for one in truth.deployments if one.component == "api"}
    assert deployed
    for count in telemetry.by_name["http_request_duration_seconds_count"]:
        falls = np.flatnonzero(np.diff(count.values) < 0) + 1
        begins = {float(count.times[k - 1]) for k in falls}
        assert begins <= deployed
        assert len(begins) >= len(deployed) - 1, "one fall may hide where few requests are counted"


def test_pages_end_incidents(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["request"]
    assert outcome.truth is not None
    mitigated = [one for one in outcome.truth.incidents if one.mitigated_at_s is not None]
    assert mitigated
    for one in mitigated:
        assert one.paged_at_s is not None
        assert one.mitigated_at_s is not None
        assert one.paged_at_s < one.mitigated_at_s <= one.end_s <= one.mitigated_at_s + 15.0
        assert any(page.at_s == one.paged_at_s for page in outcome.truth.pages)


def test_both_fidelities_page_at_nearly_the_same_time(hours: Scenario) -> None:
    """One outage of 20 minutes, in which 40 % fail: each alert fires and resolves within two minutes of the other fidelity's."""
    outage = ScriptedIncident.model_validate(
        {"at": "after 30m", "lasts": "20m", "component": "api", "errors": "40%", "codes": {"503": "100%"}}
    )
    traffic = hours.world.traffic.model_copy(update={"mean_rps": 12.0})
    people = hours.world.people.model_copy(update={"acknowledge": Lognormal(median="5h", sigma=0), "escalate_after": 36_000.0})
    delivery = hours.world.delivery.model_copy(update={"per_working_day": 0.0})
    changed = {"failure_modes": {}, "incidents": (outage,), "traffic": traffic, "people": people, "delivery": delivery}
    world = hours.world.model_copy(update=changed)
    for seed in (1, 2, 3):
        scenario = dataclasses.replace(
            hours, world=world, seed=seed, clock=hours.clock.model_copy(update={"horizon": 2.0 * HOUR_S})
        )
        timelines = [
            {
                (one.alert, one.labels): (one.firing_at_s, one.resolved_at_s)
                for one in run(each).episodes
                if one.firing_at_s is not None
            }
            for each in (scenario, dataclasses.replace(scenario, fidelity="aggregate"))
        ]
        assert timelines[0].keys() == timelines[1].keys()
        assert timelines[0]
        for key, fired in timelines[0].items():
            for ours, theirs in zip(fired, timelines[1][key], strict=True):
                assert (ours is None) == (theirs is None)
                assert ours is None or theirs is None or abs(ours - theirs) <= 120.0


def test_errors_happen_while_incidents_do_and_at_no_other_time(outcomes: dict[str, Outcome], hours: Scenario) -> None:
    """Of the code that only one failure mode answers with."""
    outcome = outcomes["request"]
    assert outcome.truth is not None
    usual = {code for route in hours.world.routes.values() for code in route.codes}
    assert "503" not in usual
    causes = [one for one in outcome.truth.incidents if one.mode == "api-errors"]
    assert causes
    total = 0
    for series in outcome.telemetry.by_name["http_requests_total"]:
        if series.key.label_map["status_code"] == "503":
            risen = np.flatnonzero(np.diff(series.values, prepend=0) > 0)
            total += len(risen)
            for k in risen:
                begin, end = (series.times[k - 1] if k else 0.0), series.times[k]
                assert any(one.start_s < end and begin < one.end_s for one in causes)
    assert total > 10


def test_the_same_seed_gives_the_same_run(hours: Scenario) -> None:
    short = dataclasses.replace(hours, clock=hours.clock.model_copy(update={"horizon": 600.0}))
    first, second = (run(short).telemetry for _ in range(2))
    other = run(dataclasses.replace(short, seed=6)).telemetry
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a.values, b.values) for a, b in zip(first, other, strict=True))


def test_how_often_the_clock_stops_changes_nothing(hours: Scenario) -> None:
    short = dataclasses.replace(hours, clock=hours.clock.model_copy(update={"horizon": 1800.0}))
    often, once = (driven(short, {}, [15.0]) for _ in range(2))
    for stop in np.arange(0.0, 1800.0, 7.5):
        often.fill(float(stop))
    (a, truth_a), (b, truth_b) = often.finish(), once.finish()
    assert truth_a == truth_b
    assert all(np.array_equal(x.values, y.values) for x, y in zip(a, b, strict=True))


def test_too_long_or_too_busy_a_run_is_refused_with_what_is_allowed(hours: Scenario) -> None:
    long = dataclasses.replace(hours, clock=hours.clock.model_copy(update={"horizon": 30.0 * DAY_S}))
    busy = long.world.model_copy(update={"traffic": long.world.traffic.model_copy(update={"mean_rps": 2000.0})})
    with pytest.raises(BadInput) as raised:
        run(dataclasses.replace(long, world=busy))
    found = {problem.check: problem for problem in raised.value.problems}
    assert set(found) == {"world/too-long", "world/too-many-requests"}
    assert found["world/too-many-requests"].found == "5,183,994,067 expected requests"
    assert found["world/too-long"].allowed == "at most 2d"


def test_the_clock_stops_at_every_evaluation_of_every_group(hours: Scenario) -> None:
    system = driven(hours, {}, [15.0, 20.0])
    assert isinstance(system, EachSystem)
    stops = []
    for _ in range(8):
        stops.append(system.next_event_s)
        system.fill(system.next_event_s)
        assert system.now_s == stops[-1]
        system.happen()
    assert stops == [0, 15, 20, 30, 40, 45, 60, 75]
