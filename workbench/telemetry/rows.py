"""The rows of a history of counts: which columns mean what, and which counts cannot be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import TimeForm
from workbench.telemetry.recorded import ClientErrors
from workbench.telemetry.series import FloatArray
from workbench.telemetry.table import MAX_COLUMNS, Columns, Peek, Table, TextColumn

MAX_ROUTES = 10_000
MAX_ROUTE_LENGTH = 500
MAX_COUNT = 1e12
"""Of one cell; keeps every running sum exact in float64."""

CLIENT_ERRORS = "client_errors"

_BOUND = re.compile(r"le_(\d{1,12}(?:\.\d{1,6})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a file means what; positions are 0-based."""

    names: tuple[str, ...]
    time: int
    total: int
    errors: int | None
    route: int | None
    reset: int | None
    bounds: tuple[tuple[int, float], ...]
    """Position and upper bound in milliseconds of each `le_*` column, bounds ascending."""
    ignored: tuple[str, ...]
    client_errors: int | None = None
    """Read only where 4xx are not good."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Positions of all columns that hold counts."""
        optional = [position for position in (self.errors, self.client_errors) if position is not None]
        return (self.total, *optional, *(position for position, _ in self.bounds))

    @property
    def columns(self) -> Columns:
        """The columns that are read."""
        routes = () if self.route is None else (TextColumn(self.route, "route", MAX_ROUTES, MAX_ROUTE_LENGTH),)
        return Columns(self.names, self.time, self.counts, routes, () if self.reset is None else (self.reset,))


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one file, in its order. A cell that says nothing is NaN, never 0."""

    layout: Layout
    table: Table

    @property
    def form(self) -> TimeForm:
        """How the file writes its times."""
        return self.table.form

    @property
    def time_us(self) -> IntArray:
        """Microseconds since 1970; for times in seconds, since second 0."""
        return self.table.time_us

    @property
    def route(self) -> npt.NDArray[np.int32] | None:
        """Index into `routes`; None without such a column."""
        return None if self.layout.route is None else self.table.texts[self.layout.route].codes

    @property
    def routes(self) -> tuple[str, ...]:
        """In the order in which they first occur."""
        return () if self.layout.route is None else self.table.texts[self.layout.route].values

    @property
    def counts(self) -> dict[int, FloatArray]:
        """By position in the layout."""
        return self.table.numbers

    @property
    def reset(self) -> npt.NDArray[np.bool_] | None:
        """Rows before which the counters began again; None without such a column."""
        return None if self.layout.reset is None else self.table.flags[self.layout.reset]

    @property
    def lines(self) -> IntArray | None:
        """1-based line on which each row begins; None for a file that has no lines."""
        return self.table.lines

    def __len__(self) -> int:
        return len(self.table)

    def line(self, row: int) -> int | None:
        """The line of one row."""
        return self.table.line(row)

    def place(self, row: int, position: int) -> str:
        """`errors`, or for a file without lines `rows[17].errors`; rows count from 0."""
        return self.table.place(row, position)


def lay_out(
    names: Sequence[str],
    complaints: Complaints,
    line: int | None,
    peek: Peek,
    texts: frozenset[int],
    client_errors: ClientErrors = ClientErrors.GOOD,
) -> Layout:
    """Find the columns by name; raises BadInput where a needed one is missing or one occurs twice."""
    del peek, texts  # the names alone decide
    if len(names) > MAX_COLUMNS:
        complaints.fatal(
            Problem("history/columns", f"there are {len(names):,} columns", line=line, allowed=f"at most {MAX_COLUMNS:,}")
        )
    where: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in where and (name in {"time", "total", "errors", "route", "reset"} or name.startswith("le_")):
            complaints.add(Problem("history/columns", "a column occurs twice", line=line, column=None, found=quoted(name)))
        where.setdefault(name, position)
    unused = [name for name in names if name not in {"time", "total", "errors", "route", "reset"} and not _BOUND.fullmatch(name)]
    for needed in ("time", "total"):
        if needed not in where:
            message = f"the column `{needed}` is missing"
            for sign, called in ((";", "semicolons"), ("\t", "tabs")):
                if len(names) == 1 and sign in names[0]:
                    message += f"; columns are separated by commas, not by {called}"
            complaints.add(
                Problem(
                    "history/columns",
                    message,
                    line=line,
                    found=quoted(listed([n[:40] for n in names])),
                    nearest=nearest(needed, unused),
                )
            )
    if "errors" not in where and (meant := nearest("errors", [n for n in unused if _is_slip(n, "errors")])):
        complaints.add(Problem("history/columns", "the column `errors` is missing", line=line, nearest=meant))
    if client_errors is not ClientErrors.GOOD:
        if CLIENT_ERRORS not in names:
            message = f"client errors cannot be {client_errors}: there is no column `{CLIENT_ERRORS}`"
            complaints.add(Problem("history/columns", message, line=line, nearest=nearest(CLIENT_ERRORS, unused)))
        unused = [name for name in unused if name != CLIENT_ERRORS]
    for name in unused:
        if name.startswith("le_"):
            message = "a column `le_*` names its upper bound in milliseconds; the bucket of all requests is `total`"
            complaints.add(Problem("history/columns", message, line=line, found=quoted(name), allowed="le_5, le_250, le_0.5"))
    bounds = sorted((float(match[1]), position) for name, position in where.items() if (match := _BOUND.fullmatch(name)))
    for (lower, _), (upper, position) in pairwise(bounds):
        if lower == upper:
            complaints.add(Problem("history/columns", "two columns have the same bound", line=line, found=quoted(names[position])))
    complaints.stop_if_any()
    return Layout(
        tuple(names),
        where["time"],
        where["total"],
        where.get("errors"),
        where.get("route"),
        where.get("reset"),
        tuple((position, bound) for bound, position in bounds),
        tuple(name or "(no name)" for name in unused),
        None if client_errors is ClientErrors.GOOD else where[CLIENT_ERRORS],
    )


def _is_slip(name: str, meant: str) -> bool:
    """Whether a name is probably a slip of the pen: `error`, `Errors`, `errros`; `client_errors` is not."""
    folded = name.strip().lower()
    return abs(len(folded) - len(meant)) <= 1 and sum(folded.count(c) != meant.count(c) for c in set(folded + meant)) <= 1


def check_counts(rows: Rows, complaints: Complaints) -> None:
    """Complain of counts that cannot be: negative, too large, errors above total, buckets that fall or exceed the total."""
    layout, counts = rows.layout, rows.counts

    def complain(
        position: int,
        bad: npt.NDArray[np.bool_],
        check: str,
        message: str,
        *,
        floor: FloatArray | None = None,
        ceiling: FloatArray | None = None,
    ) -> None:
        def problem(row: int) -> Problem:
            allowed = None
            if floor is not None:
                allowed = f"at least {floor[row]:.15g}"
            elif ceiling is not None:
                allowed = f"at most {ceiling[row]:.15g}"
            found = f"{counts[position][row]:.15g}"
            return Problem(check, message, line=rows.line(row), path=rows.place(row, position), found=found, allowed=allowed)

        complaints.rows(np.flatnonzero(bad), problem)

    most = np.full(len(rows), MAX_COUNT)
    for position in layout.counts:
        values = counts[position]
        complain(position, values < 0, "history/negative", "a count is never negative")
        complain(position, values > MAX_COUNT, "history/too-many", "no row holds so many events", ceiling=most)
    total = counts[layout.total]
    if layout.errors is not None:
        complain(layout.errors, counts[layout.errors] > total, "history/errors", "`errors` are part of `total`", ceiling=total)
    if layout.client_errors is not None:
        left = total if layout.errors is None else total - np.nan_to_num(counts[layout.errors])
        message = "`client_errors` are part of `total`, and none of `errors`"
        complain(layout.client_errors, counts[layout.client_errors] > left, "history/errors", message, ceiling=left)
    below = np.zeros(len(rows))
    for position, _ in layout.bounds:
        values = counts[position]
        message = "`le_*` columns are cumulative: none is less than that of a lower bound"
        complain(position, values < below, "history/buckets", message, floor=below)
        complain(position, values > total, "history/buckets", "no bucket holds more than `total`", ceiling=total)
        below = np.fmax(below, values)
