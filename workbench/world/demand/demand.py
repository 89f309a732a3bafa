"""Expected requests of every route, cell and bin, before the system answers any of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.calendar import local_seconds
from workbench.world.delivery.launches import launch_factor
from workbench.world.demand.bots import bot_rates
from workbench.world.demand.cells import Cell, cells_of
from workbench.world.demand.events import EventFactor, event_factor, launched
from workbench.world.demand.shape import surges, trend, week_shape, zoned
from workbench.world.demand.variability import rate_factors
from workbench.world.grid import Grid
from workbench.world.platform.load_test import load_test_rates


@dataclass(frozen=True, eq=False)
class Demand:
    """What users and bots would send if every answer came at once and none failed: the same for every policy.

    Kept as factors: a profile for each kind of cell, weights, a factor for each route that varies on its own. Each such row takes
    1.4 MB for a month; ten routes and eight cells multiplied out would take 110 MB.
    """

    cells: tuple[Cell, ...]
    """Rows of every array of a route."""
    routes: tuple[str, ...]
    """Sorted."""
    widths_s: FloatArray
    """Of each bin, `[bins]`."""
    profiles: tuple[FloatArray, ...]
    """Requests a second at weight 1, `[bins]` each."""
    profile_of: tuple[int, ...]
    """Which of them is that of each cell."""
    weights: FloatArray
    """`[cells, routes]`."""
    factors: FloatArray | None
    """What each route's rate is multiplied with, `[routes, bins]`; bots do not vary. None: nothing, or it is in the profiles."""
    events: tuple[EventFactor, ...]
    """Bots take no part in them."""

    def requests(self, path: str, low: int, high: int) -> FloatArray:
        """Expected requests of a route in bins [low, high), `[cells, high - low]`."""
        column = self.routes.index(path)
        out = np.empty((len(self.cells), high - low))
        for row in range(len(self.cells)):
            self._rate(out[row], row, column, low, high)
            out[row] *= self.widths_s[low:high]
        return out

    def rates(self, tier: str | None = None, *, bots: bool = True) -> FloatArray:
        """Requests a second over all routes, of one tier or of all, with or without bots, `[bins]`."""
        return self._total([row for row, cell in enumerate(self.cells) if tier in (None, cell.tier) and (bots or cell.bot is None)])

    def population(self, row: int, answer_s: float) -> FloatArray:
        """Users of a closed cell in each bin, `[bins]`: as many as send what is expected while answers take `answer_s`.

        A user who waits sends a request every think time + answer time (the interactive response time law: Little's law for the
        whole cycle), so users = requests a second x (think time + answer time). Raises ValueError for users who do not wait.
        """
        closed = self.cells[row].closed
        if closed is None:
            raise ValueError(f"the users of {self.cells[row].labels} do not wait for answers")
        return self._total([row]) * (closed.think_time + answer_s)

    def _rate(self, out: FloatArray, row: int, column: int, low: int, high: int) -> None:
        """Requests a second of one cell on one route in bins [low, high)."""
        np.multiply(self.profiles[self.profile_of[row]][low:high], self.weights[row, column], out=out)
        cell = self.cells[row]
        if cell.bot is not None:
            return
        if self.factors is not None:
            out *= self.factors[column, low:high]
        for event in self.events:
            begin, end = max(low, event.low), min(high, event.high)
            if begin < end and event.acts_on(self.routes[column], cell.tier):
                out[begin - low : end - low] *= event.factors[begin - event.low : end - event.low]

    def _total(self, rows: Sequence[int]) -> FloatArray:
        """Requests a second of some cells over all routes, `[bins]`."""
        out = np.zeros(len(self.widths_s))
        # Cells of one profile differ in weights alone, so their routes' factors are added up once.
        for number, profile in enumerate(self.profiles):
            mine = [row for row in rows if self.profile_of[row] == number]
            if not mine:
                continue
            weights = self.weights[mine].sum(axis=0)
            if self.factors is None or self.cells[mine[0]].bot is not None:
                out += profile * weights.sum()
                continue
            together = self.factors[0] * weights[0]
            for column in range(1, len(self.routes)):
                together += self.factors[column] * weights[column]
            together *= profile
            out += together
        for begin, end in _joined(sorted((event.low, event.high) for event in self.events)):
            part, one = np.zeros(end - begin), np.empty(end - begin)
            for row in rows:
                for column in range(len(self.routes)):
                    self._rate(one, row, column, begin, end)
                    part += one
            out[begin:end] = part
        return out


def demand(world: World, grid: Grid, start: dt.datetime, seed: int) -> Demand:
    """The demand of one run.

    Each cell's usual traffic has its share of `traffic.mean_rps` as its mean over the run, whatever its shape; months, growth,
    events and bots come on top, and variability has mean 1.
    """
    traffic, middles = world.traffic, grid.middles_s
    cells, routes = cells_of(world), tuple(sorted(world.routes))
    weeks: dict[str | None, FloatArray] = {None: local_seconds(start, middles)}
    surging, over_time = surges(traffic, weeks[None]), trend(traffic, start, middles)
    factors = None
    if traffic.variability is not None and traffic.variability.spread > 0:
        factors = rate_factors(traffic.variability, routes, grid, seed)
        if len(factors) == 1:
            over_time, factors = over_time * factors[0], None
    profiles: list[FloatArray] = []
    numbers: dict[object, int] = {}
    profile_of: list[int] = []
    for cell in cells:
        key = cell.labels if cell.bot else (cell.zone, cell.hours, cell.weekdays)
        if key not in numbers:
            numbers[key] = len(profiles)
            if cell.bot is not None:
                profiles.append(bot_rates(cell.bot, cell.segment, start, grid, seed))
            else:
                if cell.zone not in weeks:
                    weeks[cell.zone] = local_seconds(zoned(start, cell.zone), middles)
                shape = week_shape(cell.hours, cell.weekdays, weeks[cell.zone])
                shape *= surging
                shape *= traffic.mean_rps / shape.mean()
                shape *= over_time
                profiles.append(shape)
        profile_of.append(numbers[key])
    weights = np.array([[(1.0 if cell.bot else cell.weight) * cell.mix[path] for path in routes] for cell in cells])
    out = Demand(
        cells, routes, grid.widths_s, tuple(profiles), tuple(profile_of), weights, factors, tuple(_events(world, grid, start))
    )
    tested = _tested(world, grid, start, out) if world.platform.load_test is not None else None
    return out if tested is None else replace(out, events=(*out.events, tested))


def _tested(world: World, grid: Grid, start: dt.datetime, users: Demand) -> EventFactor | None:
    """The load test on top of what users send, as a factor on all of it."""
    sent = users.rates(bots=False)
    return launched(None, 1.0 + load_test_rates(world, grid, start, sent) / np.maximum(sent, 1e-9))


def _events(world: World, grid: Grid, start: dt.datetime) -> Iterator[EventFactor]:
    for _, event in sorted(world.traffic.events.items()):
        factor = event_factor(event, start, grid)
        if factor is not None:
            yield factor
    for path in sorted(world.routes):
        factor = launched(path, launch_factor(world, path, start, grid.middles_s))
        if factor is not None:
            yield factor


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted ranges, those that touch or overlap as one."""
    out: list[tuple[int, int]] = []
    for low, high in ranges:
        if out and low <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return out
