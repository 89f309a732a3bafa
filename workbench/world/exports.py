"""The counters of the simulated system: cumulative, restarted by deployments, filled up to the present and never beyond."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.course import Course, RouteCourse, differs
from workbench.world.disturbed import PIECE_BINS, Disturbed
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.requests import Baseline
from workbench.world.scrapes import left_out, mark_stale, missing

STATUS_COUNTERS = {"media_upload_attempts_total": ("upload", "1234"), "auth_attempts": ("login", "23")}
"""Counters by `status` that the reference queries ask for: the journey whose requests they count, and the first digits of
the codes that are a success. A refused password is no success of authentication, but a refused file is one of the upload
service."""


class Load(Protocol):
    """Where courses come from."""

    def course(self, low: int, high: int, effects: list[ActiveEffect]) -> Course:
        """How requests fare in bins [low, high); a route that is not among the course's routes fares as usual in all of them.

        Asked for bin after bin, unless some are forgotten.
        """

    def forget(self, first: int) -> None:
        """Bins from `first` on will be asked for again."""


@dataclass(frozen=True)
class _Filled:
    """What lies between the baseline and the values of bins [first, last): enough to go back."""

    first: int
    last: int
    shift: Array
    """Values above the baseline's running sums, `[cells, rows, 1]`."""
    raw: Array | None = None
    """The baseline's running sums themselves, `[cells, rows, bins]`, where the difference is not the same in all bins."""


