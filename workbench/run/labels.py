"""Labelled incidents of a recorded history as ground truth, and what must be known about such labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import quoted
from workbench.telemetry.history import History
from workbench.telemetry.incidents import IncidentRow, read_incidents
from workbench.units import HOUR_S, format_duration
from workbench.world.truth import Incident, Truth

OPEN_END_S = float(HOUR_S)
"""How long an incident without an end is taken to last, unless the next one of its target begins before."""
ONE_EVENT_S = 60.0
"""Incidents of different targets that begin this close to each other are probably one event, listed once for each service."""


def labelled(path: Path | str, history: History) -> tuple[Truth, tuple[Problem, ...]]:
    """Labelled incidents as ground truth, and what was decided about them.

    An incident touches the route that it names as its target, or all routes of the replay if its target is none of them. One that
    began before the history is taken to begin with it; one that does not overlap it is left out.
    """
    horizon_s = history.telemetry.horizon_s
    rows = read_incidents(path, history.start)
    ends = _ends(rows)
    routes = tuple(route for route in history.routes if route)
    inside, kept, outside, opened, early = [], [], 0, 0, 0
    for row, end_s in zip(rows, ends, strict=True):
        if end_s < 0 or row.start_s >= horizon_s:
            outside += 1
            continue
        opened += row.end_s is None
        early += row.start_s < 0
        kept.append(row)
        inside.append(
            Incident(
                id=row.id,
                mode=row.severity,
                target=row.target,
                cause="",
                routes=(row.target,) if row.target in routes else routes,
                tiers=(),
                start_s=max(0.0, row.start_s),
                natural_end_s=row.end_s,
                end_s=min(end_s, horizon_s),
                effect="as labelled",
            )
        )
    notes = (
        (outside, Severity.WARNING, "outside", f"{outside} of {len(rows)} incidents lie outside the history and are left out"),
        (
            opened,
            Severity.WARNING,
            "open-end",
            f"{opened} incidents have no end; each is taken to last an hour, or until the next of its target if that is earlier",
        ),
        (early, Severity.INFO, "early", f"{early} incidents began before the history and are taken to begin with it"),
    )
    findings = [Problem(f"incidents/{check}", message, severity) for count, severity, check, message in notes if count]
    findings += [*_announced(kept), *_listed_often(inside), *_overlaps(inside)]
    truth = Truth(tuple(sorted(inside, key=lambda one: (one.start_s, one.id))))
    return truth, tuple(replace(one, file=str(path)) for one in findings)


def union_s(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that lie in any of the spans (begin, end): what overlaps counts once."""
    total = 0.0
    reached = -np.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _ends(rows: tuple[IncidentRow, ...]) -> list[float]:
    """The end of each incident; rows are sorted by start."""
    following: dict[str, float] = {}
    ends = []
    for row in reversed(rows):
        later = following.get(row.target, np.inf)
        ends.append(min(row.start_s + OPEN_END_S, later) if row.end_s is None else row.end_s)
        following[row.target] = row.start_s
    return ends[::-1]


def _announced(rows: Sequence[IncidentRow]) -> Iterator[Problem]:
    """Labels that begin when somebody wrote about the incident, not when it began."""
    late = [row for row in rows if row.announced]
    if late:
        message = (
            f"{len(late):,} of {len(rows):,} incidents begin when they were announced, not when they began; counted from there, "
            f"detection times are too short, and alerts before the announcement look false (the first is {quoted(late[0].id)})"
        )
        yield Problem("incidents/announced", message, Severity.WARNING, line=late[0].line)


def _listed_often(incidents: Sequence[Incident]) -> Iterator[Problem]:
    """Events that are listed once for each service they hit."""
    ordered = sorted(incidents, key=lambda one: (one.start_s, one.id))
    groups: list[list[Incident]] = []
    for one in ordered:
        if groups and one.start_s - groups[-1][0].start_s <= ONE_EVENT_S:
            groups[-1].append(one)
        else:
            groups.append([one])
    several = [group for group in groups if len({one.target for one in group}) > 1]
    if several:
        entries = sum(len(group) for group in several)
        first = several[0]
        message = (
            f"{entries:,} of {len(incidents):,} incidents begin within {format_duration(ONE_EVENT_S)} of one with another target: "
            f"probably {len(several):,} events, each listed once for every service that it hit "
            f"({', '.join(quoted(one.id) for one in first[:3])}); recall counts every entry"
        )
        yield Problem("incidents/listed-often", message, Severity.WARNING)


def _overlaps(incidents: Sequence[Incident]) -> Iterator[Problem]:
    """How much longer incidents look when what overlaps is counted twice."""
    added = sum(one.end_s - one.start_s for one in incidents)
    together = union_s((one.start_s, one.end_s) for one in incidents)
    if together < added:
        message = (
            f"incidents overlap: they cover {together / HOUR_S:,.1f} h, which added up one by one would be {added / HOUR_S:,.1f} h"
        )
        yield Problem("incidents/overlap", message, Severity.INFO)
