"""Slots of a few minutes in which slow processes are scraped, and how they see the requests of each slot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.grid import Grid


@dataclass(frozen=True)
class Slots:
    """`width` bins each; a last slot that is not full is left out. Restarts lie between slots."""

    grid: Grid
    width: int

    @cached_property
    def times(self) -> FloatArray:
        """Scrape at the end of each slot, seconds, `[slots]`; shared by all series of slow processes."""
        return self.grid.times[self.width - 1 :: self.width].copy()

    @property
    def begins(self) -> FloatArray:
        """Where each slot begins, seconds, `[slots]`."""
        return np.concatenate([[0.0], self.times[:-1]])

    @property
    def lengths_s(self) -> FloatArray:
        """Length of each slot in seconds, `[slots]`."""
        return np.diff(self.times, prepend=0.0)

    def __len__(self) -> int:
        """Number of slots."""
        return len(self.times)

    def means(self, bins: FloatArray) -> FloatArray:
        """Mean over each slot of what is known for each bin, `[slots]`."""
        out: FloatArray = bins[: len(self) * self.width].reshape(len(self), self.width).mean(axis=1)
        return out

    def sums(self, bins: Array) -> Array:
        """Sum over each slot of what is known for each bin, `[slots]`."""
        out: Array = bins[: len(self) * self.width].reshape(len(self), self.width).sum(axis=1)
        return out

    def increments(self, series: Series) -> Array:
        """What a counter grew by in each slot, restarts seen, `[slots]`; while scrapes are missing it grows by nothing."""
        there = np.flatnonzero(np.isfinite(series.values))
        last = np.searchsorted(series.times[there], self.times + 1e-6, side="right") - 1
        values = np.where(last >= 0, series.values[there[np.maximum(last, 0)]], series.values.dtype.type(0))
        grown = np.diff(values, prepend=values.dtype.type(0))
        out: Array = np.where(grown < 0, values, grown)
        return out

    def counted_until(self, moments_s: FloatArray) -> Array:
        """How many of the moments lie at or before the end of each slot, `[slots]`."""
        return np.searchsorted(np.sort(moments_s), self.times, side="right")


@dataclass(frozen=True)
class Seen:
    """Requests of each slot as they were scraped."""

    requests: Mapping[tuple[str, str], FloatArray]
    """By (route, tier), `[slots]`."""
    failed: Mapping[tuple[str, str], FloatArray]
    """Those answered by 5xx."""
    good: Mapping[tuple[str, str], FloatArray]
    """Those answered by 2xx or 3xx."""
    seconds: Mapping[tuple[str, str], FloatArray]
    """Time that all of them took, seconds."""

    def of_tier(self, tier: str) -> tuple[FloatArray, FloatArray]:
        """(all, failed) of one tier over all routes, `[slots]` each."""
        keys = [key for key in self.requests if key[1] == tier]
        return _sum(self.requests, keys), _sum(self.failed, keys)

    def of_route(self, route: str) -> tuple[FloatArray, FloatArray]:
        """(good answers, mean seconds of an answer) of one route over all tiers, `[slots]` each."""
        keys = [key for key in self.requests if key[0] == route]
        total = np.maximum(_sum(self.requests, keys), 1.0)
        return _sum(self.good, keys), _sum(self.seconds, keys) / total

    def failing(self) -> FloatArray:
        """Share of all requests that failed, `[slots]`."""
        total = _sum(self.requests, list(self.requests))
        return _sum(self.failed, list(self.failed)) / np.maximum(total, 1.0)


def _sum(of: Mapping[tuple[str, str], FloatArray], keys: list[tuple[str, str]]) -> FloatArray:
    length = len(next(iter(of.values())))
    out: FloatArray = np.sum([of[key] for key in keys], axis=0) if keys else np.zeros(length)
    return out


def seen(slots: Slots, scraped: Iterable[Series]) -> Seen:
    """What the request metrics say about each slot. Only their exported series are looked at."""
    requests: dict[tuple[str, str], FloatArray] = {}
    failed: dict[tuple[str, str], FloatArray] = {}
    good: dict[tuple[str, str], FloatArray] = {}
    seconds: dict[tuple[str, str], FloatArray] = {}
    for one in scraped:
        if one.key.name not in {"http_requests_total", "http_request_duration_seconds_sum"}:
            continue
        labels = one.key.label_map
        key = (labels["route"], labels["tier"])
        if key not in requests:
            for of in (requests, failed, good, seconds):
                of[key] = np.zeros(len(slots))
        grown = slots.increments(one)
        if one.key.name.endswith("_sum"):
            seconds[key] += grown
            continue
        requests[key] += grown
        code = labels["status_code"]
        if code[0] == "5":
            failed[key] += grown
        elif code[0] in "23":
            good[key] += grown
    return Seen(requests, failed, good, seconds)


def histogram(
    name: str, bounds: tuple[float, ...], times: FloatArray, counts: Array, total: Array, labels: Mapping[str, str]
) -> Iterable[Series]:
    """A histogram's series from what fell into each bucket, `counts` `[slots, bounds + 1]`, and its sum in each slot, `[slots]`."""
    running = np.cumsum(np.cumsum(counts, axis=1), axis=0).astype(np.int32 if counts.sum() < 2**31 - 1 else np.int64)
    for index, bound in enumerate((*bounds, np.inf)):
        yield Series(SeriesKey.of(f"{name}_bucket", labels, le=le_label(bound)), times, running[:, index].copy())
    yield Series(SeriesKey.of(f"{name}_count", labels), times, running[:, -1].copy())
    yield Series(SeriesKey.of(f"{name}_sum", labels), times, np.cumsum(total))


def histogram_of(
    name: str, bounds: tuple[float, ...], slots: Slots, moments_s: FloatArray, values: FloatArray, labels: Mapping[str, str]
) -> Iterable[Series]:
    """A histogram of single values, each observed at its moment; those after the last slot are not seen."""
    slot = np.searchsorted(slots.times, moments_s, side="left")
    known = slot < len(slots)
    bucket = np.searchsorted(bounds, values[known], side="left")
    counts = np.zeros((len(slots), len(bounds) + 1), dtype=np.int64)
    np.add.at(counts, (slot[known], bucket), 1)
    total = np.bincount(slot[known], weights=values[known], minlength=len(slots))
    return histogram(name, bounds, slots.times, counts, total, labels)


def split(counts: Array, shares: FloatArray, which: Array, seed: int, name: str) -> Array:
    """Put the counts of each slot into buckets, `[slots, buckets]`: multinomial, with the shares `shares[which]`."""
    out: Array = stream(seed, name).multinomial(counts, shares[which])
    return out
