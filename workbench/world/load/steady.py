"""Bins in which every queue is in equilibrium: all of them at once, as arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, Condition, RouteCondition
from workbench.world.demand.cells import Cell
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.load.acts import NONE, Pressure, Pressures
from workbench.world.load.conditions import HOT, at_utilisation, first_level, levels_of, middle, of_pressure
from workbench.world.load.retries import attempts_per_request
from workbench.world.network.answers import Network

Requests = Callable[[str, int, int], FloatArray]
"""Expected requests of a route in bins [low, high), `[cells, high - low]`."""


@dataclass(frozen=True, eq=False)
class Steady:
    """What bins [low, high) are like in equilibrium."""

    which: Mapping[str, Array]
    """Index into `answers`, by route, `[cells, bins]`, int32."""
    answers: Mapping[str, tuple[Answer, ...]]
    requests: Mapping[str, FloatArray]
    utilisation: Mapping[str, FloatArray]
    queue: Mapping[str, FloatArray]
    hot: Array
    """Bins in which some component is not in equilibrium, or a breaker may act, `[bins]` booleans."""


class Equilibrium:
    """Computes steady bins of one world."""

    def __init__(
        self, world: World, layouts: Sequence[RouteLayout], grid: Grid, network: Network, requests: Requests, cells: Sequence[Cell]
    ) -> None:
        self.world, self.layouts, self.grid, self.network, self.requests = world, layouts, grid, network, requests
        self.timed = tuple(sorted(name for name, one in world.components.items() if one.service is not None))
        self.cells = tuple(cells)
        """Rows of every route's arrays."""
        self.groups = tuple(dict.fromkeys((cell.tier, cell.segment if cell.bot is not None else "") for cell in cells))
        """(tier, bot or ""): those of one group meet the same pressures."""
        self.group_of = tuple(self.groups.index((cell.tier, cell.segment if cell.bot is not None else "")) for cell in cells)
        self.nothing = tuple(_of_bot(world, name) for _, name in self.groups)
        """Pressures on each group when nothing goes wrong: what bots ask for in vain."""
        self._idle_means: dict[str, float] = {}
        self._totals: dict[str, FloatArray] = {}
        self._tried_again: dict[int, tuple[Answer, float]] = {}
        self._means: dict[tuple[str, int, int], float] = {}
        """Mean utilisation of the usual course in each (component, servers, level)."""

    def condition(
        self, path: str, components: Mapping[str, Condition], pressures: Pressures, open_breakers: tuple[tuple[str, str], ...] = ()
    ) -> RouteCondition:
        """What decides how requests of a route fare: of all conditions those that it can meet."""
        reached = self.network.reached(path)
        met = tuple((name, components[name]) for name in sorted(components) if name in reached)
        own = dict(pressures.routes).get(path, NONE)
        refused = sum(share for _, share in own.refused)
        failing = refused + (1 - refused) * own.failing
        codes: dict[str, float] = dict(own.refused)
        for code, share in own.codes:
            codes[code] = codes.get(code, 0.0) + (1 - refused) * own.failing * share
        edges = tuple(edge for edge in open_breakers if edge in self.network.breakers(path))
        shares = tuple((code, part / failing) for code, part in sorted(codes.items())) if failing > 0 else ()
        return RouteCondition(met, edges, failing, shares, own.slow)

    def first_level(self, name: str, servers: int) -> int:
        """The lowest level of a component at which waits are worth saying."""
        return first_level(self.world.components[name], servers)

    def at_level(self, name: str, servers: int, level: int, held_s: float, pressure: Pressure) -> Condition:
        """A component's condition in equilibrium at one level of utilisation."""
        utilisation = self._means.get((name, servers, level))
        return at_utilisation(
            self.world.components[name], servers, middle(level) if utilisation is None else utilisation, held_s, pressure
        )

    def learn(self, usual: Steady, replicas: Mapping[str, Array]) -> None:
        """Let each level stand for the mean utilisation that the usual course has in it."""
        for name in self.timed:
            servers = replicas[name].astype(np.int64) * self.world.components[name].concurrency
            level = levels_of(usual.utilisation[name])
            for count in np.unique(servers).tolist():
                of_count = servers == count
                sums = np.bincount(level[of_count], weights=usual.utilisation[name][of_count])
                counts = np.bincount(level[of_count])
                for at in np.flatnonzero(counts).tolist():
                    self._means[name, count, at] = float(round(sums[at] / counts[at], 12))

    def waiting(self, row: int, layout: RouteLayout, answer: Answer) -> float:
        """Requests of closed-loop users as a multiple of the usual ones: they ask again after a think time and an answer."""
        closed = self.cells[row].closed
        if closed is None:
            return 1.0
        usual = self._idle_means.get(layout.route)
        if usual is None:
            usual = self._idle_means[layout.route] = self.answer(layout, RouteCondition()).mean_s
        return (closed.think_time + usual) / (closed.think_time + answer.mean_s)

    def tried_again(self, layout: RouteLayout, answer: Answer) -> float:
        """Share of requests whose answer makes clients try again."""
        retries = self.world.traffic.retries
        if retries is None:
            return 0.0
        found = self._tried_again.get(id(answer))
        if found is None or found[0] is not answer:
            codes = [re.fullmatch("|".join(retries.on), code) is not None for code in layout.others]
            share = float(answer.marks[layout.classes.count :][codes].sum())
            found = self._tried_again[id(answer)] = answer, share
        return found[1]

    def answer(self, layout: RouteLayout, condition: RouteCondition) -> Answer:
        """The network's answer for the codes of a layout."""
        return self.network.answer(layout.route, condition, layout.others)

    def steady(
        self, low: int, high: int, pressures: tuple[Pressures, ...], replicas: Mapping[str, Array], *, gauges_only: bool = False
    ) -> Steady:
        """Bins [low, high) under constant pressures, one for each group; `replicas` of timed components in every bin `[bins]`."""
        # A first bin without length has no requests either.
        width = np.maximum(self.grid.widths_s[low:high], 1e-9)
        bins = high - low
        arrivals = {name: np.zeros(bins) for name in self.timed}
        work = {name: np.zeros(bins) for name in self.timed}
        requests: dict[str, FloatArray] = {}
        hot = np.zeros(bins, bool)
        # Holding times are weighted by the requests of the whole run: they must not depend on where the stretch begins and ends.
        worked, called = dict.fromkeys(self.timed, 0.0), dict.fromkeys(self.timed, 0.0)
        idle = [self._idle(one) for one in pressures]
        for layout in self.layouts:
            expected = self.requests(layout.route, low, high)
            scaled = np.empty_like(expected)
            whole = self._whole(layout.route)
            for row, at in enumerate(self.group_of):
                condition = self.condition(layout.route, idle[at], pressures[at])
                answer = self.answer(layout, condition)
                traffic = dict(pressures[at].routes).get(layout.route, NONE).traffic
                traffic *= self.waiting(row, layout, answer)
                times = traffic * attempts_per_request(self.world.traffic, self.tried_again(layout, answer))
                scaled[row] = expected[row] * times
                calls = self.network.calls(layout.route, condition)
                rate = scaled[row] / width
                for name, visits in answer.visits.items():
                    if name in arrivals:
                        arrivals[name] += rate * visits
                        work[name] += rate * (visits * calls.held_s[name])
                        called[name] += float(whole[row]) * times * visits
                        worked[name] += float(whole[row]) * times * visits * calls.held_s[name]
                for edge, failing in calls.failing.items():
                    breaker = self.network.breaker(*edge)
                    hot |= (failing >= float(breaker.opens_at)) & (expected[row] >= breaker.min_calls / 4)
            requests[layout.route] = scaled
        utilisation: dict[str, FloatArray] = {}
        queue: dict[str, FloatArray] = {}
        levels: list[tuple[str, Array, Array]] = []
        for name in self.timed:
            component = self.world.components[name]
            lost = max(dict(one.components).get(name, NONE).lost for one in pressures)
            servers = np.maximum(np.floor(replicas[name][low:high] * component.concurrency * (1 - lost) + 1e-9), 0).astype(np.int64)
            used = np.divide(work[name], servers, out=np.full(bins, np.inf), where=servers > 0)
            used[work[name] == 0] = 0.0
            utilisation[name] = np.minimum(used, 1.0)
            hot |= used >= HOT
            if component.shedding is not None:
                hot |= used >= float(component.shedding.above)
            level = levels_of(used)
            floors = {int(count): first_level(component, max(int(count), 1)) for count in np.unique(servers)}
            for count, floor in floors.items():
                level[(servers == count) & (level < floor)] = 0
            queue[name] = np.zeros(bins)
            if level.any() or (servers <= 0).any():
                levels.append((name, level, servers))
        if gauges_only:
            return Steady({}, {}, requests, utilisation, queue, hot)
        key = np.zeros(bins, np.int64)
        for _, level, servers in levels:
            radix = 64 * (int(servers.max()) + 2)
            key = key * radix + level * (int(servers.max()) + 2) + np.where((level > 0) | (servers <= 0), servers, -1) + 1
            _, key = np.unique(key, return_inverse=True)
        some, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        held = {name: worked[name] / called[name] if called[name] > 0 else 1.0 for name in self.timed}
        which: dict[str, Array] = {}
        answers: dict[str, tuple[Answer, ...]] = {}
        conditions: list[list[dict[str, Condition]]] = []
        for index in first.tolist():
            by_tier = []
            for at, one in enumerate(pressures):
                met = dict(idle[at])
                acting = dict(one.components)
                for name, level, servers in levels:
                    pressure = acting.get(name, NONE)
                    if servers[index] <= 0:
                        met[name] = of_pressure(pressure, refused=1.0)
                    elif level[index] > 0:
                        met[name] = self.at_level(name, int(servers[index]), int(level[index]), held[name], pressure)
                by_tier.append(met)
            conditions.append(by_tier)
        for name, level, servers in levels:
            lengths = np.zeros(len(some))
            for place, index in enumerate(first.tolist()):
                if level[index] > 0 and servers[index] > 0:
                    usual = self.at_level(name, int(servers[index]), int(level[index]), held[name], NONE)
                    lengths[place] = usual.waits * usual.wait_s
            queue[name] = lengths[inverse] * arrivals[name]
        for layout in self.layouts:
            known: dict[int, int] = {}
            found: list[Answer] = []
            rows = np.empty((len(layout.cells), len(some)), np.int32)
            for row, at in enumerate(self.group_of):
                for place, by_tier in enumerate(conditions):
                    answer = self.answer(layout, self.condition(layout.route, by_tier[at], pressures[at]))
                    if id(answer) not in known:
                        known[id(answer)] = len(found)
                        found.append(answer)
                    rows[row, place] = known[id(answer)]
            which[layout.route] = rows[:, inverse] if len(some) > 1 else np.broadcast_to(rows, (len(layout.cells), bins))
            answers[layout.route] = tuple(found)
        return Steady(which, answers, requests, utilisation, queue, hot)

    def _whole(self, path: str) -> FloatArray:
        """Expected requests of a route over the whole run, `[cells]`."""
        if path not in self._totals:
            self._totals[path] = self.requests(path, 0, len(self.grid)).sum(axis=1)
        return self._totals[path]

    def _idle(self, pressures: Pressures) -> dict[str, Condition]:
        """Conditions of components under pressure, as if nobody waited."""
        return {name: of_pressure(pressure) for name, pressure in pressures.components}


def _of_bot(world: World, name: str) -> Pressures:
    """What a bot's requests meet whatever the system does."""
    bot = world.traffic.bots.get(name)
    if bot is None or not bot.codes:
        return Pressures()
    refused = tuple((code, float(share)) for code, share in sorted(bot.codes.items()))
    return Pressures(routes=tuple((path, Pressure(refused=refused)) for path in sorted(world.routes)))
