"""The reading `--counts`: a row is one scrape at `time` and holds the events since the row before.

A counter's value at a row is the running sum up to and including it; a missing row is a missed scrape and its events are in the
next row; `reset` = 1 says that the counters began again at 0 after the row before. An empty cell is unknown: the series has no
sample there, and never a zero. `total` includes `errors`; `le_*` are cumulative counts below a bound in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray, hidden_restarts, running_sum
from workbench.telemetry.coverage import cover, first_lines, instants_of
from workbench.telemetry.instants import LOCAL_TIMES, MICROSECONDS, TimeForm, utc
from workbench.telemetry.looks import all_failed, looks_cumulative, none_failed, rolling_window
from workbench.telemetry.recorded import LATENCY_NAME, ClientErrors, History, Reading, Request, check_order
from workbench.telemetry.rows import CLIENT_ERRORS, Rows, check_counts
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, Telemetry, le_label
from workbench.telemetry.source import digest_of

_LISTED = 5


def counts_history(rows: Rows, path: Path, request: Request, complaints: Complaints) -> History:
    """Telemetry from rows of counts.

    Raises:
        BadInput: with everything that is wrong with the file.
    """
    check_counts(rows, complaints)
    groups = _by_route(rows)
    check_order(rows.table, groups, "route", complaints)
    chosen = _choose(groups, rows, request.route, complaints)
    complaints.stop_if_any()
    steps = np.concatenate([np.diff(rows.time_us[numbers]) for numbers in chosen.values()] or [np.empty(0)])
    spacing_s, phase_s = request.clock(steps, len(rows), "route", complaints)
    return _History(rows, chosen, spacing_s, phase_s, request).build(path)


def _by_route(rows: Rows) -> dict[str, IntArray]:
    """Row numbers of each route by name, sorted, in the file's order."""
    if rows.route is None:
        return {"": np.arange(len(rows))}
    order = np.argsort(rows.route, kind="stable")
    edges = np.searchsorted(rows.route[order], np.arange(len(rows.routes) + 1))
    return dict(sorted((name, order[edges[code] : edges[code + 1]]) for code, name in enumerate(rows.routes)))


def _choose(groups: dict[str, IntArray], rows: Rows, route: str | None, complaints: Complaints) -> dict[str, IntArray]:
    if route is None:
        return groups
    if rows.route is None:
        complaints.add(Problem("history/no-route", "the history has no column `route`, so none can be chosen", found=quoted(route)))
        return groups
    if route not in groups:
        complaints.add(
            Problem(
                "history/no-route",
                "the history has no such route",
                path="route",
                found=quoted(route),
                allowed=listed([name[:80] for name in groups]),
                nearest=nearest(route, groups),
            )
        )
        return groups
    return {route: groups[route]}


