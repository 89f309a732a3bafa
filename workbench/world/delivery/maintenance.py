"""Maintenance windows: planned work by a calendar, and what users notice of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from workbench.scenario.schema.world import World
from workbench.world.failures.definition import routes_touched
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid
from workbench.world.impact import ErrorsHappen, Impact
from workbench.world.recurrence import occurrences
from workbench.world.truth import MaintenanceWindow


def maintenance_windows(world: World, grid: Grid, start: dt.datetime) -> tuple[MaintenanceWindow, ...]:
    """Every window that overlaps the run, by start, then name. Times lie on bin edges, the first at 0 at the earliest."""
    out = []
    for name, window in world.delivery.maintenance.items():
        routes = set(window.routes)
        for component in window.components:
            routes.update(routes_touched(world, (component,)))
        begun = occurrences(
            window.starts, window.rule, window.timezone, start=start, from_s=-window.lasts, to_s=float(grid.times[-1])
        )
        for number, at_s in enumerate(begun, start=1):
            end_s = at_s + window.lasts
            if end_s <= 0:
                continue
            first = grid.nearest_edge(at_s)
            last = grid.nearest_edge(end_s) if end_s < grid.times[-1] else end_s
            if first < last:
                out.append(MaintenanceWindow(f"{name}-{number}", name, first, last, window.effect, tuple(sorted(routes))))
    return tuple(sorted(out, key=lambda one: (one.start_s, one.id)))


def noticed(world: World, windows: Iterable[MaintenanceWindow]) -> tuple[PlannedIncident, ...]:
    """What users notice of the windows, as overlays of cause `planned`: nobody is called to end them."""
    out = []
    for window in windows:
        stated = world.delivery.maintenance[window.name]
        if stated.effect == "nothing" or not window.routes:
            continue
        out.append(
            PlannedIncident(
                id=f"maintenance {window.id}",
                mode="maintenance",
                components=tuple(sorted(stated.components)),
                cause="planned",
                routes=window.routes if stated.effect == "down" else tuple(sorted(stated.routes)),
                tiers=tuple(sorted(world.tiers)),
                start_s=window.start_s,
                natural_end_s=window.end_s,
                impact=Impact((ErrorsHappen(1.0, ((stated.code, 1.0),)),)),
            )
        )
    return tuple(out)
