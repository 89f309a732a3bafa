"""Launches, promotions, holidays: dated factors on the traffic of some routes and tiers."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from workbench.scenario.schema.traffic import Event
from workbench.telemetry.series import FloatArray
from workbench.world.grid import Grid

_FORGOTTEN = 28
"""After so many times `fades` what is left of an event is below 10^-12 of it."""


@dataclass(frozen=True)
class EventFactor:
    """A factor on the bins [low, low + len(factors)) of some routes and tiers."""

    low: int
    factors: FloatArray
    routes: frozenset[str]
    """Empty: all."""
    tiers: frozenset[str]
    """Empty: all."""

    @property
    def high(self) -> int:
        """One past its last bin."""
        return self.low + len(self.factors)

    def acts_on(self, path: str, tier: str) -> bool:
        """Whether requests of a route and a tier are among those it changes."""
        return (not self.routes or path in self.routes) and (not self.tiers or tier in self.tiers)


def launched(path: str | None, factors: FloatArray | None) -> EventFactor | None:
    """What launches bring to one route, or to all where none is named, `factors` being `[bins]`; None if nothing."""
    touched = np.flatnonzero(np.abs(factors - 1) > 1e-12) if factors is not None else np.zeros(0, np.int64)
    if factors is None or not touched.size:
        return None
    low = int(touched[0])
    return EventFactor(low, factors[low : int(touched[-1]) + 1], frozenset({path} if path is not None else ()), frozenset())


def event_factor(event: Event, start: dt.datetime, grid: Grid) -> EventFactor | None:
    """The event's mean factor in each bin that it touches, exact whatever the step; None if the run sees nothing of it."""
    at = event.at.seconds_after(start)
    end = math.inf if event.remains != 1 else at + event.rise + event.lasts + _FORGOTTEN * event.fades
    times = grid.times
    low = int(np.searchsorted(times, at, side="right"))
    high = min(len(grid), int(np.searchsorted(times, end, side="left")) + 1) if math.isfinite(end) else len(grid)
    if low >= high:
        return None
    edges = np.concatenate([[times[low] - grid.widths_s[low]], times[low:high]])
    factors = 1.0 + np.diff(_extra(event, edges - at)) / np.diff(edges)
    return EventFactor(low, factors, frozenset(event.routes), frozenset(event.tiers))


def _extra(event: Event, since_s: FloatArray) -> FloatArray:
    """Integral of (factor - 1) from the event's beginning, seconds."""
    top, left = event.factor - 1, event.remains - 1
    t = np.maximum(since_s, 0.0)
    up = np.minimum(t, event.rise)
    out = 0.5 * top * up * up / event.rise if event.rise > 0 else np.zeros(len(t))
    out = out + top * np.clip(t - event.rise, 0.0, event.lasts)
    after = np.maximum(t - event.rise - event.lasts, 0.0)
    out = out + left * after
    if event.fades > 0:
        out = out - (top - left) * event.fades * np.expm1(-after / event.fades)
    return np.asarray(out)
