"""Bins in which something feeds back on itself: queues that build up, clients that try again, breakers, autoscalers.

One bin at a time, each from the state after the one before, so that it does not matter in how many steps a run is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from workbench.telemetry.series import FloatArray
from workbench.world.course import Condition
from workbench.world.load import retries
from workbench.world.load.acts import NONE, Pressure, Pressures
from workbench.world.load.breakers import Open, broken_in, looked
from workbench.world.load.conditions import levels_of, of_pressure, of_stretch
from workbench.world.load.scaling import Replicas
from workbench.world.load.shedding import shed_shares
from workbench.world.load.situations import Edge, Met, Situation, merged
from workbench.world.load.stations import advance, in_equilibrium, random_walk, spread_in_equilibrium
from workbench.world.load.steady import SHORTEST_S, Equilibrium, left

_T = TypeVar("_T")
_SETTLED = 0.02
"""A queue this near to its equilibrium, as a share, is in it."""
_MOST_PASSING = 20.0
"""A queue that is worked off gives those behind it at most so many times what comes in."""
_CALM = 0.9
"""Above this utilisation no queue is taken to be in equilibrium."""


@dataclass(frozen=True, slots=True)
class State:
    """What one bin leaves to the next. By station and group where nothing else is said."""

    inside: tuple[float, ...]
    """Calls in each station."""
    spread: tuple[float, ...]
    """Variance of the number that wait, where a queue is being built up or worked off; below 0 in equilibrium."""
    again: FloatArray
    """Attempts that clients will make again, `[routes, cells, attempts - 1]`: second ones, third ones, ..."""
    open_until: Open
    replicas: tuple[Replicas, ...]
    met: tuple[Met, ...]
    """Conditions in the bin before."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What one bin was like. Sequences are by station where nothing else is said."""

    situations: tuple[Situation, ...]
    """By group."""
    requests: FloatArray
    """`[routes, cells]`."""
    utilisation: tuple[float, ...]
    queue: tuple[float, ...]
    servers: tuple[int, ...]
    settled: bool
    """Every queue is in equilibrium, nobody tries again beyond what is usual, no breaker is open."""
    arrived: tuple[float, ...]
    """Calls that came."""
    served: tuple[float, ...]
    """Of these, those that left their server."""
    lost: tuple[float, ...]
    """Of these, refused at the door, shed, or gone after waiting; `arrived - served - lost` is what is in it more than before."""


