"""The same small world in both fidelities: what the aggregate one expects, beside what requests came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array
from workbench.world.course import Course
from workbench.world.demand.demand import demand as aggregate_demand
from workbench.world.each.result import EachResult
from workbench.world.each.simulate import START, simulate
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout, layouts
from workbench.world.load.flow import Flow
from workbench.world.network.answers import Network
from workbench.world.plan import PlannedIncident

STEP_S, PHASE_S = 15.0, 5.0


@dataclass(frozen=True)
class Row:
    """One figure of one world."""

    what: str
    expected: float
    """By the aggregate fidelity."""
    mean: float
    """Of the request fidelity, over its seeds."""
    error: float
    """Standard error of that mean."""

    def agrees(self, *, relative: float = 0.0, absolute: float = 0.0, within: float = 4.0) -> bool:
        """Whether they differ by no more than chance and the stated bias of the approximation."""
        allowed = within * self.error + relative * abs(self.expected) + absolute
        return abs(self.mean - self.expected) <= allowed

    def __str__(self) -> str:
        """For the message of a test that fails, and for tables."""
        return f"{self.what}: aggregate {self.expected:.5g}, requests {self.mean:.5g} +- {self.error:.2g}"


def course(
    world: World, seconds: float, incidents: Sequence[PlannedIncident] = (), step_s: float = STEP_S, phase_s: float = PHASE_S
) -> tuple[Course, tuple[RouteLayout, ...], Grid]:
    """What the aggregate fidelity expects of every bin."""
    grid = Grid(step_s, phase_s, seconds)
    network = Network(world)
    found = layouts(network, {})
    wanted = aggregate_demand(world, grid, START, 0)

    flow = Flow(world, found, grid, network, wanted.requests, wanted.cells, sessions=wanted.rates() * 0.0, seed=0)
    usual = flow.usual()
    effects = [
        ActiveEffect(
            one.id,
            one.impact,
            frozenset(one.routes),
            frozenset(one.tiers),
            grid.first_bin_from(one.start_s),
            grid.first_bin_from(one.natural_end_s),
            one.components,
        )
        for one in incidents
    ]
    if not effects:
        return usual, found, grid
    put = flow.course(0, len(grid), effects)
    gauges = [{**before, **after} for before, after in ((usual.utilisation, put.utilisation), (usual.queue, put.queue))]
    return Course(0, len(grid), {**usual.routes, **put.routes}, *gauges, {**usual.servers, **put.servers}), found, grid


def compare(
    world: World,
    seconds: float,
    low_s: float,
    seeds: Sequence[int],
    incidents: Sequence[PlannedIncident] = (),
    high_s: float | None = None,
) -> dict[str, Row]:
    """Figures over the bins of [low_s, high_s), summed over routes and cells.

    Requests a bin; the share of each code; of good answers the share up to each bound; of each component utilisation, queue, calls.
    """
    expected, found, grid = course(world, seconds, incidents)
    results = [
        simulate(world, seconds, seed, incidents=incidents, scrape_interval_s=STEP_S, scrape_phase_s=PHASE_S) for seed in seeds
    ]
    low, high = grid.first_bin_from(low_s), len(grid) if high_s is None else grid.first_bin_from(high_s)
    theirs = figures_of_course(expected, found, low, high)
    ours = [figures_of_requests(result, low, high) for result in results]
    rows = {}
    for what in sorted(theirs):
        samples = np.array([one.get(what, 0.0) for one in ours])
        rows[what] = Row(what, theirs[what], float(samples.mean()), float(samples.std(ddof=1) / len(samples) ** 0.5))
    return rows


def figures_of_course(expected: Course, found: Sequence[RouteLayout], low: int, high: int) -> dict[str, float]:
    """What the aggregate fidelity expects over bins [low, high), by the names that `compare` tells."""
    codes: dict[str, float] = {}
    good: dict[float, float] = {}
    calls: dict[str, float] = {}
    total = 0.0
    for layout in found:
        of = expected.routes[layout.route]
        weights = np.array([of.requests[:, low:high][of.which[:, low:high] == number].sum() for number in range(len(of.answers))])
        total += weights.sum()
        bounds = layout.classes
        for answer, weight in zip(of.answers, weights, strict=True):
            classes = answer.marks[: bounds.count]
            codes[layout.codes[0]] = codes.get(layout.codes[0], 0.0) + weight * classes.sum()
            for code, mark in zip(layout.others, answer.marks[bounds.count :], strict=True):
                codes[code] = codes.get(code, 0.0) + weight * mark
            upto = [*(np.cumsum(answer.body)[:-1] * classes[0]), *np.cumsum(classes)[:-1]]
            for bound, part in zip((*bounds.body_bounds, *bounds.tail_bounds), upto, strict=True):
                good[bound] = good.get(bound, 0.0) + weight * part
            for name, visits in answer.visits.items():
                calls[name] = calls.get(name, 0.0) + weight * visits
    success = codes[found[0].codes[0]]
    out = _shares(codes, good, calls, total, success, high - low)
    for name in expected.utilisation:
        out[f"utilisation {name}"] = float(expected.utilisation[name][low:high].mean())
        out[f"queue {name}"] = float(expected.queue[name][low:high].mean())
    return out


def figures_of_requests(result: EachResult, low: int, high: int) -> dict[str, float]:
    """What one run came to over bins [low, high), by the same names."""
    codes: dict[str, float] = {}
    good: dict[float, float] = {}
    total = 0.0
    for track in result.routes.values():
        inside: Array = track.answers[:, :, low:high].sum(axis=(0, 2))
        total += float(inside.sum())
        for code, count in zip(track.codes, inside.tolist(), strict=True):
            codes[code] = codes.get(code, 0.0) + count
        upto = np.cumsum(track.good[:, :-1, low:high].sum(axis=(0, 2)))
        for bound, count in zip(track.bounds, upto.tolist(), strict=True):
            good[bound] = good.get(bound, 0.0) + count
        success = track.codes[0]
    calls = {name: float(part.arrived[low:high].sum()) for name, part in result.parts.items()}
    out = _shares(codes, good, calls, total, codes[success], high - low)
    for name, part in result.parts.items():
        usage = part.over(low, high)
        out[f"utilisation {name}"] = usage.utilisation
        out[f"queue {name}"] = usage.mean_queue
    return out


def _shares(
    codes: Mapping[str, float], good: Mapping[float, float], calls: Mapping[str, float], total: float, success: float, bins: int
) -> dict[str, float]:
    out = {"requests": total / bins}
    out |= {f"code {code}": count / total for code, count in codes.items()}
    out |= {f"within {bound:g} s": count / max(success, 1e-9) for bound, count in good.items()}
    out |= {f"calls {name}": count / bins for name, count in calls.items()}
    return out
