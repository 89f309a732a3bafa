"""Which counters the simulated system exports, and where each lies in the arrays of its route."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.scenario.schema.world import ErrorEffect, Route, World
from workbench.world.latency import TIMEOUT_CODES, LatencyClasses


@dataclass(frozen=True)
class RouteLayout:
    """Rows of one route's arrays `[tiers, rows, bins]`: its codes, its tail buckets, all its requests.

    Inside the simulator the same requests are also seen as *classes*: answered well, by latency class, and answered otherwise,
    by code.
    """

    route: str
    tiers: tuple[str, ...]
    codes: tuple[str, ...]
    """`success_code` first, then the others, sorted."""
    classes: LatencyClasses

    @property
    def first_bucket(self) -> int:
        """Row of the first tail bucket."""
        return len(self.codes)

    @property
    def total_row(self) -> int:
        """Row of all requests: `_count` and the `+Inf` bucket."""
        return len(self.codes) + len(self.classes.tail_bounds)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.total_row + 1

    @property
    def others(self) -> tuple[str, ...]:
        """All codes but the success code."""
        return self.codes[1:]

    @property
    def class_rows(self) -> int:
        """Number of rows of the class view: latency classes of good answers, then the other codes."""
        return self.classes.count + len(self.others)


def layouts(world: World) -> tuple[RouteLayout, ...]:
    """One layout a route, sorted by route. Every code that any failure can produce has its series from the start."""
    out = []
    for path in sorted(world.routes):
        route = world.routes[path]
        others = set(route.codes) | failure_codes(world, route)
        out.append(
            RouteLayout(
                route=path,
                tiers=tuple(sorted(world.tiers)),
                codes=(route.success_code, *sorted(others - {route.success_code})),
                classes=LatencyClasses.of(route.latency, world.histogram.bounds, world.traffic.timeout),
            )
        )
    return tuple(out)


def failure_codes(world: World, route: Route) -> set[str]:
    """Codes with which failures of the components it calls, or bad deployments of them, answer a route's requests."""
    effects = [mode.effect for mode in world.failure_modes.values() if mode.component in route.calls]
    if set(world.delivery.components) & set(route.calls):
        effects.append(world.delivery.failure)
    return {code for effect in effects if isinstance(effect, ErrorEffect) for code in effect.codes}


def is_timeout(code: str) -> bool:
    """Whether an answer with this code comes when the time limit is over."""
    return code in TIMEOUT_CODES
