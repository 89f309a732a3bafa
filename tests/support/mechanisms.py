"""Pairs of small worlds that differ in one mechanism, played with the same seeds: is the mechanism felt?"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from workbench.outcome import Outcome
from workbench.rng import stream
from workbench.run.month import run
from workbench.scenario.model import Scenario
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import Clock
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.delivery.maintenance import maintenance_windows, noticed
from workbench.world.demand.demand import demand
from workbench.world.demand.sessions import active_sessions
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout, layouts
from workbench.world.load.flow import Flow
from workbench.world.network.answers import Network
from workbench.world.plan import Plan, draw_plan

START = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
"""A Monday."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
THREE = 3.0
"""Standard errors by which a mechanism must move its metric."""
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WORLD: dict[str, Any] = {
    "apiVersion": "workbench/v1",
    "kind": "World",
    "name": "small",
    "tiers": {"all": {"users": 100, "traffic_share": "100%"}},
    "components": {"api": {}},
    "routes": {"/": {"share": "100%", "calls": ["api"], "codes": {}, "latency": {"median": "20ms", "sigma": 0.3}}},
    "traffic": {
        "mean_rps": 60,
        "capacity_rps": 120,
        "hours": [1] * 24,
        "weekdays": dict.fromkeys(EVERY_DAY, 1),
        "variability": {"spread": 0.05, "memory": "5m"},
    },
    "histogram": {"bounds": ["10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2s", "5s", "10s"]},
    "delivery": {
        "per_working_day": 0,
        "components": {},
        "change_failure_rate": "0%",
        "failure": {"kind": "errors", "ratio_median": "20%", "codes": {"500": "100%"}},
        "failure_duration": {"median": "30m", "sigma": 0.5},
    },
    "people": {"acknowledge": {"median": "3m", "sigma": 0.5}, "mitigate": {"median": "10m", "sigma": 0.5}},
}
POLICY: dict[str, Any] = {
    "apiVersion": "workbench/v1",
    "kind": "Policy",
    "name": "small",
    "slos": {
        "availability": {
            "owner": "team",
            "indicator": {"kind": "events", "routes": ["*"], "bad_codes": ["5.."]},
            "target": "99%",
            "window": "7d",
            "alerts": ["fast"],
        }
    },
    "alert_preset": "none",
    "burn_rate_alerts": {
        "fast": {"long": "10m", "short": "5m", "factor": 5, "for": "1m", "severity": "critical", "page": True, "summary": "Burns."}
    },
}  # fmt: skip


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` put over it, key by key; None takes a key away."""
    out = dict(base)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


@dataclass(frozen=True, eq=False)
class Played:
    """Counts and gauges of one run of a small world in which nobody acts."""

    layouts: tuple[RouteLayout, ...]
    counts: tuple[Array, ...]
    """Of each route, `[cells, class_rows, bins]`."""
    expected: tuple[FloatArray, ...]
    """What they are drawn around."""
    utilisation: Mapping[str, FloatArray]
    queue: Mapping[str, FloatArray]
    servers: Mapping[str, Array]

    def by_bin(self, codes: str = "", *, expected: bool = False) -> FloatArray:
        """Requests of each bin answered with codes that begin so, `[bins]`; `2` are the good ones. As drawn, or as expected."""
        out = np.zeros(self.counts[0].shape[-1])
        for layout, counts in zip(self.layouts, self.expected if expected else self.counts, strict=True):
            if layout.codes[0].startswith(codes):
                out += counts[:, : layout.classes.count].sum(axis=(0, 1))
            for row, code in enumerate(layout.others):
                if code.startswith(codes):
                    out += counts[:, layout.classes.count + row].sum(axis=0)
        return out

    def share(self, codes: str) -> float:
        """Of all requests those answered with codes that begin so."""
        return float(self.by_bin(codes).sum() / self.by_bin().sum())

    def slow(self, bound_s: float) -> float:
        """Share of good answers that took longer."""
        late = total = 0.0
        for layout, counts in zip(self.layouts, self.counts, strict=True):
            good = counts[:, : layout.classes.count].sum(axis=(0, 2))
            total += float(good.sum())
            late += float(good[layout.classes.tail_bounds.index(bound_s) + 1 :].sum())
        return late / total

    def failed_of(self, tier: str) -> float:
        """Share of a tier's requests that failed (5xx)."""
        bad = total = 0.0
        for layout, counts in zip(self.layouts, self.counts, strict=True):
            rows = [row for row, cell in enumerate(layout.cells) if cell[0] == tier]
            total += float(counts[rows].sum())
            wrong = [layout.classes.count + at for at, code in enumerate(layout.others) if code[0] == "5"]
            bad += float(counts[rows][:, wrong].sum())
        return bad / total


class Load:
    """One small world, played without people: incidents last as long as they would by themselves."""

    def __init__(self, document: Mapping[str, Any], horizon_s: float, step_s: float) -> None:
        self.world = World.model_validate(document)
        self._grid = Grid(step_s, 5.0, horizon_s)
        # Answers of the network do not depend on the seed: kept from seed to seed.
        self._network = Network(self.world)

    def play(self, seed: int) -> Played:
        """The counts of one seed."""
        world, grid = self.world, self._grid
        wanted = demand(world, grid, START, seed)
        found = layouts(self._network, {}, tuple(cell.labels for cell in wanted.cells))
        sessions = [active_sessions(world.traffic, wanted.rates(tier), grid, seed, tier) for tier in sorted(world.tiers)]
        flow = Flow(world, found, grid, self._network, wanted.requests, wanted.cells, sessions=np.sum(sessions, axis=0), seed=seed)
        usual = flow.usual()
        effects = [*self._effects(draw_plan(world, grid, START, seed))]
        put = flow.course(0, len(grid), effects) if effects else usual
        counts, means = [], []
        for layout in found:
            course = put.routes.get(layout.route, usual.routes[layout.route])
            marks = np.stack([answer.marks for answer in course.answers])[course.which]
            means.append(np.moveaxis(course.requests[..., None] * marks, 2, 1))
            counts.append(stream(seed, "felt", layout.route).poisson(means[-1]))
        return Played(
            found,
            tuple(counts),
            tuple(means),
            {**usual.utilisation, **put.utilisation},
            {**usual.queue, **put.queue},
            {**usual.servers, **put.servers},
        )

    def _effects(self, plan: Plan) -> Iterable[ActiveEffect]:
        changes = [one for change in plan.deployments for one in (change.failure, *change.triggers) if one is not None]
        for one in (*plan.incidents, *changes, *noticed(self.world, maintenance_windows(self.world, self._grid, START))):
            first = self._grid.first_bin_from(one.start_s)
            last = max(first + 1, self._grid.first_bin_from(one.natural_end_s))
            yield ActiveEffect(one.id, one.impact, frozenset(one.routes), frozenset(one.tiers), first, last, one.components)


class Loop:
    """One small scenario, run whole: alerts page people, who end incidents."""

    def __init__(self, document: Mapping[str, Any], horizon_s: float, step_s: float) -> None:
        """The document of a world; under the key `policy` what the policy has of its own."""
        self._world = World.model_validate({key: part for key, part in document.items() if key != "policy"})
        self._policy = Policy.model_validate(merged(POLICY, document.get("policy", {})))
        step, horizon = (f"{seconds:.0f}s" for seconds in (step_s, horizon_s))
        self._clock = Clock(start=START.date(), horizon=horizon, scrape_interval=step, evaluation_interval=step)

    def play(self, seed: int) -> Outcome:
        """What came of one seed."""
        return run(Scenario("small", "", self._world, self._policy, self._clock, seed))


class Planned:
    """One small world of which only the plan is drawn."""

    def __init__(self, document: Mapping[str, Any], horizon_s: float, step_s: float) -> None:
        self._world = World.model_validate(document)
        self._grid = Grid(step_s, 5.0, horizon_s)

    def play(self, seed: int) -> Plan:
        """The plan of one seed."""
        return draw_plan(self._world, self._grid, START, seed)


@dataclass(frozen=True, eq=False)
class Mechanism:
    """One mechanism of the world and the metric that it moves."""

    name: str
    metric: str
    """In words."""
    measure: Callable[[Any], float]
    moves: Literal["up", "down"]
    """What the mechanism does to the metric when it is on."""
    on: Mapping[str, Any]
    """Parts of the world put over the base and over `both`."""
    off: Mapping[str, Any] = field(default_factory=dict)
    both: Mapping[str, Any] = field(default_factory=dict)
    horizon_s: float = HOUR
    step_s: float = MINUTE
    how: Literal["load", "loop", "plan"] = "load"
    """load: what requests meet while nobody acts. loop: the whole of `run`, in which people act. plan: what would happen, alone."""
    not_felt: str = ""
    """Why the aggregate fidelity does not feel it."""

    @cached_property
    def _pair(self) -> tuple[Load | Loop | Planned, Load | Loop | Planned]:
        kind = {"load": Load, "loop": Loop, "plan": Planned}[self.how]
        base = merged(WORLD, self.both)
        on, off = (kind(merged(base, parts), self.horizon_s, self.step_s) for parts in (self.on, self.off))
        return on, off

    def differences(self, seeds: Sequence[int]) -> FloatArray:
        """Metric with the mechanism minus metric without it, seed by seed, `[seeds]`."""
        on, off = self._pair
        return np.array([self.measure(on.play(seed)) - self.measure(off.play(seed)) for seed in seeds])

    def z(self, seeds: Sequence[int]) -> float:
        """Standard errors by which it moves the metric, positive in the stated direction."""
        found = self.differences(seeds)
        mean, error = float(found.mean()), float(found.std(ddof=1)) / len(found) ** 0.5
        signed = mean if self.moves == "up" else -mean
        if error == 0:
            return math.copysign(math.inf, signed) if signed else 0.0
        return signed / error
