"""Ways to fail as a world needs them: how often, how long, how bad, each with what is uncertain about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtri, log_ndtr, ndtr, stdtrit

from workbench.fit.arrivals import Arrivals
from workbench.fit.durations import DurationFit, fit_durations
from workbench.telemetry.series import FloatArray

Kind = Literal["errors", "slow", "outage"]
GUESSED_SIGMA = {"duration": 1.1, "severity": 0.7}
"""Where fewer than three events tell: the spread of durations of announced incidents, and of severities."""
_FEWEST = 3
_SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """One incident as the history shows it, seconds after its start."""

    start_s: float
    end_s: float
    strength: float
    """errors: the share that failed beside the usual; slow: how many times slower; outage: 1."""
    listed: bool = False
    """Whether an incident list has it."""
    open_ended: bool = False

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Law:
    """A lognormal law fitted to n values; draws of its parameters are what could as well be true."""

    median: float
    sigma: float
    n: int
    guessed: bool
    """Whether sigma is a guess, because there are too few values."""

    def draws(self, rng: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
        """Medians and sigmas, `[count]` each: sigma by chi-square, the median by its normal law given sigma."""
        n = max(self.n, 2)
        sigma = self.sigma * np.sqrt((n - 1) / np.maximum(rng.chisquare(n - 1, count), 1e-3))
        sigma = np.minimum(sigma, 3 * self.sigma)
        return self.median * np.exp(sigma / math.sqrt(max(self.n, 1)) * rng.standard_normal(count)), sigma

    @property
    def interval(self) -> tuple[float, float]:
        """90 % interval of the median, Student's t in its logarithm."""
        half = float(stdtrit(max(self.n - 1, 1), 0.95)) * self.sigma / math.sqrt(max(self.n, 1))
        return self.median * math.exp(-half), self.median * math.exp(half)

    @property
    def sigma_interval(self) -> tuple[float, float]:
        """90 % interval of sigma, by chi-square."""
        free = max(self.n - 1, 1)
        low, high = float(chdtri(free, 0.05)), float(chdtri(free, 0.95))
        return self.sigma * math.sqrt(free / low), self.sigma * math.sqrt(free / high)


@dataclass(frozen=True, eq=False)
class Mode:
    """One way to fail."""

    name: str
    kind: Kind
    events: tuple[Event, ...]
    arrivals: tuple[Arrivals, ...]
    """All models that were compared, the most likely first."""
    duration: Law
    duration_fits: tuple[DurationFit, ...]
    """All families that were compared; empty with fewer than two different durations."""
    strength: Law
    """errors: of the failing share (cut at 1 in a draw); slow: of the factor less 1."""
    route: str | None = None
    """Only this route fails; None is all of them."""

    @property
    def arrival(self) -> Arrivals:
        """The most likely model."""
        return self.arrivals[0]


def duration_law(lengths_s: FloatArray, step_s: float) -> tuple[Law, tuple[DurationFit, ...]]:
    """Lognormal law of durations, and all families.

    With `step_s` > 0 durations were seen in whole steps: each lies within half a step of what was seen, and the likelihood is
    that of the interval. (Strengths are shares of whole steps, so that shorter durations would lose failures.) With 0 they are
    exact.
    """
    lengths = np.maximum(np.asarray(lengths_s, np.float64), _SHORTEST_S)
    fits: tuple[DurationFit, ...] = ()
    if len(lengths) > 1 and np.ptp(lengths) > 0:
        fits = fit_durations(lengths)
    if len(lengths) < _FEWEST:
        return Law(float(np.exp(np.log(lengths).mean())), GUESSED_SIGMA["duration"], len(lengths), guessed=True), fits
    if step_s <= 0:
        logs = np.log(lengths)
        return Law(float(np.exp(logs.mean())), max(0.05, float(logs.std(ddof=1))), len(lengths), guessed=False), fits
    mu, sigma = _censored_lognormal(lengths, step_s)
    return Law(math.exp(mu), sigma, len(lengths), guessed=False), fits


def _censored_lognormal(lengths: FloatArray, step_s: float) -> tuple[float, float]:
    """Maximum likelihood where a value is only known to half a step: a grid that closes in on the top."""
    high = np.log(lengths + step_s / 2)
    low = np.log(np.maximum(lengths - step_s / 2, 1e-3 * step_s))
    mu, sigma = float(np.log(lengths).mean()), max(0.3, float(np.log(lengths).std()))
    reach_mu, reach_sigma = 1.5, 1.2
    for _ in range(14):
        mus = mu + reach_mu * np.linspace(-1, 1, 9)
        sigmas = np.clip(sigma * np.exp(reach_sigma * np.linspace(-1, 1, 9)), 0.05, 3.0)
        a = (low[:, None, None] - mus[None, :, None]) / sigmas[None, None, :]
        b = (high[:, None, None] - mus[None, :, None]) / sigmas[None, None, :]
        likelihood = np.log(np.maximum(ndtr(b) - ndtr(a), 1e-300)).sum(axis=0)
        i, j = np.unravel_index(int(np.argmax(likelihood)), likelihood.shape)
        mu, sigma = float(mus[i]), float(sigmas[j])
        reach_mu, reach_sigma = reach_mu * 0.6, reach_sigma * 0.6
    return mu, sigma


def severity_law(ratios: FloatArray) -> Law:
    """Lognormal law of failing shares, of which those at 100 % are only known to be at least that (a draw is cut there)."""
    values = np.clip(np.asarray(ratios, np.float64), 1e-6, 1.0)
    logs = np.log(values)
    cut = values >= 0.995
    if len(values) < _FEWEST:
        return Law(float(np.exp(logs.mean())), GUESSED_SIGMA["severity"], len(values), guessed=True)
    if cut.all():
        return Law(1.0, 0.05, len(values), guessed=False)
    mu, sigma = float(logs.mean()), max(0.05, float(logs.std(ddof=1)))
    for _ in range(200):
        # EM for a normal law censored above: values beyond 0 are replaced by their conditional moments.
        z = -mu / sigma
        mills = math.exp(-0.5 * z * z - 0.5 * math.log(2 * math.pi) - float(log_ndtr(-z)))
        first = np.where(cut, mu + sigma * mills, logs)
        second = np.where(cut, mu * mu + sigma * sigma + sigma * mu * mills, logs**2)
        following = float(first.mean())
        spread = math.sqrt(max(2.5e-3, float(second.mean()) - following**2))
        if abs(following - mu) + abs(spread - sigma) < 1e-9:
            break
        mu, sigma = following, spread
    return Law(math.exp(min(mu, 0.0)), min(sigma, 3.0), len(values), guessed=False)


def slow_law(factors: FloatArray) -> Law:
    """Lognormal law of (factor - 1)."""
    logs = np.log(np.maximum(np.asarray(factors, np.float64) - 1, 1e-3))
    if len(logs) < _FEWEST:
        return Law(float(np.exp(logs.mean())), 0.4, len(logs), guessed=True)
    return Law(float(np.exp(logs.mean())), max(0.05, float(logs.std(ddof=1))), len(logs), guessed=False)
