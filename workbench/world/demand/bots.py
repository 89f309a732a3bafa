"""Machines that ask: steadily, by night, in bursts."""

from __future__ import annotations

import datetime as dt

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.traffic import Bot, Bursts
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds
from workbench.world.demand.shape import zoned
from workbench.world.grid import Grid


def bot_rates(bot: Bot, name: str, start: dt.datetime, grid: Grid, seed: int) -> FloatArray:
    """Requests a second in each bin, `[bins]`. Their expectation over bursts has the mean `bot.mean_rps` over the run."""
    rates = np.full(len(grid), bot.mean_rps)
    if (bot.from_hour, bot.to_hour) != (0.0, 24.0):
        hour = np.mod(local_seconds(zoned(start, bot.timezone), grid.middles_s), DAY_S) / HOUR_S
        after, before = hour >= bot.from_hour, hour < bot.to_hour
        works = (after & before) if bot.from_hour < bot.to_hour else (after | before)
        # A run that ends before it begins to work never sees it.
        rates *= works / works.mean() if works.any() else 0.0
    if bot.bursts is not None:
        rates *= burst_factors(bot.bursts, grid, stream(seed, "bursts", name))
    return rates


def burst_factors(bursts: Bursts, grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Share of each bin that lies in a burst, over the mean share, `[bins]`.

    A stationary on-off process with exponential times: the share p = lasts / every of time is on, and the covariance of being on
    at a lag is p (1 - p) exp(-lag (1 / lasts + 1 / (every - lasts))).
    """
    on_share = bursts.lasts / bursts.every
    pause = bursts.every - bursts.lasts
    on = bool(rng.random() < on_share)
    edges = [np.zeros(1)]
    reached = 0.0
    while reached <= grid.horizon_s:
        # Without memory the rest of the first stretch is as long as a whole one. Pairs keep the order: now, then the other.
        pairs = rng.standard_exponential((64, 2)) * ((bursts.lasts, pause) if on else (pause, bursts.lasts))
        more = reached + np.cumsum(pairs.reshape(-1))
        edges.append(more)
        reached = float(more[-1])
    at = np.concatenate(edges)
    lengths = np.diff(at)
    lengths[1 if on else 0 :: 2] = 0.0
    spent = np.concatenate([[0.0], np.cumsum(lengths)])
    bins = np.concatenate([[0.0], grid.times])
    widths = np.where(grid.widths_s > 0, grid.widths_s, 1.0)
    return np.asarray(np.diff(np.interp(bins, at, spent)) / widths / on_share)
