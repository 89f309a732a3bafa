"""The reading `--counts`: a row is one scrape at `time` and holds the events since the row before.

A counter's value at a row is the running sum up to and including it; a missing row is a missed scrape and its events are in the
next row; `reset` = 1 says that the counters began again at 0 after the row before. An empty cell is unknown: the series has no
sample there, and never a zero. `total` includes `errors`; `le_*` are cumulative counts below a bound in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray, hidden_restarts, running_sum
from workbench.telemetry.coverage import cover, first_lines, instants_of
from workbench.telemetry.instants import MICROSECONDS, TimeForm, utc
from workbench.telemetry.recorded import LATENCY_NAME, History, Reading, Request, check_order
from workbench.telemetry.rows import Rows, check_counts
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, Telemetry, le_label
from workbench.telemetry.source import digest_of


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
    return _History(rows, chosen, spacing_s, phase_s, request.requests_name, request.errors_name).build(path)


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
    requests_name: str
    errors_name: str

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
            for key, position in self._columns(labels):
                one = _counter(key, times, rows.counts[position][numbers], restarted)
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

    def _columns(self, labels: dict[str, str]) -> list[tuple[SeriesKey, int]]:
        """Every series that a row feeds, and the column that it reads."""
        layout = self.rows.layout
        columns = [(SeriesKey.of(self.requests_name, labels), layout.total)]
        if layout.errors is not None:
            columns.append((SeriesKey.of(self.errors_name, labels), layout.errors))
        if layout.bounds:
            bucket = f"{LATENCY_NAME}_bucket"
            columns += [(SeriesKey.of(bucket, labels, le=le_label(bound / 1000)), position) for position, bound in layout.bounds]
            columns += [
                (SeriesKey.of(bucket, labels, le="+Inf"), layout.total),
                (SeriesKey.of(f"{LATENCY_NAME}_count", labels), layout.total),
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
        position = self.rows.layout.errors
        if position is None:
            return dict.fromkeys(self.chosen, 1.0), 1.0
        unknown = np.isnan(self.rows.counts[position])
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
            message = "the times name no zone and are taken as UTC; calendar days and labelled incidents may be off by hours"
            found.append(Problem("history/local-time", message, Severity.WARNING, file))
        if layout.ignored:
            message = f"columns that are not read: {listed([quoted(name) for name in layout.ignored], 20)}"
            found.append(Problem("history/ignored-columns", message, Severity.INFO, file))
        return found

    def _sparse_routes(self) -> list[str]:
        """Routes with fewer than nine tenths of the rows that the whole period should have; only where there are several routes."""
        kept = np.concatenate([self.rows.time_us[numbers] for numbers in self.chosen.values()])
        due = (int(kept.max()) - int(kept.min())) / MICROSECONDS / self.spacing_s + 1
        return [name for name, numbers in self.chosen.items() if len(self.chosen) > 1 and len(numbers) < 0.9 * due]


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
