"""Bins in which every queue is in equilibrium: all of them at once, as arrays.

Nothing here may depend on where a range of bins begins or ends: rows are added one after the other (sums of numpy add in another
order where arrays are long), levels are found by comparison, holding times are means over the whole run's mix of requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, Condition
from workbench.world.grid import Grid
from workbench.world.load.acts import NONE, Pressure, Pressures
from workbench.world.load.conditions import HIGHEST, HOT, at_utilisation, begins, first_level, levels_of, middle, of_pressure
from workbench.world.load.keys import Keys
from workbench.world.load.situations import Met, Situation, Situations, merged
from workbench.world.load.stations import in_equilibrium
from workbench.world.queueing import mmc_relaxation_s

SHORTEST_S = 1e-9
"""No bin counts as shorter."""
_MOVED = 0.02
"""Utilisation further than this from the usual one, as a share, is not as usual."""
_PASSES = 3
"""Components that hold their servers while they wait, one behind the other, that are taken into account."""


@dataclass(frozen=True, eq=False)
class Loads:
    """What reaches every station in bins [low, high) if nobody waits."""

    low: int
    high: int
    idle: tuple[Situation, ...]
    """By group."""
    requests: Mapping[str, FloatArray]
    """By route, `[cells, bins]`."""
    arrivals: tuple[FloatArray, ...]
    """Calls a second, by station, each `[bins]`."""
    work: tuple[FloatArray, ...]
    """Erlangs, by station, each `[bins]`."""
    hot: Array | None
    """Bins in which a breaker may act, `[bins]` booleans."""


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
    """Bins that must be followed: some component is not in equilibrium, a breaker may act, an autoscaler would do something that it
    usually does not; `[bins]` booleans."""


class Equilibrium:
    """Computes steady bins of one world."""

    def __init__(self, world: World, grid: Grid, situations: Situations) -> None:
        self.world, self.grid, self.situations = world, grid, situations
        self.layouts, self.nothing = situations.layouts, situations.nothing
        self._means: dict[tuple[int, int, int], float] = {}
        """Mean utilisation of the usual course at each (station, servers, level)."""
        self._weights: FloatArray | None = None
        """Requests of the whole run, `[routes, cells]`."""
        self._held: dict[tuple[int, ...], tuple[list[float], tuple[Situation, ...]]] = {}
        self.usual_utilisation: Mapping[str, FloatArray] = {}
        """Of the usual course, by station, `[bins]` each; whoever makes that course sets it."""

    # ---- what stands for many bins

    def learn(self, loads: Loads, replicas: Mapping[str, Array]) -> None:
        """Let each level stand for the mean utilisation that the usual course has in it; keep the whole run's mix of requests."""
        self._weights = np.array([[float(row.sum()) for row in loads.requests[one.route]] for one in self.layouts])
        for at in range(len(self.situations.stations)):
            servers = self.servers(at, replicas, 0, loads.high, self.nothing)
            busy = self._used(loads.work[at], servers)
            level = levels_of(busy)
            for count in _counts(servers):
                of_count = slice(None) if isinstance(servers, int) else servers == count
                sums, counts = np.bincount(level[of_count], weights=busy[of_count]), np.bincount(level[of_count])
                for here in np.flatnonzero(counts).tolist():
                    self._means[at, count, here] = float(round(sums[here] / counts[here], 12))

    def held_s(self, by_group: tuple[Situation, ...]) -> list[float]:
        """Mean time that a call holds a server, by station, over the whole run's mix of requests."""
        key = tuple(id(one) for one in by_group)
        found = self._held.get(key)
        if found is None or any(a is not b for a, b in zip(found[1], by_group, strict=True)):
            assert self._weights is not None  # noqa: S101 - learned before anything is asked
            calls, work = np.zeros(len(self.situations.stations)), np.zeros(len(self.situations.stations))
            for row, group in enumerate(self.situations.group_of):
                weights = self._weights[:, row, None]
                calls += (weights * by_group[group].visits).sum(axis=0)
                work += (weights * by_group[group].work).sum(axis=0)
            if len(self._held) > 4096:
                self._held.clear()
            found = self._held[key] = np.divide(work, calls, out=np.ones_like(work), where=calls > 0).tolist(), by_group
        return found[0]

    def at_level(self, at: int, servers: int, level: int, held_s: float, pressure: Pressure) -> Condition:
        """A station's condition in equilibrium at one level of utilisation; none but the pressure where waits are nothing."""
        kind = self.situations.kinds[self.situations.stations[at]]
        if level < first_level(kind, servers):
            return of_pressure(pressure)
        return at_utilisation(kind, servers, self._mean(at, servers, level), held_s, pressure)

    def _mean(self, at: int, servers: int, level: int) -> float:
        return self._means.get((at, servers, level), middle(level))

    # ---- arrays

    def loads(self, low: int, high: int, pressures: tuple[Pressures, ...]) -> Loads:
        """Requests and calls in bins [low, high) under constant pressures on each group."""
        of, bins = self.situations, high - low
        idle = tuple(of.situation(of.idle(one), one) for one in pressures)
        kinds = list(dict.fromkeys(idle))
        rows_of = [[row for row, group in enumerate(of.group_of) if idle[group] is one] for one in kinds]
        # A first bin without length has no requests either.
        width = np.maximum(self.grid.widths_s[low:high], SHORTEST_S)
        arrivals = [np.zeros(bins) for _ in of.stations]
        held = np.array([one.held_s for one in kinds])
        alike = [len(set(held[:, :, at].ravel().tolist()) - {0.0}) <= 1 for at in range(len(of.stations))]
        work = [arrivals[at] if alike[at] else np.zeros(bins) for at in range(len(of.stations))]
        factors = [of.factors(row, pressures[group], idle[group]) * idle[group].attempts for row, group in enumerate(of.group_of)]
        requests: dict[str, FloatArray] = {}
        hot: Array | None = None
        buffer, total = np.empty(bins), np.empty(bins)
        for at, layout in enumerate(self.layouts):
            expected = of.requests(layout.route, low, high)
            if any(one[at] != 1.0 for one in factors):
                expected = expected * np.array([one[at] for one in factors])[:, None]
            requests[layout.route] = expected
            for rows, situation in zip(rows_of, kinds, strict=True):
                total[:] = expected[rows[0]]
                for row in rows[1:]:
                    total += expected[row]
                for place in np.flatnonzero(situation.visits[at]).tolist():
                    np.multiply(total, situation.visits[at, place], out=buffer)
                    arrivals[place] += buffer
                    if not alike[place]:
                        buffer *= situation.held_s[at, place]
                        work[place] += buffer
                for edge, of_route, _, failing in situation.failing:
                    breaker = of.network.breaker(*edge)
                    if of_route == at and failing >= float(breaker.opens_at):
                        acts = total >= breaker.min_calls / 4
                        hot = acts if hot is None else hot | acts
        for place in range(len(of.stations)):
            arrivals[place] /= width
            if alike[place]:
                work[place] = arrivals[place] * float(held[:, :, place].max(initial=0.0))
            else:
                work[place] /= width
        return Loads(low, high, idle, requests, tuple(arrivals), tuple(work), hot)

    def servers(self, at: int, replicas: Mapping[str, Array], low: int, high: int, pressures: tuple[Pressures, ...]) -> int | Array:
        """Servers of a station in bins [low, high): one number where it never changes, else `[bins]`, int64."""
        name = self.situations.stations[at]
        lost = max(dict(one.components).get(name, NONE).lost for one in pressures)
        count = replicas[name]
        concurrency = self.situations.kinds[name].concurrency
        if self.situations.parts[name].autoscaler is None:
            return left(int(count[low]) * concurrency, lost)
        whole = count[low:high].astype(np.int64) * concurrency
        return whole if lost == 0 else np.floor(whole * (1 - lost) + 1e-9).astype(np.int64)

    @staticmethod
    def _used(work: FloatArray, servers: int | Array) -> FloatArray:
        """Utilisation as offered; infinite where there is work but no server."""
        if isinstance(servers, int):
            return work / servers if servers > 0 else np.where(work > 0, np.inf, 0.0)
        out: FloatArray = np.divide(work, servers, out=np.where(work > 0, np.inf, 0.0), where=servers > 0)
        return out

    def steady(
        self, low: int, high: int, pressures: tuple[Pressures, ...], replicas: Mapping[str, Array], loads: Loads | None = None
    ) -> Steady:
        """Bins [low, high) under constant pressures, one for each group; `replicas` of components in every bin of the run."""
        loads = self.loads(low, high, pressures) if loads is None else loads
        of, bins = self.situations, high - low
        hot = np.zeros(bins, bool) if loads.hot is None else loads.hot
        held = self.held_s(loads.idle)
        counts = [self.servers(at, replicas, low, high, pressures) for at in range(len(of.stations))]
        work = list(loads.work)
        used = [self._used(busy, count) for busy, count in zip(work, counts, strict=True)]
        keys = Keys(bins, HIGHEST + 2)
        for at in range(len(of.stations)):
            self._add(keys, at, counts[at], used[at])
        by_key = [self._conditions(pressures, held, keys, key) for key in range(keys.count)]
        holding = [at for at, name in enumerate(of.stations) if self._waits_for_others(name)]
        for _ in range(_PASSES if holding else 0):
            # Who keeps a server while it waits for others is busier for their queues.
            now = [self.held_s(tuple(of.situation(met, one) for met, one in zip(mets, pressures, strict=True))) for mets in by_key]
            longer = np.array([[one[at] / held[at] for one in now] for at in holding])
            for at, factor in zip(holding, longer, strict=True):
                work[at] = loads.work[at] * factor[keys.number]
                used[at] = self._used(work[at], counts[at])
            keys = Keys(bins, HIGHEST + 2)
            for at in range(len(of.stations)):
                self._add(keys, at, counts[at], used[at])
            by_key = [self._conditions(pressures, held, keys, key) for key in range(keys.count)]
        utilisation, queue = {}, {}
        for at, name in enumerate(of.stations):
            hot |= self._must_follow(at, low, used[at], counts[at], held[at], pressures)
            utilisation[name] = np.minimum(used[at], 1.0)
            queue[name] = self._queue(at, keys, work[at], held[at])
        which, answers = self._answers(by_key, pressures, keys)
        return Steady(which, answers, loads.requests, utilisation, queue, hot)

    def _waits_for_others(self, name: str) -> bool:
        """Whether calls keep a server while they wait for what they call."""
        component = self.situations.parts[name]
        return name not in self.world.components or bool(component.holds and component.calls)

    def _add(self, keys: Keys, at: int, servers: int | Array, used: FloatArray) -> None:
        kind = self.situations.kinds[self.situations.stations[at]]
        floors = {count: first_level(kind, count) if count > 0 else 0 for count in _counts(servers)}
        if isinstance(servers, int) and servers > 0 and float(used.max(initial=0.0)) < begins(floors[servers]):
            return
        level = np.zeros(len(used), np.int64) if isinstance(servers, int) and servers <= 0 else levels_of(used)
        for count, floor in floors.items():
            level[(level < floor) if isinstance(servers, int) else (level < floor) & (servers == count)] = 0
        keys.add(at, level, servers)

    def _must_follow(
        self, at: int, low: int, used: FloatArray, servers: int | Array, held_s: float, pressures: tuple[Pressures, ...]
    ) -> Array:
        """Bins in which a station is not in equilibrium, or changes what others do."""
        name = self.situations.stations[at]
        component = self.situations.parts[name]
        hot: Array = used >= (HOT if component.shedding is None else min(HOT, float(component.shedding.above)))
        if pressures == self.nothing:
            return hot
        usual = self.usual_utilisation[name][low : low + len(used)]
        moved = np.abs(used - usual) > _MOVED * np.maximum(usual, 0.05)
        scaler = component.autoscaler
        if scaler is not None and scaler.metric == "utilisation":
            return hot | moved
        fewest = min(_counts(servers))
        # The slowest that it may be below HOT; then where it is.
        if fewest > 0 and mmc_relaxation_s(held_s, fewest, HOT * fewest) > self.grid.step_s:
            gap = 1 - np.sqrt(np.minimum(used, 1.0))
            hot = hot | (moved & (held_s > self.grid.step_s * np.square(gap) * servers))
        return hot

    def _queue(self, at: int, keys: Keys, work: FloatArray, held_s: float) -> FloatArray:
        """Mean number waiting."""
        found = keys.of(at)
        if found is None:
            return np.zeros(len(work))
        level, servers = found
        kind = self.situations.kinds[self.situations.stations[at]]
        share = np.zeros(keys.count)
        for key in range(keys.count):
            if level[key] > 0 and servers[key] > 0:
                offered = self._mean(at, servers[key], level[key]) * servers[key]
                share[key] = in_equilibrium(kind.table(servers[key], held_s), offered).queued / max(offered, 1e-300)
        out: FloatArray = share.take(keys.number)
        out *= work
        return out

    def _conditions(self, pressures: tuple[Pressures, ...], held: Sequence[float], keys: Keys, key: int) -> tuple[Met, ...]:
        """Conditions that each group meets in the bins of one key."""
        out = []
        for group in pressures:
            acting = dict(group.components)
            parts = dict(self.situations.idle(group))
            for at, level, servers in keys.stations(key):
                name = self.situations.stations[at]
                pressure = acting.get(name, NONE)
                if servers <= 0:
                    parts[name] = of_pressure(pressure, refused=1.0)
                elif level > 0:
                    parts[name] = self.at_level(at, servers, level, held[at], pressure)
            out.append(merged(parts.items()))
        return tuple(out)

    def _answers(
        self, by_key: Sequence[tuple[Met, ...]], pressures: tuple[Pressures, ...], keys: Keys
    ) -> tuple[dict[str, Array], dict[str, tuple[Answer, ...]]]:
        of = self.situations
        situations = [[of.situation(met, one) for met, one in zip(mets, pressures, strict=True)] for mets in by_key]
        which: dict[str, Array] = {}
        answers: dict[str, tuple[Answer, ...]] = {}
        for at, layout in enumerate(self.layouts):
            known: dict[int, int] = {}
            found: list[Answer] = []
            by_group = np.empty((len(of.groups), keys.count), np.int32)
            for key, here in enumerate(situations):
                for group, situation in enumerate(here):
                    answer = situation.answers[at]
                    if id(answer) not in known:
                        known[id(answer)] = len(found)
                        found.append(answer)
                    by_group[group, key] = known[id(answer)]
            answers[layout.route] = tuple(found)
            shape = (len(of.cells), len(keys.number))
            if len(of.groups) == 1:
                which[layout.route] = np.broadcast_to(by_group[0].take(keys.number), shape)
            else:
                whole = which[layout.route] = np.empty(shape, np.int32)
                for row, group in enumerate(of.group_of):
                    by_group[group].take(keys.number, out=whole[row])
        return which, answers


def left(servers: int, lost: float) -> int:
    """Servers that are left when a share is gone."""
    return servers if lost == 0 else int(np.floor(servers * (1 - lost) + 1e-9))


def _counts(servers: int | Array) -> list[int]:
    """Different numbers of servers, ascending."""
    return [servers] if isinstance(servers, int) else np.flatnonzero(np.bincount(np.maximum(servers, 0))).tolist()