class Dynamics:
    """Steps from bin to bin."""

    def __init__(self, equilibrium: Equilibrium, sessions: FloatArray) -> None:
        self._of = equilibrium
        self._sessions = sessions
        self._tiers_differ = any(one.shedding is not None and one.shedding.tiers for one in equilibrium.world.components.values())
        self._breakers = {
            edge: equilibrium.situations.network.breaker(*edge)
            for layout in equilibrium.layouts
            for edge in sorted(equilibrium.situations.network.breakers(layout.route))
        }

    def begin(self, at: int, pressures: tuple[Pressures, ...], replicas: tuple[Replicas, ...]) -> State:
        """The state before bin `at` when everything was in equilibrium until then, under pressures."""
        of, situations = self._of, self._of.situations
        before = max(at - 1, 0)
        loads = of.loads(before, before + 1, pressures)
        inside, met = [], [dict(situations.idle(one)) for one in pressures]
        held = of.held_s(loads.idle)
        for place, name in enumerate(situations.stations):
            kind = situations.kinds[name]
            lost = max(dict(one.components).get(name, NONE).lost for one in pressures)
            servers = left(replicas[place].serving * kind.concurrency, lost)
            if servers <= 0:
                inside.append(0.0)
                continue
            offered = float(loads.work[place][0])
            inside.append(in_equilibrium(kind.table(servers, held[place]), min(offered, _CALM * servers)).inside)
            level = int(levels_of(np.array([offered / servers]))[0])
            for conditions, one in zip(met, pressures, strict=True):
                conditions[name] = of.at_level(place, servers, level, held[place], dict(one.components).get(name, NONE))
        first = self._first(before, pressures, loads.idle)
        again = retries.in_equilibrium(of.world.traffic, first, self._failed(loads.idle))
        spread = tuple(-1.0 for _ in situations.stations)
        return State(tuple(inside), spread, again, (), replicas, tuple(merged(one.items()) for one in met))

    def step(self, state: State, at: int, pressures: tuple[Pressures, ...]) -> tuple[State, Bin]:
        """Bin `at` under the pressures on each group."""
        of, situations = self._of, self._of.situations
        width = max(float(of.grid.widths_s[at]), SHORTEST_S)
        broken = broken_in(state.open_until, at)
        alike = self._alike(pressures)
        kinds = tuple(pressures[group] for group in alike.firsts)
        acting = [dict(one.components) for one in kinds]
        # How requests would fare with the waits of the bin before: how many calls reach each station.
        met_before = [_under(state.met[group], one) for group, one in zip(alike.firsts, acting, strict=True)]
        before = alike.spread(self._situations(met_before, kinds, broken))
        first = self._first(at, pressures, before)
        requests = first.copy()
        for number in range(state.again.shape[2]):
            requests += state.again[:, :, number]
        rates = self._rates(requests / width, before)
        idle = tuple(situations.situation(situations.idle(one), one) for one in kinds)
        usual_s = of.held_s(alike.spread(idle))
        met = [dict(situations.idle(one)) for one in kinds]
        found: dict[int, _AtStation] = {}
        passing = np.ones((len(situations.layouts), len(situations.stations)))
        for place in situations.order:
            name = situations.stations[place]
            pressing = [one.get(name, NONE) for one in acting]
            calls = rates[:, :, place] * passing[:, place]
            work = [float((one * how.held_s[:, place]).sum()) for one, how in zip(calls, before, strict=True)]
            one = self._station(state, place, calls.sum(axis=1).tolist(), work, pressing, alike, usual_s[place], width)
            found[place] = one
            if not one.near and one.passing != 1.0:
                # What a queue keeps back, or gives back, those behind it see less or more of.
                passing[situations.behind[place]] *= one.passing
            for conditions, how in zip(met, one.conditions, strict=True):
                conditions[name] = how
        stations = [found[place] for place in range(len(situations.stations))]
        met_now = [merged(one.items()) for one in met]
        now = alike.spread(self._situations(met_now, kinds, broken))
        again = retries.following(of.world.traffic, first, state.again, self._failed(now))
        open_until = self._look(state.open_until, requests, now, broken, at, width)
        replicas = tuple(
            before.looked(
                at,
                one.busy / max(situations.kinds[name].concurrency, 1),
                float(self._sessions[at]),
                of.grid,
                situations.parts[name],
            )
            if name in situations.parts
            else before
            for name, before, one in zip(situations.stations, state.replicas, stations, strict=True)
        )
        settled = all(one.near for one in stations) and not open_until and not broken and all(one.quiet for one in replicas)
        if settled and again.shape[2]:
            usual = retries.in_equilibrium(of.world.traffic, first, self._failed(now))
            settled = float(np.abs(again - usual).sum()) <= _SETTLED * float(first.sum())
        done = Bin(
            situations=now,
            requests=requests,
            utilisation=tuple(one.busy / one.servers if one.servers > 0 else 1.0 for one in stations),
            queue=tuple(one.queued for one in stations),
            servers=tuple(one.servers for one in stations),
            settled=settled,
            arrived=tuple(one.arrived for one in stations),
            served=tuple(one.served for one in stations),
            lost=tuple(one.lost for one in stations),
        )
        after = alike.spread(met_now)
        met_by = state.met if after == state.met else after
        inside, spread = tuple(one.inside for one in stations), tuple(one.spread for one in stations)
        return State(inside, spread, again, open_until, replicas, met_by), done

    # ---- parts of a step

    def _situations(self, met: Sequence[Met], pressures: tuple[Pressures, ...], broken: tuple[Edge, ...]) -> tuple[Situation, ...]:
        return tuple(self._of.situations.situation(one, pressure, broken) for one, pressure in zip(met, pressures, strict=True))

    def _first(self, at: int, pressures: tuple[Pressures, ...], by_group: tuple[Situation, ...]) -> FloatArray:
        """First attempts, `[routes, cells]`."""
        situations = self._of.situations
        factors = [situations.factors(row, pressures[group], by_group[group]) for row, group in enumerate(situations.group_of)]
        out: FloatArray = situations.expected(at, len(self._of.grid)) * np.array(factors).T
        return out

    def _failed(self, by_group: tuple[Situation, ...]) -> FloatArray:
        """Share of attempts after which clients try again, `[routes, cells]`."""
        return np.array([by_group[group].tried_again for group in self._of.situations.group_of]).T

    def _rates(self, requests: FloatArray, by_group: tuple[Situation, ...]) -> FloatArray:
        """Calls a second that each group brings to each station on each route, `[groups, routes, stations]`."""
        situations = self._of.situations
        totals = np.zeros((len(by_group), len(situations.layouts)))
        for row, group in enumerate(situations.group_of):
            totals[group] += requests[:, row]
        out: FloatArray = totals[:, :, None] * np.array([one.visits for one in by_group])
        return out

    def _alike(self, pressures: tuple[Pressures, ...]) -> _Alike:
        """Groups that meet the same."""
        if self._tiers_differ:
            return _Alike(tuple(range(len(pressures))), tuple(range(len(pressures))))
        kinds = list(dict.fromkeys(pressures))
        return _Alike(tuple(pressures.index(one) for one in kinds), tuple(kinds.index(one) for one in pressures))

    def _station(
        self,
        state: State,
        place: int,
        calls: list[float],
        work: list[float],
        acting: list[Pressure],
        alike: _Alike,
        usual_s: float,
        width: float,
    ) -> _AtStation:
        of = self._of
        name = of.situations.stations[place]
        kind = of.situations.kinds[name]
        servers = left(state.replicas[place].serving * kind.concurrency, max(one.lost for one in acting))
        rate, inside = sum(calls), state.inside[place]
        if servers <= 0:
            # What was in it is lost too.
            refused = tuple(of_pressure(one, refused=1.0) for one in acting)
            return _AtStation(0.0, -1.0, refused, 0, 0.0, 0.0, rate * width, 0.0, rate * width + inside, near=False)
        shed = shed_shares(of.situations.parts[name].shedding, work, [tier for tier, _ in of.situations.groups], servers)
        taken = sum(one * (1 - part) for one, part in zip(calls, shed, strict=True))
        offered = sum(one * (1 - part) for one, part in zip(work, shed, strict=True))
        held = offered / taken if taken > 0 else 1.0
        table = kind.table(servers, held)
        done = advance(table, inside, taken, held, width)
        there = in_equilibrium(table, offered)
        near = offered < _CALM * servers and abs(done.inside - there.inside) <= _SETTLED * there.inside + 0.05
        if near and not any(shed):
            level = int(levels_of(np.array([offered / servers]))[0])
            conditions = tuple(of.at_level(place, servers, level, usual_s, one) for one in acting)
            spread = -1.0
        else:
            # The number that waits is geometric in equilibrium; while a queue that never empties builds up, its variance grows like
            # that of a random walk, so its relative spread falls.
            before = state.spread[place] if state.spread[place] >= 0 else done.queued**2
            grown = before + width * random_walk(taken, kind.arrivals_cv, done.busy / held, kind.variability)
            spread = min(grown, spread_in_equilibrium(table, done, offered))
            near = False
            conditions = tuple(
                of_stretch(kind, table, done, held, spread, shed[group], one)
                for group, one in zip(alike.firsts, acting, strict=True)
            )
        served = done.busy / held * width
        return _AtStation(
            inside=done.inside,
            spread=spread,
            conditions=conditions,
            servers=servers,
            busy=done.busy,
            queued=done.queued,
            arrived=rate * width,
            served=served,
            lost=rate * width - served - (done.inside - inside),
            near=near,
        )

    def _look(
        self,
        open_until: Open,
        requests: FloatArray,
        by_group: tuple[Situation, ...],
        broken: tuple[Edge, ...],
        at: int,
        width: float,
    ) -> Open:
        if not self._breakers:
            return open_until
        seen: dict[Edge, list[tuple[float, float]]] = {}
        for row, group in enumerate(self._of.situations.group_of):
            for edge, route, visits, share in by_group[group].failing:
                calls = float(requests[route, row]) * (1.0 if edge in broken else visits)
                seen.setdefault(edge, []).append((calls, share))
        return looked(open_until, seen, self._breakers, at, width)


