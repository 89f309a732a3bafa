"""Telemetry as OpenMetrics text with timestamps, as `promtool tsdb create-blocks-from openmetrics` takes it.

Series after series, each family once, each series in order of time, `# EOF` at the end. Whole columns become text at once, a chunk
at a time, so memory does not grow with the period. What the format cannot say is counted and told, never dropped in silence: stale
markers, and names that are no identifiers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import listed, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, Telemetry, is_stale

_CHUNK = 65_536
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_BYTES_OF_NUMBERS = 18
"""Of value, time and what separates them, on average; for estimates only."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, or would be."""

    series: int
    samples: int
    size: int
    """Bytes; of what would be written, an estimate."""
    findings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Family:
    name: str
    kind: str
    parts: tuple[tuple[Series, ...], ...]
    """Each part is written by itself; the series of one part alternate, instant by instant (the buckets of one histogram)."""


def estimate(telemetry: Telemetry) -> Written:
    """How much text the telemetry is, nearly."""
    kept, findings = _sayable(telemetry)
    samples = sum(len(one.times) for one in kept)
    size = sum(len(one.times) * (len(str(one.key)) + _BYTES_OF_NUMBERS) for one in kept)
    return Written(len(kept), samples, size, findings)


def write_openmetrics(
    telemetry: Telemetry, start: dt.datetime, stream: BinaryIO, *, progress: Callable[[float], None] | None = None
) -> Written:
    """Write every series; `start` is second 0, aware. `progress` is called with the share of the samples that is done."""
    kept, findings = _sayable(telemetry)
    due = sum(len(one.times) for one in kept) or 1
    writer = _Writer(stream, round(start.timestamp() * 1000))
    for family in _families(kept):
        writer.put(f"# TYPE {family.name} {family.kind}\n".encode())
        for part in family.parts:
            writer.part(part)
            if progress is not None:
                progress(writer.samples / due)
    writer.put(b"# EOF\n")
    if writer.stale:
        message = (
            f"OpenMetrics has no stale markers: {writer.stale:,} are left out, so after each of them an instant selector "
            "still sees the sample before for five minutes"
        )
        findings = (*findings, Problem("openmetrics/stale", message, Severity.WARNING))
    return Written(len(kept), writer.samples, writer.size, findings)


def chosen(telemetry: Telemetry, keep: Callable[[SeriesKey], bool]) -> Telemetry:
    """The telemetry with only some of its series."""
    return telemetry.with_series(one for one in telemetry if keep(one.key))


def _sayable(telemetry: Telemetry) -> tuple[list[Series], tuple[Problem, ...]]:
    """Series whose names are identifiers, and what is told of the others."""
    kept: list[Series] = []
    left: list[Series] = []
    for one in telemetry:
        fits = _NAME.fullmatch(one.key.name) and all(_LABEL.fullmatch(name) for name, _ in one.key.labels)
        (kept if fits else left).append(one)
    if not left:
        return kept, ()
    message = f"OpenMetrics 1.0 cannot name these, and they are left out: {listed([quoted(str(one.key)) for one in left])}"
    return kept, (Problem("openmetrics/names", message, Severity.WARNING),)


def _families(series: Sequence[Series]) -> Iterator[_Family]:
    """Families by name, each with its type; a histogram is one only where all of it was scraped together."""
    by_name: dict[str, list[Series]] = {}
    for one in series:
        by_name.setdefault(one.key.name, []).append(one)
    out: dict[str, _Family] = {}
    done: set[str] = set()
    for name in sorted(by_name):
        if name.endswith("_bucket") and (parts := _histograms(name.removesuffix("_bucket"), by_name)) is not None:
            stem = name.removesuffix("_bucket")
            out[stem] = _Family(stem, "histogram", parts)
            done |= {f"{stem}_bucket", f"{stem}_count", f"{stem}_sum"}
    for name, group in by_name.items():
        if name in done:
            continue
        alone = tuple((one,) for one in group)
        stem = name.removesuffix("_total")
        if stem != name and stem not in by_name and stem not in out:
            out[stem] = _Family(stem, "counter", alone)
        else:
            out[name] = _Family(name, "unknown", alone)
    yield from (out[name] for name in sorted(out))


