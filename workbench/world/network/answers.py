"""Answers of routes: from the conditions of its components to latency classes and codes of its requests."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping

import numpy as np

from workbench.scenario.schema.components import Breaker, CallSpec
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.course import Answer, RouteCondition
from workbench.world.latency import TIMEOUT_CODES, LatencyClasses
from workbench.world.network.density import Density, TimeGrid, lognormal
from workbench.world.network.fares import BROKEN, GAVE_UP, Fare, Fares, limited, pool_name

_MOST_KEPT = 4096
"""Answers kept for each network: enough for a year of incidents, little memory."""


class Network:
    """The call graph of one world. Answers are pure functions of (route, condition) and are kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        timeout = world.traffic.timeout
        self.grid = TimeGrid.of(world.histogram.bounds, max(*world.histogram.bounds, 1.5 * timeout))
        self._kept: OrderedDict[tuple[str, RouteCondition], Answer] = OrderedDict()
        self._fares: OrderedDict[tuple[object, ...], Fares] = OrderedDict()
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
        self._limits = {path for path, route in world.routes.items() if self._limited(route.calls, path)}
        every = [call for route in world.routes.values() for call in _all(route.calls)]
        every += [call for component in world.components.values() for call in _all(component.calls)]
        self.feeds_back = any(call.timeout is not None and call.retries is not None for call in every)
        """Whether callers try again because they waited too long: then waits change how many calls come."""
        self._usual = {path: self._fare(path, RouteCondition())[0] for path in sorted(world.routes)}
        self.classes: Mapping[str, LatencyClasses] = {
            path: LatencyClasses.of(_median(fare.ok), world.histogram.bounds, timeout) for path, fare in self._usual.items()
        }

    def _limited(self, calls: tuple[CallSpec, ...], path: str) -> bool:
        """Whether a caller on the way of a route has a time limit of its own."""
        within = [*calls, *(call for name in self.world.reached(path) for call in self.world.components[name].calls)]
        return any(call.timeout is not None or any(one.timeout is not None for one in call.parallel) for call in within)

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
        key = path, condition
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._computed(path, condition, others)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def calls(self, path: str, condition: RouteCondition) -> Fares:
        """What the calls of a route are like: how long they hold a server, how many fail where a breaker watches."""
        return self._fare(path, condition)[1]

    def _fare(self, path: str, condition: RouteCondition) -> tuple[Fare, Fares]:
        route = self.world.routes[path]
        key = condition.components, condition.open_breakers
        fares = self._fares.get(key)
        if fares is None:
            fares = self._fares[key] = Fares(
                self.world.components, self.grid, dict(condition.components), frozenset(condition.open_breakers)
            )
            if len(self._fares) > 64:
                self._fares.popitem(last=False)
        fare = fares.series(route.calls, path)
        if route.latency is not None:
            own = lognormal(self.grid, route.latency.median * condition.slow, route.latency.sigma)
            fare = Fare(fare.ok.then(own), fare.bad, fare.codes, fare.visits)
        return fare, fares

    def _computed(self, path: str, condition: RouteCondition, others: tuple[str, ...]) -> Answer:
        route, classes = self.world.routes[path], self.classes[path]
        whole, fares = self._fare(path, condition)
        fare = limited(whole, self.world.traffic.timeout)
        ok, bad, codes = fare.ok, fare.bad, dict(fare.codes)
        if condition.failing > 0:
            quick = fares.component(route.serving).ok
            failed = quick.times(condition.failing / max(quick.total, 1e-300))
            ok, bad = ok.times(1 - condition.failing), bad.times(1 - condition.failing).plus(failed)
            codes = {code: part * (1 - condition.failing) for code, part in codes.items()}
            for code, share in condition.codes:
                codes[code] = codes.get(code, 0.0) + condition.failing * share
        usual = {code: float(share) for code, share in route.codes.items()}
        lasting = {code: share for code, share in usual.items() if code.startswith("5")}
        exposed = 1 - sum(lasting.values())
        failing = min(1.0, float(sum(codes.values())))
        seen = float(sum(part for code, part in codes.items() if code.startswith("5")))
        success = exposed - sum(share for code, share in usual.items() if code not in lasting)
        edges = np.array([*classes.tail_bounds, math.inf])
        shares = _within(ok, edges)
        marks = np.zeros(classes.count + len(others))
        marks[: classes.count] = success * shares * (1 - failing) / max(shares.sum(), 1e-300)
        # A failure that is answered with the success code is, for whoever counts codes, a success.
        marks[0] += exposed * codes.pop(route.success_code, 0.0)
        usual_of = self._quick(fares.component(route.serving).ok, classes)
        failed_of = None
        if bad.total > 0:
            inside = _within(bad, edges)
            failed_of = inside / max(inside.sum(), 1e-300), _or(bad.mean(), 0.0)
        spread, means = [], []
        for place, code in enumerate(others):
            kept = usual.get(code, 0.0) * (1.0 if code in lasting else 1 - failing)
            came = exposed * codes.get(code, 0.0)
            marks[classes.count + place] = kept + came
            where, mean_s = self._late(classes) if code in TIMEOUT_CODES else usual_of
            # An incident's time-outs come when the client's limit is over; those of a caller with a limit of its own come at that.
            if came > 0 and failed_of is not None and not (code in TIMEOUT_CODES and path not in self._limits):
                part = came / (kept + came)
                where, mean_s = (1 - part) * where + part * failed_of[0], (1 - part) * mean_s + part * failed_of[1]
            spread.append(where)
            means.append(mean_s)
        # Shares of what hardly happens may be a rounding below 0.
        marks = np.maximum(marks, 0.0)
        marks /= marks.sum()
        mean = ok.total * _or(ok.mean(), 0.0) + bad.total * _or(bad.mean(), 0.0)
        return Answer(
            marks=marks,
            body=_body(ok, classes),
            class_means_s=_means(ok, classes),
            other_means_s=np.array(means),
            other_classes=np.array(spread).reshape(len(others), classes.count),
            visits=fare.visits,
            failing=exposed * seen + sum(lasting.values()),
            mean_s=mean,
        )

    def _late(self, classes: LatencyClasses) -> tuple[FloatArray, float]:
        """Where answers lie that come when the time limit is over."""
        where = np.zeros(classes.count)
        where[classes.timeout_class] = 1.0
        return where, self.world.traffic.timeout

    def _quick(self, serving: Density, classes: LatencyClasses) -> tuple[FloatArray, float]:
        """Where answers lie that the serving component gives at once: refused, not found, not changed."""
        inside = _within(serving, np.array([*classes.tail_bounds, math.inf]))
        where = inside / inside.sum() if inside.sum() > 0 else np.eye(classes.count)[0]
        return where, _or(serving.mean(), 0.0)


