"""What every reading of a recorded history returns, and what all of them share: clocks, places of times, hashes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray, usual_spacing
from workbench.telemetry.instants import MICROSECONDS, UNKNOWN_US, TimeForm, utc
from workbench.telemetry.series import Telemetry
from workbench.telemetry.table import Table

USUAL_PHASE_S = 7.0
"""Scrapes off the evaluation grid are what production has, and the one profile on which Prometheus 2 and 3 agree."""
REQUESTS_NAME = "http_requests_total"
ERRORS_NAME = "http_request_errors_total"
LATENCY_NAME = "http_request_duration_seconds"


class Reading(StrEnum):
    """What the rows of a file are taken for."""

    COUNTS = "counts"
    """A row holds the events since the row before."""
    COUNTERS = "counters"
    """A row holds what counters and gauges showed, cumulative."""
    PROBES = "probes"
    """A row says that a target's state is now this."""


class ClientErrors(StrEnum):
    """What a column `client_errors` (4xx, and 499 where a client gave up) means for a history of counts."""

    GOOD = "good"
    """They were answered; the column is not read."""
    BAD = "bad"
    """They are errors too."""
    EXCLUDED = "excluded"
    """They do not count at all."""


@dataclass(frozen=True, slots=True)
class Options:
    """What only some readings ask for."""

    labels: tuple[str, ...] = ()
    """Columns of a wide file of counters that tell series apart, besides those that hold text."""
    accepted_codes: tuple[str, ...] = ()
    """HTTP codes that count as up, whatever a probe said."""
    client_errors: ClientErrors = ClientErrors.GOOD
    timezone: str | None = None
    """Of times that name none; without it they are taken as UTC, with a warning."""


@dataclass(frozen=True, slots=True)
class Request:
    """How the user wants a history to be read."""

    route: str | None = None
    """The rows of this route (or target) only."""
    scrape_interval_s: float | None = None
    """Nominal distance of two rows; None takes the usual one (probes: a minute)."""
    phase_s: float | None = 0.0
    """Each scrape was taken that much after its row's time; None takes 7 s, or half of a spacing of at most 7 s."""
    requests_name: str = REQUESTS_NAME
    errors_name: str = ERRORS_NAME
    options: Options = Options()

    def clock(self, steps_us: IntArray, rows: int, what: str, complaints: Complaints) -> tuple[float, float]:
        """Spacing and phase, from all distances of two neighbours; complains of a history too short to have any."""
        spacing_s = spacing_of(steps_us, rows, what, self.scrape_interval_s, complaints)
        return spacing_s, self.phase(spacing_s)

    def phase(self, spacing_s: float) -> float:
        """The phase, where the scrapes have this spacing."""
        if self.phase_s is not None:
            return self.phase_s
        return USUAL_PHASE_S if spacing_s > USUAL_PHASE_S else spacing_s / 2


@dataclass(frozen=True, eq=False)
class History:
    """A recorded history as telemetry."""

    telemetry: Telemetry
    """Second 0 is the first row's time; `horizon_s` has one spacing for each row, so it ends one spacing after the last row."""
    start: dt.datetime
    """The first row's time, UTC. Times in seconds count from 1970."""
    findings: tuple[Problem, ...]
    """What a reader must know: rows missing, no traffic, a possible outage, unknown errors, columns ignored."""
    coverage: tuple[tuple[str, float], ...]
    """Shares of the period: `rows missing`, `no traffic`, `outage`, `total unknown`, which do not overlap; and `errors unknown`."""
    routes: tuple[str, ...]
    """Sorted; the empty string alone for a history without routes."""
    unknown_errors: tuple[str, ...]
    """Routes of which no row says how many errors there were."""
    bounds_s: tuple[float, ...]
    """Bounds of the latency histogram, ascending; empty without one."""
    rows: int
    spacing_s: float
    """Usual distance of two rows of a route."""
    phase_s: float
    last_scrape_s: float
    digest: str
    """Hash of the file's bytes."""
    reading: Reading = Reading.COUNTS
    said: str = ""
    """The reading in one sentence, for whoever reads the result."""
    code_label: str | None = None
    """The label that holds status codes, where the history has no counter of errors but counts requests by code."""
    tier_label: str | None = None


def check_order(table: Table, groups: Mapping[str, IntArray], what: str, complaints: Complaints) -> None:
    """Complain of times that repeat or run backwards in any group of rows; `what` names a group: `route`."""
    for name in sorted(groups):
        numbers = groups[name][table.time_us[groups[name]] != UNKNOWN_US]
        steps = np.diff(table.time_us[numbers])
        if not len(steps) or steps.min() > 0:
            continue
        where = f" of {what} {quoted(name)}" if name else ""

        def problem(check: str, message: str, row: int) -> Problem:
            path = table.place(row, _time_position(table))
            return Problem(check, message, line=table.line(row), path=path, found=as_written(table, row))

        repeated, reversed_ = numbers[1:][steps == 0], numbers[1:][steps < 0]
        often = int(np.unique(table.time_us[numbers], return_counts=True)[1].max())
        times = f"; one time occurs {often} times" if often > 2 else ""
        message = f"two rows{where} have the same time (does a clock change repeat an hour?){times}"
        complaints.rows(repeated, lambda row, m=message: problem("history/duplicate-time", m, row))  # type: ignore[misc]
        message = f"the time is earlier than that of the row before{where}"
        complaints.rows(reversed_, lambda row, m=message: problem("history/reversed-time", m, row))  # type: ignore[misc]


def _time_position(table: Table) -> int:
    return table.names.index("time") if "time" in table.names else table.names.index("time_s")


def as_written(table: Table, row: int) -> str:
    """The time of a row in the form of its file."""
    instant = int(table.time_us[row])
    if table.form is TimeForm.SECONDS:
        return f"{instant / MICROSECONDS:.15g}"
    return utc(instant).isoformat().replace("+00:00", "Z" if table.form is TimeForm.ZONED else "")


def spacing_of(steps_us: IntArray, rows: int, what: str, given_s: float | None, complaints: Complaints) -> float:
    """The nominal distance of two rows of one group, from all distances; complains of a history too short to have one."""
    if not len(steps_us):
        complaints.fatal(
            Problem(
                "history/too-short",
                f"a rate needs two scrapes, and no {what} has two rows" if rows else "there is a header and no row",
                allowed=f"at least two rows of one {what}",
            )
        )
    return given_s if given_s is not None else usual_spacing(np.concatenate([[0], np.cumsum(steps_us)])) / MICROSECONDS
