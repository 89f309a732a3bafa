"""Expected requests of every route, cell and bin, before anything feeds back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.delivery.launches import launch_factor
from workbench.world.demand.cells import Cell, cells_of
from workbench.world.demand.shape import bot_rate, event_factor, trend, week_shape
from workbench.world.demand.variability import factors
from workbench.world.grid import Grid
from workbench.world.platform.load_test import load_test_rates


@dataclass(frozen=True, eq=False)
class Demand:
    """What users would send, whatever the policy. Kept as factors; `requests` multiplies them where they are asked for."""

    cells: tuple[Cell, ...]
    widths_s: FloatArray
    shapes: tuple[FloatArray, ...]
    """Requests a second of each cell over all routes, each `[bins]`; cells that are alike share one array."""
    scales: tuple[float, ...]
    """What to multiply each cell's shape by."""
    by_route: Mapping[str, tuple[FloatArray | None, ...]]
    """Factor on each cell's requests of a route, `[bins]`; None is 1."""

    def requests(self, path: str, low: int, high: int) -> FloatArray:
        """Expected requests of a route in bins [low, high), `[cells, high - low]`."""
        out = np.empty((len(self.cells), high - low))
        widths = self.widths_s[low:high]
        for row, cell in enumerate(self.cells):
            np.multiply(self.shapes[row][low:high], self.scales[row] * cell.mix[path], out=out[row])
            out[row] *= widths
            factor = self.by_route[path][row]
            if factor is not None:
                out[row] *= factor[low:high]
        return out

    def rates(self, tier: str | None = None) -> FloatArray:
        """Requests a second over all routes, of one tier or of all, `[bins]`."""
        total = np.zeros(len(self.widths_s))
        for row, cell in enumerate(self.cells):
            if tier is not None and cell.tier != tier:
                continue
            whole = self.shapes[row] * self.scales[row]
            if any(of_route[row] is not None for of_route in self.by_route.values()):
                mixed = np.zeros(len(whole))
                for path, share in cell.mix.items():
                    factor = self.by_route[path][row]
                    mixed += share if factor is None else share * factor
                whole = whole * mixed
            total += whole
        return total


def demand(world: World, grid: Grid, start: dt.datetime, seed: int) -> Demand:
    """The demand of one run."""
    traffic = world.traffic
    cells = cells_of(world)
    usual: dict[tuple[object, ...], FloatArray] = {}
    over = trend(traffic, start, grid.middles_s)
    shapes, scales = [], []
    for cell in cells:
        if cell.bot is not None:
            shapes.append(bot_rate(cell.bot, cell.segment, start, grid.middles_s, grid.step_s, seed))
            scales.append(1.0)
            continue
        key = cell.hours, cell.weekdays, cell.zone
        if key not in usual:
            shape = week_shape(cell.hours, cell.weekdays, traffic, start, cell.zone, grid.middles_s)
            usual[key] = shape if over is None else shape * over
        shapes.append(usual[key])
        scales.append(traffic.mean_rps * cell.weight)
    paths = tuple(sorted(world.routes))
    wandering = factors(traffic.variability, paths, len(grid), grid.step_s, seed) if traffic.variability is not None else {}
    peaks = {name: event_factor(event, start, grid.middles_s) for name, event in sorted(traffic.events.items())}
    by_route: dict[str, tuple[FloatArray | None, ...]] = {}
    tested = _load_test(world, grid, start, shapes, scales)
    for path in paths:
        launched = launch_factor(world, path, start, grid.middles_s)
        known: dict[tuple[str, str], FloatArray | None] = {}
        rows: list[FloatArray | None] = []
        for cell in cells:
            tiered = any(one.tiers for one in traffic.events.values())
            who = ("a bot", "") if cell.bot is not None else ("users", cell.tier if tiered else "")
            if who not in known:
                product: FloatArray | None = None
                if cell.bot is None:
                    parts = [launched, wandering.get(path), tested]
                    parts += [
                        peaks[name]
                        for name, event in sorted(traffic.events.items())
                        if (not event.routes or path in event.routes) and (not event.tiers or cell.tier in event.tiers)
                    ]
                    for part in parts:
                        if part is not None:
                            product = part if product is None else product * part
                known[who] = product
            rows.append(known[who])
        by_route[path] = tuple(rows)
    return Demand(cells, grid.widths_s, tuple(shapes), tuple(scales), by_route)


def _load_test(world: World, grid: Grid, start: dt.datetime, shapes: list[FloatArray], scales: list[float]) -> FloatArray | None:
    """Factor on what users send with the load test on top, `[bins]`; None without one."""
    if world.platform.load_test is None:
        return None
    users = np.sum([shape * scale for shape, scale in zip(shapes, scales, strict=True)], axis=0)
    out: FloatArray = 1.0 + load_test_rates(world, grid, start, users) / np.maximum(users, 1e-9)
    return out
