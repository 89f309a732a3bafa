import dataclasses

import pytest

from tests.support.places import ROOT
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.components import CallSpec
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


LATENCIES = {
    "/api/v1/auth/login": ("90ms", 0.5), "/api/v1/media/upload": ("800ms", 0.5), "/api/v1/media/download": ("160ms", 0.55),
    "/api/v1/media/stream": ("120ms", 0.55), "/api/v1/media/process": ("300ms", 0.6), "/api/v1/dashboard": ("400ms", 0.55),
    "/api/v1/library": ("300ms", 0.65), "/api/v1/search": ("190ms", 0.95), "/api/v1/health": ("8ms", 0.5),
    "/api/v1/admin": ("220ms", 0.6),
}  # fmt: skip


@pytest.fixture(scope="session")
def untimed(two_days: Scenario) -> Scenario:
    """The same days where components take no time: every route has one lognormal latency of its own."""
    world = two_days.world
    components = {
        name: part.model_copy(update={"service": None, "calls": (), "autoscaler": None}) for name, part in world.components.items()
    }
    routes = {
        path: route.model_copy(
            update={
                "calls": tuple(CallSpec(component=name) for name in world.reached(path)),
                "latency": Lognormal(median=LATENCIES[path][0], sigma=LATENCIES[path][1]),
            }
        )
        for path, route in world.routes.items()
    }
    return dataclasses.replace(two_days, world=world.model_copy(update={"components": components, "routes": routes}))
