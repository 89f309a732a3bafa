"""Times without a zone, once the user has said which: local time to UTC, through the hour that a clock change repeats."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import nearest, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import MICROSECONDS, UNKNOWN_US

_SLOT_US = 900 * MICROSECONDS
"""Clocks change at full quarters of an hour."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from here


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; raises BadInput."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        near = nearest(name, sorted(available_timezones()))
        message = "there is no such time zone"
        raise BadInput(
            Problem("history/timezone", message, path="--timezone", found=quoted(name), allowed="Europe/Berlin, UTC", nearest=near)
        ) from error


def in_utc(local_us: IntArray, zone: ZoneInfo) -> IntArray:
    """Microseconds since 1970 in UTC of local times in the order of their file.

    In the hour that a change to winter time repeats, times are those of its first pass until they run backwards.
    """
    known = local_us != UNKNOWN_US
    slots, back = np.unique(np.floor_divide(local_us[known], _SLOT_US), return_inverse=True)
    first, second = np.array([_offsets(int(slot), zone) for slot in slots], np.int64).reshape(-1, 2).T
    out = local_us.copy()
    utc = local_us[known] - first[back]
    twice = np.flatnonzero(first[back] != second[back])
    if len(twice):
        late = _second_pass(local_us[known][twice], twice)
        utc[twice[late]] = local_us[known][twice[late]] - second[back][twice[late]]
    out[known] = utc
    return out


def _offsets(slot: int, zone: ZoneInfo) -> tuple[int, int]:
    """Distance from UTC in microseconds of the first and the second pass of a local time; equal where there is but one."""
    moment = _EPOCH + dt.timedelta(microseconds=slot * _SLOT_US)
    passes = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    before, after = ((offset or dt.timedelta(0)) // dt.timedelta(microseconds=1) for offset in passes)
    if before < after:  # clocks go forward: this local time does not exist, and is taken as if they had not
        return before, before
    return before, after


def _second_pass(local_us: IntArray, rows: IntArray) -> list[int]:
    """Which of the times of repeated hours belong to the second pass; `rows` are their places in the file."""
    late: list[int] = []
    again = False
    for index in range(len(rows)):
        if index and rows[index] != rows[index - 1] + 1:
            again = False
        elif index and local_us[index] < local_us[index - 1]:
            again = True
        if again:
            late.append(index)
    return late
