"""The incidents of a run: drawn, triggered by changes, scripted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.world.delivery.planned import PlannedDeployment
from workbench.world.failures.arrivals import renewals, trigger_probability, triggered
from workbench.world.failures.definition import Definition, library_name, of_mode, of_scripted
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid


def drawn_incidents(
    world: World, name: str, grid: Grid, start: dt.datetime, seed: int, *, slot_bins: int
) -> Iterator[PlannedIncident]:
    """All incidents of one failure mode that come by themselves; none of a mode that changes trigger."""
    mode = world.failure_modes[name]
    definition = of_mode(world, mode)
    for index, at_s in enumerate(renewals(mode, definition.weekly, name, grid, start, seed)):
        start_s = grid.nearest_edge(float(at_s))
        if start_s < grid.times[-1]:
            rng = stream(seed, "incident", name, index)
            yield _drawn(definition, f"{name}-{index + 1}", name, "failure", grid, start_s, rng, slot_bins)


def with_triggered(
    world: World, changes: Sequence[PlannedDeployment], grid: Grid, seed: int, *, slot_bins: int
) -> tuple[PlannedDeployment, ...]:
    """The changes with the incidents that they set off; experiments set off none."""
    causes: dict[str, list[PlannedIncident]] = {}
    able = [change for change in changes if change.kind != "experiment"]
    for name, mode in sorted(world.failure_modes.items()):
        if mode.arrival != "changes":
            continue
        definition = of_mode(world, mode)
        for change in triggered(mode, name, able, trigger_probability(world, mode), seed):
            rng = stream(seed, "incident", name, change.id)
            identity = f"{name}-of-{change.id}"
            incident = _drawn(definition, identity, name, "change", grid, change.start_s, rng, slot_bins)
            causes.setdefault(change.id, []).append(incident)
    return tuple(replace(change, triggers=tuple(causes.get(change.id, ()))) for change in changes)


def scripted_incidents(world: World, grid: Grid, start: dt.datetime, *, slot_bins: int) -> Iterator[PlannedIncident]:
    """Those that stand in the world, or in a list that it names, if they overlap the run."""
    for index, incident in enumerate(world.incidents):
        definition = of_scripted(world, incident)
        at_s = incident.at.seconds_after(start)
        lasts_s = definition.lasts_s(0.0) + min(0.0, at_s)
        start_s = grid.nearest_edge(max(0.0, at_s))
        if lasts_s <= 0 or at_s >= grid.times[-1] or start_s >= grid.times[-1]:
            continue
        identity = incident.name or f"scripted-{index + 1}"
        lasts_s += max(0.0, at_s) - start_s
        mode = incident.mode or library_name(incident.library)
        yield _planned(definition, identity, mode, incident.cause, grid, start_s, lasts_s, 0.0, slot_bins)


def _drawn(
    definition: Definition,
    identity: str,
    mode: str,
    cause: str,
    grid: Grid,
    start_s: float,
    rng: np.random.Generator,
    slot_bins: int,
) -> PlannedIncident:
    strength_z, duration_z = (float(rng.standard_normal()) for _ in range(2))
    return _planned(definition, identity, mode, cause, grid, start_s, definition.lasts_s(duration_z), strength_z, slot_bins)


def _planned(
    definition: Definition,
    identity: str,
    mode: str,
    cause: str,
    grid: Grid,
    start_s: float,
    lasts_s: float,
    strength_z: float,
    slot_bins: int,
) -> PlannedIncident:
    return PlannedIncident(
        id=identity,
        mode=mode,
        cause=cause,
        components=definition.components,
        routes=definition.routes,
        tiers=definition.tiers,
        start_s=start_s,
        natural_end_s=end_edge(grid, start_s + lasts_s, slot_bins if definition.restarts else 1),
        impact=definition.impact(strength_z, lasts_s),
        hosts=definition.hosts,
        restarts=definition.restarts,
    )


def end_edge(grid: Grid, at_s: float, slot_bins: int = 1) -> float:
    """The first bin edge at or after `at_s`, where a bin begins whose number is a multiple of `slot_bins`.

    What lies beyond the last scrape stays.
    """
    if at_s >= grid.times[-1]:
        return at_s
    first = grid.first_bin_from(at_s)
    return grid.start_of(-(-first // slot_bins) * slot_bins)
