"""Level, growth, daily and weekly shape of traffic, with a bootstrap over days.

The model is multiplicative: requests of a day's hour = level x growth x weekday x hour, fitted by Poisson likelihood (iterative
proportional fitting, which handles missing hours). Everything is a function of weights on the days, so that a bootstrap over
days is the same function of other weights.

What was not seen is not invented: without two days the day is flat, without a weekend the weekend is as a working day, and the
fit says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.fit.calendar import LocalTime, shape_at
from workbench.fit.observed import BoolArray
from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S

GROWTH_DAYS = 21
"""A trend is looked for in a history of at least so many days."""
GROWTH_UNIT_DAYS = 30.0
PRIOR_GROWTH = 0.1
"""Standard deviation of the prior of the logarithm of a month's growth, around none."""
_ROUNDS = 12
_LEAST = 1e-3
"""Smallest factor of an hour or weekday, of the mean: a world sends something at every hour."""
_WHOLE_DAYS = 1.9
"""Days from which a daily shape can be told from chance."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Many versions of one traffic shape; version 0 is the estimate, the others are bootstrap draws, `[versions, ...]`."""

    level: FloatArray
    """Requests a second, mean over a week at `middle_day`, `[versions]`."""
    hours: FloatArray
    """Values that straight lines join at the middles of the hours, mean 1, `[versions, 24]`."""
    weekdays: FloatArray
    """Mean 1, `[versions, 7]`."""
    growth: FloatArray
    """Logarithm of the growth in 30 days, `[versions]`; 0 in version 0 unless it differs from 0 by two standard errors."""
    growth_se: float
    middle_day: float
    """Days after the history's start to which `level` belongs."""
    level_se: float
    """Of the logarithm of the level; slow changes of level included."""
    slow_sd: float
    """Spread of the logarithm of daily levels around the fit: what days have beyond hours, weekdays and growth."""
    slow_days: float
    """How many days a slow change lasts: the integrated autocorrelation of daily levels, at least 1."""
    daily: bool
    """Whether hours were fitted."""
    weekly: str
    """`each weekday`, `working days and weekend`, or `none`."""
    weekend_seen: bool
    days: int

    def absorbed(self, length_s: float) -> tuple[tuple[float, float], ...]:
        """Pieces of time whose means its parameters are: their length in seconds, and how many of them each is the mean of."""
        if not self.daily:
            return ((length_s, 1.0),)
        each = {"each weekday": 7, "working days and weekend": 2, "none": 1}[self.weekly]
        return ((HOUR_S, max(1.0, float(self.days))), (DAY_S, max(1.0, self.days / each)))

    def expected(self, local: LocalTime, middles_s: FloatArray, step_s: float, version: int = 0) -> FloatArray:
        """Requests due in each step, `[steps]`; `middles_s` are seconds after the fitted history's start."""
        grown = np.exp(self.growth[version] * (middles_s / DAY_S - self.middle_day) / GROWTH_UNIT_DAYS)
        shape = shape_at(local.week_s, self.hours[version], self.weekdays[version])
        return np.asarray(self.level[version] * step_s * grown * shape, np.float64)


