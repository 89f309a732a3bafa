"""Objectives over the user's own PromQL: counted as the same objective said in the policy's words, or stepped and said so."""

import numpy as np
import pytest

from tests.slo.making import START, policy, requests, series, slo, telemetry
from tests.slo.test_indicators import busy
from tests.slo.test_latency import draws, histogram
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.errors import Severity
from workbench.slo.indicators import count_events
from workbench.slo.measure import measure_slos
from workbench.slo.query_events import query_findings

W = "[{{.window}}]"


def query(target="99.9%", **queries):
    return slo(target, kind="query", **queries)


def both(slos, data, vocabulary=SIMULATED):
    """The columns of two objectives."""
    one, other = count_events(policy(slos), data, vocabulary).slos.values()
    return [(c.times, c.bad, c.known, c.everything) for c in (one, other)]


def same(columns):
    for mine, theirs in zip(*columns, strict=True):
        np.testing.assert_array_equal(mine, theirs)


EQUAL = {
    "everything": (
        slo(),
        query(errors=f'sum(rate(http_requests_total{{status_code=~"5.."}}{W}))', total=f"sum(rate(http_requests_total{W}))"),
    ),
    "as increases, by route": (
        slo(routes=["/api/*"]),
        query(
            errors=f'sum by (route) (increase(http_requests_total{{route=~"/api/.*",status_code=~"5.."}}{W}))',
            total=f'sum by (route) (increase(http_requests_total{{route=~"/api/.*"}}{W}))',
        ),
    ),
    "without some codes": (
        slo(routes=["/login"], exclude_codes=["4.."]),
        query(
            errors=f'sum(rate(http_requests_total{{route="/login",status_code=~"5.."}}{W})) or vector(0)',
            total=f'sum(rate(http_requests_total{{route="/login",status_code!~"4.."}}{W}))',
        ),
    ),
    "a sum of two": (
        slo(bad_codes=["5..", "429"]),
        query(
            errors=f'sum(rate(http_requests_total{{status_code=~"5.."}}{W}))'
            f' + sum(rate(http_requests_total{{status_code="429"}}{W}))',
            total=f"sum(rate(http_requests_total{W}))",
        ),
    ),
    "good and total": (
        slo(),
        query(good=f'sum(rate(http_requests_total{{status_code!~"5.."}}{W}))', total=f"sum(rate(http_requests_total{W}))"),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_a_query_that_adds_up_counters_counts_what_the_same_objective_counts(name):
    data, _ = busy()
    said, queried = EQUAL[name]

    same(both({"a-said": said, "b-queried": queried}, data))


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("restarts", [(), (70,)])
def test_a_query_of_buckets_is_read_with_their_count_as_latency_is(every, restarts):
    total, fast = draws(5)
    made = histogram(total, fast, every=every, restarts=restarts)
    stem = "http_request_duration_seconds"
    queried = query("99%", good=f'sum(rate({stem}_bucket{{le="0.25"}}{W}))', total=f"sum(rate({stem}_count{W}))")

    same(both({"a": slo("99%", kind="latency", threshold="250ms"), "b": queried}, telemetry(*made, horizon_s=3000.0)))


def test_rows_of_a_history_without_errors_are_unknown_to_a_query_too():
    times = np.arange(200) * 60.0
    unknown = np.zeros(200, bool)
    unknown[50:60] = True
    made = []
    for route in ("/a", "/b"):
        total = requests(times, np.full(200, 10), route=route)
        errors = np.cumsum(np.arange(200) % 7 == 0)
        kept = ~unknown if route == "/a" else np.ones(200, bool)
        made += [total, series("http_request_errors_total", times[kept], errors[kept], route=route)]
    data = telemetry(*made, horizon_s=12_000.0, scrape_interval_s=60.0)
    queried = query(errors=f"sum(rate(http_request_errors_total{W}))", total=f"sum(rate(http_requests_total{W}))")

    columns = both({"a": slo(), "b": queried}, data, RECORDED)

    same(columns)
    _, _, known, everything = columns[1]
    assert everything[-1] - known[-1] == 100


def test_counts_are_weighted_as_the_query_says():
    times = np.arange(100) * 15.0
    data = telemetry(
        series("half_total", times, np.arange(100) * 3), series("all_total", times, np.arange(100) * 10), horizon_s=1500.0
    )
    halves = query("99%", errors=f"2 * sum(rate(half_total{W}))", total=f"sum(rate(all_total{W}))")

    (found,) = measure_slos(policy({"one": halves}), data, SIMULATED, START, 1500.0)

    assert (found.total, found.total - found.good) == (990, 594)


def test_probes_are_counted_by_their_samples():
    """The objective that a boolean gauge makes: each probe is an event, good if it shows 1."""
    times = np.arange(200) * 30.0
    up = [np.where(np.arange(200) % n == 0, 0.0, 1.0) for n in (10, 25)]
    data = telemetry(*(series("up", times, values, instance=str(i)) for i, values in enumerate(up)), horizon_s=6000.0)
    counts = query("90%", errors=f"sum(count_over_time(up{W})) - sum(sum_over_time(up{W}))", total=f"sum(count_over_time(up{W}))")

    (found,) = measure_slos(policy({"one": counts}), data, SIMULATED, START, 6000.0)

    assert (found.total, found.total - found.good) == (400, 28)


def test_an_offset_moves_the_events():
    times = np.arange(200) * 30.0
    data = telemetry(series("a", times, np.arange(200)), horizon_s=6000.0)
    late = query(errors=f"0 * sum(rate(a{W}))", total=f"sum(rate(a{W} offset 10m))")

    counted = count_events(policy({"one": late}), data, SIMULATED).slos["one"]

    assert counted.between(0, 3000)[1] == 80  # of the hundred steps, twenty come ten minutes later


def stepped(data, indicator, elapsed_s=3600.0):
    (found,) = measure_slos(policy({"one": indicator}), data, SIMULATED, START, elapsed_s)
    return found


def traffic():
    """An hour: 10 a second for 30 minutes with 1 % errors, then 1 a second with 11 %."""
    times = np.arange(241) * 15.0
    total = np.where(times <= 1800, times * 10, 18_000 + (times - 1800))
    errors = np.where(times <= 1800, times * 0.1, 180 + (times - 1800) * 0.11)
    return telemetry(series("all", times, total), series("bad", times, errors), horizon_s=3600.0)


def test_a_ratio_weighs_time_where_a_count_weighs_events():
    counted = stepped(traffic(), query("90%", errors=f"sum(rate(bad{W}))", total=f"sum(rate(all{W}))"))
    ratio = stepped(traffic(), query("90%", ratio=f"sum(rate(bad{W})) / sum(rate(all{W}))"))

    assert counted.sli == pytest.approx(1 - 378 / 19_800, rel=1e-3)
    assert ratio.sli == pytest.approx(1 - 0.06, rel=1e-2)
    assert ratio.total == 60


def test_what_weighs_time_is_said():
    wanted = {"a": query(errors=f"sum(rate(bad{W}))", total=f"sum(rate(all{W}))"), "b": query(ratio=f"max(rate(bad{W}))")}

    (finding,) = query_findings(policy(wanted), traffic())

    assert (finding.check, finding.severity, finding.path) == ("slo/time-weighted", Severity.INFO, "slos.b.indicator")
    assert "every 1m" in finding.message


def test_a_ratio_of_nothing_is_no_event_and_a_ratio_that_is_missing_is_unknown():
    times = np.arange(241) * 15.0
    idle = series("all", times, np.where(times < 1800, times, 1800.0))
    late = series("bad", times[60:], np.zeros(181))  # known from minute 15 on
    data = telemetry(idle, late, horizon_s=3600.0)

    found = stepped(data, query("90%", ratio=f"sum(rate(bad{W})) / sum(rate(all{W}))"))

    assert found.total == pytest.approx(15, abs=1)
    assert found.unknown_events == pytest.approx(15, abs=1)


def test_a_metric_that_is_not_there_makes_the_objective_unknown_and_the_nearest_name_is_said():
    data, _ = busy()
    wanted = {"one": query(errors=f"sum(rate(http_request_total{W}))", total=f"sum(rate(http_requests_total{W}))")}

    (found,) = measure_slos(policy(wanted), data, SIMULATED, START, 6000.0)
    (finding,) = query_findings(policy(wanted), data)

    assert (found.sli, found.total) == (None, 0)
    assert (finding.check, finding.severity, finding.nearest) == ("slo/unmatched", Severity.WARNING, "http_requests_total")
    assert finding.path == "slos.one.indicator.errors"


def test_codes_that_were_never_answered_are_no_bad_events_and_that_is_said():
    data, _ = busy()
    wanted = {
        "one": query(errors=f'sum(rate(http_requests_total{{status_code="599"}}{W}))', total=f"sum(rate(http_requests_total{W}))")
    }

    (found,) = measure_slos(policy(wanted), data, SIMULATED, START, 6000.0)
    (finding,) = query_findings(policy(wanted), data)

    assert found.sli == 1
    assert (finding.check, finding.severity) == ("slo/unmatched", Severity.INFO)


def test_a_query_covers_the_routes_of_its_series():
    data, _ = busy()
    wanted = query(
        errors=f'sum(rate(http_requests_total{{route="/login",status_code="500"}}{W}))',
        total=f'sum(rate(http_requests_total{{route="/login"}}{W}))',
    )

    assert count_events(policy({"one": wanted}), data, SIMULATED).slos["one"].routes == ("/login",)
