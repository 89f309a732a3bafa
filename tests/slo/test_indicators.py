import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import DAY, START, policy, requests, series, slo, telemetry
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.slo.indicators import count_events
from workbench.slo.measure import measure_slos
from workbench.telemetry.series import Series, SeriesKey, Telemetry

ROUTES = ("/login", "/api/v1/search", "/api/v1/upload")
TIERS = ("premium", "free")
CODES = ("200", "201", "404", "429", "500", "503")
SLOS = {
    "all": slo(),
    "api": slo("99%", routes=["/api/*"]),
    "login": slo(routes=["/login"], exclude_codes=["4.."]),
    "premium": slo(tiers=["premium"], bad_codes=["5..", "429"]),
    "gateway": slo(routes=["/login", "/api/v1/upload"], bad_codes=["503"]),
    "one": slo(routes=["/api/v1/search"], tiers=["free"]),
}
RULES = {  # what each objective means, said again as plainly as possible: covered?, bad?
    "all": ("route == route", "code.str.startswith('5')"),
    "api": ("route.str.startswith('/api/')", "code.str.startswith('5')"),
    "login": ("route == '/login' and not code.str.startswith('4')", "code.str.startswith('5')"),
    "premium": ("tier == 'premium'", "code.str.startswith('5') or code == '429'"),
    "gateway": ("route in ['/login', '/api/v1/upload']", "code == '503'"),
    "one": ("route == '/api/v1/search' and tier == 'free'", "code.str.startswith('5')"),
}


