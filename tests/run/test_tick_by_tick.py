"""The run against the plainest loop there is: one evaluation after the other, nothing looked ahead."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.engine import RuleEngine
from workbench.alerts.renaming import Renaming
from workbench.alerts.rules import Profile
from workbench.alerts.subjects import Subjects
from workbench.alerts.vocabulary import SIMULATED
from workbench.control.paging import pages, tickets
from workbench.run import month as module
from workbench.run.month import bounds_read, run
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.failures import FailureMode
from workbench.units import HOUR_S
from workbench.world.system import System

HOURS = 6


def by_ticks(scenario):
    """Episodes, telemetry and truth of a run in which the world and the engine take every step together."""
    clock, policy = scenario.clock, scenario.policy
    routes = tuple(sorted(scenario.world.routes))
    profile = Profile(clock.prometheus, clock.scrape_interval, clock.evaluation_interval, clock.scrape_phase)
    vocabulary = Renaming(policy.metrics).vocabulary(SIMULATED)
    groups = rule_groups(policy, routes, vocabulary, history_s=clock.horizon)
    system = System(scenario, bounds_read(policy, routes, vocabulary))
    subjects = Subjects(policy, groups, routes, vocabulary)
    engine = RuleEngine(groups, system.telemetry(), profile)
    ticks = 0
    for tick_s in np.arange(0.0, clock.horizon, clock.evaluation_interval).tolist():
        while system.next_event_s < tick_s:
            assert not system.fill(system.next_event_s)
            system.happen()
        assert not system.fill(tick_s)
        system.wait_until(tick_s)
        transitions = engine.look_ahead(tick_s)
        if transitions:
            for command in (*pages(policy, transitions, subjects), *tickets(policy, transitions, subjects)):
                system.apply(command)
        ticks += 1
    while system.next_event_s < clock.horizon:
        system.fill(system.next_event_s)
        system.happen()
    return engine.episodes(), *system.finish(), ticks


@pytest.fixture(scope="module")
def eventful(busy_days):
    gap = FailureMode.model_validate(
        {"library": "monitoring-gap", "every": "4h", "weibull_shape": 3.0, "duration": {"median": "6m", "sigma": 0.2}}
    )
    blip = busy_days.world.failure_modes["api-blip"]
    strong = blip.model_copy(
        update={
            "every": 4000.0,
            "duration": Lognormal(median="5h", sigma=0.0),
            "effect": blip.effect.model_copy(update={"ratio_median": Decimal("0.2"), "ratio_sigma": 0.0}),
        }
    )
    world = busy_days.world.model_copy(update={"failure_modes": {**busy_days.world.failure_modes, "gap": gap, "strong": strong}})
    return dataclasses.replace(busy_days, world=world, clock=busy_days.clock.model_copy(update={"horizon": HOURS * HOUR_S}))


@pytest.fixture(scope="module")
def stepped(eventful):
    return by_ticks(eventful)


def test_the_log_is_to_the_bit_that_of_a_loop_over_every_tick(eventful, stepped):
    episodes, telemetry, truth, ticks = stepped
    outcome = run(eventful)

    assert ticks == HOURS * 240
    assert outcome.episodes == episodes
    assert outcome.truth == truth
    assert any(incident.mitigated_at_s is not None for incident in truth.incidents)
    for one, other in zip(outcome.telemetry, telemetry, strict=True):
        assert one.key == other.key
        assert one.values.tobytes() == other.values.tobytes(), str(one.key)
        assert one.times.tobytes() == other.times.tobytes(), str(one.key)


def test_the_loop_sees_an_engine_that_keeps_what_was_rewritten(eventful, stepped, monkeypatch):
    monkeypatch.setattr(module.RuleEngine, "invalidate", lambda _: None)

    assert run(eventful).episodes != stepped[0]
