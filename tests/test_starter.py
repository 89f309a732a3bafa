"""The starter is valid, explains every field, and says true things about defaults."""

import re
import typing

import pytest
import yaml
from pydantic import BaseModel

from tests.support.places import ROOT
from workbench.scenario.schema.components import called
from workbench.scenario.schema.policy import BudgetLevels, Policy
from workbench.scenario.schema.scenario import ScenarioFile
from workbench.scenario.schema.world import Platform, World

EXAMPLE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
STARTER = ROOT / "scenarios" / "starter"
FILES = {"scenario.yaml": ScenarioFile, "world.yaml": World, "policy.yaml": Policy}


def read(name):
    return yaml.safe_load((STARTER / name).read_text())


def models_in(annotation):
    """Every model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def fields_of(model, seen):
    """Names, as written, of every field of a model and of the models within it."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield field.alias or name
        for part in models_in(field.annotation):
            yield from fields_of(part, seen)


@pytest.mark.parametrize("name", FILES)
def test_each_file_fits_its_model(name):
    assert FILES[name].model_validate(read(name)).name == "starter"


@pytest.mark.parametrize("name", FILES)
def test_each_field_of_the_schema_stands_in_the_starter_or_in_an_example_of_the_pages(name):
    pages = sorted((ROOT / "docs").glob("*.md"))
    text = (STARTER / name).read_text() + "".join(part for page in pages for part in EXAMPLE.findall(page.read_text()))
    missing = [field for field in fields_of(FILES[name], set()) if f"{field}:" not in text]

    assert missing == []


def test_what_the_starter_calls_defaults_are_the_defaults():
    assert World.model_validate(read("world.yaml")).platform == Platform()
    assert Policy.model_validate(read("policy.yaml")).budget_levels == BudgetLevels()


def test_the_stated_budget_shares_are_factor_times_window_over_period():
    policy = Policy.model_validate(read("policy.yaml"))
    for slo in policy.slos.values():
        for rule in policy.burn_rate_alerts.values():
            assert float(rule.budget_share) == pytest.approx(rule.factor * rule.long / slo.window, rel=1e-12)


def test_every_name_that_the_starter_refers_to_exists():
    world, policy = World.model_validate(read("world.yaml")), Policy.model_validate(read("policy.yaml"))
    scenario = ScenarioFile.model_validate(read("scenario.yaml"))
    components, tiers, alerts = world.components.keys(), world.tiers.keys(), policy.burn_rate_alerts.keys()

    assert (STARTER / scenario.world).is_file()
    assert (STARTER / scenario.policy).is_file()
    assert {part for route in world.routes.values() for part in called(route.calls)} <= components
    assert {mode.component for mode in world.failure_modes.values()} | world.delivery.components.keys() <= components
    assert {tier for mode in world.failure_modes.values() for tier in mode.tiers} | policy.slas.keys() <= tiers
    assert {name for slo in policy.slos.values() for name in slo.alerts or ()} <= alerts
    assert sum(route.share for route in world.routes.values()) == 1
    assert sum(tier.traffic_share for tier in world.tiers.values()) == 1
    assert policy.slos["checkout-latency"].indicator.threshold in world.histogram.bounds
