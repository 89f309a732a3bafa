"""Latency laws from a histogram's buckets or from percentiles: lognormal, gamma, Weibull, and a mixture of two lognormals.

Buckets give a likelihood (multinomial), so families are compared by AIC. Percentiles give none: families are compared by the root
mean square of log(fitted / seen) over the levels, and the mixture, which has more parameters than four percentiles can tell,
is left out. A world draws lognormal latencies, so that family is what it is given, anchored at the 95th percentile: where no
lognormal fits all of it, the part that objectives look at is right. How much better another family fits is said beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincinv, ndtr, ndtri

from workbench.fit.observed import BoolArray
from workbench.telemetry.counters import IntArray
from workbench.telemetry.series import FloatArray

_FEWEST = 50.0
"""Requests that a route's latency is fitted to at least."""
_FLOOR = 1e-12
_LEAST_MEDIAN = 0.02
"""Of the first bound: what lies below it a histogram cannot tell."""


@dataclass(frozen=True, slots=True)
class LatencyFit:
    """One family fitted to one route."""

    family: str
    parameters: tuple[tuple[str, float], ...]
    """Named; those that end in `_s` are seconds."""
    distance: float
    """Buckets: largest distance of the two distribution functions at a bound. Percentiles: root mean square of
    log(fitted / seen)."""
    aic: float | None
    """None where only percentiles are known."""


@dataclass(frozen=True, eq=False)
class RouteLatency:
    """What is known of one route's latency."""

    route: str
    source: str
    """`histogram`, `percentiles` or `samples`."""
    median_s: FloatArray
    """Of the lognormal; version 0 is the estimate, the others are bootstrap draws, `[versions]`."""
    sigma: FloatArray
    p95_s: float
    """As seen: interpolated in the histogram, or the median of the rows' percentile; NaN where unknown."""
    fits: tuple[LatencyFit, ...]
    """Best first."""
    requests: float
    bounds_s: tuple[float, ...] = ()
    """Of the histogram it was seen through."""

    def seen_p95(self, median_s: float, sigma: float) -> float:
        """The 95th percentile of a lognormal as it would be seen: through the histogram's bounds where there is one."""
        if not self.bounds_s:
            return median_s * math.exp(sigma * float(ndtri(0.95)))
        bounds = np.array(self.bounds_s)
        upto = np.concatenate([[0.0], ndtr(np.log(bounds / median_s) / sigma), [1.0]])
        return interpolated(bounds, np.diff(upto), 0.95)

    def quantile(self, level: float) -> FloatArray:
        """Of the lognormal, seconds, `[versions]`."""
        return np.asarray(self.median_s * np.exp(self.sigma * ndtri(level)), np.float64)


def from_buckets(
    route: str, bounds_s: Sequence[float], blocks: FloatArray, rng: np.random.Generator, versions: int
) -> RouteLatency | None:
    """A route's latency from requests by bucket, `[blocks, bounds + 1]`; None with too few requests or all in one bucket.

    The blocks (days, or tenths of a short history) are what the bootstrap weighs.
    """
    counts = blocks.sum(axis=0)
    if counts.sum() < _FEWEST or (counts > 0).sum() < 2:
        return None
    bounds = np.array(bounds_s)
    start_mu, start_sigma = _probit(bounds, counts)
    seen = counts.cumsum()[:-1] / counts.sum()
    laws = _families(start_mu, start_sigma, counts, bounds)
    fits = []
    best = (start_mu, start_sigma)
    for name, start, cdf, named in laws:
        found, likelihood = _maximise(lambda p, c=cdf: _log_likelihood(c(bounds, p), counts), start)  # type: ignore[misc]
        fitted = cdf(bounds, found)
        if name == "lognormal":
            best = (found[0], _exp(found[1]))
        fits.append(LatencyFit(name, named(found), float(np.abs(fitted - seen).max()), 2 * len(start) - 2 * likelihood))
    best = _anchored(best, bounds, seen)
    median, sigma = np.full(versions, math.exp(best[0])), np.full(versions, best[1])
    middle_mu, middle_spread = _anchored((start_mu, start_sigma), bounds, seen)
    for version in range(1, versions):
        again = blocks.T @ rng.exponential(size=len(blocks))
        mu, spread = _anchored(_probit(bounds, again), bounds, again.cumsum()[:-1] / again.sum())
        median[version] = math.exp(best[0] + mu - middle_mu)
        sigma[version] = max(0.01, best[1] + spread - middle_spread)
    ordered = tuple(sorted(fits, key=lambda fit: (fit.aic if fit.aic is not None else math.inf, fit.family)))
    return RouteLatency(
        route,
        "histogram",
        np.maximum(median, bounds[0] * _LEAST_MEDIAN),
        np.clip(sigma, 0.01, 5),
        interpolated(bounds, counts, 0.95),
        ordered,
        float(counts.sum()),
        tuple(bounds_s),
    )


