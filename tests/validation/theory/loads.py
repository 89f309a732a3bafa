"""Both fidelities over a grid of loads: a world at rest whose traffic rises at once, for three minutes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.fidelities import course, figures_of_course, figures_of_requests
from tests.support.small_worlds import incident, served, small_world
from workbench.scenario.schema.world import World
from workbench.world.each.simulate import simulate
from workbench.world.impact import TrafficRises

UTILISATIONS = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
SERVERS = (1, 4, 16)
STEPS_S = (5.0, 15.0, 60.0)
RUNS = 12
REST = 0.3
RISES_S, ENDS_S = 60.0, 240.0
SIGMA = math.sqrt(math.log(2))
"""Of the service time: its coefficient of variation is 1, as that of an exponential law."""
FULL_RPS = 40.0
"""Requests a second at full load, with any number of servers."""
PATIENCE = 20.0
"""Clients leave after so many mean service times."""
FIGURES = ("mean wait", "mean queue", "median latency", "95th percentile", "99th percentile", "error share")
RELATIVE = 0.15
"""Figures of both fidelities are near when they differ by less than this, beside chance; an error share, by less than 0.02."""
SHARE = 0.02


@dataclass(frozen=True)
class Point:
    """One figure of one world in both fidelities. Times in seconds, of three minutes at this utilisation."""

    servers: int
    utilisation: float
    step_s: float
    figure: str
    aggregate: float
    requests: float
    error: float
    """Standard error of `requests`."""

    @property
    def near(self) -> bool:
        """Whether both agree: by chance, by the stated share, or because the figure is far below one service time or one call."""
        allowed = SHARE if self.figure == "error share" else RELATIVE * self.requests + self._small
        return abs(self.aggregate - self.requests) <= 3 * self.error + allowed

    @property
    def _small(self) -> float:
        return 0.05 if self.figure == "mean queue" else 0.05 * held_s(self.servers)

    @property
    def off(self) -> float:
        """How far the aggregate fidelity is from the request fidelity: a share, or for an error share the difference."""
        gap = self.aggregate - self.requests
        return gap if self.figure == "error share" else gap / self.requests if self.requests else 0.0


def held_s(servers: int) -> float:
    """Mean service time."""
    return servers / FULL_RPS


def _bounds(servers: int) -> list[int]:
    """In milliseconds."""
    held_ms = 1000 * held_s(servers)
    return sorted({round(one) for one in np.geomspace(held_ms / 10, PATIENCE * held_ms, 49)})


def _world(servers: int) -> World:
    median = f"{1000 * held_s(servers) / math.sqrt(2):.3f}ms"
    return small_world(
        {"api": served(median, SIGMA, servers)},
        ["api"],
        FULL_RPS * REST,
        traffic={"timeout": f"{1000 * PATIENCE * held_s(servers):.0f}ms"},
        bounds=[f"{one}ms" for one in _bounds(servers)],
    )


def _of(found: dict[str, float], servers: int, step_s: float) -> list[float]:
    bounds = [one / 1000 for one in _bounds(servers)]
    upto = np.maximum.accumulate([found.get(f"within {one:g} s", 0.0) for one in bounds])
    quantiles = [float(np.exp(np.interp(share, upto, np.log(bounds)))) for share in (0.5, 0.95, 0.99)]
    wait_s = found["queue api"] * step_s / found["calls api"]
    return [wait_s, found["queue api"], *quantiles, found.get("code 504", 0.0)]


def points(
    seed: int,
    servers: Sequence[int] = SERVERS,
    utilisations: Sequence[float] = UTILISATIONS,
    steps_s: Sequence[float] = STEPS_S,
    runs: int = RUNS,
) -> list[Point]:
    """Every figure, at every number of servers, utilisation and length of the scrape interval."""
    out = []
    for count in servers:
        world = _world(count)
        for utilisation in utilisations:
            rises = [incident(TrafficRises(utilisation / REST), RISES_S, ENDS_S, None)]
            samples = []
            for run in range(runs):
                number = 10_000 * seed + 1000 * count + round(100 * utilisation) * 7 + run * 100_003
                result = simulate(world, ENDS_S, number, incidents=rises, scrape_interval_s=5.0)
                low, high = result.grid.first_bin_from(RISES_S), len(result.grid)
                samples.append(_of(figures_of_requests(result, low, high), count, 5.0))
            values = np.array(samples)
            mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(runs)
            for step_s in steps_s:
                made, layouts, grid = course(world, ENDS_S, rises, step_s, 0.0)
                expected = _of(figures_of_course(made, layouts, grid.first_bin_from(RISES_S), len(grid)), count, step_s)
                out += [
                    Point(count, utilisation, step_s, *row)
                    for row in zip(FIGURES, expected, mean.tolist(), error.tolist(), strict=True)
                ]
    return out


def ends(found: Sequence[Point], figure: str, servers: int, step_s: float) -> float | None:
    """The largest utilisation up to which, without a gap, both fidelities agree; None if they do not at the lowest."""
    out = None
    for one in sorted(found, key=lambda point: point.utilisation):
        if (one.figure, one.servers, one.step_s) == (figure, servers, step_s):
            if not one.near:
                return out
            out = one.utilisation
    return out
