"""Over-dispersion and memory: how requests vary around their shape beyond Poisson noise.

The model is a Cox stream: the rate is the shape times a mean-one lognormal factor exp(x - s^2/2), where x is Gaussian with variance
s^2 and correlation exp(-lag / memory) (an Ornstein-Uhlenbeck process). For counts n_k with expectation m_k it has

    E[n_k n_j] = m_k m_j exp(s^2 exp(-|t_k - t_j| / memory)),   k != j,
    E[n_k (n_k - 1)] = m_k^2 exp(s^2)                              (steps short against the memory),

so that log(1 + autocovariance) is a sum of exponentials, fitted by least squares over lags that grow geometrically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.fit.observed import BoolArray
from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S

_LONGEST_S = 2 * DAY_S
_MOST_SPREAD = 2.0
_MEMORIES = 160
_EVERY = 4
"""Pairs of memories are looked for among every fourth."""


@dataclass(frozen=True, eq=False)
class Variability:
    """Spread and memory of one or two independent factors; version 0 is the estimate, the others are bootstrap draws."""

    spread: FloatArray
    """Standard deviation of the logarithm of each factor, `[versions, factors]`; the one of longer memory first."""
    memory_s: FloatArray
    """Time after which its correlation has fallen to 1/e, seconds, `[versions, factors]`."""

    @property
    def factors(self) -> int:
        """How many."""
        return int(self.spread.shape[1])

    @property
    def whole(self) -> FloatArray:
        """Standard deviation of the logarithm of their product, `[versions]`."""
        return np.asarray(np.sqrt((self.spread**2).sum(axis=1)), np.float64)

    def level_se(self, length_s: float) -> float:
        """Standard error of the logarithm of a mean over so many seconds."""
        variance = (self.spread[0] ** 2) * np.minimum(1.0, 2 * self.memory_s[0] / length_s)
        return float(np.sqrt(variance.sum()))


@dataclass(frozen=True, eq=False)
class Covariances:
    """Sums over blocks from which the autocovariance at each lag follows."""

    lags_s: FloatArray
    """`[lags]`; the first is 0."""
    seen: FloatArray
    """Sum of products of residuals, Poisson noise taken off at lag 0, `[blocks, lags]`."""
    due: FloatArray
    """Sum of products of expectations, `[blocks, lags]`."""

    def ratios(self, weights: FloatArray) -> FloatArray:
        """Relative autocovariance, `[versions, lags]`, for weights of blocks `[versions, blocks]`."""
        return np.asarray((weights @ self.seen) / np.maximum(weights @ self.due, 1e-300), np.float64)


def covariances(total: FloatArray, expected: FloatArray, known: BoolArray, step_s: float, block: IntArray) -> Covariances:
    """Products of residuals at geometric lags, summed over blocks; all arguments but `step_s` are `[steps]`."""
    lags = _lags(len(total), step_s)
    blocks = int(block.max()) + 1
    left = np.where(known, total - expected, 0.0)
    due = np.where(known, expected, 0.0)
    seen = np.zeros((blocks, len(lags)))
    sizes = np.zeros((blocks, len(lags)))
    for place, lag in enumerate(lags):
        stop = len(total) - lag
        products = left[:stop] * left[lag:]
        if lag == 0:
            products = products - np.where(known, total, 0.0)
        seen[:, place] = np.bincount(block[:stop], weights=products, minlength=blocks)
        sizes[:, place] = np.bincount(block[:stop], weights=due[:stop] * due[lag:], minlength=blocks)
    return Covariances(np.asarray(lags * step_s, np.float64), seen, sizes)


def fit_variability(
    found: Covariances,
    step_s: float,
    rng: np.random.Generator,
    versions: int,
    factors: int = 2,
    absorbed: Sequence[tuple[float, float]] = (),
) -> Variability:
    """Spread and memory of the sums' autocovariance, with a Bayesian bootstrap over blocks.

    A second factor is kept only if it takes away a third of the squared error that one factor leaves.

    A fitted shape takes part of the variation for its own. `absorbed` says in which pieces: their length in seconds, and of
    how many of them each of its parameters is the mean (hours: an hour, and the number of days).
    """
    weights = np.ones((versions, len(found.seen)))
    # Gamma with this shape gives a weighted mean of n blocks the unbiased variance; exponential weights are too narrow for few.
    weights[1:] = rng.gamma(max(0.2, 1 - 2 / len(found.seen)), size=(versions - 1, len(found.seen))) + 1e-9
    target = np.log1p(np.maximum(found.ratios(weights), -0.9))
    lags = found.lags_s
    longest = min(_LONGEST_S, max(float(lags[-1]), 2 * step_s))
    memories = np.geomspace(step_s / 8, longest, _MEMORIES)
    basis = _correlation(lags, memories, step_s)
    for length, times in absorbed:
        basis = basis - _inside(length / memories)[:, None] / times * np.maximum(0.0, 1 - lags / length)
    spread, memory, error = _one(target, basis, memories)
    if factors > 1 and len(lags) >= 6:
        two, two_memory, two_error = _two(target, basis[::_EVERY], memories[::_EVERY])
        if two_error[0] < 0.67 * error[0] and two[0].min() > 0.15 * two[0].max():
            spread, memory = two, two_memory
    # What the line above calls a factor's variance is that of its logarithm only while the factor is nearly constant over a step.
    seen = np.stack([_inside(step_s / memory[:, i]) * spread[:, i] ** 2 for i in range(spread.shape[1])], axis=1)
    exact = np.stack([_spread_of(seen[:, i], step_s / memory[:, i]) for i in range(spread.shape[1])], axis=1)
    return Variability(np.minimum(exact, _MOST_SPREAD), memory)


def with_drift(
    found: Variability, total: FloatArray, expected: FloatArray, known: BoolArray, step_s: float, block: IntArray
) -> Variability:
    """One more factor, for levels of blocks (days, or tenths of a short history) that differ more than the others explain."""
    n = np.bincount(block, weights=np.where(known, total, 0.0))
    due = np.bincount(block, weights=np.where(known, expected, 0.0))
    time_s = np.bincount(block, weights=known * step_s)
    use = (time_s >= 0.5 * time_s.max()) & (due > 0)
    if use.sum() < 4:
        return found
    ratio = n[use] / due[use]
    length = float(np.median(time_s[use]))
    explained = float((1 / due[use]).mean()) + float(np.expm1(found.spread[0] ** 2 * _inside(length / found.memory_s[0])).sum())
    seen = float(np.var(ratio / ratio.mean(), ddof=1))
    # A chi-square of so many blocks exceeds its mean by that much once in twenty times.
    if seen <= explained * (1 + 1.645 * np.sqrt(2 / (use.sum() - 1))):
        return found
    excess = np.sqrt(np.log1p(seen - explained) / float(_inside(np.array([1.0]))[0]))
    versions = len(found.spread)
    spread = np.column_stack([np.full(versions, excess), found.spread])
    return Variability(spread, np.column_stack([np.full(versions, length), found.memory_s]))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _inside(a: FloatArray) -> FloatArray:
    """Variance of the mean of the process over a step, for a = step / memory, as a share of its own."""
    return np.asarray(np.where(a < 1e-4, 1.0, 2 * (a - 1 + np.exp(-a)) / np.maximum(a, 1e-4) ** 2), np.float64)


def _mean_of_products(square: FloatArray, a: FloatArray, lag: int) -> FloatArray:
    """Mean of exp(s^2 rho(u - v)) over u in one step and v in the one `lag` later (0 or 1), for a = step / memory."""
    t, weight = (_NODES + 1) / 2, _WEIGHTS / 2
    if lag == 0:
        inner = np.exp(square[..., None] * np.exp(-a[..., None] * t))
        return np.asarray((inner * 2 * (1 - t) * weight).sum(axis=-1), np.float64)
    near = np.exp(square[..., None] * np.exp(-a[..., None] * (1 - t))) * (1 - t)
    far = np.exp(square[..., None] * np.exp(-a[..., None] * (1 + t))) * (1 - t)
    return np.asarray(((near + far) * weight).sum(axis=-1), np.float64)


def _spread_of(seen: FloatArray, a: FloatArray) -> FloatArray:
    """Spread whose factor, averaged over steps, has log(1 + relative variance) `seen`: bisection, all at once."""
    low, high = np.zeros(len(seen)), np.full(len(seen), _MOST_SPREAD**2)
    for _ in range(50):
        middle = (low + high) / 2
        less = np.log(_mean_of_products(middle, a, 0)) < seen
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.asarray(np.sqrt((low + high) / 2), np.float64)


def step_moments(spread: float, memory_s: float, step_s: float) -> tuple[float, float]:
    """Of the factor averaged over steps, as a lognormal: variance of its logarithm, and correlation of neighbouring steps."""
    square, a = np.array([spread**2]), np.array([step_s / memory_s])
    own = float(np.log(_mean_of_products(square, a, 0))[0])
    beside = float(np.log(_mean_of_products(square, a, 1))[0])
    return own, min(beside / own, 0.9999999) if own > 0 else 0.0


def _one(target: FloatArray, basis: FloatArray, memories: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    size = (basis**2).sum(axis=1)
    square = np.maximum(target @ basis.T / size, 0.0)
    error = (target**2).sum(axis=1, keepdims=True) - square**2 * size
    best = np.argmin(error, axis=1)
    rows = np.arange(len(target))
    return np.sqrt(square[rows, best])[:, None], memories[best][:, None], error[rows, best]


def _two(target: FloatArray, basis: FloatArray, memories: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least squares over all pairs of memories; pairs whose best weights are not both positive are left out."""
    fast, slow = np.triu_indices(len(memories), k=4)
    gram = basis @ basis.T
    along = target @ basis.T
    a, b, c = gram[slow, slow], gram[fast, fast], gram[slow, fast]
    det = a * b - c * c
    first = (b * along[:, slow] - c * along[:, fast]) / det
    second = (a * along[:, fast] - c * along[:, slow]) / det
    explained = first * along[:, slow] + second * along[:, fast]
    explained = np.where((first > 0) & (second > 0), explained, -np.inf)
    best = np.argmax(explained, axis=1)
    rows = np.arange(len(target))
    spread = np.sqrt(np.maximum(np.column_stack([first[rows, best], second[rows, best]]), 0.0))
    memory = np.column_stack([memories[slow[best]], memories[fast[best]]])
    return spread, memory, (target**2).sum(axis=1) - explained[rows, best]


def _correlation(lags_s: FloatArray, memories_s: FloatArray, step_s: float) -> FloatArray:
    """Correlation of two steps' mean factor, `[memories, lags]`: that of the process, averaged over the steps' lengths."""
    a = step_s / memories_s[:, None]
    inside = 2 * (a - 1 + np.exp(-a)) / a**2
    between = np.exp(-lags_s[None, :] / memories_s[:, None]) * 2 * (np.cosh(np.minimum(a, 50)) - 1) / a**2
    return np.asarray(np.where(lags_s[None, :] == 0, inside, np.minimum(between, 1.0)), np.float64)


def _lags(steps: int, step_s: float) -> IntArray:
    most = int(min(steps // 4, _LONGEST_S / step_s))
    return np.unique(np.concatenate([[0, 1], np.rint(np.geomspace(1, max(1, most), 24))]).astype(np.int64))


def blocks_of(day: IntArray, steps: int) -> IntArray:
    """Pieces for a bootstrap, `[steps]`: days if there are at least four of them, else ten pieces of equal length."""
    if int(day.max()) >= 3:
        return day
    return np.minimum(np.arange(steps) * 10 // max(1, steps), 9)
