"""Telemetry as Parquet: one row a scrape, one column a series, named as Prometheus prints it, cumulative.

Counters only grow, so integer columns are written as differences (DELTA_BINARY_PACKED) and packed by zstd. A month of 350 int32
series (172,800 rows, 242 MB of numbers) then takes 0.6 s of one core and 18 MB, against 3.6 s and 222 MB with the library's usual
settings, 0.8 s and 91 MB for plain values under zstd, 0.5 s and 24 MB for differences alone. No time stamp goes into the file: the
same telemetry gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.telemetry.counters import IntArray, common_grid, place_on_grid, usual_spacing
from workbench.telemetry.series import FloatArray, Series, Telemetry

HISTOGRAM_STEP_S = 300.0


def telemetry_table(telemetry: Telemetry) -> pa.Table:
    """Every series that was kept at every scrape: `time_s`, then one column each; null where there is no sample.

    Counters, gauges and counts always are; buckets are where a rule or an objective reads them.
    """
    return _table([one for one in telemetry if not _is_bucket(one) or _at_every_scrape(one, telemetry)])


def histograms_table(telemetry: Telemetry) -> pa.Table:
    """Every bucket at the instants at which all of them were kept, every 5 min.

    Where some are kept only then, these instants are theirs; where all are kept at every scrape (a recorded history), the last
    scrape of each 5 min and the last of all.
    """
    buckets = [one for one in telemetry if _is_bucket(one)]
    coarse = [one for one in buckets if not _at_every_scrape(one, telemetry)]
    if coarse:
        instants = common_grid(tuple(one.times for one in coarse))
    else:
        every = common_grid(tuple(one.times for one in buckets))
        slots = np.floor(every / HISTOGRAM_STEP_S)
        instants = every[np.append(slots[1:] != slots[:-1], True)] if len(every) else every
    return _table(buckets, instants)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table of numbers; the same table gives the same bytes."""
    differences = {field.name: "DELTA_BINARY_PACKED" for field in table.schema if pa.types.is_integer(field.type)}
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding=differences or None,
        store_schema=True,
    )


def _is_bucket(series: Series) -> bool:
    return series.key.name.endswith("_bucket") and "le" in series.key.label_map


def _at_every_scrape(series: Series, telemetry: Telemetry) -> bool:
    """Whether a bucket is kept as often as everything else; a series of one sample is, too."""
    return len(series.times) < 2 or usual_spacing(series.times) <= 1.5 * telemetry.scrape_interval_s


def _table(series: Iterable[Series], instants: FloatArray | None = None) -> pa.Table:
    chosen = list(series)
    grid = common_grid(tuple(one.times for one in chosen)) if instants is None else instants
    columns = [pa.array(grid, type=pa.float64())]
    places: dict[int, tuple[IntArray, npt.NDArray[np.bool_]]] = {}
    for one in chosen:
        if one.times is grid:
            columns.append(pa.array(one.values))
            continue
        if id(one.times) not in places:
            found = place_on_grid(grid, one.times)
            places[id(one.times)] = (found, found < 0)
        at, absent = places[id(one.times)]
        sampled = one.values[np.where(absent, 0, at)] if len(one.values) else np.zeros(len(grid), one.values.dtype)
        columns.append(pa.array(sampled, mask=absent))
    return pa.table(columns, names=["time_s", *(str(one.key) for one in chosen)])
