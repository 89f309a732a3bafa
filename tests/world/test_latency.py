import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.scenario.schema.base import Lognormal
from workbench.world.latency import LatencyClasses, lognormal_cdf

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
LAWS = st.builds(lambda median, sigma: Lognormal(median=f"{median:.3f}s", sigma=sigma), st.floats(0.01, 3), st.floats(0.2, 1.2))


@given(LAWS)
def test_the_distribution_function_is_that_of_scipy(law):
    at = np.array([0.0, *BOUNDS, math.inf])

    np.testing.assert_allclose(lognormal_cdf(law, at), stats.lognorm.cdf(at, law.sigma, scale=law.median), atol=1e-12)


@given(LAWS, st.floats(1, 20))
def test_shares_and_moves_add_up_to_one(law, factor):
    classes = LatencyClasses.of(law, BOUNDS, 10.0)

    assert classes.shares().sum() == pytest.approx(1)
    np.testing.assert_allclose(classes.moves(factor).sum(axis=1), 1)
    assert classes.body_shares(factor).sum() == pytest.approx(1)


@given(LAWS, st.floats(1, 8))
def test_moving_the_classes_gives_the_shares_of_the_slower_law(law, factor):
    classes = LatencyClasses.of(law, BOUNDS, 10.0)

    moved = classes.shares() @ classes.moves(factor)

    np.testing.assert_allclose(moved, classes.shares(factor), atol=1e-9)


def test_moves_agree_with_latencies_multiplied_one_by_one():
    law = Lognormal(median="160ms", sigma=0.6)
    classes = LatencyClasses.of(law, BOUNDS, 10.0)
    latencies = law.median * np.exp(law.sigma * np.random.default_rng(3).standard_normal(200_000))
    edges = np.array([0.0, *classes.tail_bounds, math.inf])
    before, after = (np.searchsorted(edges, x, side="left") - 1 for x in (latencies, 3.0 * latencies))

    moves = classes.moves(3.0)

    for a in range(classes.count):
        count = (before == a).sum()
        if count > 500:
            seen = np.bincount(after[before == a], minlength=classes.count) / count
            standard_error = np.sqrt(moves[a] * (1 - moves[a]) / count) + 1e-9
            assert np.all(np.abs(seen - moves[a]) < 5 * standard_error + 1e-6)


@given(LAWS)
def test_means_of_the_classes_average_to_the_mean_of_the_law(law):
    classes = LatencyClasses.of(law, BOUNDS, 10.0)

    mean = law.median * math.exp(law.sigma**2 / 2)
    assert classes.shares() @ classes.class_means() == pytest.approx(mean, rel=1e-6)


def test_the_body_ends_at_the_first_bound_above_the_median():
    classes = LatencyClasses.of(Lognormal(median="90ms", sigma=0.5), BOUNDS, 10.0)

    assert classes.body_bounds == (0.005, 0.01, 0.025, 0.05)
    assert classes.tail_bounds[0] == 0.1
    assert classes.tail_bounds[classes.timeout_class] == 10.0
