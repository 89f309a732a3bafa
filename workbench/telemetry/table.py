"""One file of rows as columns, whatever file it was and whatever its rows mean: times, numbers, texts and flags."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import TimeForm
from workbench.telemetry.series import STALE, FloatArray

MAX_ROWS = 5_000_000
"""A year of one route at 15 s has 2.1 million."""
MAX_LONG_ROWS = 30_000_000
"""Of a Parquet file with one sample a row, which is read in 0.2 s a million; CSV is bounded by its bytes before."""
MAX_COLUMNS = 1_000
MAX_CELLS = 100_000_000
"""Numbers that are kept of one file."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column whose cells name something: a route, a target, a series."""

    position: int
    what: str
    """What a cell names, in the singular: `route`."""
    most: int
    """Different names that one file may hold."""
    longest: int
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are read, and as what; positions are 0-based."""

    names: tuple[str, ...]
    time: int
    numbers: tuple[int, ...]
    texts: tuple[TextColumn, ...] = ()
    flags: tuple[int, ...] = ()
    any_number: bool = False
    """Whether NaN and infinities are numbers; counts have none."""
    number_rule: str = "a count, or nothing where it is unknown"
    long: bool = False
    """Whether each row is one sample of some series, so that there are many more of them."""

    @property
    def most_rows(self) -> int:
        """Rows that a typed file may have."""
        return MAX_LONG_ROWS if self.long else MAX_ROWS

    @property
    def blank(self) -> float:
        """What stands for an empty cell: NaN, or where NaN is a number like any other, the stale marker."""
        return STALE if self.any_number else math.nan


class Layout(Protocol):
    """What a reading of a file knows about its columns."""

    @property
    def columns(self) -> Columns:
        """The columns that are read."""


Peek = Sequence[Sequence[str]] | None
"""The cells of the first rows, column by column, as a CSV file has them; None for a file with typed columns."""
LayOut = Callable[[Sequence[str], Complaints, int | None, Peek, frozenset[int]], Layout]
"""From the header (names, complaints, line, first rows, positions of text columns) to the layout; raises BadInput."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A text column: every different text once."""

    codes: npt.NDArray[np.int32]
    """Index into `values`, one a row."""
    values: tuple[str, ...]
    """In the order in which they first occur."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one file, in its order. A cell that says nothing is `Columns.blank` (numbers) or False (flags), never 0."""

    names: tuple[str, ...]
    form: TimeForm
    time_us: IntArray
    """Microseconds since 1970; for times in seconds, since second 0."""
    numbers: dict[int, FloatArray]
    """By position."""
    texts: dict[int, Texts] = field(default_factory=dict)
    flags: dict[int, npt.NDArray[np.bool_]] = field(default_factory=dict)
    lines: IntArray | None = None
    """1-based line on which each row begins; None for a file that has no lines."""

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def groups(self) -> IntArray | None:
        """A number for each combination of names, one a row; None for a file without names."""
        together: IntArray | None = None
        for texts in self.texts.values():
            codes = texts.codes.astype(np.int64)
            pairs = codes if together is None else together * (int(codes.max(initial=0)) + 1) + codes
            together = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
        return together

    def line(self, row: int) -> int | None:
        """The line of one row."""
        return None if self.lines is None else int(self.lines[row])

    def place(self, row: int, position: int) -> str:
        """`errors`, or for a file without lines `rows[17].errors`; rows count from 0."""
        name = self.names[position]
        return name if self.lines is not None else f"rows[{row}].{name}"


def text_problem(column: TextColumn, name: str, cell: object, *, line: int | None, path: str) -> Problem:
    """What is wrong with a text that does not fit its column."""
    empty = cell is None or not str(cell).strip()
    message = f"the row names no {column.what}" if empty else f"the {column.what}'s name is too long"
    allowed = f"1 to {column.longest} characters"
    return Problem(check_of(column), message, line=line, path=path or name, found=quoted(cell), allowed=allowed)


def check_of(column: TextColumn) -> str:
    """The family of checks of a text column: `history/routes`."""
    return "history/series" if column.what == "series" else f"history/{column.what}s"


def text_fits(column: TextColumn, cell: object) -> bool:
    """Whether a cell may stand in a text column."""
    if not isinstance(cell, str) or not cell.strip():
        return column.may_be_empty
    return len(cell) <= column.longest
