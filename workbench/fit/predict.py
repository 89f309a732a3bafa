"""Periods that a fitted world could as well have had: the light path.

The same model as the world's (shape, Cox factor, Poisson requests, incidents by a renewal process with lognormal durations and
strengths), drawn with only what the statistics need: requests and failures of each step. Every period has parameters of its
own, drawn from what the fit leaves uncertain, so that the spread over periods is a predictive distribution and not only the
world's noise.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from workbench.fit.arrivals import Arrivals, is_business
from workbench.fit.calendar import LocalTime
from workbench.fit.fitted import Fitted
from workbench.fit.modes import Event, Mode
from workbench.fit.observed import BoolArray, Observed
from workbench.fit.variability import step_moments
from workbench.rng import stream
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S
from workbench.world.calendar import local_seconds

_BURN_IN_GAPS = 20
_PIECE_S = 900.0
_MOST_GAPS = 200_000


@dataclass(frozen=True, eq=False)
class Period:
    """What was seen, or could have been seen, in one period; all `[steps]`."""

    total: FloatArray
    """Requests; NaN where the history has none to compare with."""
    judged: FloatArray
    """Requests of the routes whose errors are known."""
    errors: FloatArray
    """Failed requests of those; NaN where unknown."""
    outage: BoolArray
    slow: BoolArray
    latency_s: tuple[tuple[str, float], ...]
    """Route and 95th percentile."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The calendar of the period to be predicted."""

    start: dt.datetime
    step_s: float
    local: LocalTime
    since_fit_s: FloatArray
    """Middle of each step, seconds after the fitted history's start."""
    known: BoolArray
    """Steps that the second history knows."""
    expected: FloatArray
    """Requests of each step by the fit's estimate."""

    @classmethod
    def of(cls, fitted: Fitted, observed: Observed) -> Frame:
        """The frame of a history that is held against a fit."""
        local = LocalTime.of(observed.start, fitted.zone, observed.middles_s())
        since = (observed.start - fitted.start).total_seconds() + observed.middles_s()
        known = ~np.isnan(observed.all_total)
        expected = fitted.shapes.expected(local, since, observed.step_s)
        return cls(observed.start, observed.step_s, local, since, known, expected)

    @property
    def length_s(self) -> float:
        """Of the period."""
        return len(self.known) * self.step_s


def periods(fitted: Fitted, frame: Frame, runs: int, seed: int) -> Iterator[Period]:
    """Draw `runs` periods; each from a stream of its own."""
    for run in range(runs):
        yield _period(fitted, frame, stream(seed, "fit", "period", run))


def _period(fitted: Fitted, frame: Frame, rng: np.random.Generator) -> Period:
    versions = len(fitted.shapes.level)
    # Shape, variability and latency were drawn apart; level and growth are independent draws as well.
    version = int(rng.integers(1, versions)) if versions > 1 else 0
    rate = fitted.shapes.expected(frame.local, frame.since_fit_s, frame.step_s, version)
    other = int(rng.integers(1, versions)) if versions > 1 else 0
    factor = cox_factor(fitted.variability.spread[other], fitted.variability.memory_s[other], frame.step_s, len(rate), rng)
    total = rng.poisson(np.minimum(rate * factor, 1e15)).astype(np.float64)
    outage = np.zeros(len(rate), dtype=np.bool_)
    slow = np.zeros(len(rate), dtype=np.bool_)
    failing = np.zeros(len(rate))
    for mode in fitted.modes:
        for event in draw_events(mode, frame.start, frame.length_s, fitted.zone, rng):
            low, high = _steps(event, frame.step_s, len(rate))
            if mode.kind == "outage":
                outage[low:high] = True
            elif mode.kind == "slow":
                slow[low:high] = True
            else:
                failing[low:high] = 1 - (1 - failing[low:high]) * (1 - event.strength)
    total[outage] = 0
    judged = total
    share = float(fitted.shares[fitted.judged].sum())
    if fitted.errors_known and share < 1:
        judged = rng.binomial(total.astype(np.int64), share).astype(np.float64)
    errors = np.full(len(rate), np.nan)
    if fitted.errors_known:
        ratio = 1 - (1 - usual_ratio(fitted, frame.length_s, rng)) * (1 - failing)
        errors = rng.binomial(judged.astype(np.int64), np.clip(ratio, 0, 1)).astype(np.float64)
    for values in (total, judged, errors):
        values[~frame.known] = np.nan
    outage &= frame.known
    return Period(total, judged, errors, outage, slow & frame.known, _latencies(fitted, frame.length_s, rng))


def _steps(event: Event, step_s: float, steps: int) -> tuple[int, int]:
    low = int(event.start_s / step_s)
    return low, min(steps, low + max(1, round(event.length_s / step_s)))


def cox_factor(spread: FloatArray, memory_s: FloatArray, step_s: float, steps: int, rng: np.random.Generator) -> FloatArray:
    """Mean-one factor of each step, `[steps]`: the product of lognormal factors with exponential memory."""
    from scipy.signal import lfilter  # noqa: PLC0415 - a tenth of a second

    log = np.zeros(steps)
    for s, memory in zip(spread, memory_s, strict=True):
        if s <= 0:
            continue
        variance, phi = step_moments(float(s), float(memory), step_s)
        noise = rng.standard_normal(steps)
        noise[1:] *= math.sqrt(1 - phi * phi)
        x = lfilter([1.0], [1.0, -phi], noise)
        log += math.sqrt(variance) * x - variance / 2
    return np.asarray(np.exp(log), np.float64)


