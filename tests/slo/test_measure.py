import datetime as dt
import gzip
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.slo.making import DAY, MONTH, START, policy, requests, series, slo, telemetry
from tests.support.places import SHARED
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.slo.indicators import count_events
from workbench.slo.measure import measure_slos, slo_tracks


def two_codes(times, good, bad, **labels):
    return [requests(times, events, status_code=code, **labels) for code, events in (("200", good), ("500", bad))]


def test_days_are_those_of_the_calendar_where_the_service_runs():
    # One error at 23:30 local time on the day on which summer time begins in Zurich: 22.5 h into that 23 h day.
    zone = ZoneInfo("Europe/Zurich")
    start = dt.datetime(2026, 3, 28, tzinfo=zone)
    times = np.arange(1, 72 * 4) * 900.0
    bad = np.where(times == 24 * 3600 + 22.5 * 3600, 1, 0)
    data = telemetry(*two_codes(times, np.ones(len(times), dtype=int), bad, route="/a"), horizon_s=71 * 3600.0)

    found = measure_slos(policy({"x": slo()}), data, SIMULATED, start, 71 * 3600.0)[0]

    assert found.daily_met == (True, False, True)


def test_a_day_without_events_is_unknown():
    times = np.array([60.0, 2 * DAY + 60])
    data = telemetry(*two_codes(times, [5, 5], [0, 5], route="/a"), horizon_s=3 * DAY)

    found = measure_slos(policy({"x": slo()}), data, SIMULATED, START, 3 * DAY)[0]

    assert found.daily_met == (True, None, False)


def test_a_scrape_at_second_zero_belongs_to_the_first_day_and_to_every_window():
    data = telemetry(*two_codes(np.array([0.0, 60.0]), [5, 5], [5, 0], route="/a"), horizon_s=120)

    found = measure_slos(policy({"x": slo("50%", window="history")}), data, SIMULATED, START, 120.0)[0]

    assert found.daily_met == (True,)
    assert found.burn_rates[0].burn_rate == pytest.approx(5 / 15 / 0.5)
    assert found.budget.consumed_share == pytest.approx(5 / 15 / 0.5)


def test_a_rolling_window_shorter_than_the_run_forgets():
    times = np.arange(1, 31) * DAY
    bad = np.where(times <= 20 * DAY, 10, 0)
    data = telemetry(*two_codes(times, np.full(30, 990), bad, route="/a"))

    week, month = measure_slos(policy({"week": slo(window="7d"), "year": slo(window="30d")}), data, SIMULATED, START, MONTH)

    assert week.budget.consumed_share == 0
    assert month.budget.consumed_share > 1
    assert week.sli == month.sli


def test_results_stand_by_name_whatever_the_order_in_the_policy():
    data = telemetry(*two_codes(np.array([60.0]), [5], [5], route="/a"), horizon_s=120)

    found = measure_slos(policy({"b": slo(), "a": slo("90%")}), data, SIMULATED, START, 120.0)

    assert [(one.name, str(one.target)) for one in found] == [("a", "0.9"), ("b", "0.999")]


def month_of(seed=0, step=300.0):
    rng = np.random.default_rng(seed)
    times = np.arange(int(MONTH / step)) * step + 7
    good = rng.poisson(300, len(times))
    bad = rng.poisson(0.2, len(times))
    bad[1000:1012] += 100
    return times, good, bad


def test_tracks_agree_with_pandas_rolling_over_time():
    times, good, bad = month_of()
    data = telemetry(*two_codes(times, good, bad, route="/a"))

    tracks = slo_tracks(policy({"x": slo()}), data, SIMULATED, MONTH, 3600.0)

    # Rows without events at the whole hours make pandas's windows, open on the left, end there.
    frame = pd.DataFrame({"bad": bad, "all": good + bad}, index=pd.to_timedelta(times, unit="s"))
    hours = pd.DataFrame({"bad": 0, "all": 0}, index=pd.to_timedelta(tracks.time_s, unit="s"))
    both = pd.concat([frame, hours]).sort_index()
    for length in (1, 6, 24, 72):
        rolled = both.rolling(f"{length}h").sum().loc[hours.index]
        expected = (rolled["bad"] / rolled["all"] / 0.001).to_numpy()
        assert tracks.slos[0].burn_rate[length * 3600.0] == pytest.approx(expected, rel=1e-9)


