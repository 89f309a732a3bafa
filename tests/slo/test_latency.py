import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import START, counter, policy, series, slo, telemetry
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.slo.measure import measure_slos

COUNT, BUCKET = "http_request_duration_seconds_count", "http_request_duration_seconds_bucket"
FAST = policy({"fast": slo("99%", kind="latency", threshold="250ms")})


def histogram(all_events, fast_events, *, every=1, restarts=(), route="/a"):
    """Counts at every scrape, the bucket at every `every`-th, ending with the last."""
    times = np.arange(len(all_events)) * 15.0 + 7
    kept = np.arange(len(times))[::-1][::every][::-1]
    total, fast = counter(np.asarray(all_events), restarts), counter(np.asarray(fast_events), restarts)
    return (
        series(COUNT, times, total, route=route, tier="t"),
        series(BUCKET, times[kept], fast[kept], route=route, tier="t", le="0.25"),
    )


def measured(*made, vocabulary=SIMULATED, of=FAST, rows=200):
    return measure_slos(of, telemetry(*made, horizon_s=rows * 15.0), vocabulary, START, rows * 15.0)[0]


def draws(seed, rows=200):
    rng = np.random.default_rng(seed)
    total = rng.poisson(20, rows)
    return total, rng.binomial(total, 0.95)


@pytest.mark.parametrize("every", [1, 4, 20])
def test_the_totals_of_a_run_are_those_of_the_events_whatever_the_buckets_resolution(every):
    total, fast = draws(1)

    found = measured(*histogram(total, fast, every=every))

    assert (found.total, found.good, found.unknown_events) == (total.sum(), fast.sum(), 0)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), every=st.sampled_from([1, 3, 20]), row=st.integers(1, 199))
def test_with_a_restart_good_bad_and_unknown_are_all_that_the_counter_shows_and_good_never_exceeds_known(seed, every, row):
    total, fast = draws(seed)
    counts, buckets = histogram(total, fast, every=every, restarts=[row])

    found = measured(counts, buckets)

    visible = np.diff(counts.values, prepend=0)
    shown = np.where(visible < 0, counts.values, visible).sum()
    hidden = counts.values[row - 1] if counts.values[row] >= counts.values[row - 1] else 0  # only the bucket may show the restart
    assert shown <= found.total + found.unknown_events <= shown + hidden
    assert 0 <= found.good <= found.total
    assert found.unknown_events <= 20 * 3 * every


def test_a_restart_that_only_the_finer_counter_shows_counts_for_both():
    # Count: 100, then a restart and 110 new requests. At the coarse instants alone it looks like 10 more.
    times = [7.0, 22, 37, 52]
    counts = series(COUNT, times, [100, 30, 70, 110], route="/a")
    buckets = series(BUCKET, [7.0, 52.0], [90, 95], route="/a", le="0.25")

    found = measured(counts, buckets)

    assert (found.total, found.good) == (100 + 110, 90 + 95)


def test_a_restart_that_only_the_bucket_shows_counts_for_both():
    times = [7.0, 22.0]
    found = measured(series(COUNT, times, [1, 3], route="/a"), series(BUCKET, times, [1, 0], route="/a", le="0.25"))

    assert (found.total, found.good) == (4, 1)


def test_what_was_counted_after_the_last_bucket_is_unknown():
    counts = series(COUNT, [7.0, 22, 37], [10, 20, 35], route="/a")

    found = measured(counts, series(BUCKET, [7.0, 22.0], [9, 18], route="/a", le="0.25"))

    assert (found.total, found.good, found.unknown_events) == (20, 18, 15)


def test_a_threshold_that_is_no_bound_leaves_everything_unknown():
    total, fast = draws(2)

    found = measured(*histogram(total, fast), of=policy({"x": slo(kind="latency", threshold="300ms")}))

    assert (found.sli, found.total, found.unknown_events) == (None, 0, total.sum())


def test_routes_are_added_up_and_status_codes_do_not_matter():
    (a, fast_a), (b, fast_b) = draws(3), draws(4)

    found = measured(*histogram(a, fast_a, route="/a"), *histogram(b, fast_b, route="/b", every=20))

    assert (found.total, found.good) == (a.sum() + b.sum(), fast_a.sum() + fast_b.sum())


def test_requests_of_a_route_without_a_histogram_are_unknown():
    total, fast = draws(5)
    other = series("http_requests_total", np.arange(200) * 15.0 + 7, np.full(200, 9), route="/b", status_code="200")

    found = measured(*histogram(total, fast), other)

    assert (found.total, found.unknown_events) == (total.sum(), 9)
    assert found.routes == ("/a", "/b")


def test_a_history_with_buckets_alone_counts_the_last_bucket_as_all():
    times = [0.0, 60.0]
    buckets = [series(BUCKET, times, values, route="/", le=le) for le, values in (("0.25", [8, 17]), ("+Inf", [10, 20]))]

    found = measured(*buckets, vocabulary=RECORDED)

    assert (found.total, found.good) == (20, 17)


def test_an_empty_cell_of_a_recorded_bucket_is_that_rows_unknown():
    counts = series(COUNT, [0.0, 60, 120], [10, 30, 40], route="/")

    found = measured(counts, series(BUCKET, [0.0, 120.0], [9, 19], route="/", le="0.25"), vocabulary=RECORDED)

    assert (found.total, found.good, found.unknown_events) == (20, 19, 20)
