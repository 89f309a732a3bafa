"""Which counters the simulated system exports, and where each lies in the arrays of its route."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array
from workbench.world.failures.definition import definitions
from workbench.world.latency import TIMEOUT_CODES, LatencyClasses


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
    tiers: tuple[str, ...]
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

    @property
    def timeouts(self) -> tuple[int, ...]:
        """Class rows of answers that come when the time limit is over."""
        return tuple(self.classes.count + i for i, code in enumerate(self.others) if code in TIMEOUT_CODES)

    @property
    def _fast(self) -> list[int]:
        """Class rows of all other answers."""
        return [row for row in range(self.classes.count, self.class_rows) if row not in self.timeouts]

    def buckets(self, classes: Array) -> Array:
        """Requests up to the upper bound of each latency class, the last being all of them: `[..., classes.count, bins]`.

        `classes` is `[..., class_rows, bins]`. Answers other than good ones are fast (the first class) unless they are time-outs.
        """
        placed = classes[..., : self.classes.count, :].copy()
        placed[..., 0, :] += classes[..., self._fast, :].sum(axis=-2, dtype=classes.dtype)
        placed[..., self.classes.timeout_class, :] += classes[..., list(self.timeouts), :].sum(axis=-2, dtype=classes.dtype)
        out: Array = np.cumsum(placed, axis=-2, dtype=classes.dtype)
        return out

    def scraped(self, classes: Array) -> Array:
        """From classes `[..., class_rows, bins]` to rows `[..., rows, bins]`."""
        out = np.empty((*classes.shape[:-2], self.rows, classes.shape[-1]), dtype=classes.dtype)
        out[..., 0, :] = classes[..., : self.classes.count, :].sum(axis=-2)
        out[..., 1 : len(self.codes), :] = classes[..., self.classes.count :, :]
        for row, kept in enumerate(self.kept, start=len(self.codes)):
            within = [*range(kept + 1), *self._fast]
            if kept >= self.classes.timeout_class:
                within += self.timeouts
            out[..., row, :] = classes[..., within, :].sum(axis=-2)
        out[..., -1, :] = out[..., : len(self.codes), :].sum(axis=-2)
        return out


def layouts(world: World, keep: Mapping[str, Collection[float]]) -> tuple[RouteLayout, ...]:
    """One layout a route, sorted by route. Every code that any failure can produce has its series from the start.

    `keep` names, for each route, the bounds in seconds that are read at every scrape. Raises ValueError for one that lies in
    the body.
    """
    out = []
    for path in sorted(world.routes):
        route = world.routes[path]
        others = set(route.codes) | failure_codes(world, path)
        classes = LatencyClasses.of(route.latency, world.histogram.bounds, world.traffic.timeout)
        missing = sorted(set(keep.get(path, ())) - set(classes.tail_bounds))
        if missing:
            raise BoundsError(path, tuple(missing), classes.tail_bounds)
        out.append(
            RouteLayout(
                route=path,
                tiers=tuple(sorted(world.tiers)),
                codes=(route.success_code, *sorted(others - {route.success_code})),
                classes=classes,
                kept=tuple(classes.tail_bounds.index(bound) for bound in sorted(set(keep.get(path, ())))),
            )
        )
    return tuple(out)


def failure_codes(world: World, path: str) -> set[str]:
    """Codes with which failures of the components it calls, or bad deployments of them, answer a route's requests."""
    codes = {code for one in definitions(world) if path in one.routes for code in one.codes}
    if set(world.delivery.components) & set(world.reached(path)):
        codes |= set(world.delivery.failure.codes)
    return codes