@dataclass
class _Counters:
    """The counters of one route: scraped values below `Exports.filled`, the baseline's running sums beyond."""

    layout: RouteLayout
    values: Array
    times: FloatArray
    usual: RouteCourse
    disturbed: Disturbed
    seen: FloatArray | None = None
    """What is scraped where scrapes can be missing, `[cells, rows, bins]`."""
    lost: Array | None = None
    """Which scrapes are missing, `[bins]`, with `seen`."""
    restarts: list[int] = field(default_factory=list)
    filled: list[_Filled] = field(default_factory=list)

    def before(self, index: int) -> tuple[Array, Array]:
        """(values, baseline's running sums) of the bin before `index`, up to which all are filled; `[cells, rows, 1]` each."""
        if index == 0:
            zero = np.zeros((*self.values.shape[:2], 1), self.values.dtype)
            return zero, zero
        value = self.values[:, :, index - 1 : index].copy()
        last = self.filled[-1]
        return value, value - last.shift if last.raw is None else last.raw[:, :, -1:]

    def fill(self, low: int, high: int, course: RouteCourse | None) -> None:
        """Scrape bins [low, high)."""
        bad = np.zeros(high - low, bool) if course is None else differs(course, self.usual, low, high)
        value, raw = self.before(low)
        if course is not None and bad.any():
            totals = self.values[:, -1, low:high]
            drawn = np.diff(totals, axis=1, prepend=raw[:, -1])
            self.disturbed.draw(course, self.usual, low, high, bad, drawn)
        turns = np.flatnonzero(np.diff(bad)) + 1 + low
        cuts = sorted({low, high, *turns.tolist(), *(first for first in self.restarts if low < first < high)})
        for begin, end in itertools.pairwise(cuts):
            if begin in self.restarts:
                value = np.zeros_like(value)
            out = self.values[:, :, begin:end]
            next_raw = out[:, :, -1:].copy()
            if bad[begin - low]:
                self.filled.append(_Filled(begin, end, value - raw, out.copy()))
                self._redraw(begin, end)
                out += value
            else:
                shift = value - raw
                if shift.any():
                    out += shift
                self.filled.append(_Filled(begin, end, shift))
            value, raw = out[:, :, -1:].copy(), next_raw

    def lose(self, low: int, high: int, lost: Array) -> None:
        """Scrape bins [low, high) but for those that are missing."""
        if self.seen is not None and self.lost is not None:
            self.lost[low:high] = lost
            inside = self.seen[:, :, low:high]
            inside[:] = self.values[:, :, low:high]
            if lost.any():
                mark_stale(inside, lost)

    def _redraw(self, begin: int, end: int) -> None:
        """Write running sums of disturbed bins [begin, end), from 0 on."""
        out = self.values[:, :, begin:end]
        for number in range(begin // PIECE_BINS, (end - 1) // PIECE_BINS + 1):
            origin = number * PIECE_BINS
            a, b = max(begin, origin), min(end, origin + PIECE_BINS)
            out[:, :, a - begin : b - begin] = self.disturbed.rows(number)[:, :, a - origin : b - origin]
        np.cumsum(out, axis=2, out=out)

    def forget(self, first: int) -> None:
        """Put the baseline's running sums back from bin `first` on."""
        while self.filled and self.filled[-1].last > first:
            one = self.filled.pop()
            begin = max(first, one.first)
            if one.raw is None:
                if one.shift.any():
                    self.values[:, :, begin : one.last] -= one.shift
            else:
                self.values[:, :, begin : one.last] = one.raw[:, :, begin - one.first :]
            if begin > one.first:
                kept = None if one.raw is None else one.raw[:, :, : begin - one.first]
                self.filled.append(_Filled(one.first, begin, one.shift, kept))
        self.disturbed.forget(first)

    def settle(self, first: int) -> None:
        """Nothing before bin `first` will be forgotten: what that would need may go."""
        # The one that ends there is where the next stretch begins.
        done = next((at for at, one in enumerate(self.filled) if one.last >= first), len(self.filled) - 1)
        del self.filled[: max(done, 0)]


@dataclass(frozen=True)
class _StatusCounter:
    metric: str
    status: str
    values: Array
    layout: int
    rows: tuple[int, ...]


class Exports:
    """All request counters of the run, `[cells, rows, bins]` for each route.

    `fill` scrapes bins that follow each other; `forget` takes a stretch back that has not been scraped yet in the eyes of the
    engine, because the world changed.
    """

    def __init__(
        self,
        baselines: tuple[Baseline, ...],
        journeys: Mapping[str, str | None],
        load: Load,
        grid: Grid,
        seed: int,
        *,
        gaps: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """The baselines' values become the exports' own: they are scraped in place.

        `gaps` are the incidents in which scrapes of a route may be missing: routes with the same ones share an array of times.
        """
        self.grid = grid
        self.filled = 0
        self.effects: list[ActiveEffect] = []
        self.layouts = tuple(one.sampler.layout for one in baselines)
        self._load = load
        self._seed = seed
        self._counters = tuple(
            _Counters(one.sampler.layout, one.values, grid.times, one.sampler.usual, Disturbed(one.sampler.layout, seed))
            for one in baselines
        )
        of_incidents: dict[tuple[str, ...], FloatArray] = {}
        for one in self._counters:
            incidents = (gaps or {}).get(one.layout.route, ())
            if incidents:
                one.times = of_incidents.setdefault(incidents, grid.times.copy())
                one.seen, one.lost = np.empty(one.values.shape), np.zeros(len(grid), bool)
        self._of_route = {one.layout.route: one for one in self._counters}
        self._status = [
            _StatusCounter(metric, status, _empty(len(grid), self._counters[index]), index, _rows_of(layout, digits, status))
            for metric, (journey, digits) in STATUS_COUNTERS.items()
            for index, layout in enumerate(self.layouts)
            if journeys.get(layout.route) == journey
            for status in ("success", "failure")
        ]

    def restart(self, route: str, first: int) -> None:
        """Let a route's counters begin again at 0 in bin `first`."""
        bins = self._of_route[route].restarts
        if first < len(self.grid) and first not in bins:
            bisect.insort(bins, first)

    def forget(self, first: int) -> bool:
        """Take back bins from `first` on; says whether any had been filled."""
        taken = self.filled > first
        if taken:
            for one in self._counters:
                one.forget(first)
            self._load.forget(first)
            self.filled = first
        return taken

    def settle(self, at_s: float) -> None:
        """What happened before `at_s` will not be taken back."""
        first = self.grid.scraped_by(at_s)
        for one in self._counters:
            one.settle(first)

    def fill(self, to_s: float) -> None:
        """Fill every bin that is scraped by `to_s`."""
        low, high = self.filled, self.grid.scraped_by(to_s)
        if high <= low:
            return
        course = self._load.course(low, high, [effect for effect in self.effects if effect.overlaps(low, high)])
        for one in self._counters:
            one.fill(low, high, course.routes.get(one.layout.route))
            if one.seen is not None:
                one.lose(low, high, missing(one.layout.route, self.effects, self.grid, low, high, self._seed))
        for counter in self._status:
            of = self._counters[counter.layout]
            counter.values[low:high] = of.values[:, list(counter.rows), low:high].sum(axis=(0, 1), dtype=np.int64)
            if of.lost is not None and of.lost[low:high].any():
                mark_stale(counter.values[low:high], of.lost[low:high])
        self.filled = high

    def values(self, index: int) -> Array:
        """Cumulative counters of one layout, `[cells, rows, bins]`, int32 or, where that is too small, int64."""
        return self._counters[index].values

    def disturbed(self, index: int) -> Disturbed:
        """What was not as usual of one layout."""
        return self._counters[index].disturbed

    def restarts(self, index: int) -> tuple[int, ...]:
        """Bins in which the counters of one layout began again, ascending."""
        return tuple(self._counters[index].restarts)

    def events(self, index: int, row: int) -> Array:
        """Events of each bin of one row of a layout, over all cells, `[bins]`."""
        values = self._counters[index].values[:, row].sum(axis=0, dtype=np.int64)
        out: Array = np.diff(values, prepend=0)
        for first in self._counters[index].restarts:
            out[first] = values[first]
        return out

    def lost(self, index: int) -> Array | None:
        """Which scrapes of one layout are missing, `[bins]` booleans; None if none is."""
        found = self._counters[index].lost
        return found if found is not None and found.any() else None

    def series(self) -> Iterator[Series]:
        """Every counter that is kept at every scrape; all share the grid's times. A missing scrape has a stale marker."""
        for index in range(len(self.layouts)):
            yield from self._of_layout(index)

    def scraped(self) -> Iterator[Series]:
        """The same when all is over: without the samples that are missing."""
        for index in range(len(self.layouts)):
            lost = self.lost(index)
            yield from self._of_layout(index) if lost is None else left_out(self._of_layout(index), lost)

    def _of_layout(self, index: int) -> Iterator[Series]:
        layout, counters = self.layouts[index], self._counters[index]
        times = counters.times
        for cell, block in zip(layout.cells, counters.values if counters.seen is None else counters.seen, strict=True):
            labels = layout.labels(cell)
            for row, code in enumerate(layout.codes):
                yield Series(SeriesKey.of("http_requests_total", labels, status_code=code), times, block[row])
            for row, kept in enumerate(layout.kept, start=len(layout.codes)):
                le = le_label(layout.classes.tail_bounds[kept])
                yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le), times, block[row])
            yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le="+Inf"), times, block[-1])
            yield Series(SeriesKey.of("http_request_duration_seconds_count", labels), times, block[-1])
        for counter in self._status:
            if counter.layout == index:
                yield Series(SeriesKey.of(counter.metric, status=counter.status), times, counter.values)


def _empty(bins: int, counters: _Counters) -> Array:
    return np.zeros(bins, dtype=np.int64 if counters.seen is None else np.float64)


def _rows_of(layout: RouteLayout, digits: str, status: str) -> tuple[int, ...]:
    return tuple(row for row, code in enumerate(layout.codes) if (code[0] in digits) == (status == "success"))
