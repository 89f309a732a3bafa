"""Labelled incidents of a recorded history, as rows: who was hit, when, how badly. What they touch is decided by `run.replay`."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import Complaints, listed, nearest, quoted
from workbench.telemetry.instants import ALLOWED, MICROSECONDS, TimeForm, read_instant
from workbench.telemetry.source import Form, look_at, text_lines

MAX_INCIDENTS = 100_000
COLUMNS = ("id", "target", "start", "end", "severity")
_NEEDED = ("id", "start")
_SOURCE = "window_source"
"""A column that says where the times come from, as status pages have it."""
_AT_IMPACT = frozenset({"", "postmortem", "impact", "measured"})
"""Sources of times that are those of the impact; any other is an announcement."""


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One labelled incident; times in seconds from the first row of the history."""

    id: str
    target: str
    """Empty if the list does not say."""
    start_s: float
    """Negative for one that began before the history."""
    end_s: float | None
    """None where the list does not say."""
    severity: str
    line: int
    announced: bool = False
    """Whether the list says that `start` is when the incident was announced, not when it began."""


def read_incidents(path: Path | str, start: dt.datetime) -> tuple[IncidentRow, ...]:
    """Incidents of a CSV or CSV.gz file with `id,start` and optional `target,end,severity`, by start, then id.

    `start` is second 0 of the history (aware); incidents that do not overlap it are returned too. Times are ISO 8601 with a zone
    or, as in the history, seconds since 1970. An empty `end` is unknown. `window_source` says whether `start` is that of the impact
    (`postmortem`) or of the first announcement (anything else). Other columns are not read.

    Raises:
        BadInput: with everything that is wrong with the file.
    """
    path = Path(path)
    complaints = Complaints(str(path))
    form = look_at(path)
    if form is Form.PARQUET:
        raise BadInput(Problem("incidents/format", "a list of incidents is CSV", file=str(path), found="Parquet"))
    rows = _rows(path, form, complaints)
    out: list[IncidentRow] = []
    seen: dict[str, int] = {}
    for line, cells in rows:
        row = _incident(cells, line, start, complaints)
        if row is None:
            continue
        if row.id in seen:
            message = f"two incidents have the same id; the first stands on line {seen[row.id]}"
            complaints.add(Problem("incidents/id", message, line=line, path="id", found=quoted(row.id)))
        seen.setdefault(row.id, line)
        out.append(row)
    complaints.stop_if_any()
    return tuple(sorted(out, key=lambda row: (row.start_s, row.id)))


def _rows(path: Path, form: Form, complaints: Complaints) -> list[tuple[int, dict[str, str]]]:
    """Cells by column name, with their lines; raises BadInput without the needed columns."""
    reader = csv.reader(text_lines(path, form, complaints), strict=True, skipinitialspace=True)
    names: list[str] | None = None
    rows: list[tuple[int, dict[str, str]]] = []
    line = 1
    try:
        for row in reader:
            if row and names is None:
                names = _header(row, line, complaints)
            elif row and names is not None:
                if len(row) == len(names):
                    rows.append((line, dict(zip(names, row, strict=True))))
                else:
                    message = "the row has another number of cells than the header"
                    complaints.add(Problem("incidents/ragged", message, line=line, found=str(len(row)), allowed=str(len(names))))
                if len(rows) > MAX_INCIDENTS:
                    complaints.fatal(
                        Problem("incidents/too-many", "there are too many", line=line, allowed=f"at most {MAX_INCIDENTS:,}")
                    )
            line = reader.line_num + 1
    except csv.Error as error:
        complaints.fatal(Problem("incidents/csv", f"this is not CSV: {error}", line=line))
    if names is None:
        complaints.fatal(Problem("incidents/empty", "the file has no header", allowed=",".join(COLUMNS)))
    return rows


def _header(row: list[str], line: int, complaints: Complaints) -> list[str]:
    names = [name.strip() for name in row]
    for needed in _NEEDED:
        if needed not in names:
            unused = [name for name in names if name not in COLUMNS]
            found = quoted(listed([name[:40] for name in names]))
            message = f"the column `{needed}` is missing"
            complaints.add(Problem("incidents/columns", message, line=line, found=found, nearest=nearest(needed, unused)))
    for name in COLUMNS:
        if names.count(name) > 1:
            complaints.add(Problem("incidents/columns", "a column occurs twice", line=line, found=quoted(name)))
    complaints.stop_if_any()
    return names


def _incident(cells: dict[str, str], line: int, start: dt.datetime, complaints: Complaints) -> IncidentRow | None:
    def complain(check: str, message: str, name: str, allowed: str | None = None) -> None:
        complaints.add(Problem(check, message, line=line, path=name, found=quoted(cells[name]), allowed=allowed))

    times: dict[str, float] = {}
    for name in ("start", "end"):
        text = cells.get(name, "")
        if name == "end" and not text.strip():
            continue
        try:
            instant, form = read_instant(text)
        except ValueError as error:
            complain("incidents/time", str(error), name, ALLOWED)
            return None
        if form is TimeForm.LOCAL:
            complain("incidents/time", "the time names no zone", name, ALLOWED)
            return None
        times[name] = (instant - round(start.timestamp() * MICROSECONDS)) / MICROSECONDS
    if times.get("end", times["start"]) < times["start"]:
        complain("incidents/time", "the incident ends before it starts", "end")
        return None
    if not cells["id"].strip():
        complain("incidents/id", "the incident has no id", "id")
        return None
    return IncidentRow(
        id=cells["id"].strip(),
        target=cells.get("target", "").strip(),
        start_s=times["start"],
        end_s=times.get("end"),
        severity=cells.get("severity", "").strip(),
        line=line,
        announced=cells.get(_SOURCE, "").strip().lower() not in _AT_IMPACT,
    )
