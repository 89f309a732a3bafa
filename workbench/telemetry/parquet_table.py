"""Rows of a Parquet file. Numbers may be of any number type, times a timestamp, a text or a number; null is unknown."""

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
from workbench.telemetry.instants import LATEST_S, MICROSECONDS, UNKNOWN_US, TimeForm
from workbench.telemetry.parts import Parts
from workbench.telemetry.series import FloatArray
from workbench.telemetry.table import (
    MAX_CELLS,
    Columns,
    LayOut,
    Layout,
    Table,
    TextColumn,
    check_of,
    text_fits,
    text_problem,
)

_BATCH = 65_536
_METADATA_LIMIT = 10_000_000


def read_parquet(path: Path, complaints: Complaints, lay_out: LayOut) -> tuple[Table, Layout]:
    """All rows of the file; raises BadInput for a damaged file, a missing column or a column of the wrong type."""
    try:
        with _opened(path, ()) as file:
            schema = file.schema_arrow
        texts = frozenset(i for i, field in enumerate(schema) if _text(field.type))
        layout = lay_out(list(schema.names), complaints, None, None, texts)
        columns = layout.columns
        named = [columns.names[column.position] for column in columns.texts if column.position in texts]
        with _opened(path, [columns.names[columns.time], *named]) as file:
            if file.metadata.num_rows > columns.most_rows:
                message, allowed = f"there are {file.metadata.num_rows:,} rows", f"at most {columns.most_rows:,}"
                complaints.fatal(Problem("history/too-large", message, allowed=allowed))
            if file.metadata.num_rows * len(columns.numbers) > MAX_CELLS:
                found = f"{file.metadata.num_rows:,} rows of {len(columns.numbers):,} numbers"
                allowed = f"at most {MAX_CELLS:,} numbers"
                complaints.fatal(Problem("history/too-large", "there are too many cells", found=found, allowed=allowed))
            _check_types(schema, columns, complaints)
            reader = _ColumnReader(columns, complaints)
            wanted = (columns.time, *columns.numbers, *columns.flags, *(column.position for column in columns.texts))
            for batch in file.iter_batches(batch_size=_BATCH, columns=[columns.names[p] for p in wanted], use_threads=False):
                reader.take(batch)
            return reader.table(), layout
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


def _number(kind: Any) -> bool:
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_null(kind))


def _text(kind: Any) -> bool:
    kind = kind.value_type if kinds.is_dictionary(kind) else kind
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))


def _label(kind: Any) -> bool:
    return _text(kind) or bool(kinds.is_integer(kind))


def _flag(kind: Any) -> bool:
    return _number(kind) or bool(kinds.is_boolean(kind))


def _check_types(schema: Any, columns: Columns, complaints: Complaints) -> None:
    checks: list[tuple[int, Callable[[Any], bool], str]] = [
        (columns.time, lambda k: kinds.is_timestamp(k) or _text(k) or _number(k), "a timestamp, text in ISO 8601, or seconds")
    ]
    number = _flag if columns.any_number else _number
    checks += [(position, number, "integers or floats") for position in columns.numbers]
    for column in columns.texts:
        checks.append((column.position, _label if column.may_be_empty else _text, "text"))
    checks += [(position, _flag, "0 or 1, or true or false") for position in columns.flags]
    for position, fits, allowed in checks:
        kind = schema.field(position).type
        if not fits(kind):
            message = "the column has the wrong type"
            complaints.add(Problem("history/type", message, path=columns.names[position], found=str(kind)[:60], allowed=allowed))
    complaints.stop_if_any()