def _within(density: Density, edges: FloatArray) -> FloatArray:
    """Mass between the edges, the first from 0."""
    out: FloatArray = np.maximum(np.diff(density.at(edges), prepend=0.0), 0.0)
    return out


def _body(ok: Density, classes: LatencyClasses) -> FloatArray:
    parts = _within(ok, np.array([*classes.body_bounds, classes.tail_bounds[0]]))
    if parts.sum() <= 0:
        # Nothing is left in the body; any split of nothing will do.
        parts[-1] = 1.0
    out: FloatArray = parts / parts.sum()
    return out


def _means(ok: Density, classes: LatencyClasses) -> FloatArray:
    """Mean of the times inside each class: from partial sums of the finest grid that reaches the class's upper bound."""
    edges = [0.0, *classes.tail_bounds, math.inf]
    out = np.zeros(classes.count)
    grid = ok.grid
    for number in range(classes.count):
        low, high = edges[number], edges[number + 1]
        level = len(grid.steps_s) - 1 if math.isinf(high) else grid.index(high)
        at = grid.middles_s[level]
        inside = (at > low) & (at <= high)
        mass = ok.mass[level][inside]
        fallback = low if math.isinf(high) else high
        out[number] = float(mass @ at[inside] / mass.sum()) if mass.sum() > 1e-12 else fallback
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