def test_the_last_instant_of_a_track_is_the_account():
    times, good, bad = month_of(1)
    data = telemetry(*two_codes(times, good, bad, route="/a"))
    chosen = policy({"month": slo(), "week": slo(window="7d"), "history": slo(window="history")})
    events = count_events(chosen, data, SIMULATED)

    tracks = slo_tracks(chosen, data, SIMULATED, MONTH, 1000.0, events=events)
    results = measure_slos(chosen, data, SIMULATED, START, MONTH, events=events)

    assert tracks.time_s[-1] == MONTH
    for track, result in zip(tracks.slos, results, strict=True):
        assert track.slo == result.name
        assert track.budget_remaining[-1] == pytest.approx(1 - result.budget.consumed_share, rel=1e-12)
        for row in result.burn_rates:
            assert track.burn_rate[row.window_s][-1] == pytest.approx(row.burn_rate, rel=1e-12)


def test_any_instant_of_a_track_is_the_account_at_that_instant():
    times, good, bad = month_of(2)
    data = telemetry(*two_codes(times, good, bad, route="/a"))
    chosen = policy({"month": slo(), "week": slo(window="7d")})

    tracks = slo_tracks(chosen, data, SIMULATED, MONTH, DAY)

    for k in (0, 3, 6, 7, 20):
        for track, result in zip(tracks.slos, measure_slos(chosen, data, SIMULATED, START, (k + 1) * DAY), strict=True):
            assert track.budget_remaining[k] == pytest.approx(1 - result.budget.consumed_share, rel=1e-9)


def test_requests_a_second_add_up_to_all_requests_and_gaps_are_nan():
    times = np.array([30.0, 60, 90, 300])
    data = telemetry(*two_codes(times, [10, 10, 10, 30], [0, 10, 0, 0], route="/a"), horizon_s=330)

    tracks = slo_tracks(policy({"x": slo()}), data, SIMULATED, 330.0, 60.0)

    assert tracks.time_s.tolist() == [60, 120, 180, 240, 300, 330]
    assert tracks.requests_per_s == pytest.approx([30 / 60, 10 / 60, np.nan, np.nan, 30 / 60, np.nan], nan_ok=True)
    assert tracks.error_ratio == pytest.approx([1 / 3, 0, np.nan, np.nan, 0, np.nan], nan_ok=True)


def test_an_outage_of_traffic_is_zero_requests_and_no_ratio():
    data = telemetry(*two_codes(np.array([60.0, 120.0]), [10, 0], [0, 0], route="/a"), horizon_s=120)

    tracks = slo_tracks(policy({"x": slo()}), data, SIMULATED, 120.0, 60.0)

    assert tracks.requests_per_s.tolist() == [10 / 60, 0]
    assert np.isnan(tracks.error_ratio[1])


def test_a_step_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="step_s"):
        slo_tracks(policy({"x": slo()}), telemetry(), SIMULATED, 60.0, 0)


def test_telemetry_without_a_single_series_gives_unknown_everywhere():
    chosen = policy({"x": slo(), "y": slo(kind="latency", threshold="1s")})

    tracks = slo_tracks(chosen, telemetry(), SIMULATED, 600.0, 60.0)

    assert all(one.sli is None for one in measure_slos(chosen, telemetry(), SIMULATED, START, 600.0))
    assert np.isnan(tracks.requests_per_s).all()
    assert all(np.isnan(track.budget_remaining).all() for track in tracks.slos)


def test_the_faults_of_the_online_boutique_use_its_budget_5_84_times():
    path = SHARED / "data" / "online-boutique-faults" / "requests.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with gzip.open(path) as file:
        frame = pd.read_csv(file)
    made = []
    first = pd.to_datetime(frame.time).min()
    for route, rows in frame.groupby("route"):
        times = (pd.to_datetime(rows.time) - first).dt.total_seconds().to_numpy()
        for name, column in (("http_requests_total", rows.total), ("http_request_errors_total", rows.errors)):
            known = column.notna().to_numpy()
            if known.any():
                made.append(series(name, times[known], np.cumsum(column.to_numpy()[known]), route=route))
    data = telemetry(*made, horizon_s=1209 * 60.0, scrape_interval_s=60)

    front, inner = measure_slos(
        policy({"frontend": slo(window="history", routes=["frontend"]), "inner": slo(window="history", routes=["*service"])}),
        data,
        RECORDED,
        first.to_pydatetime(),
        1209 * 60.0,
    )

    assert (front.total, front.total - front.good) == (619_389, 3_620)
    assert round(front.sli * 100, 4) == 99.4156
    assert round(front.budget.consumed_share, 2) == 5.84
    assert inner.routes
    assert inner.sli is None
    assert inner.unknown_events > 0
