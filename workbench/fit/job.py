"""What `workbench fit` does: read, fit, and hold against a second history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, Problem, Severity
from workbench.fit.against import check_history
from workbench.fit.check import Verdict
from workbench.fit.events import Watched, check_events, clipped, fit_events, from_list, from_probes
from workbench.fit.fitted import Fitted, fit_history
from workbench.fit.incidents import is_incident_list, read_durations
from workbench.fit.reading import record
from workbench.telemetry.incidents import IncidentRow, read_incidents
from workbench.telemetry.recorded import Reading

Days = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True)
class Ask:
    """What the user asked for."""

    how: dict[str, Any]
    """Keyword arguments of `read_history`."""
    zone: str
    severities: tuple[str, ...] = ()
    period: Days = (None, None)
    check_period: Days = (None, None)
    runs: int = 300
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Job:
    """What came of it."""

    fitted: Fitted
    verdict: Verdict | None
    findings: tuple[Problem, ...]


def is_list(path: Path) -> bool:
    """Whether a file is a list of incidents and not a history."""
    return is_incident_list(path)


def run_job(history: Path, ask: Ask, *, incidents: Path | None = None, check: Path | None = None) -> Job:
    """Read, fit, and check if a second history is given.

    Raises:
        BadInput: with everything that is wrong with the files, or why they cannot be fitted.
    """
    if is_incident_list(history):
        return _lists(history, ask, check)
    if ask.how["reading"] is Reading.PROBES:
        return _probes(history, ask, check)
    recording = record(history, ask.how)
    observed = recording.observed.between(*ask.period)
    rows: tuple[IncidentRow, ...] = ()
    if incidents is not None:
        rows = tuple(
            row for row in read_incidents(incidents, observed.start) if _overlaps(row.start_s, row.end_s, observed.length_s)
        )
    try:
        fitted = fit_history(observed, file=str(history), zone=ask.zone, incidents=rows, seed=ask.seed)
    except ValueError as error:
        raise _cannot(history, error) from error
    verdict = None
    findings = [*recording.findings, *fitted.findings]
    if check is not None:
        second = recording if check == history else record(check, ask.how)
        findings += () if second is recording else second.findings
        try:
            verdict = check_history(fitted, second.observed.between(*ask.check_period), runs=ask.runs, seed=ask.seed)
        except ValueError as error:
            raise _cannot(check, error) from error
    return Job(fitted, verdict, tuple(findings))


def _overlaps(start_s: float, end_s: float | None, length_s: float) -> bool:
    return start_s < length_s and (start_s >= 0 if end_s is None else end_s > 0)


def _lists(path: Path, ask: Ask, check: Path | None) -> Job:
    first = _watched_list(path, ask, ask.period)
    return _from_events(path, first, ask, None if check is None else _watched_list(check, ask, ask.check_period), check)


def _watched_list(path: Path, ask: Ask, period: Days) -> Watched:
    if not is_incident_list(path):
        message = "the first file is a list of incidents (it has the columns start and end), and this one is not"
        raise BadInput(Problem("fit/kinds", message, file=str(path)))
    found = read_durations(path, ask.severities or None)
    if len(set(found.durations_s)) < 2:
        used = f"{len(found.durations_s)} usable incidents"
        raise BadInput(Problem("fit/durations", "a fit needs at least two different durations", file=str(path), found=used))
    try:
        return from_list(found.spans, str(path), ask.zone, *period)
    except ValueError as error:
        raise _cannot(path, error) from error


def _probes(path: Path, ask: Ask, check: Path | None) -> Job:
    first = _watched_probes(path, ask)
    second = None
    if check is not None:
        second = clipped(first if check == path else _watched_probes(check, ask), *ask.check_period)
    return _from_events(path, clipped(first, *ask.period), ask, second, check)


def _watched_probes(path: Path, ask: Ask) -> Watched:
    recording = record(path, ask.how)
    return from_probes(recording.history, recording.observed, str(path), ask.zone, ask.seed)


def _from_events(path: Path, first: Watched, ask: Ask, second: Watched | None, check: Path | None) -> Job:
    try:
        fitted = fit_events(first)
    except ValueError as error:
        raise _cannot(path, error) from error
    verdict = None
    if second is not None:
        try:
            verdict = check_events(fitted, second, runs=ask.runs, seed=ask.seed)
        except ValueError as error:
            raise _cannot(check or path, error) from error
    return Job(fitted, verdict, (*fitted.findings, *(second.findings if second is not None else ())))


def _cannot(path: Path, error: ValueError) -> BadInput:
    return BadInput(Problem("fit/too-little", str(error), Severity.ERROR, str(path)))
