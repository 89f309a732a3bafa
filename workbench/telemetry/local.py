"""Times without a zone, once the user has said which: local time to UTC, through the hour that a clock change repeats."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

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


def in_utc(local_us: IntArray, zone: ZoneInfo, groups: IntArray | None = None) -> IntArray:
    """Microseconds since 1970 in UTC of local times in the order of their file.

    `groups` are the rows of one route, target or series each; None for one group. In the hour that a change to winter time
    repeats, the times of a group are those of its first pass until one of them does not rise.
    """
    known = np.flatnonzero(local_us != UNKNOWN_US)
    if groups is not None:
        known = known[np.argsort(groups[known], kind="stable")]
    local = local_us[known]
    slots, back = np.unique(np.floor_divide(local, _SLOT_US), return_inverse=True)
    first, second = np.array([_offsets(int(slot), zone) for slot in slots], np.int64).reshape(-1, 2).T
    twice = first[back] != second[back]
    begins = np.zeros(len(known), np.bool_)
    begins[:1] = True
    if groups is not None:
        begins[1:] = groups[known][1:] != groups[known][:-1]
    late = _second_pass(local, twice, begins)
    out = local_us.copy()
    out[known] = local - np.where(late, second[back], first[back])
    return out


def _offsets(slot: int, zone: ZoneInfo) -> tuple[int, int]:
    """Distance from UTC in microseconds of the first and the second pass of a local time; equal where there is but one."""
    moment = _EPOCH + dt.timedelta(microseconds=slot * _SLOT_US)
    passes = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    before, after = ((offset or dt.timedelta(0)) // dt.timedelta(microseconds=1) for offset in passes)
    if before < after:  # clocks go forward: this local time does not exist, and is taken as if they had not
        return before, before
    return before, after


def _second_pass(local_us: IntArray, twice: npt.NDArray[np.bool_], begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which times belong to the second pass of an hour: those from the first on that does not rise, until the hour is over."""
    late = np.zeros(len(local_us), np.bool_)
    again = False
    for row in np.flatnonzero(twice).tolist():
        if begins[row] or not twice[row - 1]:
            again = False
        elif local_us[row] <= local_us[row - 1]:
            again = True
        late[row] = again
    return late