def usual_ratio(fitted: Fitted, length_s: float, rng: np.random.Generator) -> float:
    """A usual error ratio that could be true, and the drift that errors showed beyond Poisson.

    Gamma with as many events as there are independent ones: errors / dispersion.
    """
    usual = fitted.usual
    if usual.requests <= 0:
        return 0.0
    events = (usual.errors + 0.5) / max(1.0, usual.dispersion)
    ratio = (usual.errors + 0.5) / usual.requests * float(rng.gamma(events)) / events
    if usual.dispersion > 1.05 and usual.errors > 0:
        own = usual.errors * length_s / fitted.length_s / (usual.dispersion - 1)
        ratio *= float(rng.gamma(max(own, 0.05))) / max(own, 0.05)
    return min(ratio, 1.0)


def _latencies(fitted: Fitted, length_s: float, rng: np.random.Generator) -> tuple[tuple[str, float], ...]:
    """95th percentiles: an estimate that could be true, and as much again for what the period's own sample moves."""
    out = []
    for latency in fitted.latencies:
        mu, sigma = np.log(latency.median_s), latency.sigma
        middle, spread = float(mu[0]), float(sigma[0])
        if len(mu) > 2:
            for scale in (1.0, math.sqrt(fitted.length_s / length_s)):
                pick = int(rng.integers(1, len(mu)))
                middle += scale * float(mu[pick] - mu[1:].mean())
                spread += scale * float(sigma[pick] - sigma[1:].mean())
        out.append((latency.route, latency.seen_p95(math.exp(middle), max(spread, 0.01))))
    return tuple(out)


def draw_events(mode: Mode, start: dt.datetime, length_s: float, zone: str, rng: np.random.Generator) -> tuple[Event, ...]:
    """Incidents of one mode in a period, with parameters that could be true.

    The mean gap is gamma with as many independent incidents as were seen, n / cv^2; the shape of gaps is normal; durations and
    strengths are lognormal with drawn parameters.
    """
    arrival = mode.arrival
    independent = arrival.n / max(1.0, arrival.gap_cv) ** 2
    every = arrival.every_s * independent / max(float(rng.gamma(independent)), 1e-6)
    shape = float(np.clip(arrival.weibull_shape + arrival.shape_se * rng.standard_normal(), 0.3, 5.0))
    starts = draw_starts(arrival, every, shape, start, length_s, zone, rng)
    (median,), (sigma,) = mode.duration.draws(rng, 1)
    lengths = median * np.exp(sigma * rng.standard_normal(len(starts)))
    (strength,), (spread,) = mode.strength.draws(rng, 1)
    strengths = strength * np.exp(spread * rng.standard_normal(len(starts)))
    if mode.kind != "slow":
        strengths = np.minimum(strengths, 1.0)
    return tuple(
        Event(float(at), float(at + lasts), float(how))
        for at, lasts, how in zip(starts, np.maximum(lengths, 1.0), strengths, strict=True)
    )


def draw_starts(
    arrival: Arrivals,
    every_s: float,
    shape: float,
    start: dt.datetime,
    length_s: float,
    zone: str,
    rng: np.random.Generator,
) -> FloatArray:
    """Begin of incidents, seconds after `start`: Weibull gaps in a time that passes with the profile, as the world draws them."""
    scale = every_s / math.gamma(1 + 1 / shape)
    needed = length_s + _BURN_IN_GAPS * every_s
    count = int(min(_MOST_GAPS, 2 * needed / every_s + 50))
    clock = np.cumsum(scale * rng.weibull(shape, count)) - _BURN_IN_GAPS * every_s
    clock = clock[clock > 0]
    if arrival.business_factor == 1 and len(set(arrival.hours)) == 1 and len(set(arrival.weekdays)) == 1:
        return np.asarray(clock[clock < length_s], np.float64)
    edges, passed = profile_clock(arrival, start, length_s, zone)
    inside = clock[clock < passed[-1]]
    return np.asarray(np.interp(inside, passed, edges), np.float64)


@lru_cache(maxsize=64)
def profile_clock(arrival: Arrivals, start: dt.datetime, length_s: float, zone: str) -> tuple[FloatArray, FloatArray]:
    """Edges of pieces of the period, and how much time of incidents has passed at each; it runs at 1 on the mean of a week."""
    piece_s = max(_PIECE_S, math.ceil(length_s / 400_000 / _PIECE_S) * _PIECE_S)
    edges = np.append(np.arange(0.0, length_s, piece_s), length_s)
    week = local_seconds(start.astimezone(ZoneInfo(zone)), (edges[:-1] + edges[1:]) / 2)
    if arrival.business_factor != 1:
        quiet = 1 / (1 - 60 / 168 + 60 / 168 * arrival.business_factor)
        speed = np.where(is_business(week), arrival.business_factor * quiet, quiet)
    else:
        hours, weekdays = np.array(arrival.hours), np.array(arrival.weekdays)
        speed = hours[((week % DAY_S) // HOUR_S).astype(np.int64)] * weekdays[(week // DAY_S).astype(np.int64)]
        speed = speed / (hours.mean() * weekdays.mean())
    return edges, np.concatenate([[0.0], np.cumsum(speed * np.diff(edges))])


def seen_period(fitted: Fitted, observed: Observed, slow: BoolArray, latency_s: Sequence[tuple[str, float]]) -> Period:
    """A recorded history as a period, with the errors of the routes that the fit judged."""
    chosen = np.array([route in set(np.array(fitted.routes)[fitted.judged]) for route in observed.routes])
    chosen &= observed.judged
    nothing = np.full(observed.steps, np.nan)
    judged = np.asarray(observed.total[chosen].sum(axis=0), np.float64) if chosen.any() else nothing
    errors = np.asarray(observed.errors[chosen].sum(axis=0), np.float64) if chosen.any() else nothing
    return Period(observed.all_total, judged, errors, observed.outage, slow, tuple(latency_s))
