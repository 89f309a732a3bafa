"""Monitoring gaps: what is lost, what is not, and that alerts see them as they see a recorded gap."""

import dataclasses
import itertools

import numpy as np
import pytest

from workbench.alerts.timeline import timeline
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.run.month import run
from workbench.scenario.schema.failures import FailureMode
from workbench.telemetry.series import is_stale
from workbench.units import HOUR_S
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import Impact, ScrapesMissing
from workbench.world.scrapes import missing

COUNT = "http_request_duration_seconds_count"


def with_gaps(scenario, **mode):
    gap = FailureMode.model_validate(
        {"library": "monitoring-gap", "every": "3h", "weibull_shape": 3.0, "duration": {"median": "12m", "sigma": 0.2}, **mode}
    )
    modes = {**scenario.world.failure_modes, "gap": gap}
    return dataclasses.replace(
        scenario,
        world=scenario.world.model_copy(update={"failure_modes": modes}),
        clock=scenario.clock.model_copy(update={"horizon": 10 * HOUR_S}),
        seed=5,
    )


@pytest.fixture(scope="module")
def gapped(two_days):
    outcome = run(with_gaps(two_days))
    gaps = [incident for incident in outcome.truth.incidents if incident.mode == "gap"]
    assert gaps
    return outcome, gaps


def test_no_sample_lies_in_a_gap_but_the_marker_that_begins_it(gapped):
    outcome, gaps = gapped
    for series in outcome.telemetry.by_name[COUNT]:
        touching = [gap for gap in gaps if series.key.label_map["route"] in gap.routes]
        inside = np.zeros(len(series.times), bool)
        for gap in touching:
            inside |= (series.times > gap.start_s) & (series.times <= gap.end_s)
        edges = sorted((gap.start_s, gap.end_s) for gap in touching)
        apart = 1 + sum(begin > end for (_, end), (begin, _) in itertools.pairwise(edges))
        assert inside.sum() == apart
        np.testing.assert_array_equal(is_stale(series.values.astype(float)), inside)


def test_what_happened_in_a_gap_is_in_the_first_sample_after_it(two_days):
    """A gap takes samples and nothing else: all others are those of the world without it."""
    # Nobody is paged, so a gap cannot change when an incident is mitigated either.
    rules = {name: rule.model_copy(update={"page": False}) for name, rule in two_days.policy.burn_rate_alerts.items()}
    whole = with_gaps(dataclasses.replace(two_days, policy=two_days.policy.model_copy(update={"burn_rate_alerts": rules})))
    modes = {name: mode for name, mode in whole.world.failure_modes.items() if name != "gap"}
    outcome = run(whole)
    without = run(dataclasses.replace(whole, world=whole.world.model_copy(update={"failure_modes": modes})))
    assert any(incident.mode == "gap" for incident in outcome.truth.incidents)
    for one, other in zip(outcome.telemetry.by_name[COUNT], without.telemetry.by_name[COUNT], strict=True):
        there = ~np.isnan(one.values)
        at = np.searchsorted(other.times, one.times[there])
        np.testing.assert_array_equal(one.values[there], other.values[at])


def test_alerts_of_the_run_are_those_of_its_telemetry_read_again(gapped):
    outcome, _ = gapped

    assert outcome.episodes == timeline(outcome.rules, outcome.telemetry, outcome.profile, outcome.horizon_s)


def test_an_instant_selector_sees_nothing_in_a_gap_and_everything_beside_it(gapped):
    outcome, gaps = gapped
    gap = next(gap for gap in gaps if gap.end_s - gap.start_s > 120)
    evaluator = Evaluator(outcome.telemetry, outcome.profile)
    vector = evaluator.evaluate(parse(f"count({COUNT})"), np.array([gap.start_s - 1.0, gap.start_s + 60.0, gap.end_s + 60.0]))
    silent = len([s for s in outcome.telemetry.by_name[COUNT] if s.key.label_map["route"] in gap.routes])
    everyone = len(outcome.telemetry.by_name[COUNT])
    seen = np.where(vector.present[0], vector.values[0], 0) if len(vector.values) else np.zeros(3)
    np.testing.assert_array_equal(seen, [everyone, everyone - silent, everyone])


@pytest.mark.parametrize("share", [0.25, 0.7])
def test_a_share_of_scrapes_is_lost_and_a_prefix_does_not_depend_on_what_follows(share):
    grid = Grid(15.0, 7.0, 5 * 86_400.0)
    effect = ActiveEffect("g", Impact((ScrapesMissing(share),)), frozenset({"/"}), frozenset({"a"}), 100, 20_100)
    whole = missing("/", [effect], grid, 0, len(grid), seed=3)

    assert not whole[:100].any()
    assert not whole[20_100:].any()
    lost = whole[100:20_100].sum()
    assert abs(lost - 20_000 * share) < 5 * (20_000 * share * (1 - share)) ** 0.5
    for low, high in ((0, 150), (150, 3000), (3000, len(grid))):
        np.testing.assert_array_equal(missing("/", [effect], grid, low, high, seed=3), whole[low:high])
    assert not missing("/other", [effect], grid, 0, len(grid), seed=3).any()
