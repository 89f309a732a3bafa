"""The incidents of a run: drawn, triggered by changes, scripted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.world.failures.arrivals import Change, renewals, trigger_probability, triggered
from workbench.world.failures.definition import Definition, library_name, of_mode, of_scripted
from workbench.world.failures.planned import PlannedIncident
from workbench.world.grid import Grid


def drawn_incidents(
    world: World, name: str, changes: Sequence[Change], grid: Grid, start: dt.datetime, seed: int, *, slot_bins: int
) -> Iterator[PlannedIncident]:
    """All incidents of one failure mode."""
    mode = world.failure_modes[name]
    definition = of_mode(world, mode)
    if mode.arrival == "changes":
        probability = trigger_probability(world, mode)
        begins = [(f"of-{one.id}", one.start_s, "change") for one in triggered(mode, name, changes, probability, seed)]
    else:
        times = renewals(mode, definition.weekly, name, grid, start, seed)
        begins = [(str(index + 1), float(at_s), "failure") for index, at_s in enumerate(times)]
    for index, (suffix, at_s, cause) in enumerate(begins):
        start_s = grid.nearest_edge(at_s)
        if start_s >= grid.times[-1]:
            continue
        rng = stream(seed, "incident", name, index if cause == "failure" else suffix)
        strength_z, duration_z = (float(rng.standard_normal()) for _ in range(2))
        lasts_s = definition.lasts_s(duration_z)
        yield _planned(definition, f"{name}-{suffix}", name, cause, grid, start_s, lasts_s, strength_z, slot_bins)


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
