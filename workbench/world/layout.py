"""Which counters the simulated system exports, and where each lies in the arrays of its route."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array
from workbench.world.failures.definition import definitions
from workbench.world.latency import LatencyClasses
from workbench.world.network.answers import Network

Cell = tuple[str, str]
"""(tier, segment) of a row of a route's arrays; the segment is empty where a tier has none."""


class BoundsError(ValueError):
    """A bound that lies below the median of its route was asked for at every scrape."""

    def __init__(self, route: str, asked: tuple[float, ...], kept: tuple[float, ...]) -> None:
        self.route, self.asked, self.kept = route, asked, kept
        super().__init__(f"{route}: bounds {asked} are not among those kept at every scrape: {kept}")


@dataclass(frozen=True)
class RouteLayout:
    """The two views of one route's requests.

    *Classes* are what is drawn: good answers by latency class, then other answers by code. *Rows* are what is scraped: every
    code, the latency buckets that somebody reads at every scrape, and all requests.
    """

    route: str
    cells: tuple[Cell, ...]
    codes: tuple[str, ...]
    """`success_code` first, then the others, sorted."""
    classes: LatencyClasses
    kept: tuple[int, ...]
    """Latency classes at whose upper bound a bucket is kept at every scrape, ascending."""

    @property
    def others(self) -> tuple[str, ...]:
        """All codes but the success code."""
        return self.codes[1:]

    @property
    def class_rows(self) -> int:
        """Number of classes: latency classes of good answers, then the other codes."""
        return self.classes.count + len(self.others)

    @property
    def rows(self) -> int:
        """Number of rows: codes, kept buckets, the total."""
        return len(self.codes) + len(self.kept) + 1

    def labels(self, cell: Cell) -> dict[str, str]:
        """Labels of a cell's series; without a segment there is no such label."""
        return {"route": self.route, "tier": cell[0], "segment": cell[1]}

    def scraped(self, classes: Array, within: Array) -> Array:
        """From classes `[..., class_rows, bins]` to rows `[..., rows, bins]` of the same type.

        `within` `[..., kept, bins]` are the other answers that came within each kept bound.
        """
        kind, good = classes.dtype, self.classes.count
        out = np.empty((*classes.shape[:-2], self.rows, classes.shape[-1]), dtype=kind)
        out[..., 1 : len(self.codes), :] = classes[..., good:, :]
        total = out[..., -1, :]
        begin = 0
        total[:] = 0
        for row, kept in enumerate(self.kept):
            total += classes[..., begin : kept + 1, :].sum(axis=-2, dtype=kind)
            begin = kept + 1
            np.add(total, within[..., row, :], out=out[..., len(self.codes) + row, :])
        total += classes[..., begin:good, :].sum(axis=-2, dtype=kind)
        out[..., 0, :] = total
        total += classes[..., good:, :].sum(axis=-2, dtype=kind)
        return out


def cells_of(world: World) -> tuple[Cell, ...]:
    """Rows of every route's arrays, sorted."""
    return tuple((tier, "") for tier in sorted(world.tiers))


def layouts(
    network: Network, keep: Mapping[str, Collection[float]], cells: tuple[Cell, ...] | None = None
) -> tuple[RouteLayout, ...]:
    """One layout a route, sorted by route. Every code that any failure can produce has its series from the start.

    `keep` names, for each route, the bounds in seconds that are read at every scrape. Raises ValueError for one that lies in
    the body.
    """
    world = network.world
    out = []
    for path in sorted(world.routes):
        route = world.routes[path]
        others = set(route.codes) | failure_codes(world, path) | network.codes(path)
        classes = network.classes[path]
        missing = sorted(set(keep.get(path, ())) - set(classes.tail_bounds))
        if missing:
            raise BoundsError(path, tuple(missing), classes.tail_bounds)
        out.append(
            RouteLayout(
                route=path,
                cells=cells_of(world) if cells is None else cells,
                codes=(route.success_code, *sorted(others - {route.success_code})),
                classes=classes,
                kept=tuple(classes.tail_bounds.index(bound) for bound in sorted(set(keep.get(path, ())))),
            )
        )
    return tuple(out)


def failure_codes(world: World, path: str) -> set[str]:
    """Codes with which incidents, bad changes and maintenance can answer a route's requests."""
    codes = {code for one in definitions(world) if path in one.routes for code in one.codes}
    delivery = world.delivery
    if set(delivery.components) & set(world.reached(path)):
        codes |= set(delivery.failure.codes)
    if delivery.configuration is not None:
        codes |= set((delivery.configuration.failure or delivery.failure).codes)
    for experiment in delivery.experiments.values():
        codes |= set((experiment.failure or delivery.failure).codes)
    codes |= {code for bot in world.traffic.bots.values() for code in bot.codes}
    return codes | {window.code for window in delivery.maintenance.values() if window.effect != "nothing"}
