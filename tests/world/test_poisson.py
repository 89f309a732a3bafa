import numpy as np
import pytest
from scipy import stats

from workbench.rng import stream
from workbench.world import poisson as module
from workbench.world.poisson import poisson, tables


def test_each_alias_table_gives_back_the_poisson_law():
    entries, beyond = (array.reshape(-1, 128) for array in tables())
    aliases = entries & 127
    kept = ((entries >> 7) + beyond) / 2.0**25

    mass = kept / 128
    for row in range(len(mass)):
        np.add.at(mass[row], aliases[row], (1 - kept[row]) / 128)

    expected = stats.poisson.pmf(np.arange(128), (np.arange(len(mass)) / 8)[:, None])
    np.testing.assert_allclose(mass, expected, atol=1e-14)


@pytest.mark.parametrize("mean", [0.01, 0.3, 1.06, 7.99, 33.3, 47.9, 48.0, 49.0, 310.0])
def test_counts_follow_the_law_at_one_mean(mean):
    counts = poisson(stream(5, "law", str(mean)), np.full(200_000, mean))

    top = int(stats.poisson.ppf(1 - 1e-4, mean))
    low = int(stats.poisson.ppf(1e-4, mean))
    edges = np.unique(np.linspace(low, top, min(40, top - low + 1)).astype(int))
    cdf = np.concatenate([stats.poisson.cdf(edges, mean), [1.0]])
    expected = np.diff(np.concatenate([[0.0], cdf])) * len(counts)
    seen = np.bincount(np.searchsorted(edges, counts, side="left"), minlength=len(expected))
    usable = expected > 5
    chi = ((seen - expected)[usable] ** 2 / expected[usable]).sum()
    # One in a million: nine means are tried, and a wrong table is off by thousands.
    assert chi < stats.chi2.ppf(1 - 1e-6, usable.sum())


def test_counts_follow_means_that_move():
    means = 20 + 19.9 * np.sin(np.linspace(0, 40, 400_000))

    counts = poisson(stream(6, "moving"), means)

    pit_low, pit_high = stats.poisson.cdf(counts - 1, means), stats.poisson.cdf(counts, means)
    uniform = pit_low + (pit_high - pit_low) * np.random.default_rng(1).random(len(means))
    assert stats.kstest(uniform, "uniform").pvalue > 1e-6
    z = (counts.sum() - means.sum()) / means.sum() ** 0.5
    assert abs(z) < 5


def test_the_law_test_sees_a_table_that_forgets_the_part_below_the_grid(monkeypatch):
    monkeypatch.setattr(module, "_STEPS", 8)
    means = np.full(200_000, 1.06)
    rounded = np.floor(means * 8) / 8

    counts = poisson(stream(5, "law", "1.06"), rounded)

    assert abs(counts.sum() - means.sum()) > 5 * means.sum() ** 0.5


def test_zero_means_give_zero():
    assert not poisson(stream(1, "zero"), np.zeros((3, 50))).any()