def fit_shape(
    total: FloatArray, known: BoolArray, local: LocalTime, step_s: float, rng: np.random.Generator, versions: int
) -> Shapes:
    """Fit to requests of each step, `[steps]`; steps that are not `known` say nothing.

    Args:
        total: Requests of each step.
        known: Steps that count: neither unknown nor an outage.
        local: Local clock of the steps.
        step_s: Length of a step.
        rng: For the bootstrap.
        versions: The estimate and this many less one bootstrap draws.
    """
    days = int(local.day[-1]) + 1
    counts = np.zeros((days, 24))
    time_s = np.zeros((days, 24))
    np.add.at(counts, (local.day[known], local.hour[known]), total[known])
    np.add.at(time_s, (local.day[known], local.hour[known]), step_s)
    weekday = np.zeros(days, dtype=np.int64)
    weekday[local.day] = local.weekday
    daily = time_s.sum() / DAY_S >= _WHOLE_DAYS and bool((time_s.sum(axis=0) > 0).sum() >= 12)
    seen = time_s.sum(axis=1) >= 0.5 * DAY_S
    group, weekly = _groups(weekday, seen, daily=daily)
    weights = np.ones((versions, days))
    if days >= 3 and versions > 1:
        weights[1:] = _resampled(group, seen, rng, versions - 1)
    hours, groups, level = _proportional(counts, time_s, group, weights, daily=daily)
    middle = float((np.arange(days) * time_s.sum(axis=1)).sum() / time_s.sum() + 0.5)
    residual, sizes = _daily_residuals(counts, time_s, group, hours[0], groups[0], level[0])
    slope, slope_se, slow_sd, slow_days, day_sd = _trend(residual, sizes, middle, int(group.max()) + 1)
    groups[1:] = groups[0] * _group_noise(group, seen, day_sd, rng, versions - 1)
    growth = np.zeros(versions)
    if np.isfinite(slope_se):
        # A normal prior: months seldom grow or shrink by more than a fifth, and levels wander without a trend.
        weight = PRIOR_GROWTH**2 / (PRIOR_GROWTH**2 + slope_se**2)
        slope, slope_se = slope * weight, slope_se * np.sqrt(weight)
        growth[1:] = slope + slope_se * rng.standard_normal(versions - 1)
        growth[0] = slope if abs(slope) > 2 * slope_se else 0.0
    level_se = float(np.hypot(slow_sd * np.sqrt(slow_days / max(1, len(residual))), 1 / np.sqrt(max(1.0, counts.sum()))))
    weekdays = groups[:, group_of_weekday(weekly)]
    size = weekdays.mean(axis=1, keepdims=True)
    level = level * size[:, 0]
    level[1:] = level[0] * np.exp(level_se * rng.standard_normal(versions - 1))
    return Shapes(
        level=level,
        hours=_nodes(hours),
        weekdays=weekdays / size,
        growth=growth,
        growth_se=float(slope_se) if np.isfinite(slope_se) else 0.0,
        middle_day=middle,
        level_se=level_se,
        slow_sd=slow_sd,
        slow_days=slow_days,
        daily=daily,
        weekly=weekly,
        weekend_seen=bool((seen & (weekday >= 5)).any()),
        days=days,
    )


def group_of_weekday(weekly: str) -> IntArray:
    """Which group of days each weekday belongs to, `[7]`."""
    if weekly == "each weekday":
        return np.arange(7)
    return np.array([0, 0, 0, 0, 0, 1, 1]) if weekly == "working days and weekend" else np.zeros(7, dtype=np.int64)


def _groups(weekday: IntArray, seen: BoolArray, *, daily: bool) -> tuple[IntArray, str]:
    often = np.bincount(weekday[seen], minlength=7)
    if daily and (often >= 2).all():
        kind = "each weekday"
    elif daily and often[:5].sum() >= 1 and often[5:].sum() >= 1:
        kind = "working days and weekend"
    else:
        kind = "none"
    return group_of_weekday(kind)[weekday], kind


def _resampled(group: IntArray, seen: BoolArray, rng: np.random.Generator, draws: int) -> FloatArray:
    """Weights of days drawn inside each group, so that no weekday vanishes, `[draws, days]`.

    Of n whole days they are Dirichlet with parameter (n - 2) / n, so that the variance of a weighted mean is the unbiased estimate
    of the mean's variance (the usual bootstrap of so few days is too narrow by (n - 1) / (n + 1)); of two days one is picked.
    """
    weights = np.ones((draws, len(group)))
    for one in np.unique(group):
        own = np.flatnonzero((group == one) & seen)
        n = len(own)
        if n == 2:
            picked = rng.integers(0, 2, draws)
            weights[:, own] = 2.0 * (picked[:, None] == np.arange(2))
        elif n > 2:
            drawn = rng.gamma((n - 2) / n, size=(draws, n)) + 1e-12
            weights[:, own] = drawn * n / drawn.sum(axis=1, keepdims=True)
    return weights


