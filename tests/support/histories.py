"""Small random telemetry with everything that is hard: restarts, sparse errors, gaps, silence, warm-up."""

import numpy as np

from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry


def counters(seed, *, samples=240, routes=3, phase_s=7.0, shared=True, gaps=False, stale=False, whole=True):
    """`req{route,code}`: per route one dense and two sparse counters, with common and single restarts."""
    rng = np.random.default_rng(seed)
    times = np.arange(samples) * 15.0 + phase_s
    if gaps:
        times = times[rng.random(samples) > 0.15]
    common = np.flatnonzero(rng.random(len(times)) < 0.02)
    series = []
    for route in range(routes):
        quiet = rng.random(len(times)) < 0.3 if rng.random() < 0.4 else np.zeros(len(times), bool)
        bad = rng.choice([0.002, 0.02, 0.2])
        traffic = rng.choice([0.3, 3.0, 40.0])
        for code, share in (("200", 1 - bad), ("500", bad * 0.8), ("503", bad * 0.2)):
            rate = np.where(quiet, 0.0, traffic * share)
            burst = rng.integers(0, len(times))
            if code != "200":
                rate[burst : burst + 20] *= 30
            steps = rng.poisson(rate).astype(float) * (1 if whole else 0.1)
            values = _restarted(steps, np.union1d(common, np.flatnonzero(rng.random(len(times)) < 0.004)))
            at = times if shared else times.copy()
            if stale:
                values[rng.random(len(times)) < 0.05] = STALE
            elif whole and rng.random() < 0.5:
                values = values.astype(np.int32)
            series.append(Series(SeriesKey.of("req", route=str(route), code=code), at, values))
    return Telemetry.of(series, horizon_s=samples * 15.0, scrape_interval_s=15.0)


def _restarted(steps, restarts):
    values = np.cumsum(steps)
    for at in restarts:
        values[at:] -= values[at - 1] if at else 0.0
        values[at:] = np.maximum(values[at:], 0)
    return values
