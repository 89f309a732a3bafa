"""What numbers look like: found where it is so, and not where it is not."""

import numpy as np
import pytest

from workbench.telemetry.looks import all_failed, looks_cumulative, looks_per_interval, none_failed, rolling_window


def draws(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("window", [2, 3, 5, 10, 15, 30])
@pytest.mark.parametrize("mean", [1, 5, 200])
def test_sums_over_rows_are_found_with_their_width(window, mean):
    for seed in range(5):
        counts = draws(seed).poisson(mean, 1000).astype(float)
        assert rolling_window(np.convolve(counts, np.ones(window), "valid")) == window


def test_honest_counts_are_never_taken_for_sums():
    for seed in range(60):
        rng = draws(seed)
        n = int(rng.integers(200, 1500))
        flat = rng.poisson(rng.choice([0.5, 4, 80]), n).astype(float)
        daily = rng.poisson(50 * (1 + 0.8 * np.sin(np.arange(n) / n * rng.integers(4, 60)))).astype(float)
        flapping = np.where(np.arange(n) % 10 < 5, 100.0, 0.0) + flat
        burst = flat.copy()
        burst[50:55] += 1000
        for counts in (flat, daily, flapping, burst, np.full(n, 100.0), 100 + 50 * np.sin(np.arange(n) / 10)):
            assert rolling_window(counts) is None


def test_a_counter_looks_cumulative_and_counts_do_not():
    assert looks_cumulative(np.cumsum(draws(1).poisson(5, 100)).astype(float))
    assert not any(looks_cumulative(draws(seed).poisson(5, 40).astype(float)) for seed in range(200))
    assert not looks_cumulative(np.full(100, 50.0))
    assert not looks_cumulative(np.array([1.0, 2.0, 3.0]))


def test_counts_look_like_counts_and_a_counter_with_restarts_does_not():
    steps = draws(2).poisson(5, 400)
    counter = np.concatenate([np.cumsum(part) for part in np.split(steps, [50, 200, 300])]).astype(float)

    assert looks_per_interval(steps.astype(float))
    assert not looks_per_interval(counter)


def test_metrics_that_were_never_filled_are_told_from_real_ones():
    total = draws(3).poisson(100, 200).astype(float)
    some = draws(4).binomial(total.astype(int), 0.01).astype(float)

    assert all_failed(total, total)
    assert not all_failed(total, some)
    assert not all_failed(total[:5], total[:5])
    assert none_failed(total, np.zeros(200))
    assert not none_failed(total, some)
    assert not none_failed(total[:20], np.zeros(20))
