import math

import numpy as np
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


def test_the_body_ends_at_the_first_bound_above_the_median():
    classes = LatencyClasses.of(0.09, BOUNDS, 10.0)

    assert classes.body_bounds == (0.005, 0.01, 0.025, 0.05)
    assert classes.tail_bounds[0] == 0.1
    assert classes.tail_bounds[classes.timeout_class] == 10.0