def _proportional(
    counts: FloatArray, time_s: FloatArray, group: IntArray, weights: FloatArray, *, daily: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hours `[versions, 24]` (mean 1), groups `[versions, groups]` and level `[versions]`."""
    number = int(group.max()) + 1
    versions = len(weights)
    member = (group[:, None] == np.arange(number)).astype(np.float64)
    hours = np.ones((versions, 24))
    groups = np.ones((versions, number))
    n_hour = weights @ counts
    n_group = np.einsum("vd,d,dg->vg", weights, counts.sum(axis=1), member)
    time_of = np.einsum("vd,dh,dg->vgh", weights, time_s, member)
    for _ in range(_ROUNDS):
        groups = n_group / np.maximum(np.einsum("vgh,vh->vg", time_of, hours), 1e-300)
        if daily:
            due = np.einsum("vgh,vg->vh", time_of, groups)
            hours = np.where(due > 0, n_hour / np.maximum(due, 1e-300), np.nan)
            hours = _filled(hours)
            hours /= hours.mean(axis=1, keepdims=True)
    groups = np.maximum(groups, _LEAST * max(1e-12, float(groups.max())))
    level = np.ones(versions)
    return hours, groups, level


def _filled(hours: FloatArray) -> FloatArray:
    """Hours that were never seen lie on the line between their neighbours; none is 0."""
    out = hours.copy()
    missing = np.isnan(out[0])
    if missing.any() and not missing.all():
        known = np.flatnonzero(~missing)
        for row in out:
            row[missing] = np.interp(np.flatnonzero(missing), known, row[known], period=24)
    return np.asarray(np.maximum(np.nan_to_num(out, nan=1.0), _LEAST * np.nanmax(np.nan_to_num(out, nan=1.0))), np.float64)


def _nodes(hours: FloatArray) -> FloatArray:
    """Values that, joined by straight lines, have the hourly means `hours`: (a + 6 b + c) / 8 is the mean of the middle hour."""
    if np.allclose(hours, 1):
        return hours
    eye = np.eye(24)
    mean_of = 0.75 * eye + 0.125 * (np.roll(eye, 1, axis=1) + np.roll(eye, -1, axis=1))
    nodes = np.linalg.solve(mean_of, hours.T).T
    low = nodes.min(axis=1, keepdims=True) < 0.2 * hours.min(axis=1, keepdims=True)
    nodes = np.where(low, hours, nodes)
    return np.asarray(nodes / nodes.mean(axis=1, keepdims=True), np.float64)


def _daily_residuals(
    counts: FloatArray, time_s: FloatArray, group: IntArray, hours: FloatArray, groups: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Day number and logarithm of seen over due of each day of which at least half was seen, `[2, n]`; and what was due."""
    due = level * groups[group] * (time_s @ hours)
    whole = (time_s.sum(axis=1) >= 0.5 * DAY_S) & (due > 0) & (counts.sum(axis=1) > 0)
    logs = np.log(counts.sum(axis=1)[whole] / due[whole])
    return np.column_stack([np.flatnonzero(whole), logs]), due[whole]


def _group_noise(group: IntArray, seen: BoolArray, day_sd: float, rng: np.random.Generator, draws: int) -> FloatArray:
    """What the mean of each group's days leaves open, as factors `[draws, groups]`.

    The spread of days is common to all groups, and itself drawn (chi-square), so that the factors follow Student's t.
    """
    number = np.maximum(1, np.bincount(group[seen], minlength=int(group.max()) + 1))
    free = max(1, int(seen.sum()) - len(number))
    drawn = day_sd * np.sqrt(free / np.maximum(rng.chisquare(free, (draws, 1)), 0.1))
    return np.exp(np.minimum(drawn, 3 * day_sd) / np.sqrt(number) * rng.standard_normal((draws, len(number))))


def _trend(residual: FloatArray, due: FloatArray, middle: float, groups: int) -> tuple[float, float, float, float, float]:
    """Growth of the logarithm in 30 days and its standard error, spread of daily levels, days that a slow change lasts.

    The last one is the spread of daily levels with their Poisson noise. Each fitted group of days costs a degree of freedom.

    Least squares over days; the standard error takes the autocorrelation of the residuals into account (n / slow_days
    independent days).
    """
    n = len(residual)
    if n < 3:
        return 0.0, np.inf, 0.0, 1.0, 0.0
    day, logs = residual[:, 0] + 0.5 - middle, residual[:, 1] - residual[:, 1].mean()
    slope = 0.0
    long = n >= GROWTH_DAYS
    if long:
        centred = day - day.mean()
        slope = float((centred * logs).sum() / (centred**2).sum())
        logs = logs - slope * centred
    noise = float((1 / np.maximum(due, 1)).mean())
    variance = float((logs**2).sum() / max(1, n - groups - long))
    lags = min(5, n // 4)
    rho = [float((logs[lag:] * logs[:-lag]).sum() / max((logs**2).sum(), 1e-300)) for lag in range(1, lags + 1)]
    lasting = 1.0
    for value in rho:
        if value < 1.5 / np.sqrt(n):
            break
        lasting += 2 * value
    se = np.inf
    if long:
        se = float(np.sqrt(variance * lasting / ((day - day.mean()) ** 2).sum())) * GROWTH_UNIT_DAYS
    return slope * GROWTH_UNIT_DAYS, se, float(np.sqrt(max(0.0, variance - noise))), lasting, float(np.sqrt(variance))
