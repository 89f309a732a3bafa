"""Answers of routes: from the conditions of its components to latency classes and codes of its requests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from workbench.scenario.schema.components import Breaker, CallSpec
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.course import Answer, RouteCondition
from workbench.world.latency import TIMEOUT_CODES, LatencyClasses
from workbench.world.network.density import Density, TimeGrid
from workbench.world.network.fares import BROKEN, GAVE_UP, Fare, Fares, limited, pool_name
from workbench.world.network.laws import Kept, Laws

_MOST_KEPT = 4096
"""Answers kept for each network: enough for a year of incidents, little memory."""
_MOST_FARES = 64
"""Each holds densities of a dozen components."""
_NEVER = 1e-12
"""Shares below this are rounding errors."""


class Network:
    """The call graph of one world. Answers are pure functions of (route, condition) and are kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        timeout = world.traffic.timeout
        self.grid = TimeGrid.of(world.histogram.bounds, max(*world.histogram.bounds, 1.5 * timeout))
        self._laws = Laws(self.grid)
        self._kept: Kept[Answer] = Kept(_MOST_KEPT)
        self._fares: Kept[Fares] = Kept(_MOST_FARES)
        self._edges: dict[tuple[str, str], Breaker] = {}
        for caller, calls in (
            *((path, route.calls) for path, route in world.routes.items()),
            *((name, component.calls) for name, component in world.components.items()),
        ):
            self._edges.update(_breakers(caller, calls))
        self.pools: dict[str, int] = {}
        """Connections of every pool, by the name of the pool."""
        own: dict[str, set[str]] = {}
        for caller, calls in (
            *((path, route.calls) for path, route in world.routes.items()),
            *((name, component.calls) for name, component in world.components.items()),
        ):
            found = dict(_pools(caller, calls))
            self.pools.update(found)
            own[caller] = set(found)
        self._reached: dict[str, frozenset[str]] = {}
        for path in world.routes:
            names = set(world.reached(path))
            pooled = own[path].union(*(own[name] for name in names))
            self._reached[path] = frozenset(names | pooled)
        self._breakers = {
            path: frozenset(edge for edge in self._edges if edge[0] == path or edge[0] in self._reached[path])
            for path in world.routes
        }
        self._limits = {path for path in world.routes if any(call.timeout is not None for call in self._on_the_way(path))}
        """Routes on whose way a caller has a time limit of its own."""
        every = [call for route in world.routes.values() for call in _all(route.calls)]
        every += [call for component in world.components.values() for call in _all(component.calls)]
        self.feeds_back = any(call.timeout is not None and call.retries is not None for call in every)
        """Whether callers try again because they waited too long: then waits change how many calls come."""
        self._usual = {path: self._fare(path, RouteCondition())[0] for path in sorted(world.routes)}
        self.classes: Mapping[str, LatencyClasses] = {
            path: LatencyClasses.of(_median(fare.ok), world.histogram.bounds, timeout) for path, fare in self._usual.items()
        }

    def _on_the_way(self, path: str) -> Iterator[CallSpec]:
        """All calls that a route's requests can make."""
        yield from _all(self.world.routes[path].calls)
        for name in self.world.reached(path):
            yield from _all(self.world.components[name].calls)

    def codes(self, path: str) -> frozenset[str]:
        """Codes with which time limits, refusals and failing components can answer a route's requests."""
        world = self.world
        named = [world.components[name] for name in sorted(world.reached(path))]
        timed = [one for one in named if one.service is not None]
        out = {one.error_code for one in named if one.errors > 0}
        out |= {one.queue.code for one in timed} | {one.shedding.code for one in timed if one.shedding is not None}
        if timed or world.routes[path].latency is not None:
            out.add(GAVE_UP)
        return frozenset(out | ({BROKEN} if self._breakers[path] else set()))

    def reached(self, path: str) -> frozenset[str]:
        """Components that a route's requests can reach."""
        return self._reached[path]

    def breakers(self, path: str) -> frozenset[tuple[str, str]]:
        """(caller, callee) of the calls with a breaker that a route's requests can make."""
        return self._breakers[path]

    def breaker(self, caller: str, callee: str) -> Breaker:
        """The breaker on a call."""
        return self._edges[caller, callee]

    def answer(self, path: str, condition: RouteCondition, others: tuple[str, ...]) -> Answer:
        """How a route's requests fare; `others` are the codes of its layout besides the success code, in its order."""
        return self._kept.get((path, condition, others), partial(self._computed, path, condition, others))

    def calls(self, path: str, condition: RouteCondition) -> Fares:
        """What the calls of a route are like: how long they hold a server, how many fail where a breaker watches."""
        return self._fare(path, condition)[1]

    def _fare(self, path: str, condition: RouteCondition) -> tuple[Fare, Fares]:
        route = self.world.routes[path]
        fares = self._fares.get(
            (condition.components, condition.open_breakers),
            lambda: Fares(self.world.components, self._laws, dict(condition.components), frozenset(condition.open_breakers)),
        )
        fare = fares.series(route.calls, path)
        if route.latency is not None:
            own = self._laws.lognormal(route.latency.median * condition.slow, route.latency.sigma)
            fare = Fare(fare.ok.then(own), fare.fails, fare.visits)
        return fare, fares

    def _computed(self, path: str, condition: RouteCondition, others: tuple[str, ...]) -> Answer:
        route, classes = self.world.routes[path], self.classes[path]
        whole, fares = self._fare(path, condition)
        fare = limited(whole, self.world.traffic.timeout)
        serving = fares.component(route.serving).ok
        ok, failed = fare.ok, fare.by_code()
        if condition.failing > 0:
            quick = serving.times(condition.failing / max(serving.total, 1e-300))
            left = 1 - condition.failing
            ok, failed = ok.times(left), {name: density.times(left) for name, density in failed.items()}
            for code, share in condition.codes:
                part = quick.times(share)
                failed[code] = failed[code].plus(part) if code in failed else part
        usual = {code: float(share) for code, share in route.codes.items()}
        lasting = {code: share for code, share in usual.items() if code.startswith("5")}
        exposed = 1 - sum(lasting.values())
        failing = min(1.0, math.fsum(one.total for one in failed.values()))
        seen = math.fsum(one.total for code, one in failed.items() if code.startswith("5"))
        success = exposed - sum(share for code, share in usual.items() if code not in lasting)
        marks = np.zeros(classes.count + len(others))
        shares = _within(ok, classes)
        marks[: classes.count] = success * shares * (1 - failing) / max(shares.sum(), 1e-300)
        mean_s = math.fsum(one.first for one in (ok, *failed.values()))
        # A failure that is answered with the success code is, for whoever counts codes, a success.
        never = Density(self.grid, 0.0)
        marks[0] += exposed * failed.pop(route.success_code, never).total
        unknown = [code for code, one in failed.items() if code not in others and one.total > _NEVER]
        if unknown:
            raise ValueError(f"{path} has no row for answers {', '.join(sorted(unknown))}")
        usual_of = self._quick(serving, classes)
        spread, means = [], []
        for place, code in enumerate(others):
            kept = usual.get(code, 0.0) * (1.0 if code in lasting else 1 - failing)
            where, typical = self._late(classes) if code in TIMEOUT_CODES else usual_of
            came = failed.get(code, never)
            # An incident's time-outs come when the client's limit is over; those of a caller with a limit of its own come at that.
            if came.total > _NEVER and not (code in TIMEOUT_CODES and path not in self._limits):
                inside = _within(came, classes)
                weight = exposed * came.total / (kept + exposed * came.total)
                where = (1 - weight) * where + weight * inside / inside.sum()
                typical = (1 - weight) * typical + weight * came.mean()
            marks[classes.count + place] = kept + exposed * came.total
            spread.append(where)
            means.append(typical)
        # Shares of what hardly happens may be a rounding below 0.
        marks = np.maximum(marks, 0.0)
        return Answer(
            marks=marks / marks.sum(),
            body=_body(ok, classes),
            class_means_s=_means(ok, classes),
            other_means_s=np.array(means),
            other_classes=np.array(spread).reshape(len(others), classes.count),
            visits=fare.visits,
            failing=exposed * seen + sum(lasting.values()),
            mean_s=mean_s,
        )

    def _late(self, classes: LatencyClasses) -> tuple[FloatArray, float]:
        """Where answers lie that come when the time limit is over."""
        where = np.zeros(classes.count)
        where[classes.timeout_class] = 1.0
        return where, self.world.traffic.timeout

    def _quick(self, serving: Density, classes: LatencyClasses) -> tuple[FloatArray, float]:
        """Where answers lie that the serving component gives at once: refused, not found, not changed."""
        inside = _within(serving, classes)
        where = inside / inside.sum() if inside.sum() > 0 else np.eye(classes.count)[0]
        return where, _or(serving.mean(), 0.0)


