"""The changes of a run, drawn before it starts: deployments, changes of configuration, experiments.

Every draw comes from a stream named after the day and the change, so a gate that delays one leaves all others as they were.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.delivery import Profile
from workbench.scenario.schema.failures import ErrorEffect
from workbench.scenario.schema.world import WEEKDAYS, World
from workbench.units import DAY_S
from workbench.world.delivery.planned import PlannedDeployment
from workbench.world.failures.definition import routes_touched
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid
from workbench.world.impact import ErrorsHappen, Impact
from workbench.world.recurrence import occurrences

ROLLED_BACK = ("bad deployment", "bad configuration", "bad experiment")
"""Modes of incidents that a change brings along and that taking it back ends."""


def draw_changes(world: World, grid: Grid, start: dt.datetime, seed: int, slot_bins: int) -> list[PlannedDeployment]:
    """Every change of a run, each kind in order of time. Those that restart counters begin on slots of `slot_bins` bins."""
    return [
        *_deployments(world, grid, start, seed, slot_bins),
        *_configuration(world, grid, start, seed),
        *_experiments(world, grid, start, seed),
    ]


def _deployments(world: World, grid: Grid, start: dt.datetime, seed: int, slot_bins: int) -> Iterator[PlannedDeployment]:
    delivery = world.delivery
    number = 0
    for day, index, at_s in _times(delivery, delivery.deployments_a_day, grid, start, seed, "deployments"):
        own = stream(seed, "deployment", day, index)
        if not delivery.components:
            return
        component = _one_of(delivery.components, own)
        bad = own.random() < float(delivery.failure_rate)
        start_s = grid.start_of(round(grid.first_bin_from(at_s) / slot_bins) * slot_bins)
        impact = impact_of(delivery.failure, own)
        lasts = _lognormal(delivery.failure_duration, own)
        if start_s >= grid.times[-1]:
            continue
        number += 1
        served = tuple(sorted(path for path, route in world.routes.items() if route.serving == component))
        yield PlannedDeployment(
            id=f"deployment-{number}",
            component=component,
            start_s=start_s,
            end_s=min(start_s + delivery.roll_out, grid.horizon_s),
            restarts=served if delivery.restarts_counters else (),
            failure=_caused(world, grid, f"bad-deployment-{number}", "bad deployment", component, start_s, lasts, impact)
            if bad
            else None,
        )


def _configuration(world: World, grid: Grid, start: dt.datetime, seed: int) -> Iterator[PlannedDeployment]:
    changes = world.delivery.configuration
    if changes is None:
        return
    components = changes.components or world.delivery.components
    number = 0
    for day, index, at_s in _times(changes, changes.per_working_day, grid, start, seed, "configuration changes"):
        own = stream(seed, "configuration change", day, index)
        if not components:
            return
        component = _one_of(components, own)
        bad = own.random() < float(changes.change_failure_rate)
        impact = impact_of(changes.failure or world.delivery.failure, own)
        lasts = _lognormal(changes.failure_duration or world.delivery.failure_duration, own)
        start_s = grid.nearest_edge(at_s)
        if start_s >= grid.times[-1]:
            continue
        number += 1
        yield PlannedDeployment(
            id=f"configuration-{number}",
            component=component,
            start_s=start_s,
            end_s=start_s,
            restarts=(),
            failure=_caused(world, grid, f"bad-configuration-{number}", "bad configuration", component, start_s, lasts, impact)
            if bad
            else None,
            kind="configuration",
        )


def _experiments(world: World, grid: Grid, start: dt.datetime, seed: int) -> Iterator[PlannedDeployment]:
    """A bad variant fails its share of the traffic until the experiment ends or somebody ends it."""
    for name, experiment in sorted(world.delivery.experiments.items()):
        [*found] = occurrences(experiment.at, None, None, start=start, from_s=0.0, to_s=float(grid.times[-1]))
        for at_s in found:
            own = stream(seed, "experiment", name)
            bad = own.random() < float(experiment.chance_bad)
            impact = impact_of(experiment.failure or world.delivery.failure, own, share=float(experiment.share))
            start_s = grid.nearest_edge(at_s)
            if start_s >= grid.times[-1]:
                continue
            where = experiment.component
            yield PlannedDeployment(
                id=name,
                component=where,
                start_s=start_s,
                end_s=min(start_s + experiment.lasts, grid.horizon_s),
                restarts=(),
                failure=_caused(world, grid, f"bad-{name}", "bad experiment", where, start_s, experiment.lasts, impact)
                if bad
                else None,
                kind="experiment",
            )


def _times(
    profile: Profile, per_day: float, grid: Grid, start: dt.datetime, seed: int, name: str
) -> Iterator[tuple[int, int, float]]:
    """(day of the run, number on it, seconds from the start): a Poisson process whose rate follows hour and weekday.

    Days and hours are those of the local calendar, so a change of the clocks moves no deployment to another hour.
    """
    for day in range(math.ceil(grid.horizon_s / DAY_S) + 1):
        rng = stream(seed, name, day)
        date = start.date() + dt.timedelta(days=day)
        count = int(rng.poisson(per_day * profile.weekday(WEEKDAYS[date.weekday()])))
        if profile.hours is None:
            hours = np.sort(rng.uniform(profile.from_hour, profile.to_hour, count))
        else:
            reach = np.concatenate([[0.0], np.cumsum(profile.hours)])
            hours = np.sort(np.interp(rng.random(count) * reach[-1], reach, np.arange(25.0)))
        for index, hour in enumerate(hours):
            clock = dt.datetime.combine(date, dt.time(), start.tzinfo) + dt.timedelta(hours=float(hour))
            at_s = (clock.astimezone(dt.UTC) - start.astimezone(dt.UTC)).total_seconds()
            if 0 <= at_s < grid.times[-1]:
                yield day, index, at_s


def impact_of(effect: ErrorEffect, rng: np.random.Generator, share: float = 1.0) -> Impact:
    """What a bad change does to all requests when it reaches a share of the traffic."""
    z = float(rng.standard_normal())
    ratio = min(1.0, float(effect.ratio_median) * math.exp(effect.ratio_sigma * z))
    codes = tuple((code, float(part)) for code, part in sorted(effect.codes.items()) if part > 0)
    return Impact((ErrorsHappen(ratio * share, codes),))


def _caused(
    world: World, grid: Grid, name: str, mode: str, component: str, start_s: float, lasts_s: float, impact: Impact
) -> PlannedIncident:
    end_s = start_s + lasts_s
    return PlannedIncident(
        id=name,
        mode=mode,
        components=(component,),
        cause="change",
        routes=routes_touched(world, (component,)),
        tiers=tuple(sorted(world.tiers)),
        start_s=start_s,
        # The first edge at or after the end; an incident lasts at least one bin.
        natural_end_s=grid.start_of(grid.first_bin_from(end_s)) if end_s < grid.times[-1] else end_s,
        impact=impact,
    )


def _one_of(weights: dict[str, float], rng: np.random.Generator) -> str:
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _lognormal(law: Lognormal, rng: np.random.Generator) -> float:
    return law.median * math.exp(law.sigma * float(rng.standard_normal()))
