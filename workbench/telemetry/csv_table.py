"""Rows of a CSV or CSV.gz file, read in chunks, every problem with its line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.parts import Parts
from workbench.telemetry.series import FloatArray
from workbench.telemetry.source import Form, text_lines
from workbench.telemetry.table import (
    MAX_CELLS,
    MAX_ROWS,
    Columns,
    LayOut,
    Layout,
    Table,
    TextColumn,
    check_of,
    text_fits,
    text_problem,
)

_CHUNK = 50_000
_PEEK = 1_000
_Chunk = tuple[list[list[str]], list[int]]


def read_csv(path: Path, form: Form, complaints: Complaints, lay_out: LayOut) -> tuple[Table, Layout]:
    """All rows of the file; problems of single cells go to `complaints`, their cells are unknown.

    Raises BadInput where reading cannot go on: no header, a needed column missing, broken quotes, no text at all.
    """
    chunks = _chunks(path, form, complaints)
    head, head_lines = next(chunks)
    names = [name.strip() for name in head[0]]
    first = next(chunks, ([], []))
    whole = [row for row in first[0][:_PEEK] if len(row) == len(names)]
    peek = [list(column) for column in zip(*whole, strict=True)] if whole else [[] for _ in names]
    texts = frozenset(i for i, cells in enumerate(peek) if _is_text(cells))
    layout = lay_out(names, complaints, head_lines[0], peek, texts)
    reader = _CellReader(layout.columns, complaints)
    reader.take(*first)
    for rows, lines in chunks:
        reader.take(rows, lines)
    return reader.table(), layout


def _is_text(cells: Sequence[str]) -> bool:
    """Whether a column holds something, and no cell of it is a number."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(_any_number(cell) is None for cell in filled)


def _chunks(path: Path, form: Form, complaints: Complaints) -> Iterator[_Chunk]:
    """First the header alone, then the rows in chunks, each with the line on which it begins; empty lines are skipped."""
    reader = csv.reader(text_lines(path, form, complaints), strict=True, skipinitialspace=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    count = 0
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
                if not count or len(rows) == _CHUNK:
                    yield rows, lines
                    rows, lines = [], []
                count += 1
                if count > MAX_ROWS + 1:
                    complaints.fatal(
                        Problem("history/too-large", "there are too many rows", line=line, allowed=f"at most {MAX_ROWS:,}")
                    )
            line = reader.line_num + 1
    except csv.Error as error:
        if count:
            yield rows, lines
        complaints.fatal(Problem("history/csv", f"this is not CSV: {error}", line=line))
    except BadInput as error:
        if not count:
            raise
        yield rows, lines
        raise BadInput(complaints.problems) from error
    if not count:
        complaints.fatal(Problem("history/empty", "the file has no header", allowed="time,total,errors"))
    yield rows, lines


class _CellReader(Parts):
    """Turns chunks of text cells into columns."""

    def __init__(self, columns: Columns, complaints: Complaints) -> None:
        super().__init__(columns, complaints)
        self.lines: list[IntArray] = []
        self.cells = 0

    def take(self, rows: list[list[str]], lines: list[int]) -> None:
        """Read one chunk; rows with too few or too many cells are left out, with a problem each."""
        width = len(self.columns.names)
        if set(map(len, rows)) - {width}:
            ragged = [(i, len(row)) for i, row in enumerate(rows) if len(row) != width]
            self.complaints.rows(
                range(len(ragged)),
                lambda k: Problem(
                    "history/ragged",
                    "the row has another number of cells than the header",
                    line=lines[ragged[k][0]],
                    found=str(ragged[k][1]),
                    allowed=str(width),
                ),
            )
            keep = [i for i, row in enumerate(rows) if len(row) == width]
            rows, lines = [rows[i] for i in keep], [lines[i] for i in keep]
        if not rows:
            return
        self.cells += len(rows) * len(self.columns.numbers)
        if self.cells > MAX_CELLS:
            allowed = f"at most {MAX_CELLS:,} numbers"
            self.complaints.fatal(Problem("history/too-large", "there are too many cells", line=lines[-1], allowed=allowed))
        cells = list(zip(*rows, strict=True))
        columns = self.columns
        self.time.append(self.instants.read(cells[columns.time], lambda index: (lines[index], columns.names[columns.time])))
        for position in columns.numbers:
            self.numbers[position].append(self._numbers(cells[position], position, lines))
        for position in columns.flags:
            self.flags[position].append(self._flags(cells[position], position, lines))
        for text in columns.texts:
            self.codes[text.position].append(self._codes(cells[text.position], text, lines))
        self.lines.append(np.array(lines, dtype=np.int64))

    def _numbers(self, cells: Sequence[str], position: int, lines: list[int]) -> FloatArray:
        """Numbers of one column, `blank` where the cell is empty or is no number (then with a problem)."""
        any_number, blank = self.columns.any_number, self.columns.blank
        joined = "".join(cells)
        if joined.isascii() and "_" not in joined:
            try:
                quick = np.fromiter((float(cell) if cell else blank for cell in cells), np.float64, len(cells))
            except ValueError:
                pass
            else:
                # An empty cell is fine either way; whatever else is not finite must be looked at.
                if any_number or bool(np.isfinite(quick).all()):
                    return quick
        read = _any_number if any_number else _number
        numbers = [blank if not cell or cell.isspace() else read(cell) for cell in cells]
        self.complaints.rows(
            [i for i, number in enumerate(numbers) if number is None],
            lambda i: Problem(
                "history/number",
                "this is not a number" if any_number else "this is not a finite number",
                line=lines[i],
                path=self.columns.names[position],
                found=quoted(cells[i]),
                allowed=self.columns.number_rule,
            ),
        )
        return np.array([blank if number is None else number for number in numbers])

    def _flags(self, cells: Sequence[str], position: int, lines: list[int]) -> FloatArray:
        flags = {"0": 0.0, "1": 1.0, "": 0.0}
        values = [flags.get(cell.strip()) for cell in cells]
        name = self.columns.names[position]
        self.complaints.rows(
            [i for i, value in enumerate(values) if value is None],
            lambda i: Problem(
                f"history/{name}", f"`{name}` says whether the counters began again", line=lines[i], path=name,
                found=quoted(cells[i]), allowed="0 or 1",
            ),
        )  # fmt: skip
        return np.array([value or 0.0 for value in values])

    def _codes(self, cells: Sequence[str], column: TextColumn, lines: list[int]) -> IntArray:
        known, name = self.known[column.position], self.columns.names[column.position]
        for cell in dict.fromkeys(cells):
            known.setdefault(cell, len(known))
        if len(known) > column.most:
            plural = column.what if column.what == "series" else f"{column.what}s"
            message = f"there are more than {column.most:,} {plural}"
            self.complaints.fatal(Problem(check_of(column), message, line=lines[-1], path=name))
        bad = {cell for cell in known if not text_fits(column, cell)}
        if bad:
            self.complaints.rows(
                [i for i, cell in enumerate(cells) if cell in bad],
                lambda i: text_problem(column, name, cells[i], line=lines[i], path=name),
            )
        return np.fromiter((known[cell] for cell in cells), np.int64, len(cells))

    def table(self) -> Table:
        """Everything taken, as columns."""
        return self.joined(np.concatenate(self.lines) if self.lines else np.empty(0, dtype=np.int64))


def _any_number(cell: str) -> float | None:
    """The number in a cell, NaN and infinities included; None for a cell that is none."""
    try:
        return float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    """The finite number in a cell; None for a cell that is none."""
    number = _any_number(cell)
    return number if number is not None and math.isfinite(number) else None
