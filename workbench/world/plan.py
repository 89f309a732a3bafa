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
from workbench.scenario.schema.world import World
from workbench.units import DAY_S
from workbench.world.failures.arrivals import Change
from workbench.world.failures.definition import drawn, of_effect, routes_touched
from workbench.world.failures.drawing import drawn_incidents, end_edge, scripted_incidents
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid
from workbench.world.impact import Impact

__all__ = ["Plan", "PlannedDeployment", "PlannedIncident", "draw_plan"]


@dataclass(frozen=True)
class PlannedDeployment:
    """One deployment; a bad one brings its incident along."""

    id: str
    component: str
    start_s: float
    end_s: float
    restarts: tuple[str, ...]
    """Routes whose counters begin again at 0 when it starts."""
    failure: PlannedIncident | None


@dataclass(frozen=True)
class Plan:
    """Everything exogenous, in order of time."""

    incidents: tuple[PlannedIncident, ...]
    """All but those of bad deployments."""
    deployments: tuple[PlannedDeployment, ...]


def draw_plan(world: World, grid: Grid, start: dt.datetime, seed: int, *, slot_bins: int = 1) -> Plan:
    """The incidents and deployments of one run. Deployments begin on slots of `slot_bins` bins."""
    deployments = tuple(_deployments(world, grid, start, seed, slot_bins))
    changes = [Change(one.id, "deployment", one.component, one.start_s) for one in deployments]
    incidents = [*scripted_incidents(world, grid, start, slot_bins=slot_bins)]
    for name in sorted(world.failure_modes):
        incidents += drawn_incidents(world, name, changes, grid, start, seed, slot_bins=slot_bins)
    incidents.sort(key=lambda incident: (incident.start_s, incident.id))
    return Plan(tuple(incidents), deployments)


def _deployments(world: World, grid: Grid, start: dt.datetime, seed: int, slot_bins: int) -> list[PlannedDeployment]:
    delivery = world.delivery
    names = sorted(delivery.components)
    weights = np.array([delivery.components[name] for name in names])
    out: list[PlannedDeployment] = []
    if not names:
        return out
    for day in range(math.ceil(grid.horizon_s / DAY_S) + 1):
        rng = stream(seed, "deployments", day)
        count = int(rng.poisson(delivery.per_working_day))
        hours = np.sort(rng.uniform(delivery.from_hour, delivery.to_hour, count))
        date = start.date() + dt.timedelta(days=day)
        if date.weekday() >= 5:
            continue
        for index, hour in enumerate(hours):
            at_s = _after(start, date, float(hour))
            if not 0 <= at_s < grid.times[-1]:
                continue
            own = stream(seed, "deployment", day, index)
            component = names[int(own.choice(len(names), p=weights / weights.sum()))]
            bad = own.random() < float(delivery.change_failure_rate)
            start_s = grid.start_of(round(grid.first_bin_from(float(at_s)) / slot_bins) * slot_bins)
            acts, spread = of_effect(delivery.failure)
            strength_z = float(own.standard_normal())
            impact = Impact(tuple(drawn(act, spread, strength_z) for act in acts))
            law = delivery.failure_duration
            lasts = law.median * math.exp(law.sigma * float(own.standard_normal()))
            if start_s >= grid.times[-1]:
                continue
            number = len(out) + 1
            failure = PlannedIncident(
                id=f"bad-deployment-{number}",
                mode="bad deployment",
                cause="change",
                components=(component,),
                routes=routes_touched(world, (component,)),
                tiers=tuple(sorted(world.tiers)),
                start_s=start_s,
                natural_end_s=end_edge(grid, start_s + lasts),
                impact=impact,
            )
            served = tuple(sorted(path for path, route in world.routes.items() if route.serving == component))
            out.append(
                PlannedDeployment(
                    id=f"deployment-{number}",
                    component=component,
                    start_s=start_s,
                    end_s=min(start_s + delivery.roll_out, grid.horizon_s),
                    restarts=served if delivery.restarts_counters else (),
                    failure=failure if bad else None,
                )
            )
    return out


def _after(start: dt.datetime, date: dt.date, hour: float) -> float:
    """Seconds from the start of the run to a local hour of a day, daylight saving time included."""
    clock = dt.datetime.combine(date, dt.time(), start.tzinfo) + dt.timedelta(hours=hour)
    return (clock.astimezone(dt.UTC) - start.astimezone(dt.UTC)).total_seconds()
