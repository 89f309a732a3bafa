"""Histories drawn from known laws, for tests of fits."""

import datetime as dt

import numpy as np

from workbench.fit.observed import Observed
from workbench.telemetry.recorded import Reading

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)  # a Monday
DAILY = 1 + 0.5 * np.sin(np.arange(24) / 24 * 2 * np.pi)


def cox(rng, steps, step_s, spread, memory_s):
    """Mean-one factor at the middle of each step: exp of an Ornstein-Uhlenbeck process, by its exact recursion."""
    log_sd = np.sqrt(np.log1p(spread**2))
    phi = np.exp(-step_s / memory_s)
    x = np.empty(steps)
    x[0] = rng.standard_normal()
    noise = rng.standard_normal(steps) * np.sqrt(1 - phi * phi)
    for k in range(1, steps):
        x[k] = phi * x[k - 1] + noise[k]
    return np.exp(log_sd * x - log_sd**2 / 2)


def history(
    seed,
    *,
    days=14,
    step_s=60.0,
    rps=2.0,
    hours=DAILY,
    weekend=0.6,
    spread=0.2,
    memory_s=900.0,
    ratio=0.001,
    every_s=2 * 86_400.0,
    median_s=1800.0,
    sigma=0.8,
    strength=0.1,
    start=START,
    growth=0.0,
):
    """One route under a Cox stream with error incidents; `rps` is the mean over the week."""
    rng = np.random.default_rng(seed)
    steps = int(days * 86_400 / step_s)
    seconds = (np.arange(steps) + 0.5) * step_s + (start - START).total_seconds()
    day = seconds // 86_400
    hour = seconds % 86_400 / 3600
    shape = np.interp(hour, np.arange(-1, 25) + 0.5, np.concatenate([hours[-1:], hours, hours[:1]]))
    weekdays = np.where(np.arange(7) >= 5, weekend, 1.0)
    rate = rps * shape / hours.mean() * weekdays[(day % 7).astype(int)] / weekdays.mean()
    rate = rate * (1 + growth) ** ((np.arange(steps) + 0.5) * step_s / 86_400 / 30)
    total = rng.poisson(rate * step_s * cox(rng, steps, step_s, spread, memory_s)).astype(float)
    failing = np.full(steps, ratio)
    if every_s:
        for begin in np.flatnonzero(rng.random(steps) < step_s / every_s):
            length = max(1, round(median_s * np.exp(sigma * rng.standard_normal()) / step_s))
            bad = min(1.0, strength * np.exp(0.5 * rng.standard_normal()))
            failing[begin : begin + length] = 1 - (1 - failing[begin : begin + length]) * (1 - bad)
    errors = rng.binomial(total.astype(int), failing).astype(float)
    return observed(total, errors, step_s=step_s, start=start)


def observed(total, errors=None, *, step_s=60.0, start=START, routes=("/",), **more):
    """An observed history of these counts, `[steps]` or `[routes, steps]`."""
    total = np.atleast_2d(np.asarray(total, float))
    errors = np.full(total.shape, np.nan) if errors is None else np.atleast_2d(np.asarray(errors, float))
    more.setdefault("outage", np.zeros(total.shape[1], dtype=bool))
    return Observed(start, step_s, routes, total, errors, codes={}, reading=Reading.COUNTS, **more)
