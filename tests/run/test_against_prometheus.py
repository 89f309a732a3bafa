"""Whole runs and replays against the real rule manager: every transition at every evaluation instant."""

import dataclasses

import pytest

from tests.support.places import ROOT, SHARED
from tests.support.promtool_timeline import our_transitions, real_transitions
from workbench.run.month import run
from workbench.run.replay import replay
from workbench.scenario.load import load_policy
from workbench.units import HOUR_S

RECORDED = ROOT / "scenarios/recorded"


def _read_by_rules(outcome):
    text = " ".join(rule.expr for group in outcome.rules for rule in group.rules)
    return [series for series in outcome.telemetry if series.key.name + "{" in text or series.key.name + "[" in text]


def test_the_replayed_boutique_has_the_timeline_of_a_real_prometheus(tmp_path):
    history = SHARED / "data/online-boutique-faults/requests.csv.gz"
    if not history.is_file():
        pytest.skip("the recorded histories are not beside the checkout")
    outcome = replay(history, load_policy(RECORDED / "policy.yaml"), route="frontend", prometheus="2.42")

    [slo] = outcome.slos
    assert slo.budget.consumed_share == pytest.approx(5.84, abs=0.005)
    assert (slo.total, slo.total - slo.good) == (619_389, 3_620)
    until = int(max(series.times[-1] for series in outcome.telemetry))
    real = real_transitions(tmp_path, outcome.rules, _read_by_rules(outcome), every_s=60, until_s=until)
    assert our_transitions(outcome.episodes) == real
    assert len(real) > 20


def test_the_shipped_history_has_the_timeline_of_a_real_prometheus(tmp_path):
    outcome = replay(
        RECORDED / "five-days-simulated.csv.gz",
        load_policy(RECORDED / "policy.yaml"),
        route="/api/v1/auth/login",
        prometheus="2.42",
    )

    until = int(max(series.times[-1] for series in outcome.telemetry))
    real = real_transitions(tmp_path, outcome.rules, _read_by_rules(outcome), every_s=60, until_s=until)
    assert our_transitions(outcome.episodes) == real
    assert real


def test_a_simulated_run_with_restarts_and_pages_has_the_timeline_of_a_real_prometheus(tmp_path, busy_days):
    """Sixteen series of a low-traffic route, restarted every few minutes: first errors, clamps and resets all the time."""
    delivery = busy_days.world.delivery.model_copy(update={"per_working_day": 80.0, "from_hour": 0.0, "to_hour": 24.0})
    modes = {name: mode.model_copy(update={"every": mode.every / 40}) for name, mode in busy_days.world.failure_modes.items()}
    tiers = {"premium": busy_days.world.tiers["premium"], "free": busy_days.world.tiers["free"]}
    one = type(tiers["free"].traffic_share)("0.5")
    world = busy_days.world.model_copy(
        update={
            "delivery": delivery,
            "failure_modes": modes,
            "tiers": {name: tier.model_copy(update={"traffic_share": one}) for name, tier in tiers.items()},
        }
    )
    policy = busy_days.policy.model_copy(update={"slos": {"media-upload": busy_days.policy.slos["media-upload"]}, "slas": {}})
    clock = busy_days.clock.model_copy(update={"horizon": 4.0 * HOUR_S, "prometheus": "2.42"})
    outcome = run(dataclasses.replace(busy_days, world=world, policy=policy, clock=clock, seed=2))

    real = real_transitions(tmp_path, outcome.rules, _read_by_rules(outcome), every_s=15, until_s=4 * HOUR_S)
    assert our_transitions(outcome.episodes) == real
    assert len(outcome.truth.deployments) > 5
    assert real
