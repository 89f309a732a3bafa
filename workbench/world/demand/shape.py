"""The usual traffic over the day, the week and the year, and what comes on top of it at known times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.traffic import WEEKDAYS, Bot, Bursts, Event, Traffic
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds
from workbench.world.recurrence import occurrences

_MONTH_S = 30 * DAY_S


def week_shape(
    hours: Sequence[float], weekdays: Sequence[float], traffic: Traffic, start: dt.datetime, zone: str | None, middles_s: FloatArray
) -> FloatArray:
    """Relative traffic in the middle of each bin, `[bins]`, with mean 1 over the run.

    Hourly factors are joined linearly between the middles of the hours; weekday factors are joined over the two hours around
    midnight, so that traffic has no jumps that a real service would not have.
    """
    week = local_seconds(start if zone is None else start.astimezone(ZoneInfo(zone)), middles_s)
    shape = _hour_factor(hours, week) * _weekday_factor(weekdays, week)
    for surge in traffic.surges:
        peak_s = WEEKDAYS.index(surge.weekday) * DAY_S + surge.at_hour * HOUR_S
        away = np.abs(week - peak_s)
        away = np.minimum(away, 7 * DAY_S - away)
        shape *= 1 + (surge.factor - 1) * np.exp(-0.5 * (away / surge.half_width) ** 2)
    shape /= shape.mean()
    return shape


def trend(traffic: Traffic, start: dt.datetime, middles_s: FloatArray) -> FloatArray | None:
    """Season and growth as a factor, `[bins]`; None if there is neither. The season's mean over a year is 1; growth begins at 1."""
    out: FloatArray | None = None
    if traffic.growth:
        out = (1 + traffic.growth) ** (middles_s / _MONTH_S)
    if traffic.months is not None:
        year = start.astimezone(dt.UTC)
        first = dt.datetime(year.year, 1, 1, tzinfo=dt.UTC)
        at = (middles_s + (year - first).total_seconds()) / (365.25 * DAY_S / 12)
        months = np.array(traffic.months) / np.mean(traffic.months)
        season = np.interp(np.mod(at - 0.5, 12), np.arange(13), np.append(months, months[0]))
        out = season if out is None else out * season
    return out


def event_factor(event: Event, start: dt.datetime, middles_s: FloatArray) -> FloatArray:
    """Traffic as a multiple of the usual one, `[bins]`: a linear rise, a plateau, an exponential fading."""
    [at_s] = occurrences(event.at, None, None, start=start, from_s=-np.inf, to_s=np.inf)
    since = middles_s - at_s
    risen = np.clip(since / max(event.rise, 1e-9), 0.0, 1.0)
    faded = np.exp(-np.maximum(since - event.rise - event.lasts, 0.0) / event.fades)
    out: FloatArray = 1 + (event.factor - 1) * np.where(since < 0, 0.0, risen * faded)
    return out


def bot_rate(bot: Bot, name: str, start: dt.datetime, middles_s: FloatArray, width_s: float, seed: int) -> FloatArray:
    """Requests a second of one bot, `[bins]`, with the stated mean over the run."""
    local = local_seconds(start if bot.timezone is None else start.astimezone(ZoneInfo(bot.timezone)), middles_s)
    hour = np.mod(local, DAY_S) / HOUR_S
    if bot.from_hour < bot.to_hour:
        works = (hour >= bot.from_hour) & (hour < bot.to_hour)
    else:
        works = (hour >= bot.from_hour) | (hour < bot.to_hour)
    out = works.astype(np.float64)
    if bot.bursts is not None:
        out *= _bursts(bot.bursts, name, middles_s, width_s, seed)
    mean = out.mean()
    rates: FloatArray = out * (bot.mean_rps / mean) if mean > 0 else np.zeros_like(out)
    return rates


def _bursts(bursts: Bursts, name: str, middles_s: FloatArray, width_s: float, seed: int) -> FloatArray:
    """Which share of each bin lies in a burst."""
    rng = stream(seed, "bot", name)
    horizon = float(middles_s[-1]) + width_s
    cycles = int(horizon / bursts.every * 1.5) + 64
    pause = bursts.every - bursts.lasts
    lengths = rng.exponential(1.0, (cycles, 2)) * (pause, bursts.lasts)
    edges = np.concatenate([[0.0], np.cumsum(lengths.ravel())])
    inside = np.concatenate([[0.0], np.cumsum(np.where(np.arange(2 * cycles) % 2 == 1, lengths.ravel(), 0.0))])
    upto = np.interp(np.append(middles_s - width_s / 2, middles_s[-1] + width_s / 2), edges, inside)
    out: FloatArray = np.diff(upto) / width_s
    return out


def _hour_factor(hours: Sequence[float], week_s: FloatArray) -> FloatArray:
    at = np.arange(-1, 25) + 0.5
    factors = np.array([hours[hour % 24] for hour in range(-1, 25)])
    out: FloatArray = np.interp(np.mod(week_s, DAY_S) / HOUR_S, at, factors)
    return out


def _weekday_factor(weekdays: Sequence[float], week_s: FloatArray) -> FloatArray:
    days = np.array(weekdays)
    at = np.concatenate([np.array([day * 24 + 1.0, day * 24 + 23.0]) for day in range(-1, 8)])
    factors = np.repeat(days[np.arange(-1, 8) % 7], 2)
    out: FloatArray = np.interp(week_s / HOUR_S, at, factors)
    return out
