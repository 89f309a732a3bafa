"""The load of small worlds whose demand is stated bin by bin."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.small_worlds import small_world
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, Course
from workbench.world.demand.cells import cells_of
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.impact import Act, Impact, Shape
from workbench.world.layout import RouteLayout, layouts
from workbench.world.load.flow import Flow
from workbench.world.network.answers import Network

STEP_S = 15.0


@dataclass
class Loaded:
    """A flow and what it was made of."""

    flow: Flow
    layout: RouteLayout
    grid: Grid
    world: World

    def whole(self, effects: Sequence[ActiveEffect] = (), cuts: Sequence[int] = ()) -> Course:
        """The course of all bins, asked for in pieces between the cuts, on top of the usual course."""
        usual = self.flow.usual()
        edges = [0, *cuts, len(self.grid)]
        parts = [
            self.flow.course(low, high, [one for one in effects if one.overlaps(low, high)])
            for low, high in itertools.pairwise(edges)
        ]
        return together(usual, parts)

    def rate(self, course: Course, bins: slice, code: str | None = None) -> FloatArray:
        """Requests a second, or those answered with one code, over all cells, `[bins]`."""
        of = course.routes["/"]
        row = slice(None)
        shares = np.ones(len(of.answers))
        if code is not None:
            marks = np.array([answer.marks for answer in of.answers])
            good = self.layout.classes.count
            shares = (
                marks[:, :good].sum(axis=1) if code == self.layout.codes[0] else marks[:, good + self.layout.others.index(code)]
            )
        out: FloatArray = (of.requests[row, bins] * shares[of.which[row, bins]]).sum(axis=0) / self.grid.widths_s[bins]
        return out


def loaded(
    components: Mapping[str, Any],
    calls: Sequence[Any],
    rps: float | FloatArray,
    bins: int = 240,
    *,
    traffic: Mapping[str, Any] | None = None,
    tiers: Mapping[str, str] | None = None,
    network: Network | None = None,
    **more: Any,
) -> Loaded:
    """A flow of a world of one route; `rps` over all tiers, constant or `[bins]`."""
    world = small_world(components, calls, 1.0, traffic=traffic, tiers=tiers, **more) if network is None else network.world
    net = Network(world) if network is None else network
    grid = Grid(STEP_S, STEP_S, bins * STEP_S)
    cells = cells_of(world)
    (layout,) = layouts(net, {}, tuple(cell.labels for cell in cells))
    rates = np.broadcast_to(np.asarray(rps, np.float64), len(grid))
    shares = np.array([cell.weight for cell in cells])

    def requests(path: str, low: int, high: int) -> FloatArray:
        assert path == "/"
        return np.multiply.outer(shares, rates[low:high] * grid.widths_s[low:high])

    flow = Flow(world, [layout], grid, net, requests, cells, sessions=rates * 100.0, seed=1)
    return Loaded(flow, layout, grid, world)


def effect(
    act: Act | Sequence[Act],
    first: int,
    last: int | None,
    component: str | None = "api",
    name: str = "it",
    shape: Shape | None = None,
    tiers: Sequence[str] = ("all",),
) -> ActiveEffect:
    """One incident in bins [first, last)."""
    acts = tuple(act) if isinstance(act, Sequence) else (act,)
    return ActiveEffect(
        name, Impact(acts, shape or Shape()), frozenset({"/"}), frozenset(tiers), first, last, (component,) if component else ()
    )


def together(usual: Course, parts: Sequence[Course]) -> Course:
    """Courses of pieces, one after the other, over the usual one."""
    routes = {}
    for path, base in usual.routes.items():
        answers: list[Answer] = list(base.answers)
        which: Array = base.which.copy()
        requests = base.requests.copy()
        for part in parts:
            if path in part.routes:
                of = part.routes[path]
                which[:, part.low : part.high] = of.which + len(answers)
                requests[:, part.low : part.high] = of.requests
                answers += of.answers
        routes[path] = type(base)(which, requests, tuple(answers))
    gauges = []
    for kind in ("utilisation", "queue", "servers"):
        put = {name: one.copy() for name, one in getattr(usual, kind).items()}
        for part in parts:
            for name, one in getattr(part, kind).items():
                put[name][part.low : part.high] = one
        gauges.append(put)
    return Course(usual.low, usual.high, routes, *gauges)


def difference(one: Course, other: Course) -> list[str]:
    """Where two courses are not equal to the bit."""
    out = []
    for path, of in one.routes.items():
        theirs = other.routes[path]
        if not np.array_equal(of.requests, theirs.requests):
            out.append(f"requests of {path} in {np.flatnonzero((of.requests != theirs.requests).any(axis=0))[:5]}")
        marks = [np.array([(*answer.marks, answer.mean_s) for answer in each.answers])[each.which] for each in (of, theirs)]
        if not np.array_equal(*marks):
            out.append(f"answers of {path} in {np.flatnonzero((marks[0] != marks[1]).any(axis=(0, 2)))[:5]}")
    for kind in ("utilisation", "queue", "servers"):
        for name, values in getattr(one, kind).items():
            if not np.array_equal(values, getattr(other, kind)[name]):
                out.append(f"{kind} of {name} in {np.flatnonzero(values != getattr(other, kind)[name])[:5]}")
    return out
