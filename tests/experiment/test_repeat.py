import random
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from workbench.experiment.repeat import mean_of, repeat


@dataclass(frozen=True)
class Month:
    """What `repeat` needs of a scenario."""

    name: str = "month"
    seed: int = 0


def run(scenario):
    rng = np.random.default_rng(scenario.seed)
    return {"pages": float(rng.poisson(4)), "recall": None if scenario.seed % 3 == 0 else rng.random()}


class LateFirst:
    """An executor that runs what it was given in an order of its own, when it is asked for a result."""

    def __init__(self, seed):
        self._random = random.Random(seed)  # noqa: S311 - an order, no secret
        self._waiting = []

    def submit(self, fn, /, *args):
        future = Future()
        future.result = lambda: self._drain(future)
        self._waiting.append((future, fn, args))
        return future

    def _drain(self, wanted):
        self._random.shuffle(self._waiting)
        for future, fn, args in self._waiting:
            future.set_result(fn(*args))
        self._waiting.clear()
        return Future.result(wanted)


def test_results_do_not_depend_on_who_runs_them_or_when():
    here = repeat(Month(), range(20), run)

    with ThreadPoolExecutor(3) as pool:
        assert repeat(Month(), range(20), run, executor=pool) == here
    for seed in range(5):
        assert repeat(Month(), range(20), run, executor=LateFirst(seed)) == here
    assert [one["pages"] for one in here.runs] == [run(Month(seed=seed))["pages"] for seed in range(20)]


def test_the_interval_is_that_of_scipys_one_sample_t_test():
    values = [3.0, 5.5, 4.25, 9.0, 1.0]

    found = mean_of("x", values, 0.9)

    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(np.mean(values))


def test_the_interval_covers_the_expected_value_as_often_as_it_says():
    rng = np.random.default_rng(7)
    trials = 2000
    covered = 0
    for sample in rng.normal(10, 3, (trials, 6)):
        found = mean_of("x", list(sample), 0.8)
        covered += found.low <= 10 <= found.high

    assert covered / trials == pytest.approx(0.8, abs=4 * (0.8 * 0.2 / trials) ** 0.5)


def test_unknown_values_are_counted_and_left_out():
    found = {one.metric: one for one in repeat(Month(), range(9), run).means}

    assert (found["recall"].n, found["recall"].unknown) == (6, 3)
    assert (found["pages"].n, found["pages"].unknown) == (9, 0)


def test_one_run_has_a_mean_and_no_interval_and_none_has_neither():
    assert mean_of("x", [2.0]).mean == 2.0
    assert (mean_of("x", [2.0]).low, mean_of("x", [None]).mean, mean_of("x", [None]).unknown) == (None, None, 1)


def test_the_frame_is_tidy():
    frame = repeat(Month(), [1, 3], run).frame()

    assert list(frame.columns) == ["seed", "metric", "value"]
    assert frame[frame.metric == "pages"].seed.tolist() == [1, 3]
    assert frame.value.isna().sum() == 1


@pytest.mark.parametrize(
    ("seeds", "confidence", "message"), [([], 0.95, "at least one"), ([1, 2, 1], 0.95, "different"), ([1, 2], 1.0, "confidence")]
)
def test_a_repetition_that_says_nothing_is_refused(seeds, confidence, message):
    with pytest.raises(ValueError, match=message):
        repeat(Month(), seeds, run, confidence=confidence)
