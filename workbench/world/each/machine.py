"""The world at work, bin by bin of the scrape grid: requests arrive, conditions change, everything is counted at each scrape."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import simpy

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.each.breaker import Budget
from workbench.world.each.condition import RouteSituation, Situation, situation
from workbench.world.each.deadlines import Deadlines
from workbench.world.each.demand import Cell, Demand
from workbench.world.each.draws import Law, exponentials, lognormals, uniforms
from workbench.world.each.graph import graph
from workbench.world.each.part import Part
from workbench.world.each.population import Population
from workbench.world.each.result import EachResult, PartTrack
from workbench.world.each.shedding import scale
from workbench.world.each.station import Readings, Station
from workbench.world.each.tally import Tally, route_track
from workbench.world.each.users import ClientRetry, Request, Users
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid

_USUAL = RouteSituation()
_READINGS = len(Readings._fields)


class Machine:
    """Everything that requests pass through. `advance` lets time pass; `effects` are those of all incidents so far."""

    def __init__(
        self,
        env: simpy.Environment,
        world: World,
        demand: Demand,
        grid: Grid,
        seed: int,
        *,
        codes: Mapping[str, tuple[str, ...]],
        usual_s: Mapping[str, float],
        services: Mapping[str, Law] | None = None,
        keep_waits: bool = False,
    ) -> None:
        """`codes` are all that each route can answer with, success first; `usual_s` how long its answers usually take."""
        self.effects: list[ActiveEffect] = []
        self.bins = 0
        """Bins that were scraped."""
        self._env, self._world, self._grid, self._seed = env, world, grid, seed
        self._demand, self._codes = demand, codes
        self._cells = [(path, row, cell) for path in sorted(demand.cells) for row, cell in enumerate(demand.cells[path])]
        askers = sorted({(path, cell[0]) for path, _, cell in self._cells})
        self.graph = graph(env, world, askers, seed, services=services or {}, keep_waits=keep_waits)
        late: Deadlines[Request] = Deadlines(env, world.traffic.timeout, lambda request: request.cell.leave(request))
        self._budgets: list[Budget] = []
        self._bots = {(bot.tier, name) for name, bot in world.traffic.bots.items()}
        self._users = [self._make(path, cell, askers.index((path, cell[0])), late) for path, _, cell in self._cells]
        self._populations = {
            index: Population(env, self._users[index], think_s, usual_s[path], exponentials(seed, "each", "think", path, *cell))
            for index, (path, row, cell) in enumerate(self._cells)
            if (think_s := demand.think_s[path][row]) is not None
        }
        self._now = Situation()
        self._begun = False
        self._columns = [0, *accumulate(len(users.tally.read()) for users in self._users)]
        self._counts = np.zeros((len(grid) + 1, self._columns[-1]))
        self._stations: list[tuple[str, Part | None, Station | None]] = [
            *((name, part, part.station) for name, part in self.graph.parts.items()),
            *((name, None, pool) for name, pool in sorted(self.graph.pools.items())),
        ]
        self._readings = np.zeros((len(grid) + 1, len(self._stations), _READINGS + 2))
        for part in self.graph.parts.values():
            if part.spec.autoscaler is not None and part.station is not None:
                env.process(scale(env, part, part.spec.autoscaler, self._sessions))

    def _make(self, path: str, cell: Cell, asker: int, late: Deadlines[Request]) -> Users:
        world, seed = self._world, self._seed
        route = world.routes[path]
        own: Lognormal | None = route.latency
        retry = None
        spec = world.traffic.retries
        if spec is not None:
            budget = Budget(None if spec.budget is None else float(spec.budget))
            self._budgets.append(budget)
            tried = re.compile("|".join(spec.on))
            jitter = uniforms(seed, "each", "client jitter", path, *cell)
            retry = ClientRetry(spec, lambda code: tried.fullmatch(code) is not None, budget, jitter)
        return Users(
            self._env,
            route,
            self.graph.routes[path],
            asker,
            tally=Tally(self._codes[path], world.histogram.bounds),
            latency=None if own is None else lognormals(own, seed, "each", "latency", path, *cell),
            draw=uniforms(seed, "each", "answers", path, *cell),
            late=late,
            retry=retry,
        )

    def changed(self) -> None:
        """Effects begin or end now."""
        self._apply()

    def advance(self, to_s: float) -> None:
        """Let everything happen before `to_s`, and every scrape up to it."""
        if not self._begun:
            self._begun = True
            self._begin()
        while self.bins < len(self._grid) and self._grid.times[self.bins] <= to_s + 1e-9:
            self._run(float(self._grid.times[self.bins]))
            self.bins += 1
            self._scrape()
            self._begin()
        self._run(to_s)

    def _run(self, to_s: float) -> None:
        if to_s > self._env.now:
            self._env.run(until=to_s)

    def _begin(self) -> None:
        """A bin begins: incidents that begin or end with it come first, then its requests are drawn."""
        while self._env.peek() <= self._env.now + 1e-9:
            self._env.step()
        self.graph.look()
        for budget in self._budgets:
            budget.look()
        self._apply()
        if self.bins < len(self._grid):
            self._settle(self.bins)
            self._env.process(self._arrivals(self.bins))

    def _apply(self) -> None:
        self._now = situation(self._world, self.effects, self._grid, self.bins, self._seed)
        self.graph.apply(self._now)
        for (path, _, cell), users in zip(self._cells, self._users, strict=True):
            now = self._now.routes.get((path, cell[0]), _USUAL)
            users.enter(now.of_bot(self._world.traffic.bots[cell[1]]) if cell in self._bots else now)

    def _arrivals(self, index: int) -> Generator[simpy.Event, Any, None]:
        """Requests of one bin: a Poisson number for each cell, uniform in time. Keyed by the bin: the same under every policy."""
        rng = stream(self._seed, "each", "arrivals", index)
        usual = self._expected(index)
        usual[list(self._populations)] = 0.0
        counts = rng.poisson(usual)
        who = np.repeat(np.arange(len(counts)), counts)
        at = rng.random(len(who))
        factors = np.array([self._now.routes.get((path, cell[0]), _USUAL).traffic for path, _, cell in self._cells])
        if (factors != 1).any():
            # Those beyond the usual ones, or the share of these that does not come, on a stream of their own.
            more = stream(self._seed, "each", "more arrivals", index)
            kept = more.random(len(who)) < factors[who]
            extra = more.poisson(usual * np.maximum(factors - 1, 0))
            who = np.concatenate([who[kept], np.repeat(np.arange(len(extra)), extra)])
            at = np.concatenate([at[kept], more.random(int(extra.sum()))])
        order = np.argsort(at)
        begin = self._grid.start_of(index)
        width = float(self._grid.widths_s[index])
        users, env = self._users, self._env
        for cell, time in zip(who[order].tolist(), (begin + width * at[order]).tolist(), strict=True):
            yield simpy.Timeout(env, max(0.0, time - env.now))
            users[cell].send()

    def _expected(self, index: int) -> FloatArray:
        return np.array([self._demand.expected[path][row, index] for path, row, _ in self._cells])

    def _settle(self, index: int) -> None:
        """Users who wait for answers come and go."""
        rates = self._expected(index) / max(float(self._grid.widths_s[index]), 1e-9)
        u = stream(self._seed, "each", "users", index).random(len(rates)).tolist()
        for cell, population in self._populations.items():
            path, _, (tier, _) = self._cells[cell]
            factor = self._now.routes.get((path, tier), _USUAL).traffic
            population.resize(float(rates[cell]) * factor, u[cell])

    def _scrape(self) -> None:
        row: list[float] = []
        for users in self._users:
            row += users.tally.read()
        self._counts[self.bins] = row
        readings = self._readings[self.bins]
        for index, (_, part, station) in enumerate(self._stations):
            if station is not None:
                readings[index, :_READINGS] = station.read()
            if part is not None:
                readings[index, _READINGS:] = part.arrived, part.failed

    def _sessions(self) -> float:
        traffic = self._world.traffic
        rate = float(self._demand.rates[min(self.bins, len(self._grid) - 1)])
        return rate / traffic.requests_per_session * traffic.session_length

    # ---- what was counted

    @property
    def cells(self) -> list[tuple[str, Cell, tuple[str, ...]]]:
        """Route, cell and codes of each tally."""
        return [(path, cell, self._codes[path]) for path, _, cell in self._cells]

    def counts(self, cell: int) -> FloatArray:
        """What was read of one cell's tally at the start and at every scrape, `[bins + 1, columns]`."""
        return self._counts[:, self._columns[cell] : self._columns[cell + 1]]

    def result(self) -> EachResult:
        """Everything so far."""
        grid, upto = self._grid, self.bins
        routes = {}
        for path, cells in self._demand.cells.items():
            rows = np.stack([self.counts(index)[: upto + 1] for index, (of, _, _) in enumerate(self._cells) if of == path])
            routes[path] = route_track(cells, self._codes[path], self._world.histogram.bounds, rows)
        each = np.diff(self._readings[: upto + 1], axis=0)
        tracks = {}
        for index, (name, _, station) in enumerate(self._stations):
            waits = np.array(station.waits) if station is not None and station.waits is not None else None
            mine = each[:, index]
            tracks[name] = PartTrack(
                grid.widths_s[:upto], mine[:, :_READINGS], mine[:, _READINGS].round(), mine[:, _READINGS + 1].round(), waits
            )
        return EachResult(
            grid=grid,
            routes=routes,
            parts={name: tracks[name] for name in self.graph.parts},
            pools={name: tracks[name] for name in sorted(self.graph.pools)},
            breakers_opened={name: breaker.opened for name, breaker in sorted(self.graph.breakers.items())},
            breakers_rejected={name: breaker.rejected for name, breaker in sorted(self.graph.breakers.items())},
            retries={name: budget.spent for name, budget in sorted(self.graph.budgets.items())},
            requests=sum(users.tally.begun for users in self._users),
        )
