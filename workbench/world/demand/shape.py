"""The usual course of traffic: day, week, year, weekly surges, growth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from workbench.scenario.schema.traffic import WEEKDAYS, Traffic
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S

GROWTH_PER_S = 30 * DAY_S
"""Growth is stated for so long."""


def zoned(start: dt.datetime, timezone: str | None) -> dt.datetime:
    """The beginning of the run on the clock of a time zone; its own clock for None."""
    return start if timezone is None else start.astimezone(ZoneInfo(timezone))


def week_shape(hours: Sequence[float], weekdays: Sequence[float], week_s: FloatArray) -> FloatArray:
    """Relative traffic at seconds of the local week, `[bins]`.

    Hourly factors are joined linearly between the middles of the hours; weekday factors are joined over the two hours around
    midnight, so that traffic has no jumps that a real service would not have. `weekdays` begin on Monday.
    """
    at = np.arange(-1, 25) + 0.5
    factors = np.array([hours[hour % 24] for hour in range(-1, 25)])
    shape = np.interp(np.mod(week_s, DAY_S) / HOUR_S, at, factors)
    days = np.array(weekdays)
    if np.ptp(days) == 0:
        return np.asarray(shape * days[0])
    at = np.concatenate([np.array([day * 24 + 1.0, day * 24 + 23.0]) for day in range(-1, 8)])
    shape *= np.interp(week_s / HOUR_S, at, np.repeat(days[np.arange(-1, 8) % 7], 2))
    return np.asarray(shape)


def surges(traffic: Traffic, week_s: FloatArray) -> FloatArray | float:
    """Factor of the weekly surges, `[bins]`; `week_s` are seconds of the run's own local week.

    A surge is one moment for everybody, whatever the clock of a cell.
    """
    out: FloatArray | float = 1.0
    for surge in traffic.surges:
        peak_s = WEEKDAYS.index(surge.weekday) * DAY_S + surge.at_hour * HOUR_S
        away = np.abs(week_s - peak_s)
        away = np.minimum(away, 7 * DAY_S - away)
        out = out * (1 + (surge.factor - 1) * np.exp(-0.5 * (away / surge.half_width) ** 2))
    return out


def trend(traffic: Traffic, start: dt.datetime, middles_s: FloatArray) -> FloatArray | float:
    """Season and growth as a factor, `[bins]`. The mean of the twelve months is 1; growth begins at 1."""
    out: FloatArray | float = 1.0
    if traffic.growth:
        out = np.asarray(np.exp(np.log1p(traffic.growth) * (middles_s / GROWTH_PER_S)))
    if traffic.months is not None:
        out = out * _month_factor(np.array(traffic.months) / np.mean(traffic.months), start, middles_s)
    return out


def _month_factor(months: FloatArray, start: dt.datetime, middles_s: FloatArray) -> FloatArray:
    """Joined linearly between the middles of the calendar months on the run's clock."""
    utc = start.astimezone(dt.UTC)
    count = int(middles_s[-1] // (28 * DAY_S)) + 3 if len(middles_s) else 3
    first = start.year * 12 + start.month - 2
    edges = [
        (dt.datetime((first + n) // 12, (first + n) % 12 + 1, 1, tzinfo=start.tzinfo).astimezone(dt.UTC) - utc).total_seconds()
        for n in range(count + 1)
    ]
    at = (np.array(edges[1:]) + np.array(edges[:-1])) / 2
    return np.asarray(np.interp(middles_s, at, [months[(first + n) % 12] for n in range(count)]))
