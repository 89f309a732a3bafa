"""Traffic that varies more than chance: dispersion and autocorrelation in closed form."""

import math

import numpy as np
import pytest

from workbench.rng import stream
from workbench.scenario.schema.traffic import Variability
from workbench.world.demand.variability import autocorrelation, covariance, index_of_dispersion, ornstein_uhlenbeck, rate_factors
from workbench.world.grid import Grid


def counts(variability, grid, mean, seeds):
    """Counts of one route, `[seeds, bins]`, with `mean` requests expected in each bin."""
    return np.array(
        [stream(seed, "counts").poisson(mean * rate_factors(variability, ("/a",), grid, seed)[0]) for seed in range(seeds)]
    )


@pytest.mark.parametrize("memory", [0.5, 3.0, 6.6, 15.0, 120.0, 3600.0, 1e7, 1e18])
@pytest.mark.parametrize("phase", [15.0, 7.0])
def test_the_scan_is_the_recursion(memory, phase):
    grid = Grid(15.0, phase, 15.0 * 2000)
    noise = stream(1, "x").standard_normal(len(grid))
    at = grid.middles_s
    due = [noise[0]]
    for k in range(1, len(grid)):
        phi = math.exp(-(at[k] - at[k - 1]) / memory)
        due.append(phi * due[-1] + math.sqrt(-math.expm1(-2 * (at[k] - at[k - 1]) / memory)) * noise[k])
    assert ornstein_uhlenbeck(stream(1, "x"), grid, memory) == pytest.approx(np.array(due), abs=1e-9)


@pytest.mark.parametrize(("spread", "memory", "mean"), [(0.3, 120.0, 40.0), (1.0, 60.0, 3.0), (0.2, 5.0, 200.0)])
def test_counts_disperse_and_remember_as_the_closed_forms_say(spread, memory, mean):
    grid, step = Grid(15.0, 15.0, 15.0 * 4000), 15.0
    drawn = counts(Variability(spread=spread, memory=memory_text(memory)), grid, mean, 80)
    means = drawn.mean(axis=1)
    assert abs(means.mean() - mean) < 4 * means.std(ddof=1) / math.sqrt(len(means))
    for bins in (1, 8, 40):
        sums = drawn.reshape(len(drawn), -1, bins).sum(axis=2)
        index = ((sums - mean * bins) ** 2).mean(axis=1) / (mean * bins)
        due = index_of_dispersion(spread, memory, step, mean, bins)
        assert due > 1.5
        assert abs(index.mean() - due) < 4 * index.std(ddof=1) / math.sqrt(len(index)), bins
    variance = mean * index_of_dispersion(spread, memory, step, mean)
    for lag in (1, 4, 12):
        seen = ((drawn[:, lag:] - mean) * (drawn[:, :-lag] - mean)).mean(axis=1) / variance
        due = autocorrelation(spread, memory, step, mean, lag)
        assert abs(seen.mean() - due) < 4 * seen.std(ddof=1) / math.sqrt(len(seen)), lag


def memory_text(seconds):
    return f"{seconds:g}s"


def test_routes_have_in_common_what_is_said():
    grid = Grid(60.0, 60.0, 60.0 * 2000)
    spread, common = 0.5, 0.4
    log_variance = math.log1p(spread**2)
    products, squares = [], []
    for seed in range(200):
        a, b = rate_factors(Variability(spread=spread, memory="3m", common="40%"), ("/a", "/b"), grid, seed)
        products.append(((a - 1) * (b - 1)).mean())
        squares.append(((a - 1) ** 2).mean())
    for seen, due in ((products, math.expm1(log_variance * common)), (squares, spread**2)):
        assert abs(np.mean(seen) - due) < 4 * np.std(seen) / math.sqrt(len(seen))
    assert covariance(spread, 180.0, 0.0) == pytest.approx(spread**2)


def test_a_route_varies_the_same_beside_other_routes():
    grid = Grid(60.0, 60.0, 60.0 * 100)
    own = Variability(spread=0.5, memory="3m", common="40%")
    alone, beside = rate_factors(own, ("/b",), grid, 3), rate_factors(own, ("/a", "/b", "/c"), grid, 3)
    assert np.array_equal(alone[0], beside[1])
