"""When incidents begin: Poisson or Weibull gaps, evenly over the week or with its profile, compared by likelihood.

The process is a renewal process in a time that passes faster when incidents are more frequent, as the world runs it
(`world.plan`): with a profile h(t) of mean 1 and H its integral, the gaps of H(t_i) are independent with density f. Conditional on
the first incident, and with the time after the last one as a censored gap,

    log L = sum_i [log f(H(t_i) - H(t_{i-1})) + log h(t_i)] + log S(H(end) - H(t_n)).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from scipy.special import chdtri, ndtr

from workbench.fit.durations import ks_distance
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds

BUSINESS_HOURS = (8, 20)
_BUSY_SHARE = 5 * 12 / 168
_FEWEST_FOR_SHAPE = 8
_FEWEST_FOR_PROFILE = 20
_FEWEST_FOR_WEEK = 60
_PIECE_S = 900.0
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """One model of arrivals, fitted."""

    name: str
    """`poisson` or `weibull`, and with a profile `weibull, business hours` or `weibull, weekly profile`."""
    n: int
    every_s: float
    """Mean time between two incidents over the whole week: the period over their number."""
    every_interval: Interval
    weibull_shape: float
    shape_se: float
    hours: tuple[float, ...]
    """Relative frequency at each local hour of the day, 24; mean 1."""
    weekdays: tuple[float, ...]
    """Relative frequency on each weekday from Monday on, 7; mean 1."""
    business_factor: float
    """How much more often on working days between 08 and 20; 1 without that profile."""
    parameters: int
    log_likelihood: float
    ks_distance: float
    ks_p: float
    """How often so large a distance occurs by chance (Kolmogorov's limit; parameters taken as known, so on the large side)."""
    gap_cv: float
    """Standard deviation of the gaps over their mean; 1 is Poisson."""

    @property
    def aic(self) -> float:
        """Akaike's criterion; smaller is better."""
        return 2 * self.parameters - 2 * self.log_likelihood


def fit_arrivals(starts_s: FloatArray, length_s: float, start: dt.datetime, zone: str) -> tuple[Arrivals, ...]:
    """All models that so many incidents can tell apart, the most likely (by AIC) first.

    Args:
        starts_s: Begin of each incident, ascending, seconds after `start`.
        length_s: Period that was watched.
        start: Second 0, aware.
        zone: IANA zone of the weekly profile.

    Raises:
        ValueError: No incident, or one outside of the period.
    """
    if not len(starts_s) or starts_s[0] < 0 or starts_s[-1] > length_s:
        raise ValueError("arrivals need at least one incident inside the period")
    week = _Week.of(starts_s, length_s, start, zone)
    profiles = [_flat()]
    if len(starts_s) >= _FEWEST_FOR_PROFILE and length_s >= 7 * DAY_S:
        profiles.append(_business(week))
    if len(starts_s) >= _FEWEST_FOR_WEEK and length_s >= 28 * DAY_S:
        profiles.append(_weekly(week))
    found = []
    for profile in profiles:
        found.append(_fit(profile, week, "poisson"))
        if len(starts_s) >= _FEWEST_FOR_SHAPE:
            found.append(_fit(profile, week, "weibull"))
    return tuple(sorted(found, key=lambda one: (one.aic, one.name)))


@dataclass(frozen=True, eq=False)
class _Week:
    starts_s: FloatArray
    length_s: float
    at: FloatArray
    """Seconds of the local week of each incident."""
    pieces: FloatArray
    """Seconds of the local week of every piece of the period."""
    edges_s: FloatArray

    @classmethod
    def of(cls, starts_s: FloatArray, length_s: float, start: dt.datetime, zone: str) -> _Week:
        local = start.astimezone(ZoneInfo(zone))
        piece_s = max(_PIECE_S, math.ceil(length_s / 400_000 / _PIECE_S) * _PIECE_S)
        edges = np.append(np.arange(0.0, length_s, piece_s), length_s)
        return cls(starts_s, length_s, local_seconds(local, starts_s), local_seconds(local, (edges[:-1] + edges[1:]) / 2), edges)


@dataclass(frozen=True)
class _Profile:
    name: str
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    business_factor: float
    parameters: int

    def at(self, week_s: FloatArray) -> FloatArray:
        hours, weekdays = np.array(self.hours), np.array(self.weekdays)
        hour, day = ((week_s % DAY_S) // HOUR_S).astype(np.int64), (week_s // DAY_S).astype(np.int64)
        if self.business_factor != 1:
            quiet = 1 / (1 - _BUSY_SHARE + _BUSY_SHARE * self.business_factor)
            return np.asarray(np.where(is_business(week_s), self.business_factor * quiet, quiet), np.float64)
        return np.asarray(hours[hour] * weekdays[day], np.float64)


def is_business(week_s: FloatArray) -> FloatArray:
    """Working days between 08 and 20 o'clock, as booleans."""
    hour = (week_s % DAY_S) / HOUR_S
    return np.asarray((week_s < 5 * DAY_S) & (hour >= BUSINESS_HOURS[0]) & (hour < BUSINESS_HOURS[1]))


def _flat() -> _Profile:
    return _Profile("", (1.0,) * 24, (1.0,) * 7, 1.0, 0)


def _business(week: _Week) -> _Profile:
    busy, all_of = float(is_business(week.at).sum()), float(len(week.at))
    share = float(is_business(week.pieces).mean())
    quiet = all_of - busy
    factor = (busy / max(share, 1e-9)) / (max(quiet, 0.5) / max(1 - share, 1e-9))
    return _Profile("business hours", (1.0,) * 24, (1.0,) * 7, float(np.clip(factor, 1.0, 100.0)) + 1e-12, 1)


def _weekly(week: _Week) -> _Profile:
    """Weekdays one by one, hours in blocks of four; half an incident is added to each so that none is 0."""
    day = np.bincount((week.at // DAY_S).astype(np.int64), minlength=7) + 0.5
    days = np.bincount((week.pieces // DAY_S).astype(np.int64), minlength=7)
    weekdays = day / np.maximum(days, 1)
    block = np.bincount((week.at % DAY_S // (4 * HOUR_S)).astype(np.int64), minlength=6) + 0.5
    hours = np.repeat(block, 4)
    return _Profile("weekly profile", tuple(hours / hours.mean()), tuple(weekdays / weekdays.mean()), 1.0, 11)


def _fit(profile: _Profile, week: _Week, family: str) -> Arrivals:
    intensity = profile.at(week.pieces)
    intensity_mean = float((intensity * np.diff(week.edges_s)).sum() / week.length_s)
    passed = np.concatenate([[0.0], np.cumsum(intensity * np.diff(week.edges_s))]) / intensity_mean
    clock = np.interp(week.starts_s, week.edges_s, passed)
    gaps, last = np.diff(clock), float(passed[-1] - clock[-1])
    n = len(clock)
    every = week.length_s / n
    gaps = np.maximum(gaps, 1e-6 * every)
    cv = float(gaps.std(ddof=1) / gaps.mean()) if len(gaps) > 1 else 1.0
    shape, se = (1.0, 0.0) if family == "poisson" else weibull_with_censored(gaps, last)
    scale = _scale(gaps, last, shape)
    likelihood = weibull_log_likelihood(gaps, last, shape, scale)
    likelihood += float(np.log(np.maximum(profile.at(week.at[1:]) / intensity_mean, 1e-12)).sum())
    distance = ks_distance(np.sort(gaps), lambda x: -np.expm1(-((x / scale) ** shape))) if len(gaps) else 0.0
    spread = max(cv, 1.0) ** 2 / n
    interval = (every * math.exp(-1.645 * math.sqrt(spread)), every * math.exp(1.645 * math.sqrt(spread)))
    if n < 30 and cv <= 1.2:
        interval = poisson_mean_interval(week.length_s, n)
    name = family if not profile.name else f"{family}, {profile.name}"
    return Arrivals(
        name=name,
        n=n,
        every_s=every,
        every_interval=interval,
        weibull_shape=shape,
        shape_se=se,
        hours=profile.hours,
        weekdays=profile.weekdays,
        business_factor=profile.business_factor if profile.name == "business hours" else 1.0,
        parameters=1 + (family == "weibull") + profile.parameters,
        log_likelihood=likelihood,
        ks_distance=distance,
        ks_p=kolmogorov(distance, len(gaps)),
        gap_cv=cv,
    )


def poisson_mean_interval(length_s: float, n: int) -> Interval:
    """90 % interval of the mean gap when n Poisson incidents were seen (Garwood 1936)."""
    high = float(chdtri(2 * n + 2, 0.05)) / 2
    low = float(chdtri(2 * n, 0.95)) / 2 if n else 0.0
    return length_s / high, length_s / low if low > 0 else math.inf


def weibull_with_censored(gaps: FloatArray, last: float) -> tuple[float, float]:
    """Shape and its standard error by maximum likelihood with one censored gap; cut to what a world may have (0.3 to 5)."""
    if len(gaps) < 3 or np.ptp(gaps) == 0:
        return 1.0, 0.5

    def profile(shape: float) -> float:
        return weibull_log_likelihood(gaps, last, shape, _scale(gaps, last, shape))

    low, high = math.log(0.3), math.log(5.0)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if profile(math.exp(left)) > profile(math.exp(right)) else (left, high)
    best = float((low + high) / 2)
    step = 0.02
    curve = (profile(math.exp(best + step)) - 2 * profile(math.exp(best)) + profile(math.exp(best - step))) / step**2
    # Where the likelihood is flat the information of a complete sample, 0.78 k / sqrt(n), stands in.
    se = 1 / math.sqrt(-curve) if curve < -1e-9 else 0.78 / math.sqrt(len(gaps))
    return math.exp(best), math.exp(best) * se


def weibull_log_likelihood(gaps: FloatArray, last: float, shape: float, scale: float) -> float:
    """Of complete gaps and a last one that has not ended."""
    if not len(gaps):
        return -((last / scale) ** shape) if last > 0 else 0.0
    z = gaps / scale
    survived = (last / scale) ** shape if last > 0 else 0.0
    return float(len(gaps) * math.log(shape / scale) + (shape - 1) * np.log(z).sum() - (z**shape).sum() - survived)


def _scale(gaps: FloatArray, last: float, shape: float) -> float:
    top = max(float(gaps.max(initial=0.0)), last, 1e-9)
    powers = float(((gaps / top) ** shape).sum()) + (last / top) ** shape
    return float(top * (powers / max(1, len(gaps))) ** (1 / shape))


def kolmogorov(distance: float, n: int) -> float:
    """P(distance of n values from their own law exceeds this), by Kolmogorov's limit with Stephens' correction (1970)."""
    if n < 1 or distance <= 0:
        return 1.0
    root = math.sqrt(n)
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:
        return 1.0
    terms = [2 * (-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 60)]
    return float(min(1.0, max(0.0, sum(terms))))


def normal_p(z: float) -> float:
    """Two-sided probability of a standard normal deviation."""
    return float(2 * ndtr(-abs(z)))
