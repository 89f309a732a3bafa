"""When incidents begin: a renewal process over the week, or whatever is changed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.delivery import Profile
from workbench.scenario.schema.failures import FailureMode, WeeklyProfile
from workbench.scenario.schema.world import WEEKDAYS, World
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds, working_hours
from workbench.world.delivery.planned import PlannedDeployment
from workbench.world.grid import Grid

_BURN_IN_GAPS = 20
"""A renewal process is started this many mean gaps before the run, so that the run sees it in its steady state."""
_HAZARD_STEP_S = 900.0
_BUSY_SHARE = 5 * 12 / 168


def renewals(mode: FailureMode, weekly: WeeklyProfile | None, name: str, grid: Grid, start: dt.datetime, seed: int) -> FloatArray:
    """Start times of a renewal process with Weibull gaps, run in a time that passes faster when incidents are more frequent.

    The profile is normalised over the week, so the mean gap is `every` whatever it is.
    """
    every = mode.every
    if every is None:
        return np.empty(0)
    rng = stream(seed, "arrivals", name)
    scale = every / math.gamma(1 + 1 / mode.weibull_shape)
    horizon = grid.horizon_s
    gaps: list[FloatArray] = []
    pieces = np.arange(0.0, horizon + _HAZARD_STEP_S, _HAZARD_STEP_S)
    week = local_seconds(start, pieces[:-1] + _HAZARD_STEP_S / 2)
    elapsed = np.concatenate([[0.0], np.cumsum(hazard(mode, weekly, week) * _HAZARD_STEP_S)])
    reached, needed = 0.0, float(elapsed[-1]) + _BURN_IN_GAPS * every
    while reached < needed:
        more = scale * rng.weibull(mode.weibull_shape, 64)
        gaps.append(more)
        reached += float(more.sum())
    operational = np.cumsum(np.concatenate(gaps)) - _BURN_IN_GAPS * every
    inside = operational[(operational > 0) & (operational < elapsed[-1])]
    times: FloatArray = np.interp(inside, elapsed, pieces)
    seen: FloatArray = times[times < grid.times[-1]]
    return seen


def hazard(mode: FailureMode, weekly: WeeklyProfile | None, week_s: FloatArray) -> FloatArray:
    """How often it begins at seconds of the local week, as a multiple of the mean over the week, `[len(week_s)]`."""
    if weekly is None:
        quiet = 1 / (1 - _BUSY_SHARE + _BUSY_SHARE * mode.business_hours_factor)
        busy: FloatArray = np.where(working_hours(week_s, 8, 20), mode.business_hours_factor * quiet, quiet)
        return busy
    days, hours = _days(weekly), np.array(weekly.hours)
    relative: FloatArray = days[(week_s // DAY_S).astype(np.int64)] * hours[(week_s % DAY_S // HOUR_S).astype(np.int64)]
    multiple: FloatArray = relative / (days.mean() * hours.mean())
    return multiple


def triggered(
    mode: FailureMode, name: str, changes: Iterable[PlannedDeployment], probability: float, seed: int
) -> Iterator[PlannedDeployment]:
    """The changes that trigger a mode; each decides for itself, so one more or less leaves all others as they were."""
    for change in changes:
        concerns = not mode.changes_of or change.component in mode.changes_of
        if concerns and stream(seed, "triggered", name, change.id).random() < probability:
            yield change


def trigger_probability(world: World, mode: FailureMode) -> float:
    """Of a change that concerns the mode to trigger it.

    Where it is not stated: with f the world's `change_fraction`, R the rate of all modes that come by themselves and B that of
    what changes cause anyway (bad deployments, modes with a stated probability), the modes without one share R x f / (1 - f) - B
    alike, each over the changes that concern it. Never more than 1.
    """
    if mode.probability is not None:
        return float(mode.probability)
    changing = [one for one in world.failure_modes.values() if one.arrival == "changes"]
    own = sum(DAY_S / one.every for one in world.failure_modes.values() if one.every is not None)
    fraction = float(world.change_fraction)
    needed = own * fraction / (1 - fraction)
    needed -= sum(rate * bad for _, rate, bad in _kinds(world))
    needed -= sum(float(one.probability) * _concerned(world, one) for one in changing if one.probability is not None)
    sharing = sum(one.probability is None for one in changing)
    concerned = _concerned(world, mode)
    return min(1.0, max(0.0, needed / sharing / concerned)) if concerned > 0 else 0.0


def triggered_a_day(world: World, mode: FailureMode) -> float:
    """Mean number of incidents a day of a mode that changes trigger."""
    return trigger_probability(world, mode) * _concerned(world, mode)


def _concerned(world: World, mode: FailureMode) -> float:
    """Mean number of changes a day that concern a mode."""
    out = 0.0
    for components, a_day, _ in _kinds(world):
        total = sum(components.values())
        concerned = sum(weight for name, weight in components.items() if not mode.changes_of or name in mode.changes_of)
        out += a_day * concerned / total if total else 0.0
    return out


def _kinds(world: World) -> Iterator[tuple[Mapping[str, float], float, float]]:
    """Deployments, then changes of configuration: weights of the components, mean number a day, share that is bad."""
    delivery = world.delivery
    yield (
        delivery.components,
        delivery.deployments_a_day * _mean_day(delivery) if delivery.components else 0.0,
        float(delivery.failure_rate),
    )
    changes = delivery.configuration
    if changes is not None and (components := changes.components or delivery.components):
        yield components, changes.per_working_day * _mean_day(changes), float(changes.change_failure_rate)


def _mean_day(profile: Profile) -> float:
    """Changes on a mean day of the week, as a multiple of those on a working day."""
    return sum(profile.weekday(day) for day in WEEKDAYS) / len(WEEKDAYS)


def _days(weekly: WeeklyProfile) -> FloatArray:
    return np.array([weekly.weekdays.get(day, 1.0) for day in WEEKDAYS])
