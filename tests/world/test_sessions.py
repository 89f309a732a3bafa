"""Active sessions against M/G/infinity: Little's law, a Poisson marginal, the covariance of what lasts."""

import math

import numpy as np
import pytest

from workbench.units import DAY_S, HOUR_S
from workbench.world.demand.sessions import active_sessions, length_table
from workbench.world.grid import Grid


def traffic(month, sigma, length_s=600.0, requests=10.0):
    changed = {"session_sigma": sigma, "session_length": length_s, "requests_per_session": requests}
    return month.world.traffic.model_copy(update=changed)


def excess(mean, sigma, beyond):
    """E (G - x)+ by numerical integration of the law's survival function."""
    if sigma is None:
        return mean * math.exp(-beyond / mean)
    if sigma == 0:
        return max(mean - beyond, 0.0)
    z = np.linspace(-9, 9, 200_001)
    g = mean * np.exp(sigma * z - sigma**2 / 2)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(np.maximum(g - beyond, 0) * density, z))


@pytest.mark.parametrize("sigma", [None, 0, 0.6, 1.2])
@pytest.mark.parametrize("step", [15.0, 60.0])
def test_active_sessions_are_those_of_an_m_g_infinity_system(month, sigma, step):
    grid = Grid(step, 7.0, 6 * HOUR_S)
    rates = np.full(len(grid), 2.5)
    arrivals, mean = 0.25, 0.25 * 600
    every = round(60 / step)
    runs = np.array([active_sessions(traffic(month, sigma), rates, grid, seed, "free")[::every] for seed in range(240)])
    for at in (0, 1, 50, 300):
        seen = runs[:, at]
        assert abs(seen.mean() - mean) < 4 * math.sqrt(mean / len(seen)), at
        assert abs(seen.var(ddof=1) / mean - 1) < 4 * math.sqrt(2 / len(seen)), at
    for lag in (1, 5, 13, 30):
        products = ((runs[:, lag:] - mean) * (runs[:, :-lag] - mean)).mean(axis=1)
        due = arrivals * excess(600.0, sigma, 60.0 * lag)
        assert abs(products.mean() - due) < 4 * products.std() / math.sqrt(len(products)) + 0.003 * mean, lag


def test_active_sessions_follow_the_rate_with_the_lag_of_their_length(month):
    grid = Grid(60.0, 60.0, DAY_S)
    rates = 20 + 15 * np.sin(2 * np.pi * grid.middles_s / (4 * HOUR_S))
    runs = np.array([active_sessions(traffic(month, None, 1800.0), rates, grid, seed, "free") for seed in range(200)])
    # Mean number: dm/dt = arrivals - m / length, from its value at the beginning.
    due, at = [2.0 * 1800], 2.0 * 1800
    for rate in rates[1:]:
        at = at * math.exp(-60 / 1800) + rate / 10 * 1800 * -math.expm1(-60 / 1800)
        due.append(at)
    error = (runs.mean(axis=0) - np.array(due)) / np.sqrt(np.array(due) / len(runs))
    assert np.abs(error[300:]).max() < 5
    assert abs(error[300:].mean()) < 1


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("mean", [20.0, 90.0, 900.0])
def test_the_table_of_lengths_keeps_the_mean_and_nearly_the_covariance(sigma, mean):
    lags, shares = length_table(mean, sigma, 60.0)
    assert shares.sum() <= 1 + 1e-12
    assert (shares > 0).all()
    assert (lags * shares).sum() * 60 == pytest.approx(mean, rel=1e-6)
    for lag in (1, 4, 15, 16, 20, 41):
        seen = (np.maximum(lags - lag, 0) * shares).sum() * 60
        assert seen == pytest.approx(excess(mean, sigma, lag * 60.0), abs=0.004 * mean)


def test_sessions_do_not_depend_on_the_policy_or_on_other_tiers(month):
    grid = Grid(15.0, 7.0, HOUR_S)
    rates = np.full(len(grid), 3.0)
    one, again = (active_sessions(traffic(month, 1.0), rates, grid, 5, "free") for _ in range(2))
    assert one.tobytes() == again.tobytes()
    assert not np.array_equal(one, active_sessions(traffic(month, 1.0), rates, grid, 5, "premium"))


def test_a_very_busy_service_costs_no_more(month):
    grid = Grid(15.0, 7.0, DAY_S)
    rates = np.full(len(grid), 1e6)
    seen = active_sessions(traffic(month, 0.8), rates, grid, 1, "free")
    assert seen.mean() == pytest.approx(1e5 * 600, rel=0.001)
