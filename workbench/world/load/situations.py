"""How requests of all routes fare under one set of conditions, and which calls they make of each station."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from workbench.scenario.schema.components import CallSpec, Component
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import HEALTHY, Answer, Condition, RouteCondition
from workbench.world.demand.cells import Cell
from workbench.world.layout import RouteLayout
from workbench.world.load.acts import NONE, Pressure, Pressures
from workbench.world.load.conditions import Kind, of_pressure
from workbench.world.load.retries import attempts_per_request
from workbench.world.network.answers import Network
from workbench.world.network.fares import pool_name

Requests = Callable[[str, int, int], FloatArray]
"""Expected requests of a route in bins [low, high) before anything feeds back, `[cells, high - low]`."""
Edge = tuple[str, str]
Met = tuple[tuple[str, Condition], ...]
"""Components that are not healthy, sorted by name."""

_MOST_KEPT = 2048
_BLOCK = 64


class Situation:
    """One set of conditions, the pressures on the routes, and the open breakers. Values are by route, in the order of layouts."""

    def __init__(self, of: Situations, conditions: tuple[RouteCondition, ...]) -> None:
        self._of, self.conditions = of, conditions

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The network's answers."""
        network = self._of.network
        return tuple(
            network.answer(layout.route, condition, layout.others)
            for layout, condition in zip(self._of.layouts, self.conditions, strict=True)
        )

    @cached_property
    def tried_again(self) -> FloatArray:
        """Share of requests whose answer makes clients try again, `[routes]`."""
        return np.array([self._of.tried_again(at, answer) for at, answer in enumerate(self.answers)])

    @cached_property
    def attempts(self) -> FloatArray:
        """Requests for each first attempt in equilibrium, `[routes]`."""
        return np.array([attempts_per_request(self._of.world.traffic, share) for share in self.tried_again.tolist()])

    @cached_property
    def mean_s(self) -> FloatArray:
        """Mean time that a client waits, `[routes]`."""
        return np.array([answer.mean_s for answer in self.answers])

    @property
    def visits(self) -> FloatArray:
        """Calls of each station for one request, `[routes, stations]`."""
        return self._calls[0]

    @property
    def held_s(self) -> FloatArray:
        """Mean time that one of them holds a server, `[routes, stations]`; 0 where there are none."""
        return self._calls[1]

    @property
    def failing(self) -> tuple[tuple[Edge, int, float, float], ...]:
        """Of calls with a breaker: which, of which route, calls of the callee for one request, failed share of them."""
        return self._calls[2]

    @cached_property
    def work(self) -> FloatArray:
        """Server-seconds at each station for one request, `[routes, stations]`."""
        return self.visits * self.held_s

    @cached_property
    def _calls(self) -> tuple[FloatArray, FloatArray, tuple[tuple[Edge, int, float, float], ...]]:
        of = self._of
        visits = np.zeros((len(of.layouts), len(of.stations)))
        held = np.zeros_like(visits)
        failing = []
        for at, (layout, condition, answer) in enumerate(zip(of.layouts, self.conditions, self.answers, strict=True)):
            calls = of.network.calls(layout.route, condition)
            for name, count in answer.visits.items():
                place = of.station_at.get(name)
                if place is not None:
                    visits[at, place], held[at, place] = count, calls.held_s[name]
            for edge, share in sorted(calls.failing.items()):
                if edge in of.network.breakers(layout.route):
                    failing.append((edge, at, answer.visits.get(edge[1], 0.0), share))
        return visits, held, tuple(failing)