def from_percentiles(
    route: str,
    levels: Sequence[float],
    rows_s: FloatArray,
    block: IntArray,
    rng: np.random.Generator,
    versions: int,
    requests: float,
) -> RouteLatency | None:
    """A route's latency from percentiles of each row, `[levels, rows]`; `block` `[rows]` numbers what the bootstrap weighs.

    The percentile of a level is the median over rows, which a few slow rows do not move.
    """
    known: BoolArray = np.asarray(~np.isnan(rows_s).all(axis=0), np.bool_)
    if known.sum() < 2:
        return None
    rows, number = rows_s[:, known], block[known].astype(np.int64)
    use: BoolArray = np.asarray(~np.isnan(rows).all(axis=1), np.bool_)
    use &= np.nan_to_num(np.nanmedian(np.where(use[:, None], rows, 1.0), axis=1)) > 0
    if not use.any():
        return None
    p, rows = np.array(levels)[use], rows[use]
    q = np.nanmedian(rows, axis=1)
    mu, sigma = _line(p, np.log(q))
    median, spread = np.full(versions, math.exp(mu)), np.full(versions, sigma)
    numbers = np.unique(number)
    members = [np.flatnonzero(number == one) for one in numbers]
    for version in range(1, versions):
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        again = np.nanmedian(rows[:, chosen], axis=1)
        if np.isnan(again).any() or (again <= 0).any():
            again = q
        a, b = _line(p, np.log(again))
        median[version], spread[version] = math.exp(a), b
    fits = sorted(_percentile_fits(p, q, mu, sigma), key=lambda fit: (fit.distance, fit.family))
    at95 = np.flatnonzero(np.isclose(p, 0.95))
    p95 = float(q[at95[0]]) if len(at95) else math.nan
    return RouteLatency(route, "percentiles", median, np.clip(spread, 0.01, 5), p95, tuple(fits), requests)


def from_samples(route: str, samples_s: FloatArray, rng: np.random.Generator, versions: int) -> RouteLatency | None:
    """A route's latency from single measurements, as probes have them, `[n]`."""
    values = samples_s[np.isfinite(samples_s) & (samples_s > 0)]
    if len(values) < 5 or np.ptp(values) == 0:
        return None
    logs = np.log(values)
    median, sigma = np.full(versions, math.exp(float(logs.mean()))), np.full(versions, float(logs.std(ddof=1)))
    for version in range(1, versions):
        again = logs[rng.integers(0, len(logs), len(logs))]
        median[version], sigma[version] = math.exp(float(again.mean())), max(0.01, float(again.std(ddof=1)))
    p = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
    q = np.quantile(values, p)
    fits = sorted(_percentile_fits(p, q, float(logs.mean()), float(logs.std(ddof=1))), key=lambda fit: (fit.distance, fit.family))
    p95 = float(np.quantile(values, 0.95))
    return RouteLatency(route, "samples", median, np.clip(sigma, 0.01, 5), p95, tuple(fits), float(len(values)))


