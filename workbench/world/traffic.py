"""How many requests a second the world sends, over the week."""

from __future__ import annotations

import datetime as dt

import numpy as np

from workbench.scenario.schema.world import WEEKDAYS, Traffic
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds


def intensity(traffic: Traffic, start: dt.datetime, middles_s: FloatArray) -> FloatArray:
    """Requests a second in the middle of each bin, `[bins]`; its mean over the run is `traffic.mean_rps`.

    Hourly factors are joined linearly between the middles of the hours; weekday factors are joined over the two hours around
    midnight, so that traffic has no jumps that a real service would not have.
    """
    week = local_seconds(start, middles_s)
    shape = _hour_factor(traffic, week) * _weekday_factor(traffic, week)
    for surge in traffic.surges:
        peak_s = WEEKDAYS.index(surge.weekday) * DAY_S + surge.at_hour * HOUR_S
        away = np.abs(week - peak_s)
        away = np.minimum(away, 7 * DAY_S - away)
        shape *= 1 + (surge.factor - 1) * np.exp(-0.5 * (away / surge.half_width) ** 2)
    rates: FloatArray = shape * (traffic.mean_rps / shape.mean())
    return rates


def _hour_factor(traffic: Traffic, week_s: FloatArray) -> FloatArray:
    at = np.arange(-1, 25) + 0.5
    factors = np.array([traffic.hours[hour % 24] for hour in range(-1, 25)])
    out: FloatArray = np.interp(np.mod(week_s, DAY_S) / HOUR_S, at, factors)
    return out


def _weekday_factor(traffic: Traffic, week_s: FloatArray) -> FloatArray:
    days = np.array([traffic.weekdays[day] for day in WEEKDAYS])
    at = np.concatenate([np.array([day * 24 + 1.0, day * 24 + 23.0]) for day in range(-1, 8)])
    factors = np.repeat(days[np.arange(-1, 8) % 7], 2)
    out: FloatArray = np.interp(week_s / HOUR_S, at, factors)
    return out
