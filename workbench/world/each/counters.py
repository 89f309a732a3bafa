"""What is scraped of a world simulated request by request: cumulative counters that restart, filled scrape by scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.each.machine import Machine
from workbench.world.exports import STATUS_COUNTERS
from workbench.world.grid import Grid


class Counters:
    """All request counters of a run, every bucket at every scrape. Bins below `filled` hold scraped values."""

    def __init__(self, machine: Machine, journeys: Mapping[str, str | None], bounds: tuple[float, ...], grid: Grid) -> None:
        self.filled = 0
        self._machine, self._grid, self._bounds = machine, grid, bounds
        self._journeys = journeys
        self._restarts: dict[str, set[int]] = {path: set() for path in journeys}
        # Columns of a tally as it is read: begun, retries, seconds, then answers, then buckets.
        self._values = [np.zeros((1 + len(codes) + len(bounds) + 1, len(grid))) for _, _, codes in machine.cells]
        self._counts = [np.zeros(values.shape, dtype=np.int64) for values in self._values]
        self._status = {
            (metric, status): np.zeros(len(grid), dtype=np.int64)
            for metric, (journey, _) in STATUS_COUNTERS.items()
            if journey in journeys.values()
            for status in ("success", "failure")
        }

    def restart(self, route: str, first: int) -> None:
        """Let a route's counters begin again at 0 in bin `first`."""
        self._restarts[route].add(first)

    def fill(self) -> None:
        """Take over what the machine has scraped."""
        for k in range(self.filled, self._machine.bins):
            for index, (path, _, codes) in enumerate(self._machine.cells):
                rows = self._machine.counts(index)
                each = (rows[k + 1] - rows[k])[2 : 3 + len(codes) + len(self._bounds) + 1]
                before = 0.0 if k == 0 or k in self._restarts[path] else self._values[index][:, k - 1]
                # Buckets are cumulative over the bounds, the last being all requests.
                each[1 + len(codes) :] = np.cumsum(each[1 + len(codes) :])
                self._values[index][:, k] = before + each
                self._counts[index][:, k] = (before + each).round()
            for (metric, status), values in self._status.items():
                values[k] = self._of_status(metric, status, k)
        self.filled = self._machine.bins

    def events(self, route: str, code: str) -> Array:
        """Requests of each bin of one route that were answered by one code, over all cells, `[bins]`."""
        out = np.zeros(len(self._grid), dtype=np.int64)
        for index, (path, _, codes) in enumerate(self._machine.cells):
            if path == route:
                out += np.diff(self._machine.counts(index)[:, 3 + codes.index(code)]).round().astype(np.int64)
        return out

    def series(self) -> Iterator[Series]:
        """Every counter; all share the grid's times."""
        times: FloatArray = self._grid.times
        for index, (path, (tier, segment), codes) in enumerate(self._machine.cells):
            labels = {"route": path, "tier": tier, "segment": segment}
            counts, values = self._counts[index], self._values[index]
            for row, code in enumerate(codes, start=1):
                yield Series(SeriesKey.of("http_requests_total", labels, status_code=code), times, counts[row])
            for row, bound in enumerate((*self._bounds, float("inf")), start=1 + len(codes)):
                yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, counts[row])
            yield Series(SeriesKey.of("http_request_duration_seconds_count", labels), times, counts[-1])
            yield Series(SeriesKey.of("http_request_duration_seconds_sum", labels), times, values[0])
        for (metric, status), each in self._status.items():
            yield Series(SeriesKey.of(metric, status=status), times, each)

    def _of_status(self, metric: str, status: str, k: int) -> int:
        journey, digits = STATUS_COUNTERS[metric]
        return sum(
            int(self._counts[index][row, k])
            for index, (path, _, codes) in enumerate(self._machine.cells)
            if self._journeys[path] == journey
            for row, code in enumerate(codes, start=1)
            if (code[0] in digits) == (status == "success")
        )