def interpolated(bounds_s: FloatArray, counts: FloatArray, level: float) -> float:
    """A quantile as `histogram_quantile` gives it, straight inside the bucket; the last bound where it lies above it."""
    total = float(counts.sum())
    if total <= 0:
        return math.nan
    upto = np.concatenate([[0.0], counts.cumsum()])
    at = int(np.searchsorted(upto[1:], level * total))
    if at >= len(bounds_s):
        return float(bounds_s[-1])
    low = float(bounds_s[at - 1]) if at else 0.0
    inside = float(counts[at])
    return low + (float(bounds_s[at]) - low) * ((level * total - float(upto[at])) / inside if inside > 0 else 1.0)


def _probit(bounds: FloatArray, counts: FloatArray) -> tuple[float, float]:
    """Weighted straight line of probits against log bounds: minimum chi-square for a lognormal (Berkson 1955), in closed form."""
    total = float(counts.sum())
    share = counts.cumsum()[:-1] / total
    half = 0.5 / total
    inside = np.clip(share, half, 1 - half)
    z = ndtri(inside)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    weight = density**2 / (inside * (1 - inside))
    weight = np.where((share <= 0) | (share >= 1), weight * 1e-3, weight)
    x = np.log(bounds)
    mean_x, mean_z = float(np.average(x, weights=weight)), float(np.average(z, weights=weight))
    square = float((weight * (x - mean_x) ** 2).sum())
    slope = float((weight * (x - mean_x) * (z - mean_z)).sum()) / square if square > 0 else 1.0
    slope = max(slope, 0.2)
    return mean_x - mean_z / slope, 1 / slope


def _anchored(law: tuple[float, float], bounds: FloatArray, seen: FloatArray) -> tuple[float, float]:
    """The mu and sigma changed so that the share below the bound nearest to the 95th percentile is as seen.

    The median stays and sigma turns, unless the anchor lies too near to the median for that.
    """
    mu, sigma = law
    inside = (seen > 0.8) & (seen < 0.995)
    if not inside.any():
        return mu, sigma
    at = int(np.argmin(np.where(inside, np.abs(seen - 0.95), np.inf)))
    z = float(ndtri(seen[at]))
    turned = (math.log(bounds[at]) - mu) / z
    return (mu, turned) if 0.3 * sigma < turned < 3 * sigma else (math.log(bounds[at]) - sigma * z, sigma)


def _line(p: FloatArray, logs: FloatArray) -> tuple[float, float]:
    """The mu and sigma of the lognormal through the level nearest to 0.95, and otherwise nearest to all of them.

    Nearest is by least squares of the logarithms. Of one level alone sigma is a guess of 0.5.
    """
    z = ndtri(p)
    if len(p) < 2:
        return float(logs[0] - 0.5 * z[0]), 0.5
    at = int(np.argmin(np.abs(p - 0.95)))
    away, apart = z[at] - z, logs[at] - logs
    sigma = max(0.01, float((away * apart).sum() / (away**2).sum()))
    return float(logs[at] - sigma * z[at]), sigma


Law = tuple[
    str,
    list[float],
    Callable[[FloatArray, Sequence[float]], FloatArray],
    Callable[[Sequence[float]], tuple[tuple[str, float], ...]],
]


