"""Where each step of a history lies in its local day and week."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds


@dataclass(frozen=True, eq=False)
class LocalTime:
    """Local clock of the middle of each step, all `[steps]`."""

    week_s: FloatArray
    """Seconds since Monday 00:00."""
    hour: IntArray
    weekday: IntArray
    """0 is Monday."""
    day: IntArray
    """Calendar days since the first step's."""

    @classmethod
    def of(cls, start: dt.datetime, zone: str, middles_s: FloatArray) -> LocalTime:
        """`middles_s` are seconds after `start` (aware)."""
        week = local_seconds(start.astimezone(ZoneInfo(zone)), middles_s)
        weekday = (week // DAY_S).astype(np.int64)
        hour = ((week % DAY_S) // HOUR_S).astype(np.int64)
        changed = np.diff(weekday, prepend=weekday[:1]) != 0
        return cls(week, hour, weekday, np.cumsum(changed).astype(np.int64))


def shape_at(week_s: FloatArray, hours: FloatArray, weekdays: FloatArray) -> FloatArray:
    """Relative traffic at seconds of the local week, as the world draws it.

    Hourly factors `[..., 24]` are joined linearly between the middles of the hours, weekday factors `[..., 7]` over the two hours
    around midnight (`world.traffic`). Leading axes of the two must agree; returns `[..., len(week_s)]`.
    """
    clock = (week_s % DAY_S) / HOUR_S - 0.5
    low = np.floor(clock).astype(np.int64)
    part = clock - low
    by_hour = hours[..., low % 24] * (1 - part) + hours[..., (low + 1) % 24] * part
    day = (week_s // DAY_S).astype(np.int64)
    into = (week_s % DAY_S) / HOUR_S
    before = np.clip((1 - into) / 2, 0, 1)
    after = np.clip((into - 23) / 2, 0, 1)
    own = weekdays[..., day % 7]
    by_day = own + before * (weekdays[..., (day - 1) % 7] - own) + after * (weekdays[..., (day + 1) % 7] - own)
    return np.asarray(by_hour * by_day, np.float64)
