"""What was fetched, as a file that `workbench replay --counters` reads: Parquet, CSV or OpenMetrics text, whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import gzip
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import Problem, Severity
from workbench.telemetry.fetch_chunks import Found
from workbench.telemetry.openmetrics import MAX_TEXT_BYTES
from workbench.telemetry.openmetrics_out import write_openmetrics
from workbench.telemetry.samples import narrowed
from workbench.telemetry.series import Series, SeriesKey, Telemetry, is_stale
from workbench.telemetry.source import MAX_BYTES

ENDINGS = (".parquet", ".csv", ".csv.gz", ".om", ".openmetrics")


def write_history(path: Path, beside: Path, chunks: Iterable[Found]) -> tuple[Problem, ...]:
    """Write the samples to `path` by way of the folder `beside`, which is on the same disk; returns what the format cannot say."""
    partial = beside / "history.partial"
    findings: tuple[Problem, ...] = ()
    name = path.name.lower()
    try:
        if name.endswith(".parquet"):
            _parquet(partial, chunks)
        elif name.endswith((".csv", ".csv.gz")):
            _csv(partial, chunks, packed=name.endswith(".gz"))
        else:
            findings = _openmetrics(partial, chunks)
        findings = (*findings, *_too_large(partial, name))
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return findings


def _too_large(partial: Path, name: str) -> tuple[Problem, ...]:
    """A file that `replay` would refuse, told while another form can still be chosen."""
    most = {".csv": MAX_BYTES, ".om": MAX_TEXT_BYTES, ".openmetrics": MAX_TEXT_BYTES}.get(Path(name).suffix, MAX_BYTES)
    size = partial.stat().st_size
    if size <= most:
        return ()
    message = f"the file has {size:,} bytes, and a replay reads no more than {most:,} of this kind; Parquet is smaller and quicker"
    return (Problem("fetch/too-large", message, Severity.WARNING, allowed="--out FILE.parquet"),)


def _parquet(partial: Path, chunks: Iterable[Found]) -> None:
    schema = pa.schema([("time", pa.timestamp("ms", tz="UTC")), ("series", pa.string()), ("value", pa.float64())])
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for found in chunks:
            keys = sorted(found)
            counts = [len(found[key][0]) for key in keys]
            if not sum(counts):
                continue
            times = np.concatenate([found[key][0] for key in keys])
            values = np.concatenate([found[key][1] for key in keys])
            names = pa.DictionaryArray.from_arrays(
                pa.array(np.repeat(np.arange(len(keys), dtype=np.int32), counts)), pa.array([text_of(key) for key in keys])
            )
            seconds = pa.array(times).cast(schema.field("time").type)
            columns = [seconds, names.cast(pa.string()), pa.array(values, mask=is_stale(values))]
            writer.write_table(pa.table(columns, schema=schema))


def _csv(partial: Path, chunks: Iterable[Found], *, packed: bool) -> None:
    with _text(partial, packed=packed) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("time", "series", "value"))
        for found in chunks:
            for key in sorted(found):
                times, values = found[key]
                name, ends = text_of(key), is_stale(values).tolist()
                seconds = [f"{t // 1000}.{t % 1000:03}" if t % 1000 else str(t // 1000) for t in times.tolist()]
                shown = ["" if end else _number(value) for value, end in zip(values.tolist(), ends, strict=True)]
                writer.writerows(zip(seconds, [name] * len(shown), shown, strict=True))


@contextlib.contextmanager
def _text(partial: Path, *, packed: bool) -> Iterator[IO[str]]:
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(partial.open("wb"))
        stream = (
            stack.enter_context(gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0)) if packed else raw
        )
        yield stack.enter_context(io.TextIOWrapper(cast("IO[bytes]", stream), encoding="utf-8", newline=""))


def _openmetrics(partial: Path, chunks: Iterable[Found]) -> tuple[Problem, ...]:
    parts: dict[
        SeriesKey, list[tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]]
    ] = {}
    for found in chunks:
        for key, pair in found.items():
            parts.setdefault(key, []).append(pair)
    series = [
        Series(
            key, np.concatenate([times for times, _ in pairs]) / 1000.0, narrowed(np.concatenate([values for _, values in pairs]))
        )
        for key, pairs in parts.items()
    ]
    telemetry = Telemetry.of(series, horizon_s=0.0, scrape_interval_s=1.0)
    with partial.open("wb") as stream:
        return write_openmetrics(telemetry, dt.datetime(1970, 1, 1, tzinfo=dt.UTC), stream).findings


def text_of(key: SeriesKey) -> str:
    """A series as `telemetry.series_text` reads it, also where its names are no identifiers."""
    from workbench.telemetry.series_text import NotASeries, parse_series  # noqa: PLC0415 - beside its use

    text = str(key)
    try:
        plain = parse_series(text) == key
    except NotASeries:
        plain = False
    if plain:
        return text

    def quoted(part: str) -> str:
        return '"' + part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    return "{" + ",".join([quoted(key.name), *(f"{quoted(name)}={quoted(value)}" for name, value in key.labels)]) + "}"


def _number(value: float) -> str:
    """The shortest text that reads back the same; NaN and infinities as Prometheus writes them."""
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
