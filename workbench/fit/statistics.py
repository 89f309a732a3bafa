"""What is compared between a second history and the periods that a fitted world could have had.

Each statistic is the same function of a recorded and of a drawn period. One that the second history cannot show (no weekend,
unknown errors, steps of an hour) is left out, and so is one that is the same in all drawn periods and in the history.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.fit.bursts import around, burst_steps, joined
from workbench.fit.observed import BoolArray
from workbench.fit.predict import Frame, Period
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S, MINUTE_S

_ERRORS_LIMIT = 0.01
_ROUTES = 5


@dataclass(frozen=True)
class Measure:
    """Measures periods that share a frame; `weekend` says whether the fit knows weekends, `usual` is its usual error ratio."""

    frame: Frame
    weekend: bool
    daily: bool
    usual: float
    quiet_hours: tuple[int, ...]
    """The six hours of the day that have the least traffic in the fit."""
    busy_hours: tuple[int, ...]
    """The six that have the most."""
    outages: bool
    """Whether the history reading knows outages at all."""

    def of(self, period: Period) -> dict[str, float]:
        """Statistics by name, in the order in which they are shown; NaN where the period cannot show one."""
        out: dict[str, float] = {}
        out.update(self._traffic(period))
        out.update(self._variation(period))
        out.update(self._errors(period))
        for route, p95 in period.latency_s[:_ROUTES]:
            out[f"p95 latency of {route or 'all'} (ms)"] = p95 * 1000
        if period.latency_s:
            out["slow minutes"] = float(period.slow.sum()) * self.frame.step_s / MINUTE_S
        return out

    def _traffic(self, period: Period) -> dict[str, float]:
        step = self.frame.step_s
        known = ~np.isnan(period.total) & ~period.outage
        n = np.where(known, period.total, 0.0)
        seen_s = float(known.sum()) * step
        mean = float(n.sum()) / max(seen_s, step)
        out = {"requests a day": mean * DAY_S}
        hour = _sums(n, known, max(1, round(HOUR_S / step)))
        if step < HOUR_S:
            out["busiest hour"] = float(np.nanmax(hour)) if np.isfinite(hour).any() else math.nan
        if step <= 300:
            out["busiest minute" if step == MINUTE_S else "busiest step"] = float(n.max())
        by_hour = np.bincount(self.frame.local.hour, weights=n, minlength=24)
        time_s = np.bincount(self.frame.local.hour, weights=known * step, minlength=24)
        if self.daily and (time_s > 0).sum() == 24:
            rates = by_hour / time_s / max(mean, 1e-300)
            out["quiet hours of the day / mean"] = float(rates[list(self.quiet_hours)].mean())
            out["busy hours of the day / mean"] = float(rates[list(self.busy_hours)].mean())
        free = self.frame.local.weekday >= 5
        if self.weekend and (known & free).sum() * step >= DAY_S and (known & ~free).sum() * step >= DAY_S:
            out["weekend / working day"] = float(n[free].sum() / max((known & free).sum(), 1)) / max(
                float(n[~free].sum() / max((known & ~free).sum(), 1)), 1e-300
            )
        days = self._days(n, known)
        if len(days) >= 5:
            out["spread of days"] = float(np.std(np.log(np.maximum(days, 1e-3)), ddof=1))
        if self.outages:
            runs = joined(period.outage, step)
            out["outages"] = float(len(runs))
            out["outage minutes"] = float(period.outage.sum()) * step / MINUTE_S
            out["longest outage (min)"] = float(max((high - low for low, high in runs), default=0)) * step / MINUTE_S
        return out

    def _days(self, n: FloatArray, known: BoolArray) -> FloatArray:
        """Seen over expected of each day that is at least half known."""
        day = self.frame.local.day
        due = np.bincount(day, weights=np.where(known, self.frame.expected, 0.0))
        whole = np.bincount(day, weights=known * self.frame.step_s) >= DAY_S / 2
        return np.asarray(np.bincount(day, weights=n)[whole] / np.maximum(due[whole], 1e-300), np.float64)

    def _variation(self, period: Period) -> dict[str, float]:
        step = self.frame.step_s
        known = ~np.isnan(period.total) & ~period.outage
        n = np.where(known, period.total, 0.0)
        due = np.where(known, self.frame.expected, 0.0)
        due = due * (float(n.sum()) / max(float(due.sum()), 1e-300))
        out = {}
        for scale in (MINUTE_S, 300, HOUR_S):
            times = max(1, round(scale / step))
            if scale < step - 1e-9 or len(n) // times < 20:
                continue
            seen, expected = _sums(n, known, times), _sums(due, known, times)
            good = np.isfinite(seen) & (expected > 0)
            if good.sum() >= 20:
                out[f"dispersion at {_scale(times * step)}"] = float(
                    ((seen[good] - expected[good]) ** 2).sum() / expected[good].sum()
                )
        residual = np.where(known & (due > 0), (n - due) / np.sqrt(np.maximum(due, 1e-12)), 0.0)
        for lag in dict.fromkeys((1, max(1, round(HOUR_S / step)))):
            both = known[lag:] & known[:-lag]
            if both.sum() >= 50:
                size = float((residual**2).sum() / max(known.sum(), 1))
                name = f"autocorrelation after {_scale(lag * step)}"
                out[name] = float((residual[lag:] * residual[:-lag])[both].mean()) / max(size, 1e-300)
        return out

    def _errors(self, period: Period) -> dict[str, float]:
        known = ~np.isnan(period.errors) & ~np.isnan(period.judged)
        if not known.any():
            return {}
        step = self.frame.step_s
        n, bad = np.where(known, period.judged, 0.0), np.where(known, period.errors, 0.0)
        flagged = burst_steps(n, bad, self.usual, step, known)
        runs = joined(flagged, step, known)
        over = known & (bad > _ERRORS_LIMIT * n) & (n > 0)
        calm = known & ~around(flagged, step, known)
        return {
            "error ratio": float(bad.sum()) / max(float(n.sum()), 1.0),
            "error ratio outside of bursts": float(bad[calm].sum()) / max(float(n[calm].sum()), 1.0),
            "minutes over 1% errors": float(over.sum()) * step / MINUTE_S,
            "error bursts": float(len(runs)),
            "minutes of bursts": float(sum(high - low for low, high in runs)) * step / MINUTE_S,
            "longest burst (min)": float(max((high - low for low, high in runs), default=0)) * step / MINUTE_S,
        }


def _scale(seconds: float) -> str:
    if seconds >= HOUR_S:
        return f"{seconds / HOUR_S:g} h"
    return f"{seconds / MINUTE_S:g} min" if seconds >= MINUTE_S else f"{seconds:g} s"


def _sums(values: FloatArray, known: BoolArray, times: int) -> FloatArray:
    """Sums of so many steps each; NaN where one of them is not known."""
    whole = len(values) // times
    sums = values[: whole * times].reshape(whole, times).sum(axis=1)
    all_known = known[: whole * times].reshape(whole, times).all(axis=1)
    return np.asarray(np.where(all_known, sums, np.nan), np.float64)
