"""Worlds from incidents alone: lists of incidents, and probes, whose downs are incidents.

Entries of a list that overlap are one incident (status pages list an event once for each service). Nothing is known of traffic
then: a world gets a flat ten requests a second, and every incident fails all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from workbench.errors import Problem, Severity
from workbench.fit.arrivals import fit_arrivals, is_business
from workbench.fit.bursts import Usual
from workbench.fit.check import Verdict, judge
from workbench.fit.fitted import VERSIONS, Fitted, RouteErrors
from workbench.fit.latency import RouteLatency, from_samples
from workbench.fit.modes import Event, Law, Mode, duration_law
from workbench.fit.observed import Observed
from workbench.fit.predict import draw_events
from workbench.fit.shape import Shapes
from workbench.fit.variability import Variability
from workbench.rng import stream
from workbench.telemetry.recorded import History
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, MINUTE_S
from workbench.world.calendar import local_seconds

_FLAT_RPS = 10.0
_PIECE_S = 900.0
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, eq=False)
class Watched:
    """Incidents of some targets in a period."""

    file: str
    start: dt.datetime
    length_s: float
    zone: str
    events: Mapping[str, tuple[Event, ...]]
    """By target, the empty string for a list; seconds after `start`, ascending."""
    watched_s: Mapping[str, float]
    """How long each target was watched."""
    latencies: tuple[RouteLatency, ...] = ()
    findings: tuple[Problem, ...] = ()


def from_list(
    spans: Sequence[tuple[dt.datetime, dt.datetime | None]],
    file: str,
    zone: str,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Watched:
    """Incidents of a list as one stream; without `since` and `until` the period is from the first start to the last start or end.

    Raises:
        ValueError: No incident begins in the period.
    """
    chosen = sorted((begin, end) for begin, end in spans if end is not None and end > begin)
    open_ended = sum(1 for _, end in spans if end is None)
    inside = [span for span in chosen if (since is None or span[0] >= since) and (until is None or span[0] < until)]
    if not inside:
        raise ValueError("no incident with a start and a later end lies in the period")
    merged = merge(inside)
    start = since or merged[0][0]
    end = until or max(span[1] for span in merged)
    events = tuple(Event((b - start).total_seconds(), (e - start).total_seconds(), 1.0, listed=True) for b, e in merged)
    length = max((end - start).total_seconds(), events[-1].start_s + 1.0)
    found = []
    if len(merged) < len(inside):
        message = f"{len(inside):,} entries are {len(merged):,} incidents: those that overlap are one"
        found.append(Problem("fit/overlapping", message, Severity.INFO, file))
    if open_ended:
        message = f"{open_ended:,} incidents without an end are left out, which makes them look fewer and shorter"
        found.append(Problem("fit/open-ended", message, Severity.INFO, file))
    return Watched(file, start, length, zone, {"": events}, {"": length}, findings=tuple(found))


def merge(spans: Sequence[Span]) -> list[Span]:
    """Spans in order of their start, those that overlap as one."""
    out: list[Span] = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def from_probes(history: History, observed: Observed, file: str, zone: str, seed: int) -> Watched:
    """Downs of each target; a target is watched while its state is known."""
    events: dict[str, tuple[Event, ...]] = {}
    watched: dict[str, float] = {}
    for index, target in enumerate(observed.routes):
        total, down = observed.total[index], np.nan_to_num(observed.errors[index])
        known = ~np.isnan(total)
        edges = np.diff(np.concatenate([[False], down > 0, [False]]).astype(np.int8))
        found = []
        for low, high in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            begin = float(low + 1) * observed.step_s - float(down[low])
            found.append(Event(begin, begin + float(down[low:high].sum()), 1.0))
        events[target] = tuple(found)
        watched[target] = float(known.sum()) * observed.step_s
    latencies = []
    for series in history.telemetry.by_name.get("probe_duration_seconds", ()):
        target = series.key.label_map.get("target", "")
        if target not in events:
            continue
        values = np.asarray(series.values, np.float64)
        changed = values[np.flatnonzero(np.diff(values, prepend=-1.0) != 0)]
        one = from_samples(target, changed, stream(seed, "fit", "latency", target), VERSIONS)
        if one is not None:
            latencies.append(one)
    return Watched(file, observed.start, observed.length_s, zone, events, watched, tuple(latencies))


def clipped(watched: Watched, since: dt.datetime | None, until: dt.datetime | None) -> Watched:
    """Those incidents that begin in [since, until); watched times shrink alike."""
    low = 0.0 if since is None else max(0.0, (since - watched.start).total_seconds())
    high = watched.length_s if until is None else min(watched.length_s, (until - watched.start).total_seconds())
    if low == 0 and high == watched.length_s:
        return watched
    length = max(1.0, high - low)
    return replace(
        watched,
        start=watched.start + dt.timedelta(seconds=low),
        length_s=length,
        events={
            name: tuple(
                replace(event, start_s=event.start_s - low, end_s=event.end_s - low)
                for event in events
                if low <= event.start_s < high
            )
            for name, events in watched.events.items()
        },
        watched_s={name: seconds * length / watched.length_s for name, seconds in watched.watched_s.items()},
    )


def fit_events(watched: Watched) -> Fitted:
    """Arrivals and durations, one mode a target; a target with fewer than ten incidents has the durations of all together.

    Raises:
        ValueError: There is no incident at all.
    """
    together = [event for events in watched.events.values() for event in events]
    if not together:
        raise ValueError("there is no incident in the period")
    common, common_fits = duration_law(np.array([event.length_s for event in together]), 0.0)
    modes = []
    for target, events in watched.events.items():
        if not events:
            continue
        law, fits = common, common_fits
        if len(events) >= 10:
            law, fits = duration_law(np.array([event.length_s for event in events]), 0.0)
        starts = np.array([event.start_s for event in events])
        length = max(watched.length_s, float(starts[-1]) + 1)
        arrivals = fit_arrivals(starts, length, watched.start, watched.zone)
        if 0 < watched.watched_s[target] < 0.98 * length:
            arrivals = tuple(replace(one, every_s=watched.watched_s[target] / one.n) for one in arrivals)
        whole = Law(1.0, 0.0, len(events), guessed=False)
        modes.append(Mode(_mode_name(target), "errors", events, arrivals, law, fits, whole, route=target or None))
    routes = tuple(watched.events)
    share = np.full(len(routes), 1 / len(routes))
    ones = np.ones((VERSIONS, 1))
    shapes = Shapes(
        level=np.full(VERSIONS, _FLAT_RPS),
        hours=np.ones((VERSIONS, 24)),
        weekdays=np.ones((VERSIONS, 7)),
        growth=np.zeros(VERSIONS),
        growth_se=0.0,
        middle_day=watched.length_s / DAY_S / 2,
        level_se=0.0,
        slow_sd=0.0,
        slow_days=1.0,
        daily=False,
        weekly="none",
        weekend_seen=False,
        days=int(watched.length_s / DAY_S) + 1,
    )
    said = "incidents alone were read: traffic is a flat 10 requests a second, and every incident fails all of them"
    return Fitted(
        file=watched.file,
        start=watched.start,
        zone=watched.zone,
        length_s=watched.length_s,
        step_s=MINUTE_S,
        known=1.0,
        routes=routes,
        shares=share,
        judged=np.ones(len(routes), dtype=np.bool_),
        shapes=shapes,
        variability=Variability(0 * ones, 60 * ones),
        usual=Usual(0.0, 0.0, 0.0, 1.0),
        errors=tuple(RouteErrors(route, 0.0, 0.0, ()) for route in routes),
        latencies=watched.latencies,
        modes=tuple(modes),
        listed=len(together),
        seen=len(together),
        findings=(*watched.findings, Problem("fit/events-alone", said, Severity.INFO, watched.file)),
    )


def _mode_name(target: str) -> str:
    return f"{target} down" if target else "incidents"


def check_events(fitted: Fitted, second: Watched, *, runs: int = 300, seed: int = 1) -> Verdict:
    """Draw incidents of the length and calendar of the second period, and say where its own lie among them.

    Raises:
        ValueError: Fewer than 40 runs, or no target that both have.
    """
    modes = {mode.route or "": mode for mode in fitted.modes}
    shared = [target for target in second.events if target in modes or target in fitted.routes]
    if not shared:
        raise ValueError("no target of the second history is in the first one")
    seen = _statistics([second.events[target] for target in shared], second, shared)
    drawn = []
    for run in range(runs):
        rng = stream(seed, "fit", "events", run)
        found = []
        for target in shared:
            mode = modes.get(target)
            length = second.watched_s[target] or second.length_s
            found.append(() if mode is None else draw_events(mode, second.start, length, fitted.zone, rng))
        drawn.append(_statistics(found, second, shared))
    return judge(seen, drawn)


def _statistics(found: Sequence[tuple[Event, ...]], period: Watched, targets: Sequence[str]) -> dict[str, float]:
    events = [event for events in found for event in events]
    lengths = np.array([min(event.end_s, period.length_s) - event.start_s for event in events])
    starts = np.array([event.start_s for event in events])
    out = {"incidents": float(len(events)), "downtime (h)": float(lengths.sum()) / 3600}
    out["longest incident (min)"] = float(lengths.max(initial=0.0)) / MINUTE_S
    if len(events) >= 1:
        out["median length (min)"] = float(np.median(lengths)) / MINUTE_S
        out["90% of lengths below (min)"] = float(np.quantile(lengths, 0.9)) / MINUTE_S
    days = np.bincount((starts // DAY_S).astype(np.int64), minlength=1) if len(starts) else np.zeros(1)
    out["days with an incident"] = float((days > 0).sum())
    out["most incidents in a day"] = float(days.max())
    if len(events) >= 1 and period.length_s >= 14 * DAY_S:
        out["share in business hours"] = float(is_business(_week(period, starts)).mean())
    if len(targets) > 1:
        for target, own in sorted(zip(targets, found, strict=True), key=lambda pair: pair[0])[:5]:
            down = sum(min(event.end_s, period.length_s) - event.start_s for event in own)
            out[f"downtime of {target[:24]} (min)"] = down / MINUTE_S
    return out


@lru_cache(maxsize=8)
def _week_pieces(start: dt.datetime, length_s: float, zone: str) -> FloatArray:
    """Seconds of the local week at every quarter of an hour of a period."""
    return local_seconds(start.astimezone(ZoneInfo(zone)), np.arange(0.0, length_s + _PIECE_S, _PIECE_S))


def _week(period: Watched, starts: FloatArray) -> FloatArray:
    pieces = _week_pieces(period.start, period.length_s, period.zone)
    at = np.minimum((starts // _PIECE_S).astype(np.int64), len(pieces) - 1)
    return np.asarray((pieces[at] + starts % _PIECE_S) % (7 * DAY_S), np.float64)
