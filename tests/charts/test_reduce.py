"""Downsampling keeps what a reader would look for: peaks, dips, gaps, ends."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.charts.reduce import envelope

columns = arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6) | st.just(float("nan")))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(columns, st.integers(4, 400))
def test_extremes_and_ends_survive_and_the_bound_holds(values, most):
    kept = envelope(values, most)

    assert len(kept) <= most
    assert np.all(np.diff(kept) > 0)
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    if not np.isnan(values).all():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)


def test_a_gap_as_long_as_a_bin_is_still_a_gap():
    values = np.ones(10_000)
    values[4000:4100] = np.nan

    kept = envelope(values, 1000)

    assert np.isnan(values[kept]).any()