def _families(mu: float, sigma: float, counts: FloatArray, bounds: FloatArray) -> list[Law]:
    mean = math.exp(mu + min(sigma, 1.5) ** 2 / 2)
    laws: list[Law] = [
        ("lognormal", [mu, math.log(sigma)], _lognormal_cdf, lambda p: (("median_s", _exp(p[0])), ("sigma", _exp(p[1])))),
        ("gamma", [math.log(1.0), math.log(mean)], _gamma_cdf, lambda p: (("shape", _exp(p[0])), ("scale_s", _exp(p[1])))),
        ("weibull", [0.0, math.log(mean)], _weibull_cdf, lambda p: (("shape", _exp(p[0])), ("scale_s", _exp(p[1])))),
    ]
    if (counts > 0).sum() >= 6 and len(bounds) >= 6:
        laws.append(
            (
                "two lognormals",
                [mu - 0.3 * sigma, math.log(0.6 * sigma), math.log(0.1 / 0.9), mu + 2 * sigma, math.log(sigma)],
                _mixture_cdf,
                lambda p: (
                    ("median_s", _exp(p[0])),
                    ("sigma", _exp(p[1])),
                    ("slow_share", 1 / (1 + _exp(-p[2]))),
                    ("slow_median_s", _exp(p[3])),
                    ("slow_sigma", _exp(p[4])),
                ),
            )
        )
    return laws


def _exp(x: float) -> float:
    return math.exp(min(max(x, -60.0), 60.0))


def _lognormal_cdf(x: FloatArray, p: Sequence[float]) -> FloatArray:
    return np.asarray(ndtr((np.log(x) - p[0]) / _exp(min(p[1], 5.0))), np.float64)


def _gamma_cdf(x: FloatArray, p: Sequence[float]) -> FloatArray:
    return np.asarray(gammainc(math.exp(np.clip(p[0], -8, 8)), x / math.exp(np.clip(p[1], -30, 30))), np.float64)


def _weibull_cdf(x: FloatArray, p: Sequence[float]) -> FloatArray:
    return np.asarray(-np.expm1(-((x / math.exp(np.clip(p[1], -30, 30))) ** math.exp(np.clip(p[0], -5, 3)))), np.float64)


def _mixture_cdf(x: FloatArray, p: Sequence[float]) -> FloatArray:
    slow = 1 / (1 + _exp(-p[2]))
    return (1 - slow) * _lognormal_cdf(x, p[:2]) + slow * _lognormal_cdf(x, p[3:])


def _log_likelihood(upto: FloatArray, counts: FloatArray) -> float:
    share = np.diff(np.concatenate([[0.0], upto, [1.0]]))
    return float((counts * np.log(np.maximum(share, _FLOOR))).sum())


def _maximise(likelihood: Callable[[Sequence[float]], float], start: list[float]) -> tuple[list[float], float]:
    from scipy.optimize import minimize  # noqa: PLC0415 - a tenth of a second that only a fit of buckets needs

    found = minimize(lambda p: -likelihood(p), start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-6, "fatol": 1e-6})
    return [float(x) for x in found.x], -float(found.fun)


def _percentile_fits(p: FloatArray, q: FloatArray, mu: float, sigma: float) -> list[LatencyFit]:
    logs = np.log(q)

    def distance(fitted: FloatArray) -> float:
        return float(np.sqrt(np.mean((fitted - logs) ** 2)))

    fits = [
        LatencyFit("lognormal", (("median_s", math.exp(mu)), ("sigma", sigma)), distance(mu + sigma * ndtri(p)), None),
    ]
    if len(p) < 2:
        return fits
    x = np.log(-np.log1p(-p))
    slope = max(1e-3, float(((x - x.mean()) * logs).sum() / ((x - x.mean()) ** 2).sum()))
    scale = float(logs.mean() - slope * x.mean())
    fits.append(LatencyFit("weibull", (("shape", 1 / slope), ("scale_s", math.exp(scale))), distance(scale + slope * x), None))
    shapes = np.geomspace(0.05, 50, 200)
    table = np.log(np.maximum(gammaincinv(shapes[:, None], p[None, :]), 1e-300))
    shift = (logs[None, :] - table).mean(axis=1)
    apart = np.sqrt(((table + shift[:, None] - logs) ** 2).mean(axis=1))
    best = int(np.argmin(apart))
    parameters = (("shape", float(shapes[best])), ("scale_s", math.exp(float(shift[best]))))
    fits.append(LatencyFit("gamma", parameters, float(apart[best]), None))
    return fits
