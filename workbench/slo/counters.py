"""From cumulative counters to events: increments that survive restarts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.telemetry.series import Array, FloatArray, Series

IndexArray = npt.NDArray[np.intp]


def restarts(values: Array) -> IndexArray:
    """Indices `i >= 1` at which a counter fell, `values[i] < values[i - 1]`: the process began again at 0 in between."""
    return np.flatnonzero(values[1:] < values[:-1]) + 1


def increments(values: Array, *, from_zero: bool = True) -> Array:
    """Events behind each sample of a cumulative counter, same length; int64, or float64 for float counters.

    The first value counts where counters begin at 0 with the run (`from_zero`); after a restart the new value counts, since the
    counter began again at 0. What was counted between the last scrape and the restart is lost, as it is to Prometheus.
    """
    out = np.diff(values.astype(sum_type(values), copy=False), prepend=0)
    where = restarts(values)
    out[where] = values[where]
    if not from_zero:
        out[:1] = 0
    return out


def sum_type(values: Array) -> type[np.int64 | np.float64]:
    """The type in which values are added up: integers stay exact."""
    return np.float64 if values.dtype.kind == "f" else np.int64


@dataclass
class CounterReader:
    """Reads counters of one telemetry, each scanned once, however many objectives ask for it."""

    from_zero: bool = True
    """Whether counters were 0 at second 0 (see `Telemetry.counts_from_zero`)."""
    _clean: dict[int, tuple[FloatArray, Array]] = field(default_factory=dict)
    _restarts: dict[int, IndexArray] = field(default_factory=dict)
    _common: dict[tuple[int, int], tuple[FloatArray, IndexArray, IndexArray]] = field(default_factory=dict)

    def samples(self, series: Series) -> tuple[FloatArray, Array]:
        """Times and values without NaN (no sample, or a stale marker); the same `times` object if nothing was dropped."""
        if series.values.dtype.kind != "f":
            return series.times, series.values
        found = self._clean.get(id(series))
        if found is None:
            kept = ~np.isnan(series.values)
            found = (series.times, series.values) if kept.all() else (series.times[kept], series.values[kept])
            self._clean[id(series)] = found
        return found

    def restarts(self, series: Series) -> IndexArray:
        """Where the cleaned series restarts."""
        found = self._restarts.get(id(series))
        if found is None:
            found = self._restarts[id(series)] = restarts(self.samples(series)[1])
        return found

    def same_times(self, one: Series, other: Series) -> bool:
        """Whether two series were sampled at the same instants."""
        times, other_times = self.samples(one)[0], self.samples(other)[0]
        return times is other_times or np.array_equal(times, other_times)

    def common_samples(self, one: Series, other: Series) -> tuple[FloatArray, IndexArray, IndexArray]:
        """The instants at which both were sampled, and their indices in either."""
        times, other_times = self.samples(one)[0], self.samples(other)[0]
        key = (id(times), id(other_times))
        found = self._common.get(key)
        if found is None:
            at = np.searchsorted(times, other_times)
            inside = np.flatnonzero(at < len(times))
            inside = inside[times[at[inside]] == other_times[inside]]
            found = self._common[key] = (other_times[inside], at[inside], inside)
        return found

    def summed(self, group: list[Series]) -> list[tuple[FloatArray, Array]]:
        """Increments of the sum of counters, one pair `(times, increments)` for each set of times among them.

        `diff` of the raw sum is wrong exactly where a series restarts, and there by that series' value before: adding it back
        is exact for every series by itself, whether or not others restart at the same time.
        """
        sums: dict[int, tuple[FloatArray, Array]] = {}
        for series in group:
            times, values = self.samples(series)
            kind = sum_type(values)
            known = sums.get(id(times))
            if known is None:
                sums[id(times)] = (times, values.astype(kind))
            elif kind is np.float64 and known[1].dtype != np.float64:
                sums[id(times)] = (times, known[1] + values)
            else:
                np.add(known[1], values, out=known[1], casting="unsafe")
        out = {key: (times, np.diff(total, prepend=total.dtype.type(0))) for key, (times, total) in sums.items()}
        for series in group:
            times, values = self.samples(series)
            where = self.restarts(series)
            if where.size:
                out[id(times)][1][where] += values[where - 1]
        if not self.from_zero:
            for _, counted in out.values():
                counted[:1] = 0
        return list(out.values())
