"""Columns of percentiles in a history of counts: `p50_ms`, `p99_ms`, `p99_9_ms`, or the same in seconds (`p95_s`).

A replay cannot use them, because percentiles of rows do not add up to those of a day; a fit can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.csv_table import read_csv
from workbench.telemetry.instants import MICROSECONDS, TimeForm
from workbench.telemetry.local import in_utc, zone_of
from workbench.telemetry.rows import MAX_ROUTE_LENGTH, MAX_ROUTES
from workbench.telemetry.series import FloatArray
from workbench.telemetry.source import Form, look_at
from workbench.telemetry.table import Columns, Peek, Table, TextColumn

_PERCENTILE = re.compile(r"p(\d{1,2}(?:[._]\d{1,3})?)_(ms|s)", re.ASCII)
_LONGEST_S = 1e7


@dataclass(frozen=True, slots=True)
class _Layout:
    names: tuple[str, ...]
    time: int
    route: int | None
    levels: tuple[tuple[float, int, float], ...]
    """Level in 0..1, position, seconds of one unit; levels ascending."""

    @property
    def columns(self) -> Columns:
        routes = () if self.route is None else (TextColumn(self.route, "route", MAX_ROUTES, MAX_ROUTE_LENGTH),)
        numbers = tuple(position for _, position, _ in self.levels)
        return Columns(self.names, self.time, numbers, routes, number_rule="a latency, or nothing where it is unknown")


@dataclass(frozen=True, eq=False)
class Percentiles:
    """Percentiles as they stand in a file, row by row."""

    levels: tuple[float, ...]
    """In 0..1, ascending, one a column."""
    rows: dict[str, tuple[FloatArray, FloatArray]]
    """By route: times, seconds since 1970, `[rows]`, and latencies in seconds, `[rows, levels]`, NaN where unknown."""


def names_percentiles(names: Sequence[str]) -> bool:
    """Whether any of these columns holds percentiles."""
    return any(_PERCENTILE.fullmatch(name) for name in names)


def read_percentiles(path: Path, timezone: str | None = None, route: str | None = None) -> Percentiles:
    """Percentiles of a CSV, CSV.gz or Parquet file that `read_history` can read.

    Raises:
        BadInput: a percentile that is negative or beyond any latency, each with its line.
    """
    complaints = Complaints(str(path))
    form = look_at(path)
    if form is Form.PARQUET:
        from workbench.telemetry.parquet_table import read_parquet  # noqa: PLC0415 - pyarrow takes a tenth of a second

        table, layout = read_parquet(path, complaints, _lay_out)
    else:
        table, layout = read_csv(path, form, complaints, _lay_out)
    assert isinstance(layout, _Layout)  # noqa: S101 - what `_lay_out` returns
    _check(table, layout, complaints)
    complaints.stop_if_any()
    time_us = table.time_us
    if timezone is not None and table.form is TimeForm.LOCAL:
        time_us = in_utc(time_us, zone_of(timezone), table.groups)
    # Percentiles estimated from samples may cross; sorted they are a distribution again, and no farther from the true one.
    columns = np.column_stack([table.numbers[position] * unit for _, position, unit in layout.levels])
    whole: npt.NDArray[np.bool_] = np.asarray(~np.isnan(columns).any(axis=1), np.bool_)
    values = np.where(whole[:, None], np.sort(columns, axis=1), columns)
    names = ("",) if layout.route is None else table.texts[layout.route].values
    codes = np.zeros(len(table), dtype=np.int32) if layout.route is None else table.texts[layout.route].codes
    rows = {}
    for code, name in enumerate(names):
        if route is None or name == route:
            chosen = codes == code
            rows[name] = (time_us[chosen] / MICROSECONDS, values[chosen])
    return Percentiles(tuple(level for level, _, _ in layout.levels), dict(sorted(rows.items())))


def _lay_out(names: Sequence[str], complaints: Complaints, line: int | None, peek: Peek, texts: frozenset[int]) -> _Layout:
    del peek, texts  # the names alone decide
    levels: dict[float, tuple[int, float]] = {}
    for position, name in enumerate(names):
        match = _PERCENTILE.fullmatch(name)
        if not match:
            continue
        level = float(match[1].replace("_", ".")) / 100
        if not 0 < level < 1:
            message = "a percentile lies between 0 and 100"
            complaints.add(Problem("history/percentiles", message, line=line, found=quoted(name), allowed="p50_ms, p99_9_ms"))
        elif level in levels:
            complaints.add(Problem("history/percentiles", "two columns hold the same percentile", line=line, found=quoted(name)))
        else:
            levels[level] = (position, 0.001 if match[2] == "ms" else 1.0)
    complaints.stop_if_any()
    route = names.index("route") if "route" in names else None
    return _Layout(tuple(names), names.index("time"), route, tuple((level, *levels[level]) for level in sorted(levels)))


def _check(table: Table, layout: _Layout, complaints: Complaints) -> None:
    for _, position, unit in layout.levels:
        values = table.numbers[position] * unit

        def problem(row: int, position: int = position, message: str = "") -> Problem:
            found = f"{table.numbers[position][row]:.15g}"
            return Problem("history/percentiles", message, line=table.line(row), path=table.place(row, position), found=found)

        for bad, message in (
            (values < 0, "no answer comes before its question"),
            (values > _LONGEST_S, "no latency is that long"),
        ):
            complaints.rows(np.flatnonzero(bad), lambda row, m=message, p=position: problem(row, p, m))  # type: ignore[misc]
