import dataclasses

import pytest

from workbench.scenario.schema.failures import FailureMode
from workbench.scenario.schema.incidents import ScriptedIncident
from workbench.scenario.schema.world import World
from workbench.world.grid import Grid
from workbench.world.plan import draw_plan


@pytest.fixture(scope="session")
def quiet(month):
    """The reference world in which nothing fails and nothing is deployed."""
    delivery = month.world.delivery.model_copy(update={"per_working_day": 0.0})
    return dataclasses.replace(month, world=month.world.model_copy(update={"failure_modes": {}, "delivery": delivery}))


def world_of(scenario, *, modes=(), incidents=(), **more) -> World:
    """The scenario's world with these failures; checked as if they had been read."""
    update = {
        "failure_modes": {name: FailureMode.model_validate(mode) for name, mode in dict(modes).items()},
        "incidents": tuple(ScriptedIncident.model_validate(one) for one in incidents),
        **more,
    }
    return scenario.world.model_copy(update=update)


def plan_of(scenario, *, seed=1, days=30, step=15, **parts):
    grid = Grid(step, step / 2, days * 86400.0)
    return draw_plan(world_of(scenario, **parts), grid, scenario.start, seed, slot_bins=20)