def busy(rows=400, seed=1, restarts=True):
    """Events as a tidy frame, and the counters that show them, with restarts that fall at other rows in each series."""
    rng = np.random.default_rng(seed)
    times = np.arange(rows) * 15.0 + 7
    made, frames = [], []
    for r in ROUTES:
        for t in TIERS:
            for c in CODES:
                events = rng.poisson(6 if c == "200" else 1, rows)
                # A restart is placed where the counter surely falls: after a level higher than what follows.
                at = sorted(rng.choice(np.arange(rows // 4, rows), 2, replace=False)) if restarts else []
                made.append(requests(times, events.astype(np.int32), at, route=r, tier=t, status_code=c))
                frames.append(pd.DataFrame({"time": times, "route": r, "tier": t, "code": c, "events": events}))
    return telemetry(*made, horizon_s=rows * 15.0), pd.concat(frames)


def recounted(frame, name):
    covered, bad = RULES[name]
    mine = frame.query(covered, engine="python")
    return mine.assign(bad=mine.events.where(mine.eval(bad, engine="python"), 0))


@pytest.mark.parametrize("name", SLOS)
def test_every_objective_agrees_with_pandas(name):
    data, frame = busy()
    mine = recounted(frame, name)

    found = next(one for one in measure_slos(policy(SLOS), data, SIMULATED, START, 6000.0) if one.name == name)

    total, bad = int(mine.events.sum()), int(mine.bad.sum())
    assert (found.total, found.good) == (total, total - bad)
    assert found.sli == pytest.approx(1 - bad / total, rel=1e-14)
    assert found.unknown_events == 0
    allowed = float(1 - found.target)
    assert found.budget.consumed_share == pytest.approx(bad / total / allowed * 6000 / (30 * DAY), rel=1e-12)
    last_hour = mine[(mine.time > 6000 - 3600) & (mine.time <= 6000)]
    assert found.burn_rates[0].burn_rate == pytest.approx(last_hour.bad.sum() / last_hour.events.sum() / allowed, rel=1e-12)
    assert found.burn_rates[1].burn_rate == pytest.approx(bad / total / allowed, rel=1e-12)


def test_only_what_was_scraped_up_to_the_instant_asked_for_counts():
    data, frame = busy()
    mine = frame[frame.time <= 3000]

    found = measure_slos(policy({"all": SLOS["all"]}), data, SIMULATED, START, 3000.0)[0]

    assert found.total == mine.events.sum()
    assert found.good == mine.events[~mine.code.str.startswith("5")].sum()


def everything(result):
    return [(one.name, one.good, one.total, one.unknown_events, one.sli, one.budget, one.burn_rates) for one in result]


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_permuting_series_changes_nothing(random):
    data, _ = busy(rows=60)
    shuffled = list(data.series)
    random.shuffle(shuffled)
    again = Telemetry.of(shuffled, horizon_s=data.horizon_s, scrape_interval_s=15.0)

    assert everything(measure_slos(policy(SLOS), again, SIMULATED, START, 900.0)) == everything(
        measure_slos(policy(SLOS), data, SIMULATED, START, 900.0)
    )


def test_splitting_each_series_over_two_instances_changes_nothing():
    data, _ = busy(rows=80, restarts=False)
    rng = np.random.default_rng(3)
    split = []
    for one in data.series:
        events = np.diff(one.values, prepend=0)
        first = rng.binomial(events, 0.3)
        for instance, part in (("a", first), ("b", events - first)):
            key = SeriesKey.of(one.key.name, one.key.label_map, instance=instance)
            split.append(Series(key, one.times.copy(), np.cumsum(part)))
    again = Telemetry.of(split, horizon_s=data.horizon_s, scrape_interval_s=15.0)

    assert everything(measure_slos(policy(SLOS), again, SIMULATED, START, 1200.0)) == everything(
        measure_slos(policy(SLOS), data, SIMULATED, START, 1200.0)
    )


def test_exclusion_removes_events_from_good_and_total_alike():
    data, frame = busy(rows=60)
    with_4xx, without = slo(routes=["/login"]), slo(routes=["/login"], exclude_codes=["4.."])

    kept, excluded = (measure_slos(policy({"x": one}), data, SIMULATED, START, 900.0)[0] for one in (with_4xx, without))

    client_errors = frame[(frame.route == "/login") & frame.code.str.startswith("4")].events.sum()
    assert client_errors > 0
    assert kept.total - excluded.total == kept.good - excluded.good == client_errors


def test_a_code_both_bad_and_excluded_does_not_count_at_all():
    times = np.array([15.0])
    data = telemetry(
        requests(times, [10], route="/a", tier="t", status_code="200"),
        requests(times, [3], route="/a", tier="t", status_code="503"),
    )

    found = measure_slos(policy({"x": slo(exclude_codes=["503"])}), data, SIMULATED, START, 15.0)[0]

    assert (found.good, found.total) == (10, 10)


def test_requests_without_a_code_are_unknown_not_good():
    times = np.array([15.0])
    data = telemetry(requests(times, [10], route="/a", status_code="200"), requests(times, [3], route="/a"))

    found = measure_slos(policy({"x": slo()}), data, SIMULATED, START, 15.0)[0]

    assert (found.good, found.total, found.unknown_events) == (10, 10, 3)


def test_an_objective_without_any_series_is_unknown_not_perfect():
    data, _ = busy(rows=10)

    found = measure_slos(policy({"x": slo(routes=["/nowhere"])}), data, SIMULATED, START, 150.0)[0]

    assert found.routes == ()
    assert (found.sli, found.met, found.total, found.unknown_events) == (None, None, 0, 0)
    assert found.budget.status == "UNKNOWN"
    assert found.daily_met == (None,)


def recorded(times, total, errors=None, error_times=None, route="/"):
    made = [series("http_requests_total", times, np.cumsum(total), route=route)]
    if errors is not None:
        made.append(
            series("http_request_errors_total", times if error_times is None else error_times, np.cumsum(errors), route=route)
        )
    return made


def test_rows_whose_errors_are_unknown_are_neither_good_nor_bad():
    times = np.array([0.0, 60, 120, 180])
    data = telemetry(*recorded(times, [100, 50, 200, 100], [1, 0, 4], [0.0, 120, 180]), horizon_s=240)

    found = measure_slos(policy({"x": slo(window="history")}), data, RECORDED, START, 240.0)[0]

    assert (found.total, found.good, found.unknown_events) == (400, 395, 50)


def test_a_route_without_a_series_of_errors_is_unknown_as_a_whole():
    times = np.array([0.0, 60])
    known, other = recorded(times, [100, 100], [1, 1], route="front"), recorded(times, [70, 7], route="back")
    data = telemetry(*known, *other, horizon_s=120)

    both, back = measure_slos(policy({"a": slo(), "b": slo(routes=["back"])}), data, RECORDED, START, 120.0)

    assert (both.total, both.good, both.unknown_events) == (200, 198, 77)
    assert both.routes == ("back", "front")
    assert (back.sli, back.total, back.unknown_events) == (None, 0, 77)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.booleans(), st.booleans()), min_size=1, max_size=30),
    st.booleans(),
)
def test_good_bad_and_unknown_are_all_requests(rows, has_latency):
    times = np.arange(len(rows)) * 60.0
    total = np.array([a + b for a, b, _, _ in rows])
    has_errors = np.array([known for _, _, known, _ in rows])
    seen = np.array([known for _, _, _, known in rows])
    errors = np.array([b for _, b, _, _ in rows])
    made = [series("http_requests_total", times[seen], np.cumsum(total[seen]), route="/")]
    made.append(series("http_request_errors_total", times[has_errors], np.cumsum(errors[has_errors]), route="/"))
    if has_latency:
        fast = [a for a, _, _, _ in rows]
        made.append(series("http_request_duration_seconds_count", times[seen], np.cumsum(total[seen]), route="/"))
        made.append(series("http_request_duration_seconds_bucket", times, np.cumsum(fast), route="/", le="0.5"))
    data = telemetry(*made, horizon_s=60.0 * len(rows))

    events = count_events(policy({"e": slo(), "l": slo(kind="latency", threshold="500ms")}), data, RECORDED)

    for found in events.slos.values():
        good, bad, unknown = found.known[-1] - found.bad[-1], found.bad[-1], found.everything[-1] - found.known[-1]
        assert good + bad + unknown == total[seen].sum()
        assert unknown >= 0
    known = seen & has_errors
    assert events.slos["e"].known[-1] == total[known].sum()
    assert events.slos["e"].bad[-1] == errors[known].sum()


def test_tiers_that_a_history_does_not_know_leave_its_requests_unknown():
    data = telemetry(*recorded(np.array([0.0, 60]), [100, 100], [1, 1]), horizon_s=120)

    found = measure_slos(policy({"x": slo(tiers=["premium"])}), data, RECORDED, START, 120.0)[0]

    assert (found.sli, found.total, found.unknown_events) == (None, 0, 200)


def test_a_history_without_routes_is_covered_by_every_objective_that_covers_all():
    times = [0.0, 60]
    data = telemetry(series("http_requests_total", times, [10, 20]), series("http_request_errors_total", times, [0, 5]))

    star, login = measure_slos(policy({"a": slo(), "b": slo(routes=["/login"])}), data, RECORDED, START, 60.0)

    assert (star.total, star.good, star.routes) == (20, 15, ())
    assert login.sli is None