class Situations:
    """All situations of one world. They are pure functions of conditions and are kept."""

    def __init__(
        self, world: World, layouts: Sequence[RouteLayout], network: Network, requests: Requests, cells: Sequence[Cell]
    ) -> None:
        self.world, self.layouts, self.network, self.requests = world, tuple(layouts), network, requests
        self.cells = tuple(cells)
        """Rows of every route's arrays."""
        self.parts: Mapping[str, Component] = {
            **{name: one for name, one in world.components.items() if one.service is not None},
            **{name: Component(concurrency=connections) for name, connections in network.pools.items()},
        }
        """What stands behind every station: components that take time, and pools of connections."""
        timeout_s = world.traffic.timeout
        kinds = {name: Kind.of(name, one, timeout_s) for name, one in world.components.items() if one.service is not None}
        kinds |= {name: Kind.of_pool(name, connections, timeout_s) for name, connections in network.pools.items()}
        self.kinds: Mapping[str, Kind] = dict(sorted(kinds.items()))
        """Stations: components with service times, and pools of connections."""
        self.stations = tuple(self.kinds)
        self.station_at = {name: at for at, name in enumerate(self.stations)}
        self.groups = tuple(dict.fromkeys(_group(cell) for cell in cells))
        """(tier, bot or ""): those of one group meet the same pressures."""
        self.group_of = tuple(self.groups.index(_group(cell)) for cell in cells)
        self.nothing = tuple(_of_bot(world, name) for _, name in self.groups)
        """Pressures on each group when nothing goes wrong: what bots ask for in vain."""
        self._known: OrderedDict[tuple[object, ...], Situation] = OrderedDict()
        self._blocks: OrderedDict[int, FloatArray] = OrderedDict()
        self._again: list[dict[int, tuple[Answer, float]]] = [{} for _ in layouts]
        self._retried = (
            [
                np.array([re.fullmatch("|".join(world.traffic.retries.on), code) is not None for code in one.others])
                for one in layouts
            ]
            if world.traffic.retries is not None
            else None
        )

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Stations such that requests mostly pass through earlier ones first."""
        ranks = [[row.index(at) if at in row else len(row) for row in self._passed] for at in range(len(self.stations))]
        return tuple(sorted(range(len(self.stations)), key=lambda at: (sum(ranks[at]), at)))

    @cached_property
    def behind(self) -> Array:
        """Whether requests of a route reach one station only through another, `[stations, routes, stations]`: first that other."""
        count = len(self.stations)
        out = np.zeros((count, len(self.layouts), count), bool)
        for route, row in enumerate(self._passed):
            for place, at in enumerate(row):
                out[at, route, list(row[place + 1 :])] = True
        return out

    @cached_property
    def _passed(self) -> tuple[tuple[int, ...], ...]:
        """Stations that requests of each route pass, in the order of first visit."""
        return tuple(
            tuple(dict.fromkeys(self.station_at[name] for name in _passed(self.world, layout.route) if name in self.station_at))
            for layout in self.layouts
        )

    @cached_property
    def usual_mean_s(self) -> FloatArray:
        """Mean time that a client waits when nothing goes wrong and nobody queues, `[routes]`."""
        return self.situation((), Pressures()).mean_s

    def situation(self, met: Met, pressures: Pressures, broken: tuple[Edge, ...] = ()) -> Situation:
        """What requests under `pressures` on their routes meet."""
        key = met, pressures.routes, broken
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Situation(
                self, tuple(self._condition(one.route, met, pressures, broken) for one in self.layouts)
            )
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return found

    def idle(self, pressures: Pressures) -> Met:
        """Conditions of components under pressure, as if nobody waited."""
        return tuple((name, of_pressure(pressure)) for name, pressure in pressures.components)

    def factors(self, row: int, pressures: Pressures, situation: Situation) -> FloatArray:
        """First attempts of one cell as a multiple of what it is expected to send, `[routes]`.

        Closed-loop users ask again after a think time and an answer (interactive response time law), so they send less while
        answers are slow.
        """
        out = np.ones(len(self.layouts))
        for path, pressure in pressures.routes:
            out[self._route_at[path]] *= pressure.traffic
        closed = self.cells[row].closed
        if closed is not None:
            out *= (closed.think_time + self.usual_mean_s) / (closed.think_time + situation.mean_s)
        return out

    def expected(self, at: int, bins: int) -> FloatArray:
        """Expected requests of one bin before anything feeds back, `[routes, cells]`; `bins` is the length of the run."""
        number, inside = divmod(at, _BLOCK)
        block = self._blocks.get(number)
        if block is None:
            low, high = number * _BLOCK, min(bins, (number + 1) * _BLOCK)
            block = np.array([self.requests(layout.route, low, high) for layout in self.layouts])
            self._blocks[number] = block
            if len(self._blocks) > 4:
                self._blocks.popitem(last=False)
        out: FloatArray = block[:, :, inside]
        return out

    def tried_again(self, at: int, answer: Answer) -> float:
        """Share of requests of one route whose answer makes clients try again."""
        if self._retried is None:
            return 0.0
        layout, known = self.layouts[at], self._again[at]
        found = known.get(id(answer))
        if found is None or found[0] is not answer:
            if len(known) > _MOST_KEPT:
                known.clear()
            found = known[id(answer)] = answer, float(answer.marks[layout.classes.count :][self._retried[at]].sum())
        return found[1]

    @cached_property
    def _route_at(self) -> dict[str, int]:
        return {layout.route: at for at, layout in enumerate(self.layouts)}

    def _condition(self, path: str, met: Met, pressures: Pressures, broken: tuple[Edge, ...]) -> RouteCondition:
        """What decides how requests of a route fare: of all conditions those that it can meet."""
        reached = self.network.reached(path)
        own = dict(pressures.routes).get(path, NONE)
        refused = sum(share for _, share in own.refused)
        failing = refused + (1 - refused) * own.failing
        codes: dict[str, float] = dict(own.refused)
        for code, share in own.codes:
            codes[code] = codes.get(code, 0.0) + (1 - refused) * own.failing * share
        edges = tuple(edge for edge in broken if edge in self.network.breakers(path))
        shares = tuple((code, part / failing) for code, part in sorted(codes.items())) if failing > 0 else ()
        return RouteCondition(tuple(one for one in met if one[0] in reached), edges, failing, shares, own.slow)


def merged(parts: Iterable[tuple[str, Condition]]) -> Met:
    """Conditions sorted by name, the healthy ones left out; of two of one name the later."""
    return tuple(sorted([one for one in dict(parts).items() if one[1] is not HEALTHY and one[1] != HEALTHY], key=_name))


def _passed(world: World, path: str) -> Iterator[str]:
    """Names of components and pools in the order in which requests of a route come to them, repeated where they come again."""

    def inside(calls: Sequence[CallSpec], caller: str) -> Iterator[str]:
        for call in calls:
            if call.cache is not None:
                yield from of(call.cache.component)
            if call.pool is not None and call.component is not None:
                yield pool_name(caller, call.component)
            if call.component is not None:
                yield from of(call.component)
            yield from inside(call.parallel, caller)
            if call.fallback is not None and call.fallback != "none":
                yield from of(call.fallback)

    def of(name: str) -> Iterator[str]:
        yield name
        yield from inside(world.components[name].calls, name)

    return inside(world.routes[path].calls, path)


def _name(one: tuple[str, Condition]) -> str:
    return one[0]


def _group(cell: Cell) -> tuple[str, str]:
    return cell.tier, cell.segment if cell.bot is not None else ""


def _of_bot(world: World, name: str) -> Pressures:
    """What a bot's requests meet whatever the system does."""
    bot = world.traffic.bots.get(name)
    if bot is None or not bot.codes:
        return Pressures()
    refused = tuple((code, float(share)) for code, share in sorted(bot.codes.items()))
    return Pressures(routes=tuple((path, Pressure(refused=refused)) for path in sorted(world.routes)))
