"""Working time: hours of the local week in which somebody works, and how far work gets in them."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np

from workbench.scenario.schema.people import Hours
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S

_BEYOND_DAYS = 120
"""Days after the end of the run that are still known: work that begins late ends somewhere there, or never."""
_BEFORE_DAYS = 120


class WorkingTime:
    """Monday to Friday between two local hours, daylight saving time included."""

    def __init__(self, hours: Hours | None, start: dt.datetime, horizon_s: float) -> None:
        """`hours` None is around the clock."""
        tz = ZoneInfo(hours.timezone) if hours is not None and hours.timezone is not None else start.tzinfo
        utc = start.astimezone(dt.UTC)
        if hours is None:
            self._opens = np.array([-_BEFORE_DAYS * DAY_S * 1.0])
            self._closes = np.array([horizon_s + _BEYOND_DAYS * DAY_S])
        else:
            opens: list[float] = []
            closes: list[float] = []
            today = start.astimezone(tz).date()
            for day in range(-_BEFORE_DAYS, math.ceil(horizon_s / DAY_S) + _BEYOND_DAYS):
                date = today + dt.timedelta(days=day)
                if date.weekday() >= 5:
                    continue
                midnight = dt.datetime.combine(date, dt.time())
                for out, hour in ((opens, hours.from_hour), (closes, hours.to_hour)):
                    wall = (midnight + dt.timedelta(hours=hour)).replace(tzinfo=tz)
                    out.append((wall.astimezone(dt.UTC) - utc).total_seconds())
            self._opens, self._closes = np.array(opens), np.array(closes)
        self._done = np.cumsum(self._closes - self._opens)
        """Working time up to each closing."""

    def is_open(self, at_s: float) -> bool:
        """Whether somebody works at that moment."""
        index = int(np.searchsorted(self._closes, at_s, side="right"))
        return index < len(self._opens) and bool(self._opens[index] <= at_s)

    def next_open(self, at_s: float) -> float:
        """The moment itself, or when the next working hours begin; infinity if that lies too far after the run."""
        index = int(np.searchsorted(self._closes, at_s, side="right"))
        return max(at_s, float(self._opens[index])) if index < len(self._opens) else math.inf

    def worked(self, at_s: FloatArray) -> FloatArray:
        """Working time that has passed at each moment, counted from long before the run, `[len(at_s)]`."""
        index = np.searchsorted(self._closes, at_s, side="right")
        before = np.concatenate([[0.0], self._done])[index]
        opens = np.append(self._opens, math.inf)[index]
        out: FloatArray = before + np.maximum(0.0, at_s - opens)
        return out

    def after(self, at_s: FloatArray, work_s: FloatArray) -> FloatArray:
        """When `work_s` seconds of working time are done that begin at `at_s`; infinity beyond what is known, `[len(at_s)]`."""
        wanted = self.worked(at_s) + work_s
        index = np.searchsorted(self._done, wanted, side="left")
        known = np.minimum(index, len(self._done) - 1)
        ends = self._closes[known] - (self._done[known] - wanted)
        out: FloatArray = np.where(index < len(self._done), np.maximum(ends, at_s), math.inf)
        return out

    def one_after(self, at_s: float, work_s: float) -> float:
        """`after` for one piece of work."""
        return float(self.after(np.array([at_s]), np.array([work_s]))[0])
