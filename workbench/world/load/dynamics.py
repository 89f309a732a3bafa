"""Bins in which something feeds back on itself: queues that build up, clients that try again, breakers, autoscalers.

One bin at a time, each from the state after the one before, so that it does not matter in how many steps a run is filled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, RouteCondition
from workbench.world.load.acts import NONE, Pressures
from workbench.world.load.conditions import levels_of, of_pressure, of_stretch, table, variability
from workbench.world.load.scaling import Replicas
from workbench.world.load.stations import advance
from workbench.world.load.steady import Equilibrium
from workbench.world.network.fares import retried_share

_SETTLED = 0.02
"""A queue this near to its equilibrium, as a share, is in it."""
_SUB_STEPS = 4


@dataclass(frozen=True)
class State:
    """What one bin leaves to the next."""

    inside: Mapping[str, float]
    """Calls in each timed component."""
    spread: Mapping[str, float]
    """Variance of the number that wait, where a queue is being built up or worked off."""
    again: Mapping[str, Array]
    """Attempts that clients will make again, by route, `[cells, attempts - 1]`: second ones, third ones, ..."""
    open_until: Mapping[tuple[str, str], int]
    """First bin in which an open breaker lets calls through again."""
    replicas: Mapping[str, Replicas]
    conditions: Mapping[tuple[str, int], RouteCondition] = field(default_factory=dict)
    """Of each (route, tier) in the bin before."""


@dataclass(frozen=True)
class Bin:
    """What one bin was like."""

    answers: Mapping[str, tuple[Answer, ...]]
    """By route, one for each cell."""
    requests: Mapping[str, FloatArray]
    """By route, `[cells]`."""
    utilisation: Mapping[str, float]
    queue: Mapping[str, float]
    servers: Mapping[str, int]
    settled: bool
    """Every queue is in equilibrium, nobody tries again beyond what is usual, no breaker is open."""


class Dynamics:
    """Steps from bin to bin."""

    def __init__(self, equilibrium: Equilibrium) -> None:
        self._of = equilibrium
        self._world = equilibrium.world
        self._retries = equilibrium.world.traffic.retries

    def begin(self, at: int, replicas: Mapping[str, Replicas]) -> State:
        """The state before bin `at` when everything was in equilibrium until then."""
        of = self._of
        width = max(float(of.grid.widths_s[max(at - 1, 0)]), 1e-9)
        before = max(at - 1, 0)
        arrivals: dict[str, float] = dict.fromkeys(of.timed, 0.0)
        work: dict[str, float] = dict.fromkeys(of.timed, 0.0)
        idle = RouteCondition()
        for layout in of.layouts:
            rate = float(of.requests(layout.route, before, before + 1).sum()) / width
            answer, calls = of.answer(layout, idle), of.network.calls(layout.route, idle)
            for name, visits in answer.visits.items():
                if name in arrivals:
                    arrivals[name] += rate * visits
                    work[name] += rate * visits * calls.held_s[name]
        inside = {}
        for name in of.timed:
            component = self._world.components[name]
            kind = table(component, max(1, replicas[name].serving * component.concurrency))
            inside[name] = float(np.interp(work[name], kind.offered, kind.inside))
        attempts = self._retries.attempts - 1 if self._retries is not None else 0
        again = {layout.route: np.zeros((len(layout.cells), attempts)) for layout in of.layouts}
        return State(inside, {}, again, {}, dict(replicas))

    def step(self, state: State, at: int, pressures: tuple[Pressures, ...]) -> tuple[State, Bin]:
        """Bin `at` under the pressures on each tier."""
        of, world = self._of, self._world
        width = max(float(of.grid.widths_s[at]), 1e-9)
        broken = tuple(sorted(edge for edge, until in state.open_until.items() if at < until))
        idle = [{name: of_pressure(pressure) for name, pressure in one.components} for one in pressures]
        # How requests would fare with the waits of the bin before: how many calls reach each component.
        last: dict[tuple[str, int], RouteCondition] = {}
        for layout in of.layouts:
            for tier in range(len(of.groups)):
                met = dict(idle[tier])
                before = state.conditions.get((layout.route, tier))
                for name, how in before.components if before is not None else ():
                    pressure = dict(pressures[tier].components).get(name, NONE)
                    met[name] = of_pressure(pressure, how.waits, how.wait_s, how.wait_shape, how.refused)
                last[layout.route, tier] = of.condition(layout.route, met, pressures[tier], broken)
        requests: dict[str, FloatArray] = {}
        arrivals: dict[str, float] = dict.fromkeys(of.timed, 0.0)
        work: dict[str, float] = dict.fromkeys(of.timed, 0.0)
        first: dict[str, FloatArray] = {}
        for layout in of.layouts:
            expected = of.requests(layout.route, at, at + 1)[:, 0].copy()
            for row, group in enumerate(of.group_of):
                waits = of.waiting(row, layout, of.answer(layout, last[layout.route, group]))
                expected[row] *= dict(pressures[group].routes).get(layout.route, NONE).traffic * waits
            first[layout.route] = expected
            requests[layout.route] = expected + state.again[layout.route].sum(axis=1)
            for row, group in enumerate(of.group_of):
                condition = last[layout.route, group]
                answer, calls = of.answer(layout, condition), of.network.calls(layout.route, condition)
                rate = float(requests[layout.route][row]) / width
                for name, visits in answer.visits.items():
                    if name in arrivals:
                        arrivals[name] += rate * visits
                        work[name] += rate * visits * calls.held_s[name]
        inside, spread, settled = {}, {}, True
        met_by_tier = [dict(one) for one in idle]
        utilisation, queue, count = {}, {}, {}
        replicas = dict(state.replicas)
        for name in of.timed:
            component = world.components[name]
            lost = max(dict(one.components).get(name, NONE).lost for one in pressures)
            servers = math.floor(replicas[name].serving * component.concurrency * (1 - lost) + 1e-9)
            rate = arrivals[name]
            held = work[name] / rate if rate > 0 else 1.0
            count[name] = servers
            if servers <= 0:
                inside[name], utilisation[name], queue[name] = 0.0, 1.0, 0.0
                settled = False
                for tier, one in enumerate(pressures):
                    met_by_tier[tier][name] = of_pressure(dict(one.components).get(name, NONE), refused=1.0)
                continue
            shed = 0.0
            if component.shedding is not None and work[name] > 0:
                shed = max(0.0, 1 - float(component.shedding.above) * servers / work[name])
            kind = table(component, servers)
            level = state.inside.get(name, 0.0)
            for _ in range(_SUB_STEPS):
                stretch = advance(kind, level, rate * (1 - shed), held, width / _SUB_STEPS, component.queue.max_wait)
                level = stretch.inside
            inside[name] = level
            utilisation[name], queue[name] = stretch.utilisation, stretch.queued
            offered = min(rate * (1 - shed) * held, float(kind.offered[-1]))
            balance = float(np.interp(offered, kind.offered, kind.inside))
            near = offered < 0.9 * servers and abs(level - balance) <= _SETTLED * balance + 0.05
            refused = 1 - (1 - shed) * (1 - stretch.refused)
            if near and shed == 0:
                grade = int(levels_of(np.array([offered / servers]))[0])
                for tier, one in enumerate(pressures):
                    pressure = dict(one.components).get(name, NONE)
                    if grade >= of.first_level(name, servers):
                        met_by_tier[tier][name] = of.at_level(name, servers, grade, float(f"{held:.9g}"), pressure)
            else:
                settled = False
                served = stretch.utilisation * servers / held
                # The count that waits is geometric in equilibrium; while a queue builds up its variance grows like that of a
                # random walk, so its relative spread falls.
                grown = state.spread.get(name, stretch.queued**2) + width * (
                    rate * component.arrivals_cv**2 + served * (2 * variability(component) - component.arrivals_cv**2)
                )
                spread[name] = min(grown, max(stretch.queued**2, 1e-9))
                shape = min(64.0, max(1.0, stretch.queued**2 / max(spread[name], 1e-9)))
                for tier, one in enumerate(pressures):
                    pressure = dict(one.components).get(name, NONE)
                    met_by_tier[tier][name] = of_stretch(stretch, refused, shape, pressure)
            replicas[name] = replicas[name].looked(at, utilisation[name], of.grid, component)
        conditions: dict[tuple[str, int], RouteCondition] = {}
        answers: dict[str, tuple[Answer, ...]] = {}
        again: dict[str, Array] = {}
        failing: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for layout in of.layouts:
            rows = []
            for row, at_tier in enumerate(of.group_of):
                condition = of.condition(layout.route, met_by_tier[at_tier], pressures[at_tier], broken)
                conditions[layout.route, at_tier] = condition
                answer = of.answer(layout, condition)
                rows.append(answer)
                for edge, share in of.network.calls(layout.route, condition).failing.items():
                    visits = answer.visits.get(edge[1], 0.0) if edge not in broken else 1.0
                    failing.setdefault(edge, []).append((float(requests[layout.route][row]) * max(visits, 1e-9), share))
            answers[layout.route] = tuple(rows)
            failed = [of.tried_again(layout, answer) for answer in rows]
            again[layout.route] = self._again(first[layout.route], state.again[layout.route], failed)
        open_until = dict(state.open_until)
        for edge, seen in sorted(failing.items()):
            breaker = of.network.breaker(*edge)
            calls_made = sum(weight for weight, _ in seen)
            share = sum(weight * part for weight, part in seen) / calls_made if calls_made > 0 else 0.0
            if share >= float(breaker.opens_at) and (calls_made >= breaker.min_calls or edge in broken):
                if edge not in broken or at + 1 >= open_until[edge]:
                    open_until[edge] = at + 1 + max(1, math.ceil(breaker.open_for / width))
            elif edge in open_until and at + 1 >= open_until[edge]:
                del open_until[edge]
        if open_until or broken:
            settled = False
        if self._retries is not None:
            usual = 0.02 * sum(float(one.sum()) for one in first.values())
            settled = settled and sum(float(one.sum()) for one in again.values()) <= max(usual, 1.0)
        settled = settled and all(one.quiet for one in replicas.values())
        done = Bin(answers, requests, utilisation, queue, count, settled)
        return State(inside, spread, again, open_until, replicas, conditions), done

    def _again(self, first: FloatArray, again: Array, failed: list[float]) -> Array:
        """Attempts that follow in the next bin: failed ones move on by one attempt, within the budget."""
        if self._retries is None:
            return again
        attempts = np.concatenate([first[:, None], again], axis=1)[:, :-1]
        failing = np.array(failed)[:, None]
        wanted = attempts * failing
        if self._retries.budget is not None:
            allowed = float(self._retries.budget) * first[:, None]
            total = wanted.sum(axis=1, keepdims=True)
            wanted = wanted * np.minimum(1.0, np.divide(allowed, total, out=np.ones_like(total), where=total > 0))
        moved: Array = wanted
        return moved


__all__ = ["Bin", "Dynamics", "State", "retried_share"]
