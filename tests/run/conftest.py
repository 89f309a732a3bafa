import dataclasses
from decimal import Decimal

import pytest

from tests.support.places import ROOT
from workbench.outcome import Outcome
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Scenario
from workbench.units import DAY_S


@pytest.fixture(scope="session")
def busy_days() -> Scenario:
    """The reference world over three days in which enough goes wrong to page somebody."""
    month = load_scenario(ROOT / "scenarios/medianest/baseline.yaml")
    modes = {
        name: mode.model_copy(update={"every": mode.every / 12, "weibull_shape": 1.0})
        for name, mode in month.world.failure_modes.items()
    }
    delivery = month.world.delivery.model_copy(update={"per_working_day": 5.0, "change_failure_rate": Decimal("0.3")})
    world = month.world.model_copy(update={"failure_modes": modes, "delivery": delivery})
    return dataclasses.replace(month, world=world, clock=month.clock.model_copy(update={"horizon": 3.0 * DAY_S}), seed=11)


@pytest.fixture(scope="session")
def busy_outcome(busy_days: Scenario) -> Outcome:
    return run(busy_days)