def _within(density: Density, classes: LatencyClasses) -> FloatArray:
    """Mass in each latency class."""
    return _parts(density, np.array([*classes.tail_bounds, math.inf]))


def _parts(density: Density, edges: FloatArray) -> FloatArray:
    """Mass between the edges, the first from 0."""
    out: FloatArray = np.maximum(np.diff(density.at(edges), prepend=0.0), 0.0)
    return out


def _body(ok: Density, classes: LatencyClasses) -> FloatArray:
    parts = _parts(ok, np.array([*classes.body_bounds, classes.tail_bounds[0]]))
    if parts.sum() <= 0:
        # Nothing is left in the body; any split of nothing will do.
        parts[-1] = 1.0
    out: FloatArray = parts / parts.sum()
    return out


def _means(ok: Density, classes: LatencyClasses) -> FloatArray:
    """Mean of the times inside each class; where none are, an edge of it."""
    edges = [0.0, *classes.tail_bounds, math.inf]
    out = np.zeros(classes.count)
    for number in range(classes.count):
        low, high = edges[number], edges[number + 1]
        mass, first = ok.between(low, high)
        fallback = low if math.isinf(high) else high
        out[number] = first / mass if mass > _NEVER else fallback
    return out


def _median(density: Density) -> float:
    for level, step in enumerate(density.grid.steps_s):
        running = np.cumsum(density.mass[level])
        if running[-1] >= density.total / 2:
            return float(np.interp(density.total / 2, running, density.grid.middles_s[level] + step / 2))
    return density.grid.steps_s[-1] * density.grid.cells


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


def _all(calls: tuple[CallSpec, ...]) -> Iterator[CallSpec]:
    for call in calls:
        yield call
        yield from _all(call.parallel)


def _pools(caller: str, calls: tuple[CallSpec, ...]) -> Iterator[tuple[str, int]]:
    for call in calls:
        if call.pool is not None and call.component is not None:
            yield pool_name(caller, call.component), call.pool
        yield from _pools(caller, call.parallel)


def _breakers(caller: str, calls: tuple[CallSpec, ...]) -> Iterator[tuple[tuple[str, str], Breaker]]:
    for call in calls:
        if call.breaker is not None and call.component is not None:
            yield (caller, call.component), call.breaker
        yield from _breakers(caller, call.parallel)
