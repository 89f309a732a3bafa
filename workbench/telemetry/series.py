"""Series and telemetry: what a Prometheus server would have scraped, simulated or recorded alike.

A series holds exactly the samples that exist: a missed scrape has no sample, an unknown cell has none either. Series
that were scraped together share one `times` array *by identity*, which is what lets the evaluator work on many of them at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus's stale marker: a NaN with bits of its own, invisible to range functions, the end of an instant selector."""


def le_label(bound_s: float) -> str:
    """How a bucket's bound is written, as OpenMetrics and Prometheus 3 do: `0.25`, `1.0`, `+Inf`."""
    if bound_s == float("inf"):
        return "+Inf"
    return f"{float(bound_s):.10g}" if bound_s != int(bound_s) else f"{int(bound_s)}.0"


def is_stale(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Where a sample is the stale marker (not any other NaN)."""
    stale: npt.NDArray[np.bool_] = np.ascontiguousarray(values).view(np.uint64) == np.uint64(0x7FF0000000000002)
    return stale


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Name and labels of one series; `str()` prints it as Prometheus does."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted by label name, without `__name__`."""

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str] | None = None, /, **more: str) -> SeriesKey:
        """`SeriesKey.of("http_requests_total", route="/", status_code="200")`; empty values are no labels."""
        merged = {**(labels or {}), **more}
        return cls(name, tuple(sorted((k, v) for k, v in merged.items() if v != "")))

    @property
    def label_map(self) -> dict[str, str]:
        """Labels as a dictionary, `__name__` not among them."""
        return dict(self.labels)

    def __str__(self) -> str:
        """`name{a="b",c="d"}`, values escaped as in the text exposition format."""
        if not self.labels:
            return self.name
        inner = ",".join(f'{k}="{_escape(v)}"' for k, v in self.labels)
        return f"{self.name}{{{inner}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series: `values[i]` was scraped at `times[i]` seconds from the start of the run."""

    key: SeriesKey
    times: FloatArray
    """Strictly increasing, seconds. Shared by identity among series of one target."""
    values: Array
    """Same length; any integer or float type. Counters are cumulative and begin again at 0 after a restart."""


@dataclass(frozen=True, eq=False)
class Telemetry:
    """All series of a run or a recorded history, in the order of their keys.

    `horizon_s` is the length of the observed period; `scrape_interval_s` the nominal spacing of scrapes.
    """

    series: tuple[Series, ...]
    horizon_s: float
    scrape_interval_s: float
    counts_from_zero: bool = field(default=True, kw_only=True)
    """Whether counters were 0 at second 0, so that their first sample counts. Those of a recording began long before it."""
    by_name: Mapping[str, tuple[Series, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort by key and index by name."""
        ordered = tuple(sorted(self.series, key=lambda s: s.key))
        index: dict[str, list[Series]] = {}
        for one in ordered:
            index.setdefault(one.key.name, []).append(one)
        object.__setattr__(self, "series", ordered)
        object.__setattr__(self, "by_name", {name: tuple(group) for name, group in index.items()})

    @classmethod
    def of(
        cls, series: Iterable[Series], *, horizon_s: float, scrape_interval_s: float, counts_from_zero: bool = True
    ) -> Telemetry:
        """Telemetry from any iterable of series."""
        return cls(tuple(series), horizon_s, scrape_interval_s, counts_from_zero=counts_from_zero)

    def with_series(self, series: Iterable[Series], horizon_s: float | None = None) -> Telemetry:
        """The same period with other series; or, with `horizon_s`, another period."""
        return replace(self, series=tuple(series), horizon_s=self.horizon_s if horizon_s is None else horizon_s)

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every metric name, sorted."""
        return tuple(sorted(self.by_name))
