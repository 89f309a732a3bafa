"""When a row was: ISO 8601 or seconds, read into whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray

MICROSECONDS = 1_000_000
LATEST_S = 253_402_300_799
"""The last second of the year 9999."""
UNKNOWN_US = np.iinfo(np.int64).min
"""Stands where a time could not be read; a problem says why."""
LOCAL_TIMES = (
    "the times name no zone and are taken as UTC; calendar days and labelled incidents may be off by hours (--timezone says which)"
)
ALLOWED = "ISO 8601 with its zone (2026-04-01T00:00:15Z) or seconds (15, 1775001615.5)"

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LOCAL_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - counterpart of times without a zone
_TICK = dt.timedelta(microseconds=1)


class TimeForm(StrEnum):
    """How a file writes its times: one form for all rows."""

    SECONDS = "seconds"
    ZONED = "ISO 8601 with a zone"
    LOCAL = "ISO 8601 without a zone"


def utc(microseconds: int) -> dt.datetime:
    """The instant, aware."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def written(microseconds: int) -> str:
    """`1995-08-01T18:52:00Z`, with decimals only where there are any."""
    return utc(microseconds).isoformat().replace("+00:00", "Z")


def read_instant(text: str) -> tuple[int, TimeForm]:
    """Microseconds since 1970 and the form in which they were written; raises ValueError with the rule."""
    if not text.strip():
        raise ValueError("the row has no time")
    try:
        seconds = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        seconds = None
    if seconds is not None:
        if not 0 <= seconds <= LATEST_S:
            raise ValueError("a time in seconds lies between 0 and the year 9999; these may be milliseconds")
        return round(seconds * MICROSECONDS), TimeForm.SECONDS
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            return (moment - _LOCAL_EPOCH) // _TICK, TimeForm.LOCAL
        return (moment - _EPOCH) // _TICK, TimeForm.ZONED
    except (ValueError, OverflowError) as error:
        raise ValueError("this is no time") from error


@dataclass
class Instants:
    """Reads the times of one file, chunk by chunk, holding every row to the form of the first."""

    complaints: Complaints
    form: TimeForm | None = None

    def read(self, cells: Sequence[str], place: Callable[[int], tuple[int | None, str]]) -> IntArray:
        """Microseconds since 1970 of each cell, `UNKNOWN_US` where a problem was found; `place(i)` says line and row of cell i."""
        if self.form is None:
            self.form = next((form for cell in cells if (form := _form_of(cell)) is not None), None)
        quick = self._quick(cells)
        return quick if quick is not None else self._careful(cells, place)

    def _quick(self, cells: Sequence[str]) -> IntArray | None:
        """All cells at once, if there is nothing wrong with any of them."""
        try:
            if self.form in (TimeForm.ZONED, TimeForm.LOCAL):
                moments = map(dt.datetime.fromisoformat, cells)
                origin = _EPOCH if self.form is TimeForm.ZONED else _LOCAL_EPOCH
                return np.fromiter(((m - origin) // _TICK for m in moments), np.int64, len(cells))
            if self.form is TimeForm.SECONDS:
                joined = "".join(cells)
                seconds = np.fromiter(map(float, cells), np.float64, len(cells))
                if not joined.isascii() or "_" in joined or not bool(((seconds >= 0) & (seconds <= LATEST_S)).all()):
                    return None
                return np.rint(seconds * MICROSECONDS).astype(np.int64)
        except (ValueError, TypeError, OverflowError):
            return None
        return None

    def _careful(self, cells: Sequence[str], place: Callable[[int], tuple[int | None, str]]) -> IntArray:
        out = np.full(len(cells), UNKNOWN_US, dtype=np.int64)
        for index, cell in enumerate(cells):
            line, path = place(index)
            try:
                instant, form = read_instant(cell)
            except ValueError as error:
                self.complaints.add(Problem("history/time", str(error), line=line, path=path, found=quoted(cell), allowed=ALLOWED))
                continue
            if form is not self.form:
                message = f"the times of one file are written in one form; the first is {self.form}, this is {form}"
                self.complaints.add(Problem("history/mixed-time", message, line=line, path=path, found=quoted(cell)))
                continue
            out[index] = instant
        return out


def _form_of(cell: str) -> TimeForm | None:
    try:
        return read_instant(cell)[1]
    except ValueError:
        return None