def _histograms(stem: str, by_name: dict[str, list[Series]]) -> tuple[tuple[Series, ...], ...] | None:
    """The series of each histogram, buckets ascending, then `_sum` and `_count`; None unless all are whole and scraped together."""
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, Series]]] = {}
    for one in by_name[f"{stem}_bucket"]:
        try:
            bound = float(one.key.label_map["le"])
        except (KeyError, ValueError):
            return None
        buckets.setdefault(tuple(pair for pair in one.key.labels if pair[0] != "le"), []).append((bound, one))
    more = {suffix: {one.key.labels: one for one in by_name.get(f"{stem}_{suffix}", ())} for suffix in ("sum", "count")}
    if {*more["sum"], *more["count"]} - set(buckets) or stem in by_name or not more["sum"]:
        return None
    parts = []
    for labels, group in sorted(buckets.items(), key=lambda pair: pair[0]):
        ordered = [one for _, one in sorted(group, key=lambda pair: pair[0])]
        bounds = [bound for bound, _ in group]
        found = [more[suffix].get(labels) for suffix in ("sum", "count")]
        if float("inf") not in bounds or None in found:
            return None
        whole = [*ordered, *(one for one in found if one is not None)]
        if any(one.times is not whole[0].times and not np.array_equal(one.times, whole[0].times) for one in whole):
            return None
        if any(one.values.dtype.kind == "f" and is_stale(one.values).any() for one in whole):
            return None
        parts.append(tuple(whole))
    return tuple(parts)


@dataclass
class _Writer:
    stream: BinaryIO
    start_ms: int
    samples: int = 0
    size: int = 0
    stale: int = 0
    _times: tuple[FloatArray, Any] | None = field(default=None, repr=False)

    def put(self, data: Any) -> None:
        self.stream.write(data)
        self.size += len(data)

    def part(self, series: Sequence[Series]) -> None:
        """Write series that alternate (all of the same times), or one alone."""
        width = len(series)
        step = max(1, _CHUNK // width)
        stamps = self._stamps(series[0].times)
        prefixes = [pa.scalar(str(one.key)) for one in series]
        for first in range(0, len(series[0].times), step):
            last = min(first + step, len(series[0].times))
            lines = [
                self._lines(prefix, one.values[first:last], stamps.slice(first, last - first))
                for prefix, one in zip(prefixes, series, strict=True)
            ]
            if width > 1:
                count = last - first
                order = np.arange(width * count).reshape(width, count).T.ravel()
                lines = [pa.concat_arrays(lines).take(pa.array(order))]
            self.samples += len(lines[0])
            self.put(memoryview(_text(lines[0])))

    def _lines(self, prefix: Any, values: Array, stamps: Any) -> Any:
        if values.dtype.kind == "f":
            stale = is_stale(np.asarray(values, np.float64))
            if stale.any():
                self.stale += int(stale.sum())
                values, stamps = values[~stale], stamps.filter(pa.array(~stale))
        return pc.binary_join_element_wise(prefix, _numbers(values), stamps, " ")

    def _stamps(self, times: FloatArray) -> Any:
        """The times as text in seconds, each with the end of its line; those of the array before are kept."""
        if self._times is None or self._times[0] is not times:
            self._times = (times, _stamps(np.rint(times * 1000).astype(np.int64) + self.start_ms))
        return self._times[1]


def _text(lines: Any) -> Any:
    """The bytes of an array of strings, without a copy."""
    if not len(lines):
        return b""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(lines.buffers()[2])[int(offsets[0]) : int(offsets[-1])]


def _numbers(values: Array) -> Any:
    """Numbers as the shortest text that reads back the same."""
    text = pc.cast(pa.array(np.ascontiguousarray(values)), pa.string())
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return text
    names = pa.array(np.where(np.isnan(values), "NaN", np.where(values > 0, "+Inf", "-Inf")))
    return pc.if_else(pa.array(np.isfinite(values)), text, names)


def _stamps(milliseconds: IntArray) -> Any:
    """Seconds with as many decimals as they need.

    Prometheus multiplies by 1,000 in binary and cuts off; where that would lose a millisecond, a fourth decimal keeps it.
    """
    seconds, rest = np.divmod(milliseconds, 1000)
    whole = pc.cast(pa.array(seconds), pa.string())
    if not rest.any():
        return pc.binary_join_element_wise(whole, pa.scalar("\n"), "")
    digits = pc.utf8_lpad(pc.cast(pa.array(rest), pa.string()), 3, "0")
    lost = np.trunc(milliseconds / 1000.0 * 1000.0).astype(np.int64) != milliseconds
    end = pa.array(np.where(lost, "1\n", "\n"))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(whole, digits, "."), end, "")
