"""A simulated month as a recorded history of counts: what `workbench replay` reads."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence

import numpy as np

from workbench.alerts.vocabulary import SIMULATED, Vocabulary
from workbench.outcome import Outcome
from workbench.telemetry.series import Array, FloatArray, Series


def counts_csv(
    outcome: Outcome,
    *,
    step_s: float,
    routes: Sequence[str] = (),
    until_s: float | None = None,
    vocabulary: Vocabulary = SIMULATED,
) -> str:
    """Rows `time,route,total,errors`, one a route and `step_s` seconds, from the first full step on.

    Routes are called as the policy names them, whatever the telemetry (`vocabulary`) calls them. Counts are the increments of the
    scraped counters, so a restart loses nothing; errors are answers with a 5xx code. Raises ValueError if the outcome carries no
    telemetry.
    """
    if outcome.telemetry is None:
        raise ValueError("the outcome carries no telemetry")
    by_route: dict[str, list[Series]] = {}
    for series in outcome.telemetry.by_name.get(vocabulary.requests, ()):
        route = series.key.label_map[vocabulary.route_label]
        by_route.setdefault(vocabulary.named(vocabulary.route_label, route), []).append(series)
    wanted = sorted(by_route) if not routes else sorted(routes)
    edges = np.arange(step_s, (until_s or outcome.horizon_s) + step_s / 2, step_s)
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\n").writerow
    write(("time", "route", "total", "errors"))
    columns = {route: (_counts(by_route[route], edges), _counts(_failed(by_route[route], vocabulary), edges)) for route in wanted}
    utc = outcome.start.astimezone(dt.UTC)
    for index, edge in enumerate(edges):
        time = (utc + dt.timedelta(seconds=float(edge))).strftime("%Y-%m-%dT%H:%M:%SZ")
        for route in wanted:
            total, errors = columns[route]
            write((time, route, int(total[index]), int(errors[index])))
    return out.getvalue()


def incidents_csv(outcome: Outcome, *, routes: Sequence[str] = (), until_s: float | None = None) -> str:
    """The ground truth as labels `id,target,start,end,severity` of the incidents that touch any of the routes."""
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\n").writerow
    write(("id", "target", "start", "end", "severity"))
    utc = outcome.start.astimezone(dt.UTC)
    for incident in outcome.truth.incidents if outcome.truth is not None else ():
        inside = incident.start_s < (until_s or outcome.horizon_s)
        if inside and (not routes or set(routes) & set(incident.routes)):
            start, end = (
                (utc + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
                for seconds in (incident.start_s, incident.end_s)
            )
            write((incident.id, incident.target, start, end, incident.mode))
    return out.getvalue()


def _failed(group: Sequence[Series], vocabulary: Vocabulary) -> list[Series]:
    label = vocabulary.code_label or ""
    return [series for series in group if vocabulary.named(label, series.key.label_map[label]).startswith("5")]


def _counts(group: Sequence[Series], edges: FloatArray) -> Array:
    """Events between the edges, the first from second 0 on."""
    out = np.zeros(len(edges), dtype=np.int64)
    for series in group:
        values = series.values.astype(np.int64)
        events = np.diff(values, prepend=0)
        restarted = events < 0
        events[restarted] = values[restarted]
        total = np.concatenate([[0], np.cumsum(events)])
        out += np.diff(total[np.searchsorted(series.times, edges, side="right")], prepend=0)
    return out
