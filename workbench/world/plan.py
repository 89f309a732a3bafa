"""What would happen whatever the policy: the incidents and deployments of a run, drawn before it starts.

Every draw comes from a stream named after the thing it belongs to, so a policy that shortens one incident leaves all others as
they were.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from workbench.scenario.schema.world import World
from workbench.world.delivery.draw import draw_changes
from workbench.world.delivery.planned import PlannedDeployment
from workbench.world.failures.drawing import drawn_incidents, scripted_incidents, with_triggered
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid

__all__ = ["Plan", "PlannedDeployment", "PlannedIncident", "draw_plan"]


@dataclass(frozen=True)
class Plan:
    """Everything exogenous, in order of time."""

    incidents: tuple[PlannedIncident, ...]
    """All but those that changes cause."""
    deployments: tuple[PlannedDeployment, ...]


def draw_plan(world: World, grid: Grid, start: dt.datetime, seed: int, *, slot_bins: int = 1) -> Plan:
    """The incidents and changes of one run. Deployments begin on slots of `slot_bins` bins."""
    changes = draw_changes(world, grid, start, seed, slot_bins)
    incidents = [*scripted_incidents(world, grid, start, slot_bins=slot_bins)]
    for name in sorted(world.failure_modes):
        incidents += drawn_incidents(world, name, grid, start, seed, slot_bins=slot_bins)
    incidents.sort(key=lambda incident: (incident.start_s, incident.id))
    return Plan(tuple(incidents), with_triggered(world, changes, grid, seed, slot_bins=slot_bins))
