"""The reading `--counters`: a row holds what counters and gauges showed, cumulative; a restart shows as a decrease.

Two shapes. Wide: `time` and one column a series, whose name is the series (`http_requests_total{code="200"}`, or a plain metric
name); a column that holds text, or is named as such, is a label of all of them; an empty cell is no sample. Long:
`time,series,value`, one sample a row; an empty value is a stale marker, as a scrape writes it where a series has gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.gathered import Gathered, history_of
from workbench.telemetry.instants import UNKNOWN_US, TimeForm
from workbench.telemetry.recorded import History, Request, as_written, check_order
from workbench.telemetry.samples import Samples, SharedTimes, built, by_series, check_samples, narrowed, without_gaps
from workbench.telemetry.series import Series, SeriesKey
from workbench.telemetry.series_text import ALLOWED, NotASeries, parse_series
from workbench.telemetry.table import MAX_COLUMNS, Columns, Peek, Table, TextColumn

MAX_SERIES = 100_000
LONGEST_SERIES = 8_192
_TIMES = ("time", "time_s")
_LONG = ("series", "value")


@dataclass(frozen=True, slots=True)
class CountersLayout:
    """Which columns of a file of counters mean what."""

    columns: Columns
    keys: tuple[tuple[int, SeriesKey], ...]
    """Position and series of each column of a wide file; empty for a long one."""
    ignored: tuple[str, ...]

    @property
    def long(self) -> bool:
        """Whether each row is one sample."""
        return not self.keys


@dataclass(frozen=True, slots=True)
class CountersReading:
    """Lays out and reads files of counters as one user asked for it."""

    request: Request

    def lay_out(
        self, names: Sequence[str], complaints: Complaints, line: int | None, peek: Peek, texts: frozenset[int]
    ) -> CountersLayout:
        """Find time, series and labels; raises BadInput for columns that cannot be read."""
        del peek  # names, and which columns hold text, decide
        if len(names) > MAX_COLUMNS:
            allowed = f"at most {MAX_COLUMNS:,}; a file with more series is written long: time,series,value"
            complaints.fatal(Problem("history/columns", f"there are {len(names):,} columns", line=line, allowed=allowed))
        time = next((names.index(name) for name in _TIMES if name in names), None)
        if time is None:
            unused = [name for name in names if name not in _LONG]
            found = quoted(listed([name[:40] for name in names]))
            message = "the column `time` is missing"
            for sign, called in ((";", "semicolons"), ("\t", "tabs")):
                if len(names) == 1 and sign in names[0]:
                    message += f"; columns are separated by commas, not by {called}"
            complaints.fatal(Problem("history/columns", message, line=line, found=found, nearest=nearest("time", unused)))
        for name in {name for name in names if names.count(name) > 1}:
            complaints.add(Problem("history/columns", "a column occurs twice", line=line, found=quoted(name)))
        rule = "a number, NaN, +Inf or -Inf"
        if set(_LONG) <= set(names):
            series, value = names.index("series"), names.index("value")
            complaints.stop_if_any()
            text = TextColumn(series, "series", MAX_SERIES, LONGEST_SERIES)
            columns = Columns(tuple(names), time, (value,), (text,), (), True, f"{rule}, or nothing for a stale marker", long=True)
            return CountersLayout(columns, (), tuple(n for i, n in enumerate(names) if i not in {time, series, value}))
        return self._wide(names, time, complaints, line, texts, f"{rule}, or nothing where there is no sample")

    def _wide(
        self, names: Sequence[str], time: int, complaints: Complaints, line: int | None, texts: frozenset[int], rule: str
    ) -> CountersLayout:
        for label in self.request.options.labels:
            if label not in names:
                found, near = quoted(label), nearest(label, names)
                complaints.add(Problem("history/no-label", "no column has the name of this label", found=found, nearest=near))
        labels = tuple(i for i, name in enumerate(names) if i != time and (i in texts or name in self.request.options.labels))
        keys: list[tuple[int, SeriesKey]] = []
        seen: dict[SeriesKey, str] = {}
        for position, name in enumerate(names):
            if position == time or position in labels:
                continue
            try:
                key = parse_series(name)
            except NotASeries as error:
                where = f"column {position + 1}, character {error.at + 1}"
                message = f"a column is named after its series, and this is none: {error}"
                complaints.add(Problem("history/series", message, line=line, path=where, found=quoted(name), allowed=ALLOWED))
                continue
            if key in seen:
                message = f"two columns are the same series; the first is {quoted(seen[key])}"
                complaints.add(Problem("history/series", message, line=line, found=quoted(name)))
            seen.setdefault(key, name)
            clash = sorted({names[i] for i in labels} & set(key.label_map))
            if clash:
                message = f"the label {clash[0]} is a column of its own and stands in a column's name"
                complaints.add(Problem("history/series", message, line=line, found=quoted(name)))
            keys.append((position, key))
        if not keys:
            complaints.add(Problem("history/columns", "no column holds numbers", line=line, allowed="time and one column a series"))
        complaints.stop_if_any()
        columns = Columns(
            tuple(names),
            time,
            tuple(position for position, _ in keys),
            tuple(TextColumn(i, "label", MAX_SERIES, LONGEST_SERIES, may_be_empty=True) for i in labels),
            (),
            True,
            rule,
        )
        return CountersLayout(columns, tuple(keys), ())

    def history(self, table: Table, layout: CountersLayout, path: Path, complaints: Complaints) -> History:
        """Telemetry from the rows; raises BadInput with everything that is wrong with them."""
        gathered = self._long(table, layout, complaints) if layout.long else self._wide_series(table, layout, complaints)
        return history_of(gathered, path, self.request, complaints)

    def _long(self, table: Table, layout: CountersLayout, complaints: Complaints) -> Gathered:
        (text,) = layout.columns.texts
        texts = table.texts[text.position]
        keys: dict[SeriesKey, int] = {}
        codes = np.zeros(max(1, len(texts.values)), np.int32)
        for index, written in enumerate(texts.values):
            try:
                key = parse_series(written)
            except NotASeries as error:
                row = int(np.argmax(texts.codes == index))
                message = f"this is no series: {error}"
                at = None if table.lines is None else error.at + 1
                where = f"{table.place(row, text.position)}" + (f", character {at}" if at else "")
                complaints.add(
                    Problem("history/series", message, line=table.line(row), path=where, found=quoted(written), allowed=ALLOWED)
                )
                continue
            codes[index] = keys.setdefault(key, len(keys))
        complaints.stop_if_any()
        samples = Samples(
            tuple(keys),
            codes[texts.codes] if len(table) else np.empty(0, np.int32),
            table.time_us,
            table.numbers[layout.columns.numbers[0]],
            table.lines,
            lambda row: as_written(table, row),
        )
        ignored: tuple[Problem, ...] = ()
        if layout.ignored:
            message = f"columns that are not read: {listed([quoted(name) for name in layout.ignored], 20)}"
            ignored = (Problem("history/ignored-columns", message, Severity.INFO),)
        said = "each row is one sample of a series, cumulative; an empty value is a stale marker (--counters, long)"
        return gathered_from(samples, table.form, said, ignored, self.request, complaints)

    def _wide_series(self, table: Table, layout: CountersLayout, complaints: Complaints) -> Gathered:
        groups = _label_groups(table, layout)
        names = {_shown(labels): rows for labels, rows in groups.items()}
        check_order(table, names, "series with", complaints)
        if any(problem.check == "history/duplicate-time" for problem in complaints.problems) and not self.request.options.labels:
            message = "if a column of whole numbers tells series apart, name it"
            complaints.add(Problem("history/duplicate-time", message, allowed="--label COLUMN"))
        complaints.stop_if_any()
        first_us = int(table.time_us.min()) if len(table) else 0
        steps = [np.diff(table.time_us[rows]) for rows in groups.values()]
        spacing_s, phase_s = self.request.clock(np.concatenate(steps or [np.empty(0)]), len(table), "series", complaints)
        shared = SharedTimes(first_us, phase_s)
        series: list[Series] = []
        empty: list[str] = []
        for position, key in layout.keys:
            before = len(series)
            for labels, rows in groups.items():
                times, values = without_gaps(table.time_us[rows], table.numbers[position][rows])
                if len(times):
                    full = SeriesKey.of(key.name, {**key.label_map, **dict(labels)})
                    series.append(Series(full, shared.of(times), narrowed(values)))
            if len(series) == before:
                empty.append(layout.columns.names[position])
        notes = []
        if layout.columns.texts:
            named = listed([quoted(layout.columns.names[column.position]) for column in layout.columns.texts])
            message = f"columns that are labels of every series: {named}"
            notes.append(Problem("history/label-columns", message, Severity.INFO))
        if empty:
            message = f"columns without any number: {listed([quoted(name) for name in empty], 20)}; they are no series"
            notes.append(Problem("history/empty-columns", message, Severity.WARNING))
        said = "each column is one series, cumulative; an empty cell is no sample (--counters, wide)"
        return Gathered(
            tuple(series), first_us, int(table.time_us.max()), spacing_s, phase_s, len(table), table.form, said, tuple(notes),
            table.time_us, table.lines,
        )  # fmt: skip


def _label_groups(table: Table, layout: CountersLayout) -> dict[tuple[tuple[str, str], ...], IntArray]:
    """Row numbers in the file's order for every combination of labels."""
    together = table.groups
    if together is None:
        return {(): np.arange(len(table))}
    order = np.argsort(together, kind="stable")
    count = int(together.max(initial=-1)) + 1
    edges = np.searchsorted(together[order], np.arange(count + 1))
    groups = {}
    for group in range(count):
        rows = order[edges[group] : edges[group + 1]]
        labels = []
        for column in layout.columns.texts:
            texts = table.texts[column.position]
            labels.append((layout.columns.names[column.position], texts.values[texts.codes[rows[0]]].strip()))
        groups[tuple(labels)] = rows
    return groups


def _shown(labels: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels)


def gathered_from(
    samples: Samples, form: TimeForm, said: str, notes: tuple[Problem, ...], request: Request, complaints: Complaints
) -> Gathered:
    """Series from samples; raises BadInput where the times of one run backwards, or there are too few."""
    known = samples.time_us != UNKNOWN_US
    if not known.all():
        complaints.stop_if_any()
    groups = by_series(samples)
    check_samples(samples, groups, complaints)
    complaints.stop_if_any()
    first_us, last_us = (int(samples.time_us.min()), int(samples.time_us.max())) if len(samples.time_us) else (0, 0)
    steps = [np.diff(samples.time_us[numbers]) for _, numbers in groups]
    spacing_s, phase_s = request.clock(np.concatenate(steps or [np.empty(0)]), len(samples.time_us), "series", complaints)
    series = tuple(built(samples, groups, SharedTimes(first_us, phase_s)))
    rows = len(samples.time_us)
    return Gathered(series, first_us, last_us, spacing_s, phase_s, rows, form, said, notes, samples.time_us, samples.lines)
