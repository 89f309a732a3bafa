"""Objectives measured: from telemetry to accounts and to what charts draw."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np

from workbench.alerts.vocabulary import Vocabulary
from workbench.scenario.schema.policy import Policy, Slo
from workbench.slo.account import SloResult
from workbench.slo.budget import BURN_WINDOWS, Count, account, burn_rate, meets
from workbench.slo.days import day_edges
from workbench.slo.events import EventCounts
from workbench.slo.indicators import EventSet, count_events
from workbench.slo.tracks import SloTrack, Tracks
from workbench.telemetry.series import FloatArray, Telemetry
from workbench.units import DAY_S


def measure_slos(
    policy: Policy,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    start: dt.datetime,
    elapsed_s: float,
    *,
    events: EventSet | None = None,
) -> tuple[SloResult, ...]:
    """Every objective of the policy, by name, over the first `elapsed_s` seconds of the telemetry.

    `good`, `total`, `sli`, `met` are of the whole period; budget and burn rates of the windows that end with it. Pass
    `events` (from `count_events`, of the same arguments) where they are counted already.
    """
    counted = events or count_events(policy, telemetry, vocabulary)
    edges = day_edges(start, elapsed_s)
    return tuple(_measure(name, policy, counted.slos[name], edges, elapsed_s) for name in sorted(policy.slos))


def budget_window_s(slo: Slo, elapsed_s: float) -> float:
    """The budget's window in seconds; `history` is the length of what is measured."""
    return elapsed_s if slo.window == "history" else slo.window


def _measure(name: str, policy: Policy, events: EventCounts, edges: tuple[float, ...], elapsed_s: float) -> SloResult:
    slo = policy.slos[name]
    last = int(events.up_to(elapsed_s))
    bad, known, everything = (column[last].item() for column in (events.bad, events.known, events.everything))
    window_s = budget_window_s(slo, elapsed_s)
    # A few minutes of a day say little about the day; a period that has nothing longer is judged by what it has.
    longest = max(last_s - first for first, last_s in pairwise(edges))
    budget = account(
        *_until(events, elapsed_s, window_s),
        target=slo.target,
        window_s=window_s,
        elapsed_s=elapsed_s,
        levels=policy.budget_levels,
    )
    return SloResult(
        name=name,
        description=slo.description,
        kind=slo.indicator.kind,
        routes=events.routes,
        target=slo.target,
        good=round(known - bad),
        total=round(known),
        sli=(known - bad) / known if known > 0 else None,
        met=meets(bad, known, slo.target),
        unknown_events=round(everything - known),
        budget=budget,
        burn_rates=tuple(
            burn_rate(row, *_until(events, elapsed_s, row.window_s), target=slo.target, budget=budget) for row in BURN_WINDOWS
        ),
        daily_met=tuple(
            meets(*_within(events, first, last_s), slo.target) if last_s - first >= min(DAY_S / 2, longest) else None
            for first, last_s in pairwise(edges)
        ),
        slice_s=None if slo.time_slices is None else slo.time_slices.length,
    )


def _until(events: EventCounts, end_s: float, window_s: float) -> tuple[Count, Count]:
    """Bad and known events of the window that ends at `end_s`, as far as the run reaches back."""
    return _within(events, max(0.0, end_s - window_s), end_s)


def _within(events: EventCounts, after_s: float, until_s: float) -> tuple[Count, Count]:
    """Bad and known events scraped in `(after_s, until_s]`; a scrape at second 0 belongs to the first window."""
    bad, known = events.between(after_s if after_s > 0 else -np.inf, until_s)
    return bad.item(), known.item()


def slo_tracks(
    policy: Policy,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    elapsed_s: float,
    step_s: float,
    *,
    events: EventSet | None = None,
) -> Tracks:
    """Objectives over time at `step_s, 2 step_s, ...` and `elapsed_s`; each budget's last value is that of its account.

    Raises ValueError if `step_s` is not positive.
    """
    if step_s <= 0:
        raise ValueError(f"step_s must be positive (got {step_s!r})")
    counted = events or count_events(policy, telemetry, vocabulary)
    whole = int(np.floor(elapsed_s / step_s * (1 + 1e-12)))
    time_s: FloatArray = np.arange(1, whole + 1, dtype=np.float64) * step_s
    if not len(time_s) or time_s[-1] < elapsed_s:
        time_s = np.append(time_s, elapsed_s)
    per_second, ratio = _traffic(counted.requests, time_s)
    tracks = tuple(_track(name, policy.slos[name], counted.slos[name], time_s, elapsed_s) for name in sorted(policy.slos))
    return Tracks(time_s, per_second, ratio, tracks)


def _traffic(events: EventCounts, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Requests a second and the share of failed ones in each step."""
    at = np.concatenate(([0], events.up_to(time_s)))
    bad, known, everything = (np.diff(column[at]) for column in (events.bad, events.known, events.everything))
    per_second = np.where(np.diff(at) > 0, everything / np.diff(time_s, prepend=0.0), np.nan)
    return per_second, _ratio(bad, known)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Part / whole, NaN where there is nothing."""
    out = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _track(name: str, slo: Slo, events: EventCounts, time_s: FloatArray, elapsed_s: float) -> SloTrack:
    allowed = float(1 - slo.target)
    window_s = budget_window_s(slo, elapsed_s)

    def burned(length_s: float) -> FloatArray:
        after = time_s - length_s
        return _ratio(*events.between(np.where(after > 0, after, -np.inf), time_s)) / allowed

    remaining = 1 - burned(window_s) * np.minimum(time_s, window_s) / window_s
    return SloTrack(name, remaining, {float(row.window_s): burned(row.window_s) for row in BURN_WINDOWS})
