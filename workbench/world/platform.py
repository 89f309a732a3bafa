"""What the system exports besides requests: sessions, checks, backups, certificates, scans, vulnerabilities, media jobs.

Each is a small process of its own, and every metric that the reference queries name is among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey
from workbench.units import DAY_S, HOUR_S
from workbench.world.grid import Grid
from workbench.world.latency import lognormal_cdf
from workbench.world.requests import BLOCK_BINS

_MOST_BINS_OF_A_JOB = 1000
"""Length of the table of a job's duration; it bounds memory whatever the law."""


def platform_series(world: World, grid: Grid, rates: FloatArray, sessions: Mapping[str, Array], seed: int) -> Iterator[Series]:
    """All of them at every scrape. `rates` are the requests a second of each bin, `sessions` the active ones by tier."""
    times = grid.times
    platform = world.platform

    def out(name: str, values: Array, **labels: str) -> Series:
        return Series(SeriesKey.of(name, **labels), times, values)

    for tier in sorted(world.tiers):
        yield out("user_sessions_active", sessions[tier], tier=tier)
    yield out(
        "consistency_check_success_rate",
        _success_rate(grid, platform.consistency_check_every, float(platform.consistency_check_success), seed, "consistency"),
    )
    yield out(
        "backup_verification_success_rate",
        _success_rate(grid, platform.backup_every, float(platform.backup_success), seed, "backups"),
    )
    operations = stream(seed, "data operations").poisson(rates * grid.widths_s * 0.4)
    corrupt = stream(seed, "corruption").binomial(operations, float(platform.corruption_share))
    yield out("total_data_operations", np.cumsum(operations))
    yield out("data_corruption_events", np.cumsum(corrupt))
    yield out("ssl_certificate_validity_days", _certificate(world, grid))
    passed, failed = _scans(world, grid, seed)
    yield out("security_scans", passed, status="pass")
    yield out("security_scans", failed, status="fail")
    for severity, factor in (("critical", 1.0), ("high", 5.0)):
        yield out("vulnerability_resolution_time_hours", _vulnerabilities(world, grid, seed, severity, factor), severity=severity)


def media_jobs(world: World, grid: Grid, uploads: Array, seed: int) -> Series:
    """`media_processing_completed_total`: each accepted upload is done after its processing time.

    `uploads` are those of each bin.
    """
    law = world.platform.media_processing
    # A job taken somewhere in a bin is done j bins later: the law's distribution, averaged over where in the bin it began.
    # What takes longer than the table is long counts as done where it ends: three jobs in 100,000, or those beyond it.
    begun = (np.arange(32) + 0.5) / 32 * grid.step_s
    most = min(_MOST_BINS_OF_A_JOB, max(2, math.ceil(law.median * math.exp(4 * law.sigma) / grid.step_s) + 1))
    edges = np.arange(1, most) * grid.step_s
    done_by = np.mean([lognormal_cdf(law, edges - at) for at in begun], axis=0)
    shares = np.diff(np.concatenate([[0.0], done_by, [1.0]]))
    done = np.zeros(len(grid) + most, dtype=np.int64)
    for first in range(0, len(grid), BLOCK_BINS):
        taken = uploads[first : first + BLOCK_BINS]
        split = stream(seed, "media processing", first // BLOCK_BINS).multinomial(taken, shares)
        for later in range(most):
            done[first + later : first + later + len(taken)] += split[:, later]
    return Series(SeriesKey.of("media_processing_completed_total"), grid.times, np.cumsum(done[: len(grid)]))


def _success_rate(grid: Grid, every_s: float, success: float, seed: int, name: str) -> FloatArray:
    """Share of good checks so far in the last 24 hours of checks; 1 before the first."""
    count = max(1, math.ceil(grid.horizon_s / every_s))
    good = (stream(seed, name).random(count) < success).astype(np.float64)
    window = max(1, round(DAY_S / every_s))
    sums = np.concatenate([[0.0], np.cumsum(good)])
    done = np.clip((grid.times // every_s).astype(np.int64), 0, count)
    from_ = np.maximum(done - window, 0)
    return np.where(done > 0, (sums[done] - sums[from_]) / np.maximum(done - from_, 1), 1.0)


def _certificate(world: World, grid: Grid) -> FloatArray:
    """Days left; renewed when `certificate_renew_at_days` are left."""
    life = world.platform.certificate_days - world.platform.certificate_renew_at_days
    return world.platform.certificate_days - np.mod(grid.times / DAY_S, max(life, 1))


def _scans(world: World, grid: Grid, seed: int) -> tuple[Array, Array]:
    every = world.platform.security_scan_every
    count = max(1, math.ceil(grid.horizon_s / every))
    good = stream(seed, "security scans").random(count) < float(world.platform.security_scan_success)
    done = np.clip((grid.times // every).astype(np.int64), 0, count)
    passed = np.concatenate([[0], np.cumsum(good)])[done]
    return passed, done - passed


def _vulnerabilities(world: World, grid: Grid, seed: int, severity: str, factor: float) -> FloatArray:
    """Hours that the vulnerability fixed last took to fix; 0 before the first."""
    rng = stream(seed, "vulnerabilities", severity)
    every, law = world.platform.vulnerability_every, world.platform.vulnerability_fix
    count = int(rng.poisson(grid.horizon_s / every)) + 1
    found = np.sort(rng.uniform(0, grid.horizon_s, count))
    hours = factor * law.median / HOUR_S * np.exp(law.sigma * rng.standard_normal(count))
    fixed = found + hours * HOUR_S
    order = np.argsort(fixed)
    latest = np.searchsorted(fixed[order], grid.times, side="right")
    return np.concatenate([[0.0], hours[order]])[latest]
