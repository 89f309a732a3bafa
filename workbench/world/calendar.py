"""Local time: where calendar time enters a run, and nowhere else."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt

from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S

_PIECE_S = 900.0
"""Zones change their offset at multiples of a quarter of an hour."""


def local_seconds(start: dt.datetime, times_s: FloatArray) -> FloatArray:
    """Seconds since local midnight of the run's Monday-based week, `[len(times_s)]`, in [0, 604800).

    `start` carries an IANA zone; a change to or from daylight saving time moves the local clock, not the run's.
    """
    last = float(times_s.max()) if len(times_s) else 0.0
    pieces = np.arange(0.0, last + 2 * _PIECE_S, _PIECE_S)
    utc = start.astimezone(dt.UTC)
    offsets = np.empty(len(pieces))
    # An offset is looked up once an hour and then every quarter only inside an hour at whose ends it differs.
    hours = [_offset_s(start, utc, hour * HOUR_S) for hour in range(len(pieces) // 4 + 2)]
    for index in range(len(pieces)):
        before, after = hours[index // 4], hours[index // 4 + 1]
        offsets[index] = before if before == after else _offset_s(start, utc, float(pieces[index]))
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    # Of the start as the calendar writes it: where its midnight does not exist, the first offset is already another one.
    own = start.utcoffset()
    base = midnight.weekday() * DAY_S + (start - midnight).total_seconds() - (own.total_seconds() if own is not None else 0.0)
    shift = offsets[np.minimum((times_s // _PIECE_S).astype(np.int64), len(offsets) - 1)]
    week: FloatArray = np.mod(times_s + base + shift, 7 * DAY_S)
    return week


def _offset_s(start: dt.datetime, utc: dt.datetime, after_s: float) -> float:
    offset = (utc + dt.timedelta(seconds=after_s)).astimezone(start.tzinfo).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def working_hours(week_s: FloatArray, from_hour: float, to_hour: float) -> npt.NDArray[np.bool_]:
    """Monday to Friday between two local hours, for seconds of the local week."""
    hour = np.mod(week_s, DAY_S) / HOUR_S
    inside: npt.NDArray[np.bool_] = (week_s < 5 * DAY_S) & (hour >= from_hour) & (hour < to_hour)
    return inside
