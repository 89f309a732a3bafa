"""Spans and durations from a list of incidents: CSV, gzipped or not, with the columns `start` and `end`, and perhaps `severity`."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import gzip
import io
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput, Problem

MAX_BYTES = 64 * 1024 * 1024
"""Of the file once unpacked."""
MAX_PROBLEMS = 100
_LONGEST_HEADER = 100_000
_TIME = "an ISO 8601 instant such as 2026-04-01T12:00:00Z"


@dataclass(frozen=True, slots=True)
class IncidentDurations:
    """What a list of incidents says of durations."""

    durations_s: tuple[float, ...]
    """In the order of the file, all positive."""
    rows: int
    """All rows of the file."""
    other_severity: int
    """Left out because their severity was not asked for."""
    open_ended: int
    """Left out because they have no end: how long they lasted is unknown."""
    not_positive: int
    """Left out because they end at or before their start."""
    spans: tuple[tuple[dt.datetime, dt.datetime | None], ...] = ()
    """Start and end of each incident that was asked for, in the order of the file; None without an end."""


def read_durations(path: Path, severities: Container[str] | None = None) -> IncidentDurations:
    """Read the durations of all incidents, or of those of some severities.

    Raises:
        BadInput: The file cannot be read as a list of incidents; up to a hundred problems, each with its line.
    """
    name = str(path)
    reader = csv.reader(io.StringIO(_text(path, name), newline=""))
    try:
        header = next(reader, [])
        columns = _columns(header, name, needed=("start", "end", *(("severity",) if severities is not None else ())))
        return _durations(reader, columns, severities, name)
    except csv.Error as error:
        raise BadInput(
            Problem("incidents/csv", f"the file is not CSV: {error}", file=name, line=reader.line_num or None)
        ) from error


def is_incident_list(path: Path) -> bool:
    """Whether a file is CSV whose header has `start` and `end`, and no column that a history has (`time`, `time_s`)."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            head = (gzip.GzipFile(fileobj=file) if packed else file).readline(_LONGEST_HEADER)
        names = [
            name.strip()
            for name in next(csv.reader([head.decode("utf-8-sig", errors="replace").strip("\0\r\n")], strict=False), [])
        ]
    except (OSError, EOFError, zlib.error, csv.Error, ValueError):
        return False
    return {"start", "end"} <= set(names) and not {"time", "time_s"} & set(names)


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(Problem("incidents/gzip", "the compressed file is damaged or cut short", file=name)) from error
    except OSError as error:
        raise BadInput(Problem("incidents/unreadable", f"cannot be read: {error.strerror or error}", file=name)) from error
    if len(data) > MAX_BYTES:
        raise BadInput(Problem("incidents/size", "the file is too large", file=name, allowed=f"up to {MAX_BYTES:,} bytes"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(Problem("incidents/encoding", "the file is not UTF-8 text", file=name, line=line)) from error
    if "\0" in text:
        raise BadInput(Problem("incidents/encoding", "the file holds NUL characters: it is not text", file=name))
    return text


def _columns(header: list[str], name: str, *, needed: tuple[str, ...]) -> dict[str, int]:
    """Where each needed column stands."""
    if not header:
        raise BadInput(Problem("incidents/empty", "the file is empty", file=name, allowed="a header and one row an incident"))
    missing = [column for column in needed if column not in header]
    if missing:
        raise BadInput(
            Problem(
                "incidents/missing-column",
                f"the column {column!r} is missing",
                file=name,
                line=1,
                found=", ".join(header)[:200],
                nearest=next(iter(difflib.get_close_matches(column, header, n=1)), None),
            )
            for column in missing
        )
    return {column: header.index(column) for column in needed}


def _durations(
    reader: Iterator[list[str]], columns: dict[str, int], severities: Container[str] | None, name: str
) -> IncidentDurations:
    durations: list[float] = []
    spans: list[tuple[dt.datetime, dt.datetime | None]] = []
    problems: list[Problem] = []
    rows = other = open_ended = not_positive = 0
    for row in reader:
        if not row:
            continue
        rows += 1
        line = int(getattr(reader, "line_num", rows + 1))
        cells = {column: row[at].strip() if at < len(row) else "" for column, at in columns.items()}
        if severities is not None and cells["severity"] not in severities:
            other += 1
            continue
        if not cells["end"]:
            open_ended += 1
            begin = _instant(cells["start"])
            if begin is not None:
                spans.append((begin, None))
            continue
        instants = [_instant(cells[column]) for column in ("start", "end")]
        for column, instant in zip(("start", "end"), instants, strict=True):
            if instant is None and len(problems) < MAX_PROBLEMS:
                problems.append(
                    Problem(
                        "incidents/time",
                        "is not a time",
                        file=name,
                        line=line,
                        path=f"rows[{rows - 1}].{column}",
                        found=repr(cells[column][:80]),
                        allowed=_TIME,
                    )
                )
        start, end = instants
        if start is not None and end is not None:
            spans.append((start, end))
            length_s = (end - start).total_seconds()
            if length_s > 0:
                durations.append(length_s)
            else:
                not_positive += 1
    if problems:
        raise BadInput(problems)
    return IncidentDurations(tuple(durations), rows, other, open_ended, not_positive, tuple(spans))


def _instant(text: str) -> dt.datetime | None:
    """An instant; one without a zone is UTC."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
