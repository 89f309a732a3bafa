"""Rows of a CSV or CSV.gz file, read in chunks, every problem with its line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import Instants, TimeForm
from workbench.telemetry.rows import MAX_ROUTE_LENGTH, MAX_ROUTES, MAX_ROWS, Layout, Rows, lay_out
from workbench.telemetry.series import FloatArray
from workbench.telemetry.source import Form, text_lines

_CHUNK = 50_000
_Scalar = TypeVar("_Scalar", np.int64, np.float64)
_Chunk = tuple[list[list[str]], list[int]]


def read_csv(path: Path, form: Form, complaints: Complaints) -> Rows:
    """All rows of the file; problems of single cells go to `complaints`, their cells are unknown.

    Raises BadInput where reading cannot go on: no header, a needed column missing, broken quotes, no text at all.
    """
    chunks = _chunks(path, form, complaints)
    head, head_lines = next(chunks)
    layout = lay_out([name.strip() for name in head[0]], complaints, line=head_lines[0])
    reader = _CellReader(layout, complaints)
    for rows, lines in chunks:
        reader.take(rows, lines)
    return reader.rows()


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


class _CellReader:
    """Turns chunks of text cells into columns."""

    def __init__(self, layout: Layout, complaints: Complaints) -> None:
        self.layout = layout
        self.complaints = complaints
        self.instants = Instants(complaints)
        self.time: list[IntArray] = []
        self.lines: list[IntArray] = []
        self.counts: dict[int, list[FloatArray]] = {position: [] for position in layout.counts}
        self.reset: list[FloatArray] = []
        self.route: list[IntArray] = []
        self.routes: dict[str, int] = {}

    def take(self, rows: list[list[str]], lines: list[int]) -> None:
        """Read one chunk; rows with too few or too many cells are left out, with a problem each."""
        width = len(self.layout.names)
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
        columns = list(zip(*rows, strict=True))
        layout = self.layout
        self.time.append(self.instants.read(columns[layout.time], lambda index: (lines[index], "time")))
        for position in layout.counts:
            self.counts[position].append(self._numbers(columns[position], position, lines))
        if layout.reset is not None:
            self.reset.append(self._resets(columns[layout.reset], lines))
        if layout.route is not None:
            self.route.append(self._codes(columns[layout.route], lines))
        self.lines.append(np.array(lines, dtype=np.int64))

    def _numbers(self, cells: Sequence[str], position: int, lines: list[int]) -> FloatArray:
        """Numbers of one column, NaN where the cell is empty or is no number (then with a problem)."""
        joined = "".join(cells)
        if joined.isascii() and "_" not in joined:
            try:
                quick = np.fromiter(map(float, cells), np.float64, len(cells))
            except ValueError:
                pass
            else:
                if bool(np.isfinite(quick).all()):
                    return quick
        numbers = [_number(cell) for cell in cells]
        self.complaints.rows(
            [i for i, number in enumerate(numbers) if number is None],
            lambda i: Problem(
                "history/number",
                "this is not a finite number",
                line=lines[i],
                path=self.layout.names[position],
                found=quoted(cells[i]),
                allowed="a count, or nothing where it is unknown",
            ),
        )
        return np.array([math.nan if number is None else number for number in numbers])

    def _resets(self, cells: Sequence[str], lines: list[int]) -> FloatArray:
        flags = {"0": 0.0, "1": 1.0, "": 0.0}
        values = [flags.get(cell.strip()) for cell in cells]
        self.complaints.rows(
            [i for i, value in enumerate(values) if value is None],
            lambda i: Problem(
                "history/reset", "`reset` says whether the counters began again", line=lines[i], path="reset",
                found=quoted(cells[i]), allowed="0 or 1",
            ),
        )  # fmt: skip
        return np.array([value or 0.0 for value in values])

    def _codes(self, cells: Sequence[str], lines: list[int]) -> IntArray:
        known = self.routes
        for cell in dict.fromkeys(cells):
            known.setdefault(cell, len(known))
        if len(known) > MAX_ROUTES:
            self.complaints.fatal(
                Problem("history/routes", f"there are more than {MAX_ROUTES:,} routes", line=lines[-1], path="route")
            )
        bad = {cell for cell in known if not cell.strip() or len(cell) > MAX_ROUTE_LENGTH}
        if bad:
            self.complaints.rows(
                [i for i, cell in enumerate(cells) if cell in bad],
                lambda i: Problem(
                    "history/routes",
                    "the row names no route" if not cells[i].strip() else "the route's name is too long",
                    line=lines[i],
                    path="route",
                    found=quoted(cells[i]),
                    allowed=f"1 to {MAX_ROUTE_LENGTH} characters",
                ),
            )
        return np.fromiter((known[cell] for cell in cells), np.int64, len(cells))

    def rows(self) -> Rows:
        """Everything taken, as columns."""
        return Rows(
            layout=self.layout,
            form=self.instants.form or TimeForm.ZONED,
            time_us=_joined(self.time, np.int64),
            route=None if self.layout.route is None else _joined(self.route, np.int64).astype(np.int32),
            routes=tuple(self.routes),
            counts={position: _joined(parts, np.float64) for position, parts in self.counts.items()},
            reset=None if self.layout.reset is None else _joined(self.reset, np.float64) > 0,
            lines=_joined(self.lines, np.int64),
        )


def _number(cell: str) -> float | None:
    """NaN for an empty cell, None for a cell that is no finite number."""
    if not cell or cell.isspace():
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and cell.isascii() and "_" not in cell else None


def _joined(parts: list[npt.NDArray[_Scalar]], dtype: type[_Scalar]) -> npt.NDArray[_Scalar]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
