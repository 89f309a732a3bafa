"""Chunks of what is fetched, one small Parquet file each, there whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import FloatArray, SeriesKey

Found = dict[SeriesKey, tuple[IntArray, FloatArray]]
"""Times in milliseconds since 1970 and values of every series of one chunk."""


def write_chunk(path: Path, found: Found) -> None:
    """Write a chunk; a kill at any moment leaves no half of it under this name."""
    keys = sorted(found)
    codes = np.repeat(np.arange(len(keys), dtype=np.int32), [len(found[key][0]) for key in keys])
    table = pa.table(
        {
            "series": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([_spelled(key) for key in keys], pa.string())),
            "time_ms": pa.array(np.concatenate([found[key][0] for key in keys] or [np.empty(0, np.int64)])),
            "value": pa.array(np.concatenate([found[key][1] for key in keys] or [np.empty(0)])),
        }
    )
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd", compression_level=1, row_group_size=max(1, table.num_rows))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def read_chunk(path: Path) -> Found:
    """What `write_chunk` wrote."""
    table = pq.read_table(path, read_dictionary=["series"]).combine_chunks()
    found: Found = {}
    if not table.num_rows:
        return found
    series = table.column("series").chunk(0)
    codes = np.asarray(series.indices)
    times, values = np.asarray(table.column("time_ms")), np.asarray(table.column("value"))
    edges = np.flatnonzero(np.diff(codes)) + 1
    for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(codes)], strict=True):
        name, labels = json.loads(series.dictionary[int(codes[first])].as_py())
        found[SeriesKey(name, tuple((k, v) for k, v in labels))] = (times[first:last], values[first:last])
    return found


def samples_in(path: Path) -> int:
    """How many samples a chunk holds."""
    return int(pq.read_metadata(path).num_rows)


def _spelled(key: SeriesKey) -> str:
    """A series as text that reads back the same, whatever characters its names have."""
    return json.dumps([key.name, list(key.labels)], ensure_ascii=False)
