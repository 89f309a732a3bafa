"""The counters of the simulated system: cumulative, restarted by deployments, filled up to the present and never beyond."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.telemetry.series import Array, Series, SeriesKey, le_label
from workbench.world.effects import PIECE_BINS, ActiveEffect, overlay
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.requests import BLOCK_BINS, Baseline

STATUS_COUNTERS = {"media_upload_attempts_total": ("upload", "1234"), "auth_attempts": ("login", "23")}
"""Counters by `status` that the reference queries ask for: the journey whose requests they count, and the first digits of
the codes that are a success. A refused password is no success of authentication, but a refused file is one of the upload
service."""


@dataclass
class _Touched:
    """A block in which something went wrong: its classes without and with it, `[tiers, class_rows, bins]`."""

    baseline: Array
    final: Array


@dataclass(frozen=True)
class _StatusCounter:
    metric: str
    status: str
    values: Array
    layout: int
    rows: tuple[int, ...]


class Exports:
    """All request counters of the run, `[tiers, rows, bins]` for each route.

    Bins below `filled` hold scraped values; the others hold nothing yet. `fill` goes on from there; `forget` takes a stretch
    back that has not been scraped yet in the eyes of the engine, because the world changed.
    """

    def __init__(
        self, layouts: tuple[RouteLayout, ...], journeys: Mapping[str, str | None], baseline: Baseline, grid: Grid, seed: int
    ) -> None:
        self.layouts = layouts
        self.grid = grid
        self.filled = 0
        self.effects: list[ActiveEffect] = []
        self.restarts: dict[str, list[int]] = {layout.route: [] for layout in layouts}
        self.touched: tuple[dict[int, _Touched], ...] = tuple({} for _ in layouts)
        self._baseline = baseline
        self._seed = seed
        most = sum(float(sampler.mean.sum()) for sampler in baseline.samplers)
        self._kind = np.int32 if most + 12 * most**0.5 + 100 < np.iinfo(np.int32).max else np.int64
        self._values = tuple(np.empty(rows.shape, dtype=self._kind) for rows in baseline.rows)
        self._status = [
            _StatusCounter(metric, status, np.zeros(len(grid), dtype=self._kind), index, _rows_of(layout, digits, status))
            for metric, (journey, digits) in STATUS_COUNTERS.items()
            for index, layout in enumerate(layouts)
            if journeys.get(layout.route) == journey
            for status in ("success", "failure")
        ]

    def restart(self, route: str, first: int) -> None:
        """Let a route's counters begin again at 0 in bin `first`."""
        bins = self.restarts[route]
        if first < len(self.grid) and first not in bins:
            bisect.insort(bins, first)

    def forget(self, first: int) -> bool:
        """Take back bins from `first` on; says whether any had been filled."""
        taken = self.filled > first
        self.filled = min(self.filled, first)
        return taken

    def fill(self, to_s: float) -> None:
        """Fill every bin that is scraped by `to_s`."""
        low, high = self.filled, self.grid.scraped_by(to_s)
        if high <= low:
            return
        for index, layout in enumerate(self.layouts):
            counts = self._counts(index, low, high)
            _accumulate(counts, self._values[index], low, high, self.restarts[layout.route])
        for counter in self._status:
            rows = self._values[counter.layout][:, list(counter.rows), low:high]
            counter.values[low:high] = rows.sum(axis=(0, 1))
        self.filled = high

    def values(self, index: int) -> Array:
        """Cumulative counters of one layout, `[tiers, rows, bins]`, int32 or, where that is too small, int64."""
        return self._values[index]

    def events(self, index: int, row: int) -> Array:
        """Events of each bin of one row of a layout, over all tiers, `[bins]`."""
        values = self._values[index][:, row].sum(axis=0, dtype=np.int64)
        out: Array = np.diff(values, prepend=0)
        for first in self.restarts[self.layouts[index].route]:
            out[first] = values[first]
        return out

    def series(self) -> Iterator[Series]:
        """Every counter that is kept at every scrape; all share the grid's times."""
        times = self.grid.times
        for index, layout in enumerate(self.layouts):
            for t, tier in enumerate(layout.tiers):
                labels = {"route": layout.route, "tier": tier}
                block = self._values[index][t]
                for row, code in enumerate(layout.codes):
                    yield Series(SeriesKey.of("http_requests_total", labels, status_code=code), times, block[row])
                for row, kept in enumerate(layout.kept, start=len(layout.codes)):
                    le = le_label(layout.classes.tail_bounds[kept])
                    yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le), times, block[row])
                yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le="+Inf"), times, block[-1])
                yield Series(SeriesKey.of("http_request_duration_seconds_count", labels), times, block[-1])
        for counter in self._status:
            yield Series(SeriesKey.of(counter.metric, status=counter.status), times, counter.values)

    def _open(self, low: int) -> list[ActiveEffect]:
        """Effects that reach the piece of bin `low` or later ones."""
        piece = low // PIECE_BINS * PIECE_BINS
        return [effect for effect in self.effects if effect.last is None or effect.last > piece]

    def _counts(self, index: int, low: int, high: int) -> Array:
        """Events of the bins [low, high) of one route, `[tiers, rows, high - low]`."""
        rows = self._baseline.rows[index][:, :, low:high]
        layout = self.layouts[index]
        # An effect that ended before the first piece that is drawn has nothing to say any more.
        effects = [effect for effect in self._open(low) if layout.route in effect.routes]
        hit = [
            block
            for block in range(low // BLOCK_BINS, (high - 1) // BLOCK_BINS + 1)
            if block in self.touched[index]
            or any(effect.overlaps(max(low, block * BLOCK_BINS), min(high, (block + 1) * BLOCK_BINS)) for effect in effects)
        ]
        if not hit:
            return rows
        rows = rows.astype(np.int32)
        for block in hit:
            touched = self.touched[index].get(block)
            if touched is None:
                baseline = self._baseline.samplers[index].block(block)
                touched = self.touched[index][block] = _Touched(baseline, baseline.copy())
            origin = block * BLOCK_BINS
            begin, end = max(low, origin), min(high, origin + touched.final.shape[-1])
            for piece in range(begin // PIECE_BINS * PIECE_BINS, end, PIECE_BINS):
                whole = touched.baseline[:, :, piece - origin : piece - origin + PIECE_BINS]
                drawn = overlay(whole, piece, layout, effects, self._seed)
                a, b = max(begin, piece), min(end, piece + PIECE_BINS)
                touched.final[:, :, a - origin : b - origin] = drawn[:, :, a - piece : b - piece]
            rows[:, :, begin - low : end - low] = layout.scraped(touched.final[:, :, begin - origin : end - origin])
        return rows


def _rows_of(layout: RouteLayout, digits: str, status: str) -> tuple[int, ...]:
    return tuple(row for row, code in enumerate(layout.codes) if (code[0] in digits) == (status == "success"))


def _accumulate(counts: Array, values: Array, low: int, high: int, restarts: list[int]) -> None:
    """Write the running sums of `counts` into `values[..., low:high]`; a restart begins again at 0."""
    cuts = [low, *(first for first in restarts if low < first < high), high]
    for begin, end in itertools.pairwise(cuts):
        out = values[:, :, begin:end]
        # Converted first: a running sum that converts as it goes costs several times as much.
        np.cumsum(counts[:, :, begin - low : end - low].astype(values.dtype), axis=2, out=out)
        if begin > 0 and begin not in restarts:
            out += values[:, :, begin - 1 : begin]
