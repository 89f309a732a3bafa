"""A fitted world against a second history."""

from __future__ import annotations

import numpy as np

from workbench.fit.bursts import find_slow
from workbench.fit.check import Verdict, judge
from workbench.fit.fitted import Fitted, front_percentile
from workbench.fit.latency import interpolated
from workbench.fit.observed import BoolArray, Observed
from workbench.fit.predict import Frame, periods, seen_period
from workbench.fit.statistics import Measure
from workbench.telemetry.recorded import Reading

RUNS = 300


def check_history(fitted: Fitted, observed: Observed, *, runs: int = RUNS, seed: int = 1) -> Verdict:
    """Draw periods of the length and calendar of the second history, and say where it lies among them.

    Raises:
        ValueError: Fewer than 40 runs.
    """
    frame = Frame.of(fitted, observed)
    measure = Measure(
        frame,
        weekend=fitted.shapes.weekend_seen,
        daily=fitted.shapes.daily,
        usual=fitted.usual.ratio,
        quiet_hours=tuple(np.argsort(fitted.shapes.hours[0], kind="stable")[:6].tolist()),
        busy_hours=tuple(np.argsort(fitted.shapes.hours[0], kind="stable")[-6:].tolist()),
        outages=observed.reading is not Reading.PROBES,
    )
    seen = measure.of(seen_period(fitted, observed, _slow(observed), _latencies(fitted, observed)))
    return judge(seen, [measure.of(period) for period in periods(fitted, frame, runs, seed)])


def _slow(observed: Observed) -> BoolArray:
    out = np.zeros(observed.steps, dtype=np.bool_)
    if observed.percentiles_s is not None:
        for burst in find_slow(front_percentile(observed), observed.step_s):
            out[burst.first : burst.last] = True
    return out


def _latencies(fitted: Fitted, observed: Observed) -> tuple[tuple[str, float], ...]:
    """95th percentile of each fitted route as the second history shows it, busiest first; NaN where it does not."""
    out = []
    for latency in fitted.latencies:
        p95 = float("nan")
        if latency.route in observed.routes:
            index = observed.routes.index(latency.route)
            if observed.buckets is not None and latency.bounds_s:
                p95 = interpolated(np.array(observed.bounds_s), observed.buckets[index].sum(axis=1), 0.95)
            elif observed.percentiles_s is not None:
                p95 = _middle(observed, index, 0.95)
        out.append((latency.route, p95))
    return tuple(out)


def _middle(observed: Observed, index: int, level: float) -> float:
    """Median over rows of a percentile."""
    at = np.flatnonzero(np.isclose(observed.levels, level))
    if not len(at) or observed.percentiles_s is None:
        return float("nan")
    rows = observed.percentiles_s[index, at[0]]
    return float(np.nanmedian(rows)) if (~np.isnan(rows)).any() else float("nan")
