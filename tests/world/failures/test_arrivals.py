"""When incidents begin, against theory."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from tests.world.failures.conftest import plan_of, world_of
from workbench.scenario.schema.delivery import ConfigurationChanges
from workbench.world.failures.arrivals import trigger_probability, triggered_a_day

ERRORS = {"component": "database", "errors": "5%", "duration": "blip"}


def starts(plan):
    return np.array([one.start_s for one in plan.incidents])


def caused(plan):
    return [one for change in plan.deployments for one in change.triggers]


def test_a_poisson_mode_has_counts_of_mean_and_variance_as_stated(quiet):
    counts = [
        len(plan_of(quiet, seed=seed, modes={"m": {**ERRORS, "every": "12h", "weibull_shape": 1}}).incidents) for seed in range(150)
    ]
    assert abs(np.mean(counts) - 60) < 4 * (60 / 150) ** 0.5
    # The variance of a sample variance of Poisson counts is about 2 x 60^2 / 150.
    assert abs(np.var(counts, ddof=1) - 60) < 4 * (2 * 60**2 / 150) ** 0.5


@pytest.mark.parametrize(("shape", "cv"), [(0.5, 2.2361), (0.8, 1.2605), (2.0, 0.5227)])
def test_weibull_gaps_have_the_stated_mean_and_the_spread_of_their_shape(quiet, shape, cv):
    gaps = np.diff(starts(plan_of(quiet, days=1500, step=60, modes={"m": {**ERRORS, "every": "2h", "weibull_shape": shape}})))
    assert gaps.mean() == pytest.approx(7200, abs=4 * gaps.std() / len(gaps) ** 0.5)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.06)


def test_githubs_profile_has_its_ratios_of_days_and_hours(quiet):
    plan = plan_of(quiet, days=7 * 300, step=60, modes={"m": {**ERRORS, "every": "1h", "weibull_shape": 1, "weekly": "github"}})
    hour = (starts(plan) / 3600 + 48) % 168  # the run begins on a Wednesday
    weekday, weekend = (hour < 120).sum() / 5, (hour >= 120).sum() / 2
    busy, calm = ((hour % 24 >= low) & (hour % 24 < low + 4) for low in (16, 4))

    def near(found, expected, *counts):
        return abs(found / expected - 1) < 4 * sum(1 / count for count in counts) ** 0.5

    assert near(weekday / weekend, 69.4 / 14.5, weekday * 5, weekend * 2)
    assert near(busy.sum() / calm.sum(), 3.5, busy.sum(), calm.sum())
    assert abs(len(hour) - 300 * 168) < 4 * (300 * 168) ** 0.5


def test_nothing_happens_in_hours_and_on_days_that_are_zero(quiet):
    weekly = {"hours": [0] * 9 + [1] + [0] * 14, "weekdays": {"sat": 0, "sun": 0}}
    plan = plan_of(quiet, days=140, modes={"m": {**ERRORS, "every": "1d", "weekly": weekly}})
    hour = (starts(plan) / 3600 + 48) % 168
    assert len(hour) > 60
    # Begins are moved to the nearest scrape, up to 7.5 s.
    assert ((hour % 24 > 8.99) & (hour % 24 < 10.01) & (hour < 120)).all()


def test_short_runs_at_busy_hours_see_all_their_incidents(quiet):
    modes = {
        "m": {
            **ERRORS,
            "every": "5m",
            "weibull_shape": 1,
            "weekly": {"weekdays": dict.fromkeys(("mon", "tue", "thu", "fri", "sat", "sun"), 0)},
        }
    }
    counts = [len(plan_of(quiet, days=1, seed=seed, modes=modes).incidents) for seed in range(10)]
    # The first day is the Wednesday, and all of the week's incidents fall on it.
    assert abs(np.mean(counts) - 7 * 288) < 4 * (7 * 288 / 10) ** 0.5


def deploying(quiet, **delivery):
    world = quiet.world.model_copy(update={"delivery": quiet.world.delivery.model_copy(update=delivery)})
    return dataclasses.replace(quiet, world=world)


def test_each_change_triggers_a_mode_with_its_probability_and_only_changes_of_its_components(quiet):
    busy = deploying(quiet, per_working_day=20.0, components={"api": 3.0, "auth": 1.0})
    modes = {
        "m": {"component": "database", "library": "bad-deploy", "arrival": "changes", "probability": "10%", "changes_of": ["auth"]}
    }
    plans = [plan_of(busy, seed=seed, days=60, modes=modes) for seed in range(10)]
    changes = [change for plan in plans for change in plan.deployments]
    of_auth = [change for change in changes if change.component == "auth"]
    struck = [change for change in changes if change.triggers]
    assert all(change.component == "auth" for change in struck)
    n = len(of_auth)
    assert abs(len(struck) - 0.1 * n) < 4 * (n * 0.09) ** 0.5
    for change in struck:
        [incident] = change.triggers
        assert (incident.start_s, incident.cause, incident.components) == (change.start_s, "change", ("database",))
    assert not any(plan.incidents for plan in plans)


@pytest.mark.parametrize("fraction", ["50%", "60%", "80%"])
def test_changes_cause_the_stated_share_of_all_incidents(quiet, fraction):
    configuration = ConfigurationChanges.model_validate({"per_working_day": 2, "change_failure_rate": "3%"})
    busy = deploying(quiet, per_working_day=6.0, configuration=configuration)
    modes = {
        "own": {**ERRORS, "every": "2d", "weibull_shape": 1},
        "deploy": {"library": "bad-deploy", "component": "api", "arrival": "changes"},
        "config": {"library": "bad-configuration", "arrival": "changes", "changes_of": ["api", "auth"]},
    }
    assert world_of(busy, modes=modes).change_fraction == Decimal("0.6")
    stated = float(fraction.rstrip("%")) / 100
    plans = [plan_of(busy, seed=seed, days=56, modes=modes, change_fraction=stated) for seed in range(60)]
    own = [len(plan.incidents) for plan in plans]
    by_change = [sum(change.failure is not None for change in plan.deployments) + len(caused(plan)) for plan in plans]
    total = np.sum(own) + np.sum(by_change)
    assert abs(np.sum(by_change) / total - stated) < 4 * (stated * (1 - stated) / total) ** 0.5
    daily = [sum(one.mode == name for plan in plans for one in caused(plan)) for name in ("deploy", "config")]
    assert abs(daily[0] - daily[1]) < 4 * sum(daily) ** 0.5


def test_a_share_that_changes_cannot_reach_leaves_their_probability_at_one(quiet):
    world = world_of(
        deploying(quiet, per_working_day=0.1),
        modes={"own": {**ERRORS, "every": "1h"}, "m": {"library": "bad-deploy", "component": "api", "arrival": "changes"}},
    )
    assert trigger_probability(world, world.failure_modes["m"]) == 1
    assert triggered_a_day(world, world.failure_modes["m"]) == pytest.approx(0.1 * 5 / 7)


def test_a_mode_more_or_changed_leaves_all_others_as_they_were(quiet):
    busy = deploying(quiet, per_working_day=6.0)
    modes = {
        "a": {**ERRORS, "every": "2d"},
        "b": {"library": "noisy-neighbour", "component": "api", "every": "1d"},
        "c": {"library": "bad-deploy", "component": "api", "arrival": "changes", "probability": "20%"},
    }
    full = plan_of(busy, modes=modes)
    for name, mode in modes.items():
        part = plan_of(busy, modes={key: mode for key, mode in modes.items() if key != name})
        changed = plan_of(busy, modes=modes | {name: mode | {"shape": "flapping", "hosts": "10%"}})

        def of(plan, name=name):
            return [one for one in (*plan.incidents, *caused(plan)) if one.mode != name]

        assert of(part) == of(full) == of(changed)
        assert [(one.id, one.start_s) for one in (*full.incidents, *caused(full))] == [
            (one.id, one.start_s) for one in (*changed.incidents, *caused(changed))
        ]


@pytest.mark.parametrize(("name", "median", "sigma"), [("blip", 300, 0.9), ("announced", 3600, 1.1), ("provider", 7200, 1.6)])
def test_durations_by_class_have_their_median_and_spread(quiet, name, median, sigma):
    plan = plan_of(quiet, days=2000, step=15, modes={"m": {**ERRORS, "every": "1d", "duration": name}})
    logs = np.log([one.natural_end_s - one.start_s for one in plan.incidents])
    n = len(logs)
    assert abs(np.median(logs) - np.log(median)) < 4 * 1.2533 * sigma / n**0.5 + 15 / median
    assert abs(logs.std() - sigma) < 4 * sigma / (2 * n) ** 0.5 + 0.02


def test_incidents_of_two_modes_and_of_one_draw_independently(quiet):
    stated = {"component": "database", "errors": "1%", "spread": 0.5, "duration": "announced", "every": "6h", "weibull_shape": 1}
    plan = plan_of(quiet, days=400, modes={"a": stated, "b": stated})
    of = {name: [one for one in plan.incidents if one.mode == name] for name in "ab"}
    n = min(map(len, of.values()))
    lasting = {name: np.log([one.natural_end_s - one.start_s for one in mine[:n]]) for name, mine in of.items()}
    ratios = {name: np.log([one.impact.acts[0].ratio for one in mine[:n]]) for name, mine in of.items()}
    pairs = [
        (lasting["a"], lasting["b"]),
        (ratios["a"], ratios["b"]),
        (lasting["a"], ratios["a"]),
        (ratios["a"][1:], ratios["a"][:-1]),
    ]
    for one, other in pairs:
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / len(one) ** 0.5
    assert ratios["a"].std() == pytest.approx(0.5, abs=4 * 0.5 / (2 * n) ** 0.5)
