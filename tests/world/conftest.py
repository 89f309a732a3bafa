import dataclasses

import pytest

from tests.support.places import ROOT
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Scenario
from workbench.units import DAY_S


@pytest.fixture(scope="session")
def month() -> Scenario:
    return load_scenario(ROOT / "scenarios/medianest/baseline.yaml")


@pytest.fixture(scope="session")
def two_days(month: Scenario) -> Scenario:
    """The reference world over two days, with failures often enough to be seen."""
    modes = {
        name: mode.model_copy(update={"every": mode.every / 15, "weibull_shape": 1.0})
        for name, mode in month.world.failure_modes.items()
    }
    world = month.world.model_copy(update={"failure_modes": modes})
    return dataclasses.replace(month, world=world, clock=month.clock.model_copy(update={"horizon": 2.0 * DAY_S}), seed=7)
