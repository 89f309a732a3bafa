"""What would happen whatever the policy: the incidents and deployments of a run, drawn before it starts.

Every draw comes from a stream named after the thing it belongs to, so a policy that shortens one incident leaves all others as
they were.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import Effect, ErrorEffect, FailureMode, World
from workbench.telemetry.series import FloatArray
from workbench.world.calendar import local_seconds, working_hours
from workbench.world.grid import Grid
from workbench.world.impact import ErrorsHappen, Impact, LatencyRises

_BURN_IN_GAPS = 20
"""A renewal process is started this many mean gaps before the run, so that the run sees it in its steady state."""
_HAZARD_STEP_S = 900.0


@dataclass(frozen=True)
class PlannedIncident:
    """One incident as it would run if nobody acted. Times lie on bin edges."""

    id: str
    mode: str
    component: str
    cause: str
    routes: tuple[str, ...]
    tiers: tuple[str, ...]
    start_s: float
    natural_end_s: float
    impact: Impact


@dataclass(frozen=True)
class PlannedDeployment:
    """One change; a bad one brings its incident along."""

    id: str
    component: str
    start_s: float
    end_s: float
    restarts: tuple[str, ...]
    """Routes whose counters begin again at 0 when it starts."""
    failure: PlannedIncident | None
    kind: str = "deployment"
    """`deployment`, `configuration`, `experiment`."""


@dataclass(frozen=True)
class Plan:
    """Everything exogenous, in order of time."""

    incidents: tuple[PlannedIncident, ...]
    """Those that no deployment caused."""
    deployments: tuple[PlannedDeployment, ...]


def draw_plan(world: World, grid: Grid, start: dt.datetime, seed: int, *, slot_bins: int = 1) -> Plan:
    """The incidents and deployments of one run. Deployments begin on slots of `slot_bins` bins."""
    incidents = [incident for name in sorted(world.failure_modes) for incident in _incidents(world, name, grid, start, seed)]
    incidents.sort(key=lambda incident: (incident.start_s, incident.id))
    from workbench.world.delivery.draw import draw_changes  # noqa: PLC0415 - it makes the values that this module defines

    return Plan(tuple(incidents), tuple(draw_changes(world, grid, start, seed, slot_bins)))


def routes_calling(world: World, component: str) -> tuple[str, ...]:
    """Routes that need a component, sorted."""
    return tuple(sorted(path for path, route in world.routes.items() if component in world.reached(path)))


def _incidents(world: World, name: str, grid: Grid, start: dt.datetime, seed: int) -> list[PlannedIncident]:
    mode = world.failure_modes[name]
    tiers = tuple(sorted(mode.tiers or world.tiers))
    out: list[PlannedIncident] = []
    for index, at_s in enumerate(_arrivals(mode, name, grid, start, seed)):
        start_s = grid.nearest_edge(at_s)
        if start_s >= grid.times[-1]:
            continue
        rng = stream(seed, "incident", name, index)
        impact = _impact(mode.effect, rng)
        end_s = _end_edge(grid, start_s + _lognormal(mode.duration, rng))
        out.append(
            PlannedIncident(
                id=f"{name}-{index + 1}",
                mode=name,
                component=mode.component,
                cause="failure",
                routes=routes_calling(world, mode.component),
                tiers=tiers,
                start_s=start_s,
                natural_end_s=end_s,
                impact=impact,
            )
        )
    return out


def _arrivals(mode: FailureMode, name: str, grid: Grid, start: dt.datetime, seed: int) -> FloatArray:
    """Start times of a renewal process with Weibull gaps, run in a time that passes faster during business hours."""
    rng = stream(seed, "arrivals", name)
    scale = mode.every / math.gamma(1 + 1 / mode.weibull_shape)
    horizon = grid.horizon_s
    gaps: list[FloatArray] = []
    reached, needed = 0.0, horizon + _BURN_IN_GAPS * mode.every
    while reached < needed:
        more = scale * rng.weibull(mode.weibull_shape, 64)
        gaps.append(more)
        reached += float(more.sum())
    operational = np.cumsum(np.concatenate(gaps)) - _BURN_IN_GAPS * mode.every
    operational = operational[operational > 0]
    pieces = np.arange(0.0, horizon + _HAZARD_STEP_S, _HAZARD_STEP_S)
    week = local_seconds(start, pieces[:-1] + _HAZARD_STEP_S / 2)
    # The factor is normalised over the week, so `every` stays the mean gap whatever the profile.
    busy_share = 5 * 12 / 168
    quiet = 1 / (1 - busy_share + busy_share * mode.business_hours_factor)
    hazard = np.where(working_hours(week, 8, 20), mode.business_hours_factor * quiet, quiet)
    elapsed = np.concatenate([[0.0], np.cumsum(hazard * _HAZARD_STEP_S)])
    inside = operational[operational < elapsed[-1]]
    times: FloatArray = np.interp(inside, elapsed, pieces)
    seen: FloatArray = times[times < grid.times[-1]]
    return seen


def _impact(effect: Effect, rng: np.random.Generator) -> Impact:
    z = float(rng.standard_normal())
    if isinstance(effect, ErrorEffect):
        ratio = min(1.0, float(effect.ratio_median) * math.exp(effect.ratio_sigma * z))
        codes = tuple((code, float(share)) for code, share in sorted(effect.codes.items()) if share > 0)
        return Impact((ErrorsHappen(ratio, codes),))
    return Impact((LatencyRises(1 + (effect.factor_median - 1) * math.exp(effect.factor_sigma * z)),))


def _lognormal(law: Lognormal, rng: np.random.Generator) -> float:
    return law.median * math.exp(law.sigma * float(rng.standard_normal()))


def _end_edge(grid: Grid, at_s: float) -> float:
    """The first bin edge at or after `at_s`; an incident lasts at least one bin."""
    return grid.start_of(grid.first_bin_from(at_s)) if at_s < grid.times[-1] else at_s
