"""The bytes of a history, bounded: which kind of file it is, and its lines, one at a time.

Limits, so that no file takes more memory or time than a big honest one: 200 MB on disk, 200 MB of text after decompression,
64 KiB a line.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from workbench.errors import BadInput, Problem
from workbench.telemetry.complaints import Complaints, nearest, quoted

MAX_BYTES = 200_000_000
"""Of a file on disk, and of its text after decompression."""
MAX_LINE_BYTES = 65_536
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_BOM = b"\xef\xbb\xbf"


class Form(StrEnum):
    """What a file is, by its first bytes, not by its name."""

    TEXT = "text"
    GZIP = "gzip"
    PARQUET = "parquet"


def look_at(path: Path, most: int = MAX_BYTES) -> Form:
    """The form of the file at `path`; raises BadInput if there is none that could be read, or it has more than `most` bytes."""
    name = str(path)
    try:
        if not path.exists():
            there = [p.name for p in path.parent.iterdir()][:10_000] if path.parent.is_dir() else []
            raise BadInput(
                Problem("history/no-file", "there is no such file", file=name, nearest=nearest(path.name, sorted(there)))
            )
        if path.is_dir():
            raise BadInput(
                Problem("history/no-file", "is a folder, not a file", file=name, allowed="one CSV, CSV.gz or Parquet file")
            )
        if not path.is_file():
            raise BadInput(
                Problem("history/no-file", "is not a regular file", file=name, allowed="one CSV, CSV.gz or Parquet file")
            )
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(Problem("history/no-file", f"cannot be read: {reason}", file=name)) from error
    if size == 0:
        raise BadInput(Problem("history/empty", "the file is empty", file=name, allowed="a header line and at least two rows"))
    if size > most:
        raise BadInput(Problem("history/too-large", f"the file has {size:,} bytes", file=name, allowed=f"at most {most:,}"))
    if head == b"PAR1":
        return Form.PARQUET
    gzipped = head[:2] == b"\x1f\x8b"
    for suffix, expected, fits in ((".parquet", "Parquet", False), (".gz", "gzip", gzipped)):
        if path.name.lower().endswith(suffix) and not fits:
            found = quoted(head.decode("latin-1"))
            raise BadInput(Problem("history/format", f"the name says {expected}, the content is not", file=name, found=found))
    return Form.GZIP if gzipped else Form.TEXT


def digest_of(path: Path) -> str:
    """Hash of the file's bytes, 32 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def text_lines(path: Path, form: Form, complaints: Complaints, most: int | None = None) -> Iterator[str]:
    """The lines of a text file or a gzipped one, ends of line included; raises BadInput at the first line that is no text.

    `most` bytes are read, by default `MAX_BYTES`.
    """
    most = MAX_BYTES if most is None else most
    number = 0
    taken = 0
    try:
        with _opened(path, form) as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if number == 1:
                    raw = raw.removeprefix(_UTF8_BOM)
                    if raw[:2] in _UTF16:
                        complaints.fatal(Problem("history/encoding", "the text is UTF-16", line=1, allowed="UTF-8"))
                taken += len(raw)
                if b"\0" in raw:
                    complaints.fatal(Problem("history/binary", "this is binary, not text", line=number, allowed="CSV in UTF-8"))
                if len(raw) > MAX_LINE_BYTES:
                    complaints.fatal(
                        Problem(
                            "history/long-line", "the line is too long", line=number, allowed=f"at most {MAX_LINE_BYTES:,} bytes"
                        )
                    )
                if taken > most:
                    complaints.fatal(
                        Problem("history/too-large", "the text is too long", line=number, allowed=f"at most {most:,} bytes")
                    )
                try:
                    line = raw.decode()
                except UnicodeDecodeError as error:
                    complaints.fatal(
                        Problem(
                            "history/encoding",
                            "these bytes are not UTF-8",
                            line=number,
                            column=error.start + 1,
                            found=quoted(raw[error.start : error.start + 4]),
                            allowed="UTF-8",
                        )
                    )
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = "the gzip file ends too early" if isinstance(error, EOFError) else f"the gzip file is damaged ({error})"
        complaints.fatal(Problem("history/gzip", what))  # found while reading ahead: the line is not known
    except OSError as error:
        complaints.fatal(Problem("history/no-file", f"cannot be read: {error.strerror or error}", line=number + 1))
    if taken == 0:
        complaints.fatal(Problem("history/empty", "the file holds no text", allowed="a header line and at least two rows"))


def _opened(path: Path, form: Form) -> BinaryIO:
    if form is Form.GZIP:
        return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", gzip.open(path, "rb")), 1 << 16))
    return path.open("rb")
