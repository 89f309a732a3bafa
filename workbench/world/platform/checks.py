"""Checks, backups, certificates, scans and data operations: exported at every scrape, broken by failures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey
from workbench.units import DAY_S
from workbench.world.grid import Grid
from workbench.world.platform.breaks import Break, broken_share, spoiled
from workbench.world.requests import BLOCK_BINS

_OPERATIONS_PER_REQUEST = 0.4
_CORRUPTED = 0.001
"""Share of data operations that a full corruption incident spoils."""


class Checks:
    """Everything is drawn once; what a failure breaks is laid over the draws, so nothing else changes."""

    def __init__(self, world: World, grid: Grid, rates: FloatArray, seed: int) -> None:
        self._world, self._grid, self._seed = world, grid, seed
        times, platform = grid.times, world.platform
        self._operations = stream(seed, "data operations").poisson(rates * grid.widths_s * _OPERATIONS_PER_REQUEST)
        self._corrupt = stream(seed, "corruption").binomial(self._operations, float(platform.corruption_share))
        self._values = self._computed(())
        total = np.cumsum(self._operations)
        self._series = (
            *(Series(key, times, values) for key, values in self._values.items()),
            Series(SeriesKey.of("total_data_operations"), times, total),
        )

    def series(self) -> tuple[Series, ...]:
        """All of them; `rewrite` changes their values in place."""
        return self._series

    def rewrite(self, breaks: Sequence[Break], first: int) -> None:
        """Let everything from bin `first` on be as these breaks leave it."""
        for key, values in self._computed(breaks).items():
            self._values[key][first:] = values[first:]

    def _computed(self, breaks: Sequence[Break]) -> dict[SeriesKey, Array]:
        platform = self._world.platform
        passed, failed = self._scans(breaks)
        return {
            SeriesKey.of("consistency_check_success_rate"): self._success_rate(
                platform.consistency_check_every, float(platform.consistency_check_success), "consistency", breaks
            ),
            SeriesKey.of("backup_verification_success_rate"): self._success_rate(
                platform.backup_every, float(platform.backup_success), "backups", breaks
            ),
            SeriesKey.of("data_corruption_events"): np.cumsum(self._corruption(breaks)),
            SeriesKey.of("ssl_certificate_validity_days"): certificate_days(self._world, self._grid, self._seed, breaks),
            SeriesKey.of("security_scans", status="pass"): passed,
            SeriesKey.of("security_scans", status="fail"): failed,
        }

    def _success_rate(self, every_s: float, success: float, name: str, breaks: Sequence[Break]) -> FloatArray:
        """Share of good checks so far in the last 24 hours of checks; 1 before the first."""
        count = max(1, math.ceil(self._grid.horizon_s / every_s))
        good = stream(self._seed, name).random(count) < success
        at_s = (np.arange(count) + 1) * every_s
        uniform = stream(self._seed, name, "broken").random(count)
        good = spoiled(good, breaks, "consistency" if name == "consistency" else "backup", at_s, uniform)
        window = max(1, round(DAY_S / every_s))
        sums = np.concatenate([[0.0], np.cumsum(good)])
        done = _done(self._grid, every_s, count)
        from_ = np.maximum(done - window, 0)
        return np.where(done > 0, (sums[done] - sums[from_]) / np.maximum(done - from_, 1), 1.0)

    def _corruption(self, breaks: Sequence[Break]) -> Array:
        share = broken_share(breaks, "corruption", self._grid.middles_s)
        if share is None:
            return self._corrupt
        out = self._corrupt.copy()
        left = self._operations - self._corrupt
        for block in np.unique(np.flatnonzero(share) // BLOCK_BINS):
            inside = slice(block * BLOCK_BINS, (block + 1) * BLOCK_BINS)
            rng = stream(self._seed, "corrupted by a failure", int(block))
            # Bin after bin, so that a break that ends earlier leaves what was before its end.
            out[inside] += rng.binomial(left[inside], _CORRUPTED * share[inside])
        return out

    def _scans(self, breaks: Sequence[Break]) -> tuple[Array, Array]:
        platform = self._world.platform
        every = platform.security_scan_every
        count = max(1, math.ceil(self._grid.horizon_s / every))
        good = stream(self._seed, "security scans").random(count) < float(platform.security_scan_success)
        uniform = stream(self._seed, "security scans", "broken").random(count)
        good = spoiled(good, breaks, "scan", (np.arange(count) + 1) * every, uniform)
        done = _done(self._grid, every, count)
        passed = np.concatenate([[0], np.cumsum(good)])[done]
        return passed, done - passed


def certificate_days(world: World, grid: Grid, seed: int, breaks: Sequence[Break] = ()) -> FloatArray:
    """Days that the certificate is still valid at each scrape, `[bins]`; 0 when it has expired.

    Renewal is tried when `certificate_renew_at_days` are left, and once a day while it fails. While a failure breaks the process
    the certificate counts as expired; when it ends there is a new one.
    """
    platform = world.platform
    life_s = max(platform.certificate_days - platform.certificate_renew_at_days, 1) * DAY_S
    success = float(platform.certificate_renewal_success)
    rng = stream(seed, "certificate renewals")
    issued = [0.0]
    outages = sorted((one.start_s, one.end_s) for one in breaks if one.process == "certificate")
    try_s = float(life_s)
    for start_s, end_s in [*outages, (math.inf, math.inf)]:
        while try_s < min(start_s, grid.horizon_s):
            if success >= 1 or rng.random() < success:
                issued.append(try_s)
                try_s += life_s
            else:
                try_s += DAY_S
        if end_s < grid.horizon_s:
            issued.append(end_s)
            try_s = end_s + life_s
    since = grid.times - np.array(sorted(issued))[np.searchsorted(sorted(issued), grid.times, side="right") - 1]
    out: FloatArray = np.maximum(platform.certificate_days - since / DAY_S, 0.0)
    share = broken_share(breaks, "certificate", grid.times)
    return out if share is None else np.where(share > 0, 0.0, out)


def _done(grid: Grid, every_s: float, count: int) -> Array:
    """How many of `count` regular happenings are done at each scrape, `[bins]`."""
    done: Array = np.clip((grid.times // every_s).astype(np.int64), 0, count)
    return done