@dataclass(frozen=True, eq=False)
class _History:
    """Builds the series of the chosen rows."""

    rows: Rows
    chosen: dict[str, IntArray]
    spacing_s: float
    phase_s: float
    request: Request

    @cached_property
    def requests(self) -> FloatArray:
        """Requests that count, one a row."""
        layout, total = self.rows.layout, self.rows.counts[self.rows.layout.total]
        if layout.client_errors is None or self.request.options.client_errors is not ClientErrors.EXCLUDED:
            return total
        return total - self.rows.counts[layout.client_errors]

    @cached_property
    def errors(self) -> FloatArray | None:
        """Bad requests, one a row; None without a column."""
        layout = self.rows.layout
        if layout.errors is None:
            return None
        errors = self.rows.counts[layout.errors]
        if layout.client_errors is None or self.request.options.client_errors is not ClientErrors.BAD:
            return errors
        return errors + self.rows.counts[layout.client_errors]

    def build(self, path: Path) -> History:
        rows, layout = self.rows, self.rows.layout
        kept = np.concatenate(list(self.chosen.values()))
        first_us, last_us = int(rows.time_us[kept].min()), int(rows.time_us[kept].max())
        series: list[Series] = []
        findings: list[Problem] = []
        shared: dict[bytes, FloatArray] = {}
        hidden = 0
        for name, numbers in self.chosen.items():
            times = (rows.time_us[numbers] - first_us) / MICROSECONDS + self.phase_s
            times = shared.setdefault(times.tobytes(), times)
            restarted = None if rows.reset is None else rows.reset[numbers]
            labels = {"route": name}
            for key, counts in self._columns(labels):
                one = _counter(key, times, counts[numbers], restarted)
                if one is not None:
                    series.append(one)
            if restarted is not None:
                totals = np.nan_to_num(rows.counts[layout.total][numbers])
                hidden += len(hidden_restarts(running_sum(totals, restarted), restarted))
        telemetry = Telemetry.of(
            series, horizon_s=(last_us - first_us) / MICROSECONDS + self.spacing_s, scrape_interval_s=self.spacing_s
        )
        longest = max(len(numbers) for numbers in self.chosen.values())
        instants, back = instants_of(rows.time_us[kept], longest, self.spacing_s)
        together = self._together(kept, back, len(instants))
        lines = None if rows.lines is None else first_lines(rows.lines[kept], back, len(instants))
        coverage = cover(instants, together, lines, self.spacing_s)
        unknown, unknown_share = self._unknown_errors()
        file = str(path)
        findings += coverage.findings(file)
        findings += self._findings(file, unknown, hidden)
        return History(
            telemetry=telemetry,
            start=utc(first_us),
            findings=tuple(findings),
            coverage=(*coverage.shares, ("errors unknown", unknown_share)),
            routes=tuple(self.chosen),
            unknown_errors=tuple(name for name, share in unknown.items() if share == 1),
            bounds_s=tuple(bound / 1000 for _, bound in layout.bounds),
            rows=len(kept),
            spacing_s=self.spacing_s,
            phase_s=self.phase_s,
            last_scrape_s=(last_us - first_us) / MICROSECONDS + self.phase_s,
            digest=digest_of(path),
            reading=Reading.COUNTS,
            said="each row counts the events since the row before it (--counts)",
        )

    def _columns(self, labels: dict[str, str]) -> list[tuple[SeriesKey, FloatArray]]:
        """Every series that a row feeds, and the column that it reads."""
        layout, counts = self.rows.layout, self.rows.counts
        columns = [(SeriesKey.of(self.request.requests_name, labels), self.requests)]
        if self.errors is not None:
            columns.append((SeriesKey.of(self.request.errors_name, labels), self.errors))
        if layout.bounds:
            bucket = f"{LATENCY_NAME}_bucket"
            columns += [(SeriesKey.of(bucket, labels, le=le_label(bound / 1000)), counts[at]) for at, bound in layout.bounds]
            columns += [
                (SeriesKey.of(bucket, labels, le="+Inf"), counts[layout.total]),
                (SeriesKey.of(f"{LATENCY_NAME}_count", labels), counts[layout.total]),
            ]
        return columns

    def _together(self, kept: IntArray, back: IntArray, length: int) -> FloatArray:
        """Requests of all routes at each instant; NaN where an unknown one could make the difference between some and none."""
        total = self.rows.counts[self.rows.layout.total][kept]
        known = ~np.isnan(total)
        together = np.bincount(back[known], weights=total[known], minlength=length)
        doubtful = np.bincount(back[~known], minlength=length) > 0
        return np.where(doubtful & (together == 0), np.nan, together)

    def _unknown_errors(self) -> tuple[dict[str, float], float]:
        """Share of each route's rows whose errors are unknown, and of all chosen rows."""
        if self.errors is None:
            return dict.fromkeys(self.chosen, 1.0), 1.0
        unknown = np.isnan(self.errors)
        shares = {name: float(unknown[numbers].mean()) for name, numbers in self.chosen.items()}
        rows = sum(len(numbers) for numbers in self.chosen.values())
        return shares, sum(int(unknown[numbers].sum()) for numbers in self.chosen.values()) / rows

    def _findings(self, file: str, unknown: dict[str, float], hidden: int) -> list[Problem]:
        rows, layout = self.rows, self.rows.layout
        found = []
        if layout.errors is None:
            message = "there is no column `errors`: the errors of every row are unknown, not zero"
            found.append(Problem("history/errors-unknown", message, Severity.WARNING, file, 1 if rows.lines is not None else None))
        else:
            wholly = [name for name, share in unknown.items() if share == 1]
            partly = [name for name, share in unknown.items() if 0 < share < 1]
            if wholly:
                of = f"of {len(wholly)} of {len(unknown)} routes ({listed(wholly)}) are" if any(wholly) else "are"
                message = f"the errors {of} unknown in every row: unknown, not zero"
                found.append(Problem("history/errors-unknown", message, Severity.WARNING, file))
            for name in partly[:5]:
                of = f" of route {quoted(name)}" if name else ""
                message = f"the errors{of} are unknown in {unknown[name]:.2%} of its rows: unknown, not zero"
                found.append(Problem("history/errors-unknown", message, Severity.WARNING, file))
            if len(partly) > 5:
                message = f"and errors are unknown in some rows of {len(partly) - 5:,} more routes"
                found.append(Problem("history/errors-unknown", message, Severity.WARNING, file))
        sparse = self._sparse_routes()
        if sparse:
            message = (
                f"more than a tenth of the rows of these routes are missing: {listed(sparse)}; "
                "a missing row is a missed scrape, its events are in the next row of its route"
            )
            found.append(Problem("history/rows-missing", message, Severity.WARNING, file))
        if hidden:
            message = f"{hidden:,} restarts come back at or above the value before them; no Prometheus can see these"
            found.append(Problem("history/hidden-restarts", message, Severity.WARNING, file))
        if rows.form is TimeForm.LOCAL:
            found.append(Problem("history/local-time", LOCAL_TIMES, Severity.WARNING, file))
        found += self._signs(file)
        if CLIENT_ERRORS in layout.ignored:
            message = (
                f"`{CLIENT_ERRORS}` is not read, so 4xx are good events, and so is 499, a client that gave up; "
                "--client-errors bad or excluded counts them otherwise"
            )
            found.append(Problem("history/client-errors", message, Severity.INFO, file))
        if layout.client_errors is not None:
            choice = self.request.options.client_errors
            message = (
                f"client errors are {'errors' if choice is ClientErrors.BAD else 'left out'}, as asked (--client-errors {choice})"
            )
            found.append(Problem("history/client-errors", message, Severity.INFO, file))
        if layout.ignored:
            message = f"columns that are not read: {listed([quoted(name) for name in layout.ignored], 20)}"
            found.append(Problem("history/ignored-columns", message, Severity.INFO, file))
        return found

    def _signs(self, file: str) -> list[Problem]:
        """Signs that the columns hold something else than the events of each row."""
        totals = {name: self.requests[numbers] for name, numbers in self.chosen.items()}
        found = []
        if rising := [name for name, total in totals.items() if looks_cumulative(total)]:
            message = f"the totals{_of(rising)} never fall, as those of a cumulative counter; if they are, --counters reads them"
            found.append(Problem("history/looks-cumulative", message, Severity.WARNING, file))
        windows = {name: rows for name, total in totals.items() if name not in rising and (rows := rolling_window(total))}
        for name, rows in list(windows.items())[:_LISTED]:
            message = (
                f"the totals{_of([name])} look like sums over the last {rows} rows, so that every request is counted {rows} times; "
                "a row must hold the events since the row before it alone"
            )
            found.append(Problem("history/looks-rolling", message, Severity.WARNING, file))
        if self.errors is None:
            return found
        errors = {name: self.errors[numbers] for name, numbers in self.chosen.items()}
        if failed := [name for name, total in totals.items() if all_failed(total, errors[name])]:
            message = (
                f"every request{_of(failed)} is an error, in every row: a success metric that was never filled looks like this"
            )
            found.append(Problem("history/all-failed", message, Severity.WARNING, file))
        if perfect := [name for name, total in totals.items() if none_failed(total, errors[name])]:
            requests = sum(float(np.nansum(totals[name])) for name in perfect)
            message = f"no request of {requests:,.0f}{_of(perfect)} is an error: either none failed, or failures are not recorded"
            found.append(Problem("history/none-failed", message, Severity.INFO, file))
        return found

    def _sparse_routes(self) -> list[str]:
        """Routes with fewer than nine tenths of the rows that the whole period should have; only where there are several routes."""
        kept = np.concatenate([self.rows.time_us[numbers] for numbers in self.chosen.values()])
        due = (int(kept.max()) - int(kept.min())) / MICROSECONDS / self.spacing_s + 1
        return [name for name, numbers in self.chosen.items() if len(self.chosen) > 1 and len(numbers) < 0.9 * due]


def _of(routes: list[str]) -> str:
    """` of route 'a'`, ` of 3 routes ('a', 'b', 'c')`, or nothing for a history without routes."""
    if routes == [""]:
        return ""
    named = listed([quoted(name) for name in routes])
    return f" of route {named}" if len(routes) == 1 else f" of {len(routes)} routes ({named})"


def _counter(key: SeriesKey, times: FloatArray, events: FloatArray, restarted: npt.NDArray[np.bool_] | None) -> Series | None:
    """The counter that counted `events`; no sample where they are unknown, no series where all are."""
    known = ~np.isnan(events)
    counts: Array = np.where(known, events, 0.0)
    if bool((counts == np.floor(counts)).all()):
        counts = counts.astype(np.int64)
    values = running_sum(counts, restarted)
    if known.all():
        return Series(key, times, values)
    return Series(key, times[known], values[known]) if known.any() else None
