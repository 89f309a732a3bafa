"""Every mode of the library passes what makes it one."""

import dataclasses
import re
from typing import get_args

import numpy as np
import pytest
import yaml

from tests.support.places import ROOT
from tests.world.failures.conftest import plan_of, world_of
from workbench.outcome import Outcome
from workbench.run.month import run
from workbench.scenario.compose import Composer
from workbench.scenario.schema.strengths import BREAKS, NEEDS_COMPONENT, LibraryMode, Strengths
from workbench.scenario.schema.world import World
from workbench.scenario.tree import plain
from workbench.units import DAY_S
from workbench.world.failures.catalogue import page
from workbench.world.failures.definition import of_mode
from workbench.world.failures.registry import all_modes
from workbench.world.impact import (
    CacheCools,
    CapacityFalls,
    ErrorsHappen,
    LatencyRises,
    MemoryGrows,
    MetricBreaks,
    ScrapesMissing,
    TrafficRises,
)

NAMES = sorted(all_modes())
FIELDS = {
    ErrorsHappen: {"errors", "codes"},
    LatencyRises: {"latency"},
    CapacityFalls: {"capacity_lost"},
    CacheCools: {"cache_hits"},
    TrafficRises: {"traffic", "traffic_codes"},
    ScrapesMissing: {"scrapes_missing"},
    MemoryGrows: {"memory"},
    MetricBreaks: {"breaks"},
}
TWICE_A_DAY = {"every": "12h", "weibull_shape": 1}


def stated(name, **more):
    return {"library": name, **({"component": "database"} if name in NEEDS_COMPONENT else {}), **TWICE_A_DAY, **more}


def test_the_library_holds_what_the_schema_names():
    assert set(NAMES) == set(get_args(LibraryMode))


@pytest.mark.parametrize("name", NAMES)
def test_a_mode_documents_each_parameter_and_nothing_else(name):
    known = all_modes()[name]
    wanted = set().union(*(FIELDS[type(act)] for act in known.mode.acts))
    assert set(known.mode.parameters) == wanted
    assert wanted <= set(Strengths.model_fields)
    assert len(known.documentation) > 60
    assert known.mode.onset.endswith(".")
    assert known.mode.moves
    assert f"## {name}\n\n{known.documentation}" in page()
    assert (name in BREAKS) == any(isinstance(act, MetricBreaks) for act in known.mode.acts)
    for act in known.mode.acts:
        for codes in (getattr(act, "codes", ()),):
            assert not codes or sum(share for _, share in codes) == pytest.approx(1)
            assert list(codes) == sorted(codes)


@pytest.mark.parametrize("name", NAMES)
def test_a_mode_is_a_pure_function_of_its_seed(quiet, name):
    plans = [plan_of(quiet, modes={"m": stated(name)}, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


@pytest.mark.parametrize("name", NAMES)
def test_a_mode_survives_a_month_in_which_it_never_happens(quiet, name):
    assert plan_of(quiet, modes={"m": stated(name, every="200w", weibull_shape=5)}, days=1).incidents == ()


@pytest.mark.parametrize("name", NAMES)
def test_incidents_of_a_mode_do_what_it_says_on_bin_edges(quiet, name):
    plan = plan_of(quiet, modes={"m": stated(name)}, days=60)
    mode = all_modes()[name].mode
    assert len(plan.incidents) > 40
    for incident in plan.incidents:
        assert incident.impact.acts
        assert {type(act) for act in incident.impact.acts} <= {type(act) for act in mode.acts}
        assert str(incident.impact)
        assert (incident.start_s - 7.5) % 15 == pytest.approx(0) or incident.start_s == 0
        assert incident.natural_end_s > incident.start_s
        assert incident.mode == "m"
        assert bool(incident.restarts) <= mode.restarts
    # Of the whole system, since nothing but a component is named where it must be.
    ratios = [act.ratio for one in plan.incidents for act in one.impact.acts if isinstance(act, ErrorsHappen)]
    assert all(0 < ratio <= 1 for ratio in ratios)
    starts = np.array([one.start_s for one in plan.incidents])
    assert (np.diff(starts) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_half_of_the_incidents_last_longer_than_the_median(quiet, name):
    law = all_modes()[name].mode.duration
    plans = [plan_of(quiet, modes={"m": stated(name)}, seed=seed) for seed in range(6)]
    lasting = [one.natural_end_s - one.start_s for plan in plans for one in plan.incidents]
    logs = np.log(np.array(lasting) / law.median_s)
    rounding = (300 if all_modes()[name].mode.restarts else 15) / law.median_s
    assert abs(np.median(logs)) < 4 * 1.2533 * law.sigma / len(logs) ** 0.5 + rounding


@pytest.mark.parametrize("name", NAMES)
def test_a_stated_strength_replaces_that_of_the_library(quiet, name):
    values = {
        "errors": ("7%", ErrorsHappen, "ratio", 0.07),
        "latency": ("x9", LatencyRises, "factor", 9),
        "capacity_lost": ("33%", CapacityFalls, "share", 0.33),
        "cache_hits": ("40%", CacheCools, "factor", 0.4),
        "traffic": (5, TrafficRises, "factor", 5),
        "scrapes_missing": ("11%", ScrapesMissing, "share", 0.11),
        "memory": ("22%", MemoryGrows, "share", 0.22),
    }
    for field, (text, kind, attribute, value) in values.items():
        mode = world_of(quiet, modes={"m": stated(name, **{"component": "database", field: text})}).failure_modes["m"]
        acts = of_mode(quiet.world, mode).acts
        assert [getattr(act, attribute) for act in acts if isinstance(act, kind)] == [value]


SEEN = ["total-outage", "partial-outage", "error-ratio", "latency", "dependency-outage", "bad-deploy", "bad-configuration",
        "maintenance-overrun", "certificate-expiry", "regional-failure", "slow-leak", "retry-storm"]  # fmt: skip


def outcome(quiet, incidents) -> Outcome:
    """Half a day in which nobody is quick enough to end anything."""
    clock = quiet.clock.model_copy(update={"horizon": 0.25 * DAY_S})
    slow = quiet.world.people.acknowledge.model_copy(update={"median": 1e6})
    people = quiet.world.people.model_copy(update={"acknowledge": slow})
    return run(dataclasses.replace(quiet, clock=clock, world=world_of(quiet, incidents=incidents, people=people)))


@pytest.fixture(scope="module")
def undisturbed(quiet):
    return outcome(quiet, [])


@pytest.mark.parametrize("name", SEEN)
def test_a_mode_moves_what_users_see(quiet, undisturbed, name):
    """Against the same hours without it; the other modes act on what load, telemetry and platform compute."""
    component = {"component": "api"} if name in NEEDS_COMPONENT else {}
    disturbed = outcome(quiet, [{"at": "after 1h", "lasts": "4h", "library": name, **component}])
    slo = "api-response-time" if name == "latency" else "application-availability"
    with_it, without = (next(one for one in each.slos if one.name == slo).sli for each in (disturbed, undisturbed))
    assert with_it < without - 0.001


@pytest.mark.parametrize("name", ["failures.md", "failure-modes.md"])
def test_examples_of_the_pages_are_valid(quiet, name):
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    usual = quiet.world.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for text in examples:
        composer = Composer("example.yaml")
        for event in yaml.parse(text):
            composer.take(event)
        assert not composer.problems
        World.model_validate(usual | plain(composer.roots[0]))
