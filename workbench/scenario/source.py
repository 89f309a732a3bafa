"""One file to a tree with places: what a file may be, what its bytes may be, where its syntax breaks.

Whatever a path leads to (nothing, a folder, a pipe, 100 MB, another encoding, a picture), the answer is a `Source` with problems.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import Problem
from workbench.scenario.compose import SCENARIO, Composer, Limits, Stopped
from workbench.scenario.tree import Node, Place, shorten

MAX_BYTES = 1_000_000
"""Of a file; looked at before reading."""
UNREADABLE = ("file/missing", "file/kind", "file/unreadable")
"""Checks of problems of a path, not of what its file holds."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML's production `c-printable` leaves out."""
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True, slots=True)
class Source:
    """What came of reading one file."""

    root: Node | None
    """None if the text could not be read to its end."""
    problems: tuple[Problem, ...] = ()
    broken: frozenset[Place] = frozenset()
    """Places of values that a problem was already found with: no check needs to look at them again."""
    documents: tuple[Node, ...] = ()
    """Every document that holds anything; `root` is the first."""


def read(path: Path) -> Source:
    """One YAML file. Never raises for anything that a file can be."""
    raw = read_bytes(path)
    return _refused(raw) if isinstance(raw, Problem) else parse(raw, str(path))


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes | Problem:
    """What a file holds, or why it cannot be read: a problem whose check is one of UNREADABLE, or `file/size`."""
    file = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return Problem("file/kind", "this is a directory, not a file", file=file, allowed="a YAML file")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            return Problem("file/kind", "this is not a regular file", file=file, allowed="a YAML file")
        if status.st_size > most:
            return _too_large(file, status.st_size, most)
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except FileNotFoundError:
        return Problem("file/missing", "there is no such file", file=file, nearest=_nearest_file(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Problem("file/unreadable", f"the file cannot be read: {reason}", file=file)
    return _too_large(file, len(raw), most) if len(raw) > most else raw


def parse(raw: bytes, file: str, limits: Limits = SCENARIO) -> Source:
    """The bytes of one file, with all problems of its text."""
    text = _decode(raw, file)
    if isinstance(text, Problem):
        return _refused(text)
    composer = Composer(file, limits)
    events: Any = yaml.parse(text, Loader=_LOADER)
    try:
        for event in events:
            composer.take(event)
    except Stopped:
        return Source(None, tuple(composer.problems))
    except yaml.YAMLError as error:
        return Source(None, (*composer.problems, _syntax_problem(error, text, file)))
    finally:
        events.close()
    if not composer.roots:
        return Source(None, (Problem("file/empty", "the file holds nothing", file=file, allowed="one YAML document"),))
    documents = tuple(composer.roots)
    return Source(documents[0], tuple(composer.problems), frozenset(composer.broken), documents)


def _refused(problem: Problem) -> Source:
    return Source(None, (problem,))


def _too_large(file: str, size: int, most: int) -> Problem:
    return Problem(
        "file/size",
        "the file is too large",
        file=file,
        found=f"{size:,} bytes",
        allowed=f"at most {most:,} bytes",
    )


def _nearest_file(path: Path) -> str | None:
    """A YAML file of the same folder whose name is near."""
    try:
        names = sorted(entry.name for entry in os.scandir(path.parent) if entry.name.endswith((".yaml", ".yml")))
    except OSError:
        return None
    close = get_close_matches(path.name, names, n=1)
    return str(path.with_name(close[0])) if close else None


def _decode(raw: bytes, file: str) -> str | Problem:
    for mark, name in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            message = f"the file is {name}, not UTF-8"
            return Problem("file/encoding", message, file=file, line=1, column=1, allowed="save the file as UTF-8")
    if raw.startswith(b"\x1f\x8b"):
        message = "the file is compressed (gzip), not text"
        return Problem("file/binary", message, file=file, line=1, column=1, allowed="a YAML file; unpack it first")
    if b"\x00" in raw:
        before = raw[: raw.index(b"\x00")].decode("utf-8", "replace")
        return Problem("file/binary", "the file is binary, not text", file=file, **_at_end_of(before), found="byte 0x00")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        return Problem(
            "file/encoding",
            "the file is not UTF-8",
            file=file,
            **_at_end_of(before),
            found=f"byte 0x{raw[error.start]:02x}",
            allowed="save the file as UTF-8",
        )
    bad = _FORBIDDEN.search(text)
    if bad:
        message = "YAML does not allow this control character"
        return Problem("file/binary", message, file=file, **_at_end_of(text[: bad.start()]), found=f"U+{ord(bad[0]):04X}")
    return text


def _at_end_of(before: str) -> dict[str, Any]:
    """Line and column of what follows `before`."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {"line": len(lines), "column": len(lines[-1].removeprefix("\ufeff")) + 1}


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """PyYAML's error where a user looks for it: what is never closed is shown where it begins, not where the file ends."""
    what, context = str(getattr(error, "problem", None) or "it cannot be understood"), str(getattr(error, "context", None) or "")
    mark, begin = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    lines = text.split("\n")
    is_bracket_or_quote = "flow" in context or "quoted" in context
    hint = None
    if begin and (mark is None or (is_bracket_or_quote and not "\n".join(lines[mark.line :])[mark.column :].strip())):
        mark, what, hint = begin, "what begins here is never closed", "a closing bracket or quote"
    if mark is None:
        return Problem("yaml/syntax", f"this is not YAML: {shorten(str(error))}", file=file)
    number = min(mark.line, len(lines) - 1)
    line = lines[number]
    column = mark.column if number == mark.line else len(line)
    if line[: column + 1].endswith("\t") or "\t" in line[: len(line) - len(line.lstrip())]:
        what, hint = "a tab stands where YAML needs spaces", "spaces for indentation"
    elif "mapping values are not allowed" in what:
        hint = "one key on a line; text that holds ': ' in quotes"
    elif "could not find expected ':'" in what:
        hint = "a key, a colon, a space and a value"
    elif "did not find expected key" in what or "did not find expected '-'" in what:
        hint = "keys and items of one level indented alike"
    return Problem(
        "yaml/syntax",
        f"this is not YAML: {what}",
        file=file,
        line=number + 1,
        column=column + 1,
        found=shorten(line.strip()) or None,
        allowed=hint,
    )
