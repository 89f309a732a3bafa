"""Demand as it shows in telemetry: labels of segments and bots, the same for every policy, each preset runs."""

import dataclasses

import numpy as np
import pytest

from tests.support.places import ROOT
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.traffic import Bot, Segment, Traffic, Variability
from workbench.scenario.traffic_presets import PRESETS
from workbench.units import HOUR_S


@pytest.fixture(scope="module")
def starter():
    return load_scenario(ROOT / "scenarios/starter/scenario.yaml")


def hours(scenario, count, traffic=None, tiers=None, **world):
    """The scenario over so many hours, with other traffic."""
    changed = {"failure_modes": {}, **world}
    changed |= {"traffic": traffic} if traffic is not None else {}
    changed |= {"tiers": tiers} if tiers is not None else {}
    clock = scenario.clock.model_copy(update={"horizon": count * HOUR_S})
    return dataclasses.replace(scenario, world=scenario.world.model_copy(update=changed), clock=clock)


def requests(outcome, **labels):
    """Requests of the run whose labels are these."""
    total = 0.0
    for series in outcome.telemetry:
        have = series.key.label_map
        if series.key.name == "http_requests_total" and all(have.get(name, "") == value for name, value in labels.items()):
            total += float(series.values[-1])
    return total


@pytest.mark.parametrize(("fidelity", "count"), [("aggregate", 6), ("request", 0.3)])
def test_segments_and_bots_are_labels_of_their_own(starter, fidelity, count):
    tier = starter.world.tiers["everyone"].model_copy(
        update={"segments": {"app": Segment(share="80%"), "web": Segment(share="20%")}}
    )
    bot = Bot(tier="everyone", mean_rps=4, codes={"404": "25%"})
    traffic = starter.world.traffic.model_copy(update={"bots": {"crawler": bot}})
    scenario = dataclasses.replace(hours(starter, count, traffic, {"everyone": tier}), fidelity=fidelity)
    outcome = run(scenario)
    usual, crawled = 20 * count * HOUR_S, 4 * count * HOUR_S
    for segment, due in (("app", 0.8 * usual), ("web", 0.2 * usual), ("crawler", crawled)):
        assert requests(outcome, segment=segment) == pytest.approx(due, abs=4 * due**0.5 + 0.01 * due), segment
    lost = requests(outcome, segment="crawler", status_code="404")
    assert lost == pytest.approx(0.25 * crawled, abs=5 * (0.25 * crawled) ** 0.5)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_each_preset_runs_and_leaves_the_same_trace_for_the_same_seed(starter, preset):
    traffic = Traffic.model_validate({"preset": preset, "mean_rps": 3, "capacity_rps": 40})
    one, again = (run(hours(starter, 4, traffic)) for _ in range(2))
    assert requests(one) > 0
    for a, b in zip(one.telemetry, again.telemetry, strict=True):
        assert a.key == b.key
        assert np.array_equal(a.values, b.values, equal_nan=True)


def test_another_policy_meets_the_same_demand(two_days):
    traffic = two_days.world.traffic.model_copy(update={"variability": Variability(spread=0.4, common="50%")})
    world = two_days.world.model_copy(update={"traffic": traffic})
    scenario = dataclasses.replace(two_days, world=world)
    silent = scenario.policy.model_copy(update={"burn_rate_alerts": {}, "slos": {}})
    one, other = run(scenario), run(dataclasses.replace(scenario, policy=silent))
    seen, others = ({str(series.key): series for series in outcome.telemetry} for outcome in (one, other))
    sessions = [key for key in seen if key.startswith("user_sessions_active")]
    assert len(sessions) == 4
    assert all(np.array_equal(seen[key].values, others[key].values) for key in sessions)
    # Where nobody acted, requests are the same; somewhere somebody did.
    totals = [key for key in seen if key.startswith("http_requests_total")]
    same = [np.mean(np.diff(seen[key].values) == np.diff(others[key].values)) for key in totals if key in others]
    assert np.mean(same) > 0.9
    assert any(page.acknowledged_at_s is not None for page in one.truth.pages)
    assert not other.truth.pages
