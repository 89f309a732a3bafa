"""From series that were recorded as they were scraped to a history: its routes, what it lacks, and what looks wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray, common_grid, increments
from workbench.telemetry.coverage import Coverage, cover, first_lines, instants_of
from workbench.telemetry.instants import LOCAL_TIMES, MICROSECONDS, TimeForm, utc
from workbench.telemetry.looks import looks_per_interval
from workbench.telemetry.recorded import LATENCY_NAME, History, Reading, Request
from workbench.telemetry.series import FloatArray, Series, Telemetry, is_stale, le_label
from workbench.telemetry.source import digest_of

CODE_LABELS = ("status_code", "code", "status")
"""Labels that hold status codes, the first that a counter of requests has."""
_COUNTER_ENDINGS = ("_total", "_count", "_bucket")
_LATE_SPACINGS = 1.5


@dataclass(frozen=True, eq=False)
class Gathered:
    """Series of one file, and what was learned while reading it."""

    series: tuple[Series, ...]
    first_us: int
    last_us: int
    spacing_s: float
    phase_s: float
    rows: int
    form: TimeForm
    said: str
    notes: tuple[Problem, ...]
    """Findings of the reading itself; the file is filled in."""
    time_us: IntArray
    """Of every row or sample, with its line where the file has lines."""
    lines: IntArray | None


def history_of(gathered: Gathered, path: Path, request: Request, complaints: Complaints) -> History:
    """The history that these series make; raises BadInput for a route that none of them has."""
    series = _of_route(gathered.series, request.route, complaints)
    period_s = (gathered.last_us - gathered.first_us) / MICROSECONDS
    telemetry = Telemetry.of(
        series, horizon_s=period_s + gathered.spacing_s, scrape_interval_s=gathered.spacing_s, counts_from_zero=False
    )
    requests = telemetry.by_name.get(request.requests_name, ())
    failed = {one.key.labels for one in telemetry.by_name.get(request.errors_name, ())}
    label = None if failed else next((name for name in CODE_LABELS if any(name in one.key.label_map for one in requests)), None)
    answered = [one for one in requests if one.key.labels in failed or (label and label in one.key.label_map)]
    routes = sorted({one.key.label_map.get("route", "") for one in requests})
    known = {one.key.label_map.get("route", "") for one in answered}
    coverage = _coverage(gathered, requests)
    file = str(path)
    findings = [
        *coverage.findings(file),
        *(replace(note, file=file) for note in gathered.notes),
        *_signs(telemetry, request, file),
        *_late(telemetry, gathered, file),
    ]
    if gathered.form is TimeForm.LOCAL:
        findings.append(Problem("history/local-time", LOCAL_TIMES, Severity.WARNING, file))
    return History(
        telemetry=telemetry,
        start=utc(gathered.first_us),
        findings=tuple(findings),
        coverage=(*coverage.shares, ("errors unknown", 1 - len(answered) / len(requests) if requests else 1.0)),
        routes=tuple(routes),
        unknown_errors=tuple(route for route in routes if route not in known),
        bounds_s=_bounds(telemetry),
        rows=gathered.rows,
        spacing_s=gathered.spacing_s,
        phase_s=gathered.phase_s,
        last_scrape_s=period_s + gathered.phase_s,
        digest=digest_of(path),
        reading=Reading.COUNTERS,
        said=gathered.said,
        code_label=label,
        tier_label="tier" if any("tier" in one.key.label_map for one in requests) else None,
    )


def _of_route(series: tuple[Series, ...], route: str | None, complaints: Complaints) -> tuple[Series, ...]:
    """The series of one route, and those without any."""
    if route is None:
        return series
    routes = sorted({one.key.label_map["route"] for one in series if "route" in one.key.label_map})
    if route not in routes:
        message = "the history has no such route" if routes else "no series has the label `route`, so none can be chosen"
        allowed = listed([name[:80] for name in routes]) if routes else None
        complaints.fatal(
            Problem("history/no-route", message, path="route", found=quoted(route), allowed=allowed, nearest=nearest(route, routes))
        )
    return tuple(one for one in series if one.key.label_map.get("route", route) == route)


def _coverage(gathered: Gathered, requests: tuple[Series, ...]) -> Coverage:
    """Over all counters of requests together; without any, of the rows alone."""
    longest = max((len(one.times) for one in requests or gathered.series), default=1)
    instants, back = instants_of(gathered.time_us, longest, gathered.spacing_s)
    lines = None if gathered.lines is None else first_lines(gathered.lines, back, len(instants))
    if not requests:
        return cover(instants, np.ones(len(instants)), lines, gathered.spacing_s)
    grid = common_grid(tuple(one.times for one in requests))
    total = np.zeros(len(grid))
    for one in requests:
        steps = increments(one).astype(np.float64)
        steps[:1] = 0
        total[np.searchsorted(grid, one.times)] += np.nan_to_num(steps, posinf=0.0, neginf=0.0)
    # What happened before the first scrape is not in the file, and says nothing about silence.
    at = np.searchsorted(grid, (instants - gathered.first_us) / MICROSECONDS + gathered.phase_s, side="right")
    running = np.concatenate([[0.0], np.cumsum(total)])[at]
    seen: FloatArray = np.diff(running, prepend=0.0)
    if len(seen) > 1:
        seen[0] = seen[1]
    return cover(instants, seen, lines, gathered.spacing_s)


def _bounds(telemetry: Telemetry) -> tuple[float, ...]:
    """Bounds of the latency histogram that are written as Prometheus 3 writes them, and so found by objectives."""
    found = _written_bounds(telemetry)
    return tuple(sorted(bound for text, bound in found.items() if np.isfinite(bound) and text == le_label(bound)))


def _written_bounds(telemetry: Telemetry) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in telemetry.by_name.get(f"{LATENCY_NAME}_bucket", ()):
        text = one.key.label_map.get("le", "")
        try:
            found[text] = float(text)
        except ValueError:
            continue
    return found


def _signs(telemetry: Telemetry, request: Request, file: str) -> list[Problem]:
    """Signs that the file holds something else than what counters showed."""
    found = []
    counters = [
        one
        for one in telemetry
        if one.key.name.endswith(_COUNTER_ENDINGS)
        or one.key.name in {request.requests_name, request.errors_name, "total", "errors"}
    ]
    falling = [str(one.key) for one in counters if looks_per_interval(one.values.astype(np.float64))]
    if falling:
        message = (
            f"these fall far too often for counters: {listed([quoted(name) for name in falling])}; "
            "they look like the events of each interval, which --counts reads (columns time,total,errors)"
        )
        found.append(Problem("history/looks-per-interval", message, Severity.WARNING, file))
    gave_up = [
        one
        for one in telemetry.by_name.get(request.requests_name, ())
        if any(one.key.label_map.get(k) == "499" for k in CODE_LABELS)
    ]
    if gave_up:
        count = sum(float(np.nansum(increments(one)[1:])) for one in gave_up)
        message = (
            f"{count:,.0f} requests have code 499: the client gave up before the answer; "
            "they are good events unless an objective names them in bad_codes or exclude_codes"
        )
        found.append(Problem("history/client-gave-up", message, Severity.INFO, file))
    if other := [text for text, bound in _written_bounds(telemetry).items() if text != le_label(bound)]:
        shown = listed([f'le="{text}"' for text in other], 5)
        message = (
            f'bounds are written as Prometheus 2 stores them ({shown}); objectives look for those of Prometheus 3, as le="1.0"'
        )
        found.append(Problem("history/le", message, Severity.WARNING, file))
    stale = sum(int(is_stale(one.values).sum()) for one in telemetry if one.values.dtype.kind == "f")
    if stale:
        message = f"stale markers: {stale:,}; at each a series ended, as when its target went away"
        found.append(Problem("history/stale", message, Severity.INFO, file))
    return found


def _late(telemetry: Telemetry, gathered: Gathered, file: str) -> list[Problem]:
    """Counters that begin after the first scrapes, and what is not counted because of that."""
    begin = gathered.phase_s + _LATE_SPACINGS * gathered.spacing_s
    late = [
        one for one in telemetry if one.key.name.endswith(("_total", "_count")) and len(one.times) and float(one.times[0]) > begin
    ]
    first = sum(float(one.values[0]) for one in late if np.isfinite(one.values[0]))
    if not late or not first:
        return []
    message = (
        f"counters that begin after the first scrape: {len(late):,}, the first {quoted(str(late[0].key))}; "
        f"what they showed at first, {first:,.15g} together, is counted by no rate and no objective, as in Prometheus"
    )
    return [Problem("history/late-series", message, Severity.INFO, file)]