class _ColumnReader(Parts):
    """Turns record batches into columns."""

    def __init__(self, columns: Columns, complaints: Complaints) -> None:
        super().__init__(columns, complaints)
        self.seen = 0

    def take(self, batch: Any) -> None:
        columns = self.columns
        self.time.append(self._times(batch.column(columns.names[columns.time])))
        for position in columns.numbers:
            self.numbers[position].append(self._numbers(batch.column(columns.names[position]), columns.names[position]))
        for position in columns.flags:
            self.flags[position].append(self._flags(batch.column(columns.names[position]), columns.names[position]))
        for text in columns.texts:
            self.codes[text.position].append(self._codes(batch.column(columns.names[text.position]), text))
        self.seen += batch.num_rows

    def _times(self, column: Any) -> IntArray:
        kind = column.type
        name = self.columns.names[self.columns.time]
        if kinds.is_timestamp(kind):
            self.instants.form = TimeForm.LOCAL if kind.tz is None else TimeForm.ZONED
            ticks = pc.cast(column, pa.timestamp("us", tz=kind.tz), safe=False)
            times = np.asarray(pc.fill_null(pc.cast(ticks, pa.int64()), UNKNOWN_US), dtype=np.int64)
            bad = np.flatnonzero((times < 0) | (times > LATEST_S * MICROSECONDS))
        elif _text(kind):
            cells = ["" if cell is None else cell for cell in column.to_pylist()]
            return self.instants.read(cells, lambda index: (None, f"rows[{self.seen + index}].{name}"))
        else:
            self.instants.form = TimeForm.SECONDS
            seconds = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan))
            fits = (seconds >= 0) & (seconds <= LATEST_S)
            bad = np.flatnonzero(~fits)
            times = np.where(fits, np.rint(np.where(fits, seconds, 0) * MICROSECONDS), 0).astype(np.int64)
        self._complain(bad, "history/time", "the row has no time between 1970 and the year 9999", name, column)
        times = times.copy()
        times[bad] = UNKNOWN_US
        return times

    def _numbers(self, column: Any, name: str) -> FloatArray:
        unknown = np.asarray(column.is_null())
        numbers: FloatArray = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), 0.0)).copy()
        numbers[unknown] = self.columns.blank
        if self.columns.any_number:
            return numbers
        bad = np.flatnonzero(~np.isfinite(numbers) & ~unknown)
        self._complain(
            bad, "history/number", "this is not a finite number", name, column, allowed="a count, or null where it is unknown"
        )
        numbers[bad] = np.nan
        return numbers

    def _flags(self, column: Any, name: str) -> FloatArray:
        flags: FloatArray = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), 0.0))
        bad = np.flatnonzero((flags != 0) & (flags != 1))
        message = f"`{name}` says whether the counters began again"
        self._complain(bad, f"history/{name}", message, name, column, allowed="0 or 1")
        return flags

    def _codes(self, column: Any, text: TextColumn) -> IntArray:
        name, known = self.columns.names[text.position], self.known[text.position]
        if not _text(column.type):
            column = pc.cast(column, pa.string())
        encoded = column if kinds.is_dictionary(column.type) else column.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        indices = np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)
        fits = np.array([text_fits(text, one) for one in names] + [text.may_be_empty])
        bad = np.flatnonzero(~fits[indices])
        self.complaints.rows(
            [int(row) for row in bad],
            lambda row: text_problem(text, name, column[row].as_py(), line=None, path=f"rows[{self.seen + row}].{name}"),
        )
        used = np.unique(indices)
        for index in used:
            known.setdefault("" if index < 0 or names[index] is None else str(names[index]), len(known))
        if len(known) > text.most:
            plural = text.what if text.what == "series" else f"{text.what}s"
            self.complaints.fatal(Problem(check_of(text), f"there are more than {text.most:,} {plural}", path=name))
        codes = np.zeros(len(names) + 1, dtype=np.int64)
        for index in used:
            codes[index] = known["" if index < 0 or names[index] is None else str(names[index])]
        return codes[indices]

    def _complain(self, bad: IntArray, check: str, message: str, name: str, column: Any, *, allowed: str | None = None) -> None:
        self.complaints.rows(
            [int(row) for row in bad],
            lambda row: Problem(
                check, message, path=f"rows[{self.seen + row}].{name}", found=quoted(str(column[row].as_py())), allowed=allowed
            ),
        )

    def table(self) -> Table:
        """Everything taken, as columns."""
        return self.joined(None)
