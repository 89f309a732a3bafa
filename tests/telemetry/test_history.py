import datetime as dt
import gzip
import math

import numpy as np
import pandas as pd
import pytest

from tests.support.places import SHARED
from workbench.errors import BadInput, Severity
from workbench.telemetry.counters import increments
from workbench.telemetry.history import read_history
from workbench.telemetry.series import SeriesKey


def written(tmp_path, text, name="history.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return path


def series(history, name, **labels):
    key = SeriesKey.of(name, labels)
    return next((s for s in history.telemetry if s.key == key), None)


def finding(history, check):
    return [f for f in history.findings if f.check == check]


MINUTES = "time,total,errors\n2026-04-01T00:00:00Z,10,0\n2026-04-01T00:01:00Z,20,3\n2026-04-01T00:03:00Z,5,5\n"


def test_a_counter_is_the_running_sum_up_to_and_including_each_row(tmp_path):
    history = read_history(written(tmp_path, MINUTES), route=None)

    total = series(history, "http_requests_total")
    assert total.values.tolist() == [10, 30, 35]
    assert series(history, "http_request_errors_total").values.tolist() == [0, 3, 8]
    assert total.times.tolist() == [0, 60, 180]
    assert history.start == dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    assert history.telemetry.horizon_s == 240
    assert history.routes == ("",)


def test_a_missing_row_is_a_missed_scrape_whose_place_is_told(tmp_path):
    history = read_history(written(tmp_path, MINUTES), route=None, scrape_interval_s=60)

    (missing,) = finding(history, "history/rows-missing")
    assert missing.line == 4
    assert "missing: 1," in missing.message
    assert "2m between the rows of 2026-04-01T00:01:00Z and 2026-04-01T00:03:00Z" in missing.message
    assert dict(history.coverage)["rows missing"] == pytest.approx(1 / 4)


def test_scrapes_are_taken_a_phase_after_their_rows(tmp_path):
    path = written(tmp_path, MINUTES)

    assert read_history(path, route=None, phase_s=11).telemetry.series[0].times.tolist() == [11, 71, 191]
    assert read_history(path, route=None, phase_s=None).last_scrape_s == 187


def test_half_a_spacing_is_the_phase_of_rows_too_dense_for_seven_seconds(tmp_path):
    path = written(tmp_path, "time,total,errors\n0,1,0\n5,1,0\n10,1,0\n")

    assert read_history(path, route=None, phase_s=None).phase_s == 2.5


def test_an_empty_cell_is_no_sample_and_never_a_zero(tmp_path):
    text = "time,total,errors\n0,10,1\n60,10,\n120,,2\n180,10,3\n"
    history = read_history(written(tmp_path, text), route=None)

    total, errors = series(history, "http_requests_total"), series(history, "http_request_errors_total")
    assert (total.times.tolist(), total.values.tolist()) == ([0, 60, 180], [10, 20, 30])
    assert (errors.times.tolist(), errors.values.tolist()) == ([0, 120, 180], [1, 3, 6])
    assert dict(history.coverage)["total unknown"] == 1 / 4
    assert dict(history.coverage)["errors unknown"] == 1 / 4


def test_a_reset_begins_the_counters_of_its_route_again(tmp_path):
    text = "time,route,total,errors,reset\n0,a,10,1,0\n0,b,10,1,\n60,a,4,1,1\n60,b,10,1,0\n120,a,4,0,0\n"
    history = read_history(written(tmp_path, text), route=None)

    assert series(history, "http_requests_total", route="a").values.tolist() == [10, 4, 8]
    assert series(history, "http_requests_total", route="b").values.tolist() == [10, 20]
    assert increments(series(history, "http_requests_total", route="a")).tolist() == [10, 4, 4]


def test_a_restart_that_no_prometheus_can_see_is_told(tmp_path):
    text = "time,total,errors,reset\n0,10,1,0\n60,11,0,1\n"
    history = read_history(written(tmp_path, text), route=None)

    assert series(history, "http_requests_total").values.tolist() == [10, 11]
    assert finding(history, "history/hidden-restarts")


def test_a_restart_at_an_unknown_cell_is_not_forgotten(tmp_path):
    text = "time,total,errors,reset\n0,10,1,0\n60,10,,1\n120,10,2,0\n"
    history = read_history(written(tmp_path, text), route=None)

    assert series(history, "http_request_errors_total").values.tolist() == [1, 2]


def test_buckets_become_a_histogram_in_seconds(tmp_path):
    text = "time,route,total,errors,le_5,le_1000,le_2500\n0,a,10,1,2,7,9\n60,a,10,0,0,1,10\n"
    history = read_history(written(tmp_path, text), route=None)
    name = "http_request_duration_seconds_bucket"

    assert series(history, name, route="a", le="0.005").values.tolist() == [2, 2]
    assert series(history, name, route="a", le="1.0").values.tolist() == [7, 8]
    assert series(history, name, route="a", le="2.5").values.tolist() == [9, 19]
    assert series(history, name, route="a", le="+Inf").values.tolist() == [10, 20]
    assert series(history, "http_request_duration_seconds_count", route="a").values.tolist() == [10, 20]
    assert history.bounds_s == (0.005, 1.0, 2.5)


def test_series_of_routes_scraped_together_share_one_array_of_times(tmp_path):
    text = "time,route,total,errors\n0,a,1,0\n0,b,1,0\n60,a,1,0\n60,b,1,0\n"
    history = read_history(written(tmp_path, text), route=None)

    assert len({id(s.times) for s in history.telemetry}) == 1


def test_fractional_counts_are_kept(tmp_path):
    history = read_history(written(tmp_path, "time,total,errors\n0,10.5,0\n60,10,0.25\n"), route=None)

    assert series(history, "http_requests_total").values.tolist() == [10.5, 20.5]
    assert series(history, "http_request_errors_total").values.dtype == np.float64


@pytest.mark.parametrize(
    ("first", "second", "seconds"),
    [
        ("1775001600", "1775001615", 15),
        ("1775001600.25", "1775001600.5", 0.25),
        ("2026-04-01T00:00:00+02:00", "2026-03-31T22:01:00Z", 60),
        ("2026-04-01 00:00:00.5Z", "2026-04-01T00:00:01Z", 0.5),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", 3600),
    ],
)
def test_times_are_iso_8601_or_seconds(tmp_path, first, second, seconds):
    history = read_history(written(tmp_path, f"time,total,errors\n{first},1,0\n{second},1,0\n"), route=None)

    assert history.spacing_s == seconds


def test_local_times_are_taken_as_utc_and_told(tmp_path):
    text = "time,total,errors\n2026-04-01 00:00:00,1,0\n2026-04-01 00:01:00,1,0\n"
    history = read_history(written(tmp_path, text), route=None)

    assert history.start == dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    assert finding(history, "history/local-time")[0].severity is Severity.WARNING


def test_columns_that_are_not_read_are_named(tmp_path):
    text = "p95_ms,time,total,errors,client_errors\n1,0,1,0,5\n1,60,1,0,6\n"
    history = read_history(written(tmp_path, text), route=None)

    (ignored,) = finding(history, "history/ignored-columns")
    assert (ignored.severity, "'p95_ms', 'client_errors'" in ignored.message) == (Severity.INFO, True)


def test_without_an_errors_column_errors_are_unknown_not_zero(tmp_path):
    history = read_history(written(tmp_path, "time,total\n0,1\n60,1\n"), route=None)

    assert series(history, "http_request_errors_total") is None
    assert history.unknown_errors == ("",)
    assert "unknown, not zero" in finding(history, "history/errors-unknown")[0].message


def test_names_of_the_counters_are_the_users(tmp_path):
    history = read_history(written(tmp_path, MINUTES), route=None, requests_name="hits", errors_name="misses")

    assert history.telemetry.names == ("hits", "misses")


@pytest.mark.parametrize("kind", ["naive", "aware", "text", "epoch", "dictionary"])
def test_parquet_and_csv_of_the_same_rows_are_the_same_history(tmp_path, kind):
    rows = "\n".join(f"2026-04-01T00:{m:02d}:00Z,{r},{m + 1},{'' if r == 'b' else m % 2},{m}" for m in range(30) for r in "ab")
    csv_path = written(tmp_path, f"time,route,total,errors,le_250\n{rows}\n", "history.csv.gz")
    frame = pd.read_csv(csv_path)
    stamps = pd.to_datetime(frame["time"])
    frame["time"] = {
        "naive": stamps.dt.tz_localize(None),
        "aware": stamps,
        "text": frame["time"],
        "epoch": stamps.astype("int64") // int(1e6 if stamps.dt.unit == "us" else 1e9),
        "dictionary": frame["time"].astype("category"),
    }[kind]
    parquet_path = tmp_path / "history.parquet"
    frame.to_parquet(parquet_path)

    one, other = read_history(csv_path, route=None), read_history(parquet_path, route=None)

    assert one.start == other.start
    assert [s.key for s in one.telemetry] == [s.key for s in other.telemetry]
    for left, right in zip(one.telemetry, other.telemetry, strict=True):
        assert left.times.tolist() == right.times.tolist()
        assert left.values.tolist() == right.values.tolist()
    assert one.unknown_errors == other.unknown_errors == ("b",)


def hours_of(requests, spacing=60, hours=24):
    lines = [f"{i * spacing},{requests(i * spacing)},0" for i in range(hours * 3600 // spacing)]
    return "time,total,errors\n" + "\n".join(lines) + "\n"


def test_no_traffic_where_traffic_is_usual_is_a_possible_outage(tmp_path):
    text = hours_of(lambda t: 0 if 36000 < t <= 36000 + 1800 else 50)
    history = read_history(written(tmp_path, text), route=None)

    (outage,) = finding(history, "history/possible-outage")
    assert "31m between the rows of 1970-01-01T10:00:00Z and 1970-01-01T10:31:00Z" in outage.message
    assert "about 1,500 requests" in outage.message
    assert outage.line == 2 + 601
    assert dict(history.coverage)["outage"] == pytest.approx(30 / 1440)
    assert dict(history.coverage)["no traffic"] == 0


def test_nights_that_are_always_quiet_are_no_outage(tmp_path):
    text = hours_of(lambda t: 50 if t // 3600 % 24 >= 6 else 0, spacing=300, hours=24 * 7)
    history = read_history(written(tmp_path, text), route=None)

    assert not finding(history, "history/possible-outage")
    assert finding(history, "history/no-traffic")
    assert dict(history.coverage)["no traffic"] == pytest.approx(0.25)


def test_a_night_without_rows_is_missing_and_neither_quiet_nor_an_outage(tmp_path):
    text = hours_of(lambda _: 50)
    lines = text.splitlines()
    history = read_history(written(tmp_path, "\n".join(lines[:100] + lines[200:])), route=None)

    assert {f.check for f in history.findings} - {"history/none-failed"} == {"history/rows-missing"}
    assert dict(history.coverage)["rows missing"] == pytest.approx(100 / 1440)


def test_missing_rows_inside_a_silence_are_no_part_of_it(tmp_path):
    lines = hours_of(lambda t: 0 if 36000 < t <= 36000 + 3600 else 50).splitlines()
    history = read_history(written(tmp_path, "\n".join(lines[:612] + lines[642:])), route=None)

    spans = [f.message.partition(",")[0] for f in finding(history, "history/possible-outage")]
    assert spans == [
        "possible outage: no traffic for 21m between the rows of 1970-01-01T10:40:00Z and 1970-01-01T11:01:00Z",
        "possible outage: no traffic for 10m between the rows of 1970-01-01T10:00:00Z and 1970-01-01T10:10:00Z",
    ]
    share = dict(history.coverage)
    assert share["outage"] == pytest.approx(30 / 1440)
    assert share["rows missing"] == pytest.approx(30 / 1440)


def test_routes_scraped_at_different_offsets_have_no_missing_rows(tmp_path):
    rows = "\n".join(f"{60 * m + 20 * k},{route},0,0" for m in range(20) for k, route in enumerate("abc"))
    history = read_history(written(tmp_path, f"time,route,total,errors\n{rows}\n"), route=None)

    assert dict(history.coverage) == {"rows missing": 0, "no traffic": 1, "outage": 0, "total unknown": 0, "errors unknown": 0}
    assert not finding(history, "history/rows-missing")


def shared(folder, name="requests.csv.gz"):
    path = SHARED / "data" / folder / name
    if not path.is_file():
        pytest.skip(f"needs the data set {folder}, which is not part of the project")
    return path


def test_the_online_boutique_front_end_has_its_published_counts():
    history = read_history(shared("online-boutique-faults"), route="frontend")

    total, errors = history.telemetry.by_name["http_requests_total"][0], history.telemetry.by_name["http_request_errors_total"][0]
    assert (history.rows, int(total.values[-1]), int(errors.values[-1])) == (1209, 619_389, 3_620)
    assert round(100 * (1 - 3620 / 619389), 4) == 99.4156
    assert history.start == dt.datetime(2022, 8, 22, 3, 51, 19, tzinfo=dt.UTC)
    assert history.spacing_s == 60


def test_inner_services_of_the_online_boutique_have_unknown_errors():
    history = read_history(shared("online-boutique-faults"), route=None)

    assert len(history.unknown_errors) == 9
    assert "frontend" not in history.unknown_errors
    assert [s.key.label_map["route"] for s in history.telemetry.by_name["http_request_errors_total"]] == ["frontend"]


def test_counters_of_every_shared_history_equal_a_recomputation_with_pandas():
    for folder in ("online-boutique-faults", "petshop-low-traffic", "saas-nginx-2013"):
        path = shared(folder)
        frame = pd.read_csv(path)
        history = read_history(path, route=None)
        stamps = pd.to_datetime(frame["time"])
        seconds = (stamps - stamps.min()).dt.total_seconds()
        for column, name in (("total", "http_requests_total"), ("errors", "http_request_errors_total")):
            for one in history.telemetry.by_name[name]:
                mine = frame[(frame["route"] == one.key.label_map["route"]) & frame[column].notna()]
                assert one.values.tolist() == mine[column].cumsum().tolist()
                assert one.times.tolist() == seconds[mine.index].tolist()


def test_missing_rows_no_traffic_and_an_outage_are_three_things_in_the_nasa_log():
    history = read_history(shared("nasa-http-1995"), route="all")

    assert (history.rows, int(history.telemetry.series[0].values[-1])) == (84_333, 3_461_603)
    (missing,) = finding(history, "history/rows-missing")
    assert "between the rows of 1995-07-28T17:32:00Z and 1995-08-01T04:00:00Z" in missing.message
    outages = [f.message for f in finding(history, "history/possible-outage")]
    assert "between the rows of 1995-08-01T18:52:00Z and 1995-08-03T08:36:00Z" in outages[0]
    assert any("1995-08-13T06:30:00Z and 1995-08-13T07:03:00Z" in message for message in outages)
    share = dict(history.coverage)
    present, lost = 84_333, 62 * 1440 - 84_333
    assert share["rows missing"] == pytest.approx(lost / (present + lost))
    frame = pd.read_csv(shared("nasa-http-1995"))
    silent = (frame["total"] == 0).sum() / (present + lost)
    assert share["no traffic"] + share["outage"] == pytest.approx(silent)
    assert share["outage"] > 0.025 > share["no traffic"] > 0


def test_the_saas_log_has_a_histogram_of_thirteen_bounds():
    history = read_history(shared("saas-nginx-2013"), route="api-ping")

    buckets = history.telemetry.by_name["http_request_duration_seconds_bucket"]
    assert len(buckets) == 14
    assert history.bounds_s[-1] == 60.0
    under_5_ms = next(s for s in buckets if s.key.label_map["le"] == "0.005")
    assert math.isclose(under_5_ms.values[-1] / 4753, 0.95, abs_tol=0.05)


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path):
    written(tmp_path, MINUTES, "history.csv")

    with pytest.raises(BadInput) as caught:
        read_history(tmp_path / "histroy.csv", route=None)

    assert caught.value.problems[0].nearest == "history.csv"
