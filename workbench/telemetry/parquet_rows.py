"""Rows of a Parquet file. Counts may be any number type, times a timestamp, a text or a number; null is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import LATEST_S, MICROSECONDS, UNKNOWN_US, Instants, TimeForm
from workbench.telemetry.rows import MAX_ROUTE_LENGTH, MAX_ROUTES, MAX_ROWS, Layout, Rows, lay_out
from workbench.telemetry.series import FloatArray

_BATCH = 65_536
_METADATA_LIMIT = 10_000_000


def read_parquet(path: Path, complaints: Complaints) -> Rows:
    """All rows of the file; raises BadInput for a damaged file, a missing column or a column of the wrong type."""
    try:
        with _opened(path, ()) as file:
            schema = file.schema_arrow
        layout = lay_out(list(schema.names), complaints, line=None)
        with _opened(path, [name for name in ("time", "route") if name in schema.names]) as file:
            if file.metadata.num_rows > MAX_ROWS:
                complaints.fatal(
                    Problem("history/too-large", f"there are {file.metadata.num_rows:,} rows", allowed=f"at most {MAX_ROWS:,}")
                )
            _check_types(schema, layout, complaints)
            reader = _ColumnReader(layout, complaints)
            wanted = [layout.names[p] for p in (layout.time, layout.route, layout.reset, *layout.counts) if p is not None]
            for batch in file.iter_batches(batch_size=_BATCH, columns=wanted, use_threads=False):
                reader.take(batch)
            return reader.rows()
    except BadInput:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        reason = quoted(str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
        complaints.fatal(Problem("history/parquet", "the Parquet file is damaged or of an unknown kind", found=reason))


def _opened(path: Path, dictionaries: Sequence[str]) -> pq.ParquetFile:
    """The file, with bounded metadata; texts of these columns stay dictionaries, so that repeated ones are held once."""
    return pq.ParquetFile(
        path,
        read_dictionary=list(dictionaries),
        memory_map=False,
        thrift_string_size_limit=_METADATA_LIMIT,
        thrift_container_size_limit=_METADATA_LIMIT,
    )


def _check_types(schema: Any, layout: Layout, complaints: Complaints) -> None:
    def number(kind: Any) -> bool:
        return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_null(kind))

    def text(kind: Any) -> bool:
        kind = kind.value_type if kinds.is_dictionary(kind) else kind
        return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))

    checks: list[tuple[int, Callable[[Any], bool], str]] = [
        (layout.time, lambda k: kinds.is_timestamp(k) or text(k) or number(k), "a timestamp, text in ISO 8601, or seconds")
    ]
    checks += [(position, number, "integers or floats") for position in layout.counts]
    if layout.route is not None:
        checks.append((layout.route, text, "text"))
    if layout.reset is not None:
        checks.append((layout.reset, lambda k: number(k) or kinds.is_boolean(k), "0 or 1, or true or false"))
    for position, fits, allowed in checks:
        kind = schema.field(position).type
        if not fits(kind):
            message = "the column has the wrong type"
            complaints.add(Problem("history/type", message, path=layout.names[position], found=str(kind)[:60], allowed=allowed))
    complaints.stop_if_any()


class _ColumnReader:
    """Turns record batches into columns."""

    def __init__(self, layout: Layout, complaints: Complaints) -> None:
        self.layout = layout
        self.complaints = complaints
        self.instants = Instants(complaints)
        self.time: list[IntArray] = []
        self.counts: dict[int, list[FloatArray]] = {position: [] for position in layout.counts}
        self.reset: list[FloatArray] = []
        self.route: list[IntArray] = []
        self.routes: dict[str, int] = {}
        self.seen = 0

    def take(self, batch: Any) -> None:
        layout = self.layout
        self.time.append(self._times(batch.column(layout.names[layout.time])))
        for position in layout.counts:
            self.counts[position].append(self._numbers(batch.column(layout.names[position]), layout.names[position]))
        if layout.reset is not None:
            self.reset.append(self._resets(batch.column(layout.names[layout.reset])))
        if layout.route is not None:
            self.route.append(self._codes(batch.column(layout.names[layout.route])))
        self.seen += batch.num_rows

    def _times(self, column: Any) -> IntArray:
        kind = column.type
        if kinds.is_timestamp(kind):
            self.instants.form = TimeForm.LOCAL if kind.tz is None else TimeForm.ZONED
            ticks = pc.cast(column, pa.timestamp("us", tz=kind.tz), safe=False)
            times = np.asarray(pc.fill_null(pc.cast(ticks, pa.int64()), UNKNOWN_US), dtype=np.int64)
            bad = np.flatnonzero((times < 0) | (times > LATEST_S * MICROSECONDS))
        elif kinds.is_dictionary(kind) or kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
            cells = ["" if cell is None else cell for cell in column.to_pylist()]
            return self.instants.read(cells, lambda index: (None, f"rows[{self.seen + index}].time"))
        else:
            self.instants.form = TimeForm.SECONDS
            seconds = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan))
            fits = (seconds >= 0) & (seconds <= LATEST_S)
            bad = np.flatnonzero(~fits)
            times = np.where(fits, np.rint(np.where(fits, seconds, 0) * MICROSECONDS), 0).astype(np.int64)
        self._complain(bad, "history/time", "the row has no time between 1970 and the year 9999", "time", column)
        times = times.copy()
        times[bad] = UNKNOWN_US
        return times

    def _numbers(self, column: Any, name: str) -> FloatArray:
        numbers: FloatArray = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan))
        unknown = np.asarray(column.is_null())
        bad = np.flatnonzero(~np.isfinite(numbers) & ~unknown)
        self._complain(
            bad, "history/number", "this is not a finite number", name, column, allowed="a count, or null where it is unknown"
        )
        if len(bad):
            numbers = numbers.copy()
            numbers[bad] = np.nan
        return numbers

    def _resets(self, column: Any) -> FloatArray:
        flags: FloatArray = np.asarray(pc.fill_null(pc.cast(pc.cast(column, pa.float64(), safe=False), pa.float64()), 0.0))
        bad = np.flatnonzero((flags != 0) & (flags != 1))
        self._complain(bad, "history/reset", "`reset` says whether the counters began again", "reset", column, allowed="0 or 1")
        return flags

    def _codes(self, column: Any) -> IntArray:
        encoded = column if kinds.is_dictionary(column.type) else column.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        indices = np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)
        fits = np.array([isinstance(n, str) and bool(n.strip()) and len(n) <= MAX_ROUTE_LENGTH for n in names] + [False])
        bad = np.flatnonzero(~fits[indices])
        self._complain(
            bad, "history/routes", "the row names no route", "route", column, allowed=f"1 to {MAX_ROUTE_LENGTH} characters"
        )
        used = np.unique(indices[indices >= 0])
        for index in used:
            self.routes.setdefault(str(names[index]), len(self.routes))
        if len(self.routes) > MAX_ROUTES:
            self.complaints.fatal(Problem("history/routes", f"there are more than {MAX_ROUTES:,} routes", path="route"))
        codes = np.zeros(len(names) + 1, dtype=np.int64)
        for index in used:
            codes[index] = self.routes[str(names[index])]
        return codes[indices]

    def _complain(self, bad: IntArray, check: str, message: str, name: str, column: Any, *, allowed: str | None = None) -> None:
        self.complaints.rows(
            [int(row) for row in bad],
            lambda row: Problem(
                check, message, path=f"rows[{self.seen + row}].{name}", found=quoted(str(column[row].as_py())), allowed=allowed
            ),
        )

    def rows(self) -> Rows:
        """Everything taken, as columns."""
        layout = self.layout

        def joined(parts: list[Any], dtype: Any) -> Any:
            return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)

        return Rows(
            layout=layout,
            form=self.instants.form or TimeForm.ZONED,
            time_us=joined(self.time, np.int64),
            route=None if layout.route is None else joined(self.route, np.int64).astype(np.int32),
            routes=tuple(self.routes),
            counts={position: joined(parts, np.float64) for position, parts in self.counts.items()},
            reset=None if layout.reset is None else joined(self.reset, np.float64) > 0,
            lines=None,
        )
