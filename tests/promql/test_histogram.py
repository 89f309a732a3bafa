"""histogram_quantile against the definition, histogram by histogram, and against what the buckets were filled from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.alerts.rules import Profile
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, SeriesKey, Telemetry

BOUNDS = [0.1, 0.25, 0.5, 1.0, 2.5, np.inf]


def quantile(share, counts):
    telemetry = Telemetry.of(
        [
            Series(SeriesKey.of("h", le="+Inf" if bound == np.inf else str(bound)), np.array([0.0]), np.array([count], float))
            for bound, count in zip(BOUNDS, counts, strict=True)
        ],
        horizon_s=15,
        scrape_interval_s=15,
    )
    return Evaluator(telemetry, Profile()).evaluate(parse(f"histogram_quantile({share}, h)"), np.array([1.0])).values[0, 0]


def by_interpolation(share, counts):
    rank = share * counts[-1]
    bucket = int(np.argmax(np.array(counts) >= rank))
    if bucket == len(counts) - 1:
        return BOUNDS[-2]
    return np.interp(
        rank, [counts[bucket - 1] if bucket else 0, counts[bucket]], [BOUNDS[bucket - 1] if bucket else 0, BOUNDS[bucket]]
    )


@settings(derandomize=True, deadline=None, max_examples=150)
@given(steps=st.lists(st.integers(1, 50), min_size=6, max_size=6), share=st.sampled_from([0.01, 0.1, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_interpolated_in_the_bucket_that_holds_it(steps, share):
    counts = np.cumsum(steps)

    assert quantile(share, counts) == pytest.approx(by_interpolation(share, counts), rel=1e-12)


def test_the_quantile_lies_in_the_bucket_of_the_true_one():
    latencies = np.random.default_rng(3).lognormal(-1.2, 0.8, 20_000)
    counts = [(latencies <= bound).sum() for bound in BOUNDS]
    for share in (0.1, 0.5, 0.9, 0.99):
        true = np.quantile(latencies, share)
        low, high = max([0.0, *(b for b in BOUNDS if b < true)]), min(b for b in BOUNDS if b >= true)

        assert low <= quantile(share, counts) <= high


def test_counts_that_fall_from_bucket_to_bucket_are_raised_first():
    assert quantile(0.5, [10, 8, 20, 19, 30, 30]) == quantile(0.5, [10, 10, 20, 20, 30, 30])
