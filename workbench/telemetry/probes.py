"""The reading `--probes`: a row says that a target's state is now this, and it holds until the target's next row.

Such files (upptime, status pages) have a row where a state changed, not one for each check, so availability is an integral over
time and never a count of rows. The states become what a Prometheus server would have scraped from a blackbox exporter on a regular
grid (`probe_success`, `probe_duration_seconds`, `probe_http_status_code`), and two counters of seconds, observed and down, exact
between any two scrapes: what objectives measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import LOCAL_TIMES, MICROSECONDS, TimeForm, utc
from workbench.telemetry.probe_signs import Spell, signs
from workbench.telemetry.recorded import History, Reading, Request, check_order
from workbench.telemetry.samples import narrowed
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, Telemetry
from workbench.telemetry.source import digest_of
from workbench.telemetry.table import MAX_COLUMNS, Columns, Peek, Table, TextColumn

USUAL_INTERVAL_S = 60.0
"""How often probes are scraped unless told; rows of changes have no spacing of their own."""
LONGEST_CHECK_S = 300.0
"""Rows at most this far apart, nearly all by the same time, are one for each check, and that is their spacing."""
_REGULAR, _FEWEST_CHECKS, _TOLERANCE = 0.9, 10, 0.1
MAX_TARGETS = 10_000
MAX_SAMPLES = 60_000_000
GONE_AFTER = 3.0
"""A target without a row for this many times its own longest silence, before the file ends, is taken to be gone."""
GONE_AFTER_S = 3 * 86_400.0
"""And only if its silence is longer than this: pages of changes have a row of every target each day or so, and a target that had
one short outage is not gone an hour later."""
_FEWEST_ROWS = 3
_NEEDED = ("time", "target", "up")
_OPTIONAL = ("latency_ms", "http_code")


@dataclass(frozen=True, slots=True)
class ProbesLayout:
    """Which columns of a file of probes mean what."""

    columns: Columns
    target: int
    up: int
    latency: int | None
    code: int | None
    ignored: tuple[str, ...]


def lay_out(names: Sequence[str], complaints: Complaints, line: int | None, peek: Peek, texts: frozenset[int]) -> ProbesLayout:
    """Find the columns by name; raises BadInput where a needed one is missing or one occurs twice."""
    del peek, texts
    if len(names) > MAX_COLUMNS:
        allowed = f"at most {MAX_COLUMNS:,}"
        complaints.fatal(Problem("history/columns", f"there are {len(names):,} columns", line=line, allowed=allowed))
    for name in (*_NEEDED, *_OPTIONAL):
        if names.count(name) > 1:
            complaints.add(Problem("history/columns", "a column occurs twice", line=line, found=quoted(name)))
    for name in _NEEDED:
        if name not in names:
            unused = [one for one in names if one not in (*_NEEDED, *_OPTIONAL)]
            message = f"the column `{name}` is missing"
            found = quoted(listed([one[:40] for one in names]))
            complaints.add(Problem("history/columns", message, line=line, found=found, nearest=nearest(name, unused)))
    complaints.stop_if_any()
    where = {name: names.index(name) for name in (*_NEEDED, *_OPTIONAL) if name in names}
    ignored = tuple(name or "(no name)" for name in names if name not in {*_NEEDED, *_OPTIONAL, "status"})
    numbers = tuple(where[name] for name in ("up", *_OPTIONAL) if name in where)
    columns = Columns(
        tuple(names),
        where["time"],
        numbers,
        (TextColumn(where["target"], "target", MAX_TARGETS, 500),),
        number_rule="a number, or nothing where it is unknown",
    )
    return ProbesLayout(columns, where["target"], where["up"], where.get("latency_ms"), where.get("http_code"), ignored)


def probes_history(table: Table, layout: ProbesLayout, path: Path, request: Request, complaints: Complaints) -> History:
    """Telemetry from rows of states; raises BadInput with everything that is wrong with them."""
    _check(table, layout, complaints)
    targets = _by_target(table, layout)
    check_order(table, targets, "target", complaints)
    if request.route is not None and request.route not in targets:
        found, allowed, near = quoted(request.route), listed([name[:80] for name in targets]), nearest(request.route, targets)
        message = "the history has no such target"
        complaints.add(Problem("history/no-route", message, path="route", found=found, allowed=allowed, nearest=near))
    if len(table) < 2:
        message = "a state lasts until the next row, so there must be two rows"
        complaints.add(Problem("history/too-short", message, found=f"{len(table)} rows"))
    complaints.stop_if_any()
    if request.route is not None:
        targets = {request.route: targets[request.route]}
    return _Probes(table, layout, targets, request, complaints).history(path)


def _check(table: Table, layout: ProbesLayout, complaints: Complaints) -> None:
    def complain(position: int, bad: npt.NDArray[np.bool_], message: str, allowed: str) -> None:
        def problem(row: int) -> Problem:
            found = f"{table.numbers[position][row]:.15g}"
            where = table.place(row, position)
            return Problem("history/probes", message, line=table.line(row), path=where, found=found, allowed=allowed)

        complaints.rows(np.flatnonzero(bad), problem)

    up = table.numbers[layout.up]
    complain(layout.up, ~np.isnan(up) & (up != 0) & (up != 1), "a target is up or it is not", "1, 0, or nothing where unknown")
    if layout.latency is not None:
        complain(layout.latency, table.numbers[layout.latency] < 0, "no answer comes before its question", "at least 0")
    if layout.code is not None:
        code = table.numbers[layout.code]
        bad = ~np.isnan(code) & ((code != np.floor(code)) | (code < 0) | (code > 999))
        complain(layout.code, bad, "this is no HTTP status code", "100 to 599, or nothing without an answer")


def _by_target(table: Table, layout: ProbesLayout) -> dict[str, IntArray]:
    texts = table.texts[layout.target]
    order = np.argsort(texts.codes, kind="stable")
    edges = np.searchsorted(texts.codes[order], np.arange(len(texts.values) + 1))
    return dict(sorted((name, order[edges[code] : edges[code + 1]]) for code, name in enumerate(texts.values)))


@dataclass(frozen=True, eq=False)
class _Probes:
    """Builds the series of the chosen targets."""

    table: Table
    layout: ProbesLayout
    targets: dict[str, IntArray]
    request: Request
    complaints: Complaints

    def history(self, path: Path) -> History:
        kept = np.concatenate(list(self.targets.values()))
        first_us, last_us = int(self.table.time_us[kept].min()), int(self.table.time_us[kept].max())
        every_s = self.request.scrape_interval_s or self._usual_interval_s()
        phase_s = self.request.phase(every_s)
        period_s = (last_us - first_us) / MICROSECONDS
        count = int(np.ceil(max(0.0, period_s - phase_s) / every_s)) + 1
        if count * len(self.targets) > MAX_SAMPLES:
            found = f"{len(self.targets):,} targets over {period_s / 86_400:,.0f} days, scraped every {every_s:g} s"
            allowed = f"at most {MAX_SAMPLES:,} samples: a longer --scrape-interval, or one --route"
            self.complaints.fatal(Problem("history/too-large", "there are too many samples", found=found, allowed=allowed))
        grid = np.round(np.arange(count) * every_s + phase_s, 6)
        series: list[Series] = []
        spells: list[Spell] = []
        observed_s = unknown_s = 0.0
        for name, rows in self.targets.items():
            spell = self._spell(name, rows, first_us, last_us)
            spells.append(spell)
            series += self._series(spell, grid)
            observed_s += spell.until_s - float(spell.times_s[0])
            unknown_s += spell.lasting_s(np.isnan(spell.up))
        telemetry = Telemetry.of(series, horizon_s=float(grid[-1] - phase_s) + every_s, scrape_interval_s=every_s)
        whole_s = len(self.targets) * period_s or 1.0
        file = str(path)
        findings = [replace(sign, file=file) for sign in signs(spells, self.request.options.accepted_codes, first_us)]
        if self.table.form is TimeForm.LOCAL:
            findings.append(Problem("history/local-time", LOCAL_TIMES, Severity.WARNING, file))
        if self.layout.ignored:
            message = f"columns that are not read: {listed([quoted(name) for name in self.layout.ignored], 20)}"
            findings.append(Problem("history/ignored-columns", message, Severity.INFO, file))
        return History(
            telemetry=telemetry,
            start=utc(first_us),
            findings=tuple(findings),
            coverage=(("not watched", max(0.0, 1 - observed_s / whole_s)), ("state unknown", unknown_s / whole_s)),
            routes=tuple(self.targets),
            unknown_errors=tuple(spell.target for spell in spells if np.isnan(spell.up).all()),
            bounds_s=(),
            rows=len(kept),
            spacing_s=every_s,
            phase_s=phase_s,
            last_scrape_s=float(grid[-1]),
            digest=digest_of(path),
            reading=Reading.PROBES,
            said=(
                f"each row is a target's state until its next row, looked at every {every_s:g} s (--probes); "
                "objectives count seconds, by route = target"
            ),
        )

    def _usual_interval_s(self) -> float:
        """The rows' spacing, where they have one."""
        steps_us = np.concatenate([np.diff(self.table.time_us[rows]) for rows in self.targets.values()])
        if len(steps_us) < _FEWEST_CHECKS:
            return USUAL_INTERVAL_S
        usual_us = float(np.median(steps_us))
        regular = float(np.mean(np.abs(steps_us - usual_us) <= _TOLERANCE * usual_us)) >= _REGULAR
        return usual_us / MICROSECONDS if regular and usual_us <= LONGEST_CHECK_S * MICROSECONDS else USUAL_INTERVAL_S

    def _spell(self, name: str, rows: IntArray, first_us: int, last_us: int) -> Spell:
        """The states of one target, and how long the last of them is taken to hold."""
        time_us, numbers = self.table.time_us[rows], self.table.numbers
        times_s = (time_us - first_us) / MICROSECONDS
        up = numbers[self.layout.up][rows].copy()
        codes = np.full(len(rows), np.nan) if self.layout.code is None else numbers[self.layout.code][rows]
        latency = np.full(len(rows), np.nan) if self.layout.latency is None else numbers[self.layout.latency][rows]
        if self.request.options.accepted_codes:
            accepted = np.isin(codes, [float(code) for code in self.request.options.accepted_codes])
            up[accepted] = 1.0
        until_s = (last_us - first_us) / MICROSECONDS
        longest_s = float(np.diff(times_s).max(initial=0.0))
        silent_s = until_s - float(times_s[-1])
        gone = len(rows) >= _FEWEST_ROWS and silent_s > max(GONE_AFTER * longest_s, GONE_AFTER_S)
        if gone:
            until_s = float(times_s[-1]) + longest_s
        lines = None if self.table.lines is None else self.table.lines[rows]
        return Spell(name, times_s, up, codes, latency, until_s, gone, lines)

    def _series(self, spell: Spell, grid: FloatArray) -> list[Series]:
        """What was scraped of one target: nothing before its first row, nothing after it is gone."""
        first = int(np.searchsorted(grid, spell.times_s[0], "left"))
        times = grid[first : int(np.searchsorted(grid, spell.until_s, "right")) if spell.gone else len(grid)]
        if not len(times):
            return []
        at = np.searchsorted(spell.times_s, times, "right") - 1
        labels = {"target": spell.target}

        def gauge(name: str, values: Array, kind: type[np.generic]) -> Series | None:
            held = values[at]
            known = ~np.isnan(held)
            if not known.any():
                return None
            shown: Array = held[known].astype(kind)
            return Series(SeriesKey.of(name, labels), times if known.all() else times[known], shown)

        known = ~np.isnan(spell.up)
        route = {"route": spell.target}
        ends = np.append(spell.times_s[1:], np.inf)
        total = _integral(spell.times_s, ends, known, times)
        down = _integral(spell.times_s, ends, known & (spell.up == 0), times)
        code: Array = np.where(np.isnan(spell.codes), 0.0, spell.codes)
        found = [
            gauge("probe_success", spell.up, np.int8),
            gauge("probe_duration_seconds", spell.latency_ms / 1000, np.float64),
            gauge("probe_http_status_code", code, np.int16) if self.layout.code is not None else None,
            Series(SeriesKey.of(self.request.requests_name, route), times, narrowed(total)),
            Series(SeriesKey.of(self.request.errors_name, route), times, narrowed(down)),
        ]
        return [one for one in found if one is not None]


def _integral(starts: FloatArray, ends: FloatArray, chosen: npt.NDArray[np.bool_], instants: FloatArray) -> FloatArray:
    """Seconds of the chosen spells that lie before each instant; exact to the microsecond."""
    begin, lasting = starts[chosen], (ends - starts)[chosen]
    if not len(begin):
        return np.zeros(len(instants))
    before = np.concatenate([[0.0], np.cumsum(lasting[:-1])])
    at = np.searchsorted(begin, instants, "right") - 1
    inside = np.where(at >= 0, before[at] + np.minimum(instants - begin[at], lasting[at]), 0.0)
    return np.asarray(np.round(inside, 6), np.float64)
