import dataclasses

import numpy as np
import pytest

from workbench.world.grid import Grid
from workbench.world.plan import draw_plan


def _plans(scenario, seeds, days=30):
    grid = Grid(15, 7, days * 86400.0)
    return [draw_plan(scenario.world, grid, scenario.start, seed, slot_bins=20) for seed in seeds]


def test_incidents_come_as_often_as_their_mode_says(month):
    plans = _plans(month, range(200))
    for name, mode in month.world.failure_modes.items():
        counts = np.array([sum(i.mode == name for i in plan.incidents) for plan in plans])
        expected = 30 * 86400 / mode.every
        assert abs(counts.mean() - expected) < 4 * counts.std(ddof=1) / len(plans) ** 0.5 + 0.02 * expected


def test_gaps_are_burstier_than_poisson_where_the_shape_is_below_one(month):
    mode = month.world.failure_modes["api-blip"].model_copy(update={"every": 7200.0, "weibull_shape": 0.8})
    world = month.world.model_copy(update={"failure_modes": {"api-blip": mode}})
    [plan] = _plans(dataclasses.replace(month, world=world), [1], days=365)

    gaps = np.diff([i.start_s for i in plan.incidents])
    # Coefficient of variation of a Weibull law with shape 0.8.
    assert gaps.std() / gaps.mean() == pytest.approx(1.261, abs=0.08)


def test_business_hours_see_more_incidents_by_the_stated_factor(month):
    mode = month.world.failure_modes["database-overload"].model_copy(
        update={"every": 3600.0, "weibull_shape": 1.0, "business_hours_factor": 3.0}
    )
    world = month.world.model_copy(update={"failure_modes": {"database-overload": mode}})
    [plan] = _plans(dataclasses.replace(month, world=world), [1], days=364)

    hour_of_week = np.array([(i.start_s / 3600 + 48) % 168 for i in plan.incidents])
    busy = (hour_of_week < 120) & (hour_of_week % 24 >= 8) & (hour_of_week % 24 < 20)
    ratio = (busy.sum() / 60) / ((~busy).sum() / 108)
    assert ratio == pytest.approx(3.0, rel=0.12)
    assert len(plan.incidents) == pytest.approx(364 * 24, rel=0.05)


def test_durations_have_the_stated_median(month):
    durations = [
        (i.natural_end_s - i.start_s) for plan in _plans(month, range(150)) for i in plan.incidents if i.mode == "api-blip"
    ]
    logs = np.log(durations) - np.log(300)
    # Ends are rounded up to the next scrape, 7.5 s on average.
    assert abs(np.median(logs)) < 4 * 1.2533 * 0.9 / len(logs) ** 0.5 + 0.03


def test_deployments_happen_on_working_days_and_fail_as_often_as_stated(month):
    deployments = [d for plan in _plans(month, range(120)) for d in plan.deployments]

    for deployment in deployments:
        hour_of_week = (deployment.start_s / 3600 + 48) % 168
        assert hour_of_week < 120
        assert 8.9 < hour_of_week % 24 < 17.1
    count, rate = len(deployments), float(month.world.delivery.change_failure_rate)
    failed = sum(d.failure is not None for d in deployments)
    assert abs(failed - rate * count) < 4 * (count * rate * (1 - rate)) ** 0.5
    expected = 120 * 22 * month.world.delivery.per_working_day
    assert abs(count - expected) < 4 * expected**0.5


def test_deployments_begin_on_slots_so_that_no_slot_holds_a_restart(month):
    grid = Grid(15, 7, 30 * 86400.0)
    for plan in _plans(month, range(5)):
        for deployment in plan.deployments:
            assert grid.first_bin_from(deployment.start_s) % 20 == 0


def test_switching_one_failure_mode_off_leaves_all_others_as_they_were(month):
    modes = {k: v for k, v in month.world.failure_modes.items() if k != "cache-flush"}
    without = dataclasses.replace(month, world=month.world.model_copy(update={"failure_modes": modes}))

    [full], [part] = _plans(month, [1]), _plans(without, [1])

    assert [i for i in full.incidents if i.mode != "cache-flush"] == list(part.incidents)
    assert full.deployments == part.deployments