@dataclass(frozen=True, slots=True)
class _Alike:
    """Groups that meet the same, whose conditions are worked out once."""

    firsts: tuple[int, ...]
    """A group of each kind."""
    kind_of: tuple[int, ...]
    """The kind of each group."""

    def spread(self, by_kind: Sequence[_T]) -> tuple[_T, ...]:
        """From kinds to groups."""
        return tuple(by_kind[kind] for kind in self.kind_of)


@dataclass(frozen=True, slots=True)
class _AtStation:
    """One station in one bin."""

    inside: float
    spread: float
    conditions: tuple[Condition, ...]
    """By kind of group."""
    servers: int
    busy: float
    queued: float
    arrived: float
    served: float
    lost: float
    near: bool

    @property
    def passing(self) -> float:
        """Calls that leave it as a multiple of those that it took in."""
        taken = self.arrived - self.lost
        return min(_MOST_PASSING, self.served / taken) if taken > 1e-9 else 1.0


def _under(met: Met, acting: dict[str, Pressure]) -> Met:
    """Waits of before under the pressures of now."""
    parts = {name: of_pressure(pressure) for name, pressure in acting.items()}
    for name, how in met:
        if how.waits > 0 or how.refused > 0:
            parts[name] = of_pressure(acting.get(name, NONE), how.waits, how.wait_s, how.wait_shape, how.refused)
    return merged(parts.items())


def same(one: State, other: State) -> bool:
    """Whether two states are so alike that what follows may be taken to be the same."""
    near = all(abs(a - b) <= _SETTLED * max(a, b) + 0.05 for a, b in zip(one.inside, other.inside, strict=True))
    alike = one.open_until == other.open_until and [(r.serving, r.ordered) for r in one.replicas] == [
        (r.serving, r.ordered) for r in other.replicas
    ]
    total = float(np.abs(other.again).sum())
    return near and alike and float(np.abs(one.again - other.again).sum()) <= _SETTLED * total + 0.05
