"""The counters that the simulated system exports.

Cumulative, restarted by deployments, filled up to the present and never beyond.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator

import numpy as np

from workbench.telemetry.series import Array, Series, SeriesKey, le_label
from workbench.world.effects import ActiveEffect, overlay
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.requests import Baseline

_STATUS_COUNTERS = {
    "media_upload_attempts_total": "upload",
    "auth_attempts": "login",
}
"""Counters by outcome that the reference queries ask for, and the journey whose requests they count."""


class Exports:
    """All request counters of the run, `[tiers, rows, bins]` for each route.

    Bins below `filled` hold scraped values; the others hold nothing yet. `fill` goes on from there; `forget` takes a stretch
    back that has not been scraped yet in the eyes of the engine, because the world changed.
    """

    def __init__(
        self, layouts: tuple[RouteLayout, ...], journeys: dict[str, str | None], baseline: Baseline, grid: Grid, seed: int
    ) -> None:
        self.layouts = layouts
        self.grid = grid
        self.filled = 0
        self.effects: list[ActiveEffect] = []
        self.restarts: dict[str, list[int]] = {layout.route: [] for layout in layouts}
        self._baseline = baseline
        self._seed = seed
        self._values = tuple(np.zeros(counts.shape, dtype=np.int32) for counts in baseline.counts)
        self._outcomes = {
            (metric, status): (np.zeros(len(grid), dtype=np.int32), index)
            for metric, journey in _STATUS_COUNTERS.items()
            for index, layout in enumerate(layouts)
            if journeys.get(layout.route) == journey
            for status in ("success", "failure")
        }

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
            counts = overlay(self._baseline.counts[index], layout, self.effects, low, high, self._seed)
            values = self._values[index]
            _accumulate(counts, values, low, high, self.restarts[layout.route])
            for status in ("success", "failure"):
                for metric in _STATUS_COUNTERS:
                    array, owner = self._outcomes.get((metric, status), (None, -1))
                    if array is not None and owner == index:
                        good = [not code.startswith("5") if metric != "auth_attempts" else code[0] in "23" for code in layout.codes]
                        rows = np.flatnonzero(good if status == "success" else np.logical_not(good))
                        array[low:high] = values[:, rows, low:high].sum(axis=(0, 1))
        self.filled = high

    def values(self, index: int) -> Array:
        """Cumulative counters of one layout, `[tiers, rows, bins]`, int32."""
        return self._values[index]

    def increments(self, index: int, tier: int, row: int) -> Array:
        """Events of each bin of one counter, `[bins]`."""
        values = self._values[index][tier, row]
        out = np.diff(values, prepend=0)
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
                for row, bound in enumerate(layout.classes.tail_bounds, start=layout.first_bucket):
                    yield Series(
                        SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, block[row]
                    )
                total = block[layout.total_row]
                yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le="+Inf"), times, total)
                yield Series(SeriesKey.of("http_request_duration_seconds_count", labels), times, total)
        for (metric, status), (array, _) in sorted(self._outcomes.items()):
            yield Series(SeriesKey.of(metric, status=status), times, array)


def _accumulate(counts: Array, values: Array, low: int, high: int, restarts: list[int]) -> None:
    """Write the running sums of `counts` into `values[..., low:high]`; a restart begins again at 0."""
    cuts = [low, *(first for first in restarts if low < first < high), high]
    for begin, end in itertools.pairwise(cuts):
        out = values[:, :, begin:end]
        np.cumsum(counts[:, :, begin - low : end - low], axis=2, out=out)
        if begin > 0 and begin not in restarts:
            out += values[:, :, begin - 1 : begin]
