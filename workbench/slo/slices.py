"""Budgets that count slices of time: from events to good, bad and unknown slices.

A slice is good if at least `target` of its events are good, and if nothing happened in it; a slice in which nothing was scraped, or
of whose events no outcome is known, is unknown. Slices begin with the run: minutes of a run that starts at midnight are the
clock's.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from workbench.scenario.schema.policy import TimeSlices
from workbench.slo.events import EventCounts
from workbench.telemetry.series import Array, FloatArray

_CLOSE = 1e-9
"""Ratios that are nearer than this to the limit are compared as fractions."""


def count_slices(events: EventCounts, slices: TimeSlices, horizon_s: float) -> EventCounts:
    """The whole slices of the first `horizon_s` seconds, counted as events: `times` are their ends."""
    whole = int(np.floor(horizon_s / slices.length * (1 + 1e-12)))
    ends: FloatArray = np.arange(1, whole + 1, dtype=np.float64) * slices.length
    at = np.concatenate(([0], events.up_to(ends)))
    bad, known, everything = (np.diff(column[at]) for column in (events.bad, events.known, events.everything))
    scraped = np.diff(at) > 0
    judged = scraped & ((known > 0) | (everything == 0))
    is_bad = judged & _over(bad, known, Fraction(1 - slices.target))
    return EventCounts(events.routes, ends, _cumulated(is_bad), _cumulated(judged), _cumulated(np.ones(whole, dtype=bool)))


def _over(bad: Array, known: Array, allowed: Fraction) -> Array:
    """Whether bad / known is over the limit, exactly; without known events it is not."""
    ratio = np.zeros(len(bad))
    np.divide(bad, known, out=ratio, where=known > 0)
    out = ratio > float(allowed)
    for i in np.flatnonzero((np.abs(ratio - float(allowed)) < _CLOSE) & (known > 0)):
        out[i] = Fraction(bad[i].item()) > allowed * Fraction(known[i].item())
    return out


def _cumulated(flags: Array) -> Array:
    return np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
