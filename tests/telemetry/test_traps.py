"""The fourteen traps of recorded data, one test each: on a small file of our own, and on the real data where it is there."""

import csv
import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pytest

from tests.support.places import SHARED
from workbench.errors import BadInput
from workbench.run.labels import union_s
from workbench.run.replay import replay
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.history import Options, Reading
from workbench.telemetry.incidents import read_incidents
from workbench.telemetry.recorded import ClientErrors


def policy(**indicator):
    slo = {"indicator": {"kind": "events", **indicator}, "target": "99.9%", "window": "history"}
    rules = {"fast": {"long": "1h", "short": "5m", "factor": 14.4, "severity": "critical", "page": True}}
    return Policy.model_validate(
        {"apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "slos": {"one": slo}, "burn_rate_alerts": rules}
    )


def data(folder, name):
    """A real file; None where the data sets are not beside the checkout."""
    path = SHARED / "data" / folder / name
    return path if path.is_file() else None


def history(tmp_path, rows, head="time,total,errors", name="h.csv"):
    path = tmp_path / name
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def labels(tmp_path, rows, head="id,target,start,end,severity"):
    return history(tmp_path, rows, head, "incidents.csv")


def told(outcome, check):
    """The one finding of a check."""
    (found,) = [finding for finding in outcome.findings if finding.check == check]
    return found.message


def checks(outcome):
    return {finding.check for finding in outcome.findings}


def minutes(count, errors=lambda _: 0, total=lambda _: 100):
    return [(60 * i, total(i), errors(i)) for i in range(count)]


def test_1_rows_are_changes_of_state_and_time_counts(tmp_path):
    day = 86_400
    rows = [(0, "a", 1), (day, "a", 1), (day + 600, "a", 0), (day + 660, "a", 1), (10 * day, "a", 1)]
    outcome = replay(history(tmp_path, rows, "time,target,up"), policy(), reading=Reading.PROBES)

    assert (outcome.slos[0].total - outcome.slos[0].good, outcome.slos[0].total) == (60, 10 * day + 7)
    assert "20.00% of the rows say down, but 0.007% of the time" in told(outcome, "history/state-changes")
    if (shops := data("upptime-web-shops", "probes.csv.gz")) is not None:
        rows = pd.read_csv(shops)
        for target, worst in (("LimeCommerce Production", 0.0007), ("Coral Island", 0.006)):
            real = replay(shops, policy(), route=target, reading=Reading.PROBES)
            assert 1 - real.slos[0].sli < worst
            assert 1 - rows[rows["target"] == target]["up"].mean() > 10 * (1 - real.slos[0].sli)


def test_2_missing_rows_zero_traffic_and_an_outage_are_three_things(tmp_path):
    rows = [(60 * i, 0 if 3000 <= i < 3060 or i % 400 == 7 else 100, 0) for i in range(6000) if not 1000 <= i < 1100]
    outcome = replay(history(tmp_path, rows), policy())

    shares = dict(outcome.coverage)
    assert shares["rows missing"] == pytest.approx(100 / 6000)
    assert shares["outage"] == pytest.approx(60 / 6000, rel=0.02)
    assert shares["no traffic"] == pytest.approx(15 / 6000, rel=0.1)
    assert {"history/rows-missing", "history/no-traffic", "history/possible-outage"} <= checks(outcome)
    if (nasa := data("nasa-http-1995", "requests.csv.gz")) is not None:
        real = replay(nasa, policy())
        longest = next(f.message for f in real.findings if f.check == "history/possible-outage")
        assert "no traffic for 1d13h44m between the rows of 1995-08-01T18:52:00Z" in longest
        assert "between the rows of 1995-07-28T17:32:00Z and 1995-08-01T04:00:00Z" in told(real, "history/rows-missing")


def test_3_rolling_sums_are_told_from_counts(tmp_path):
    counts = np.random.default_rng(4).poisson(20, 605)
    sums = np.convolve(counts, np.ones(5, int), "valid")
    outcome = replay(history(tmp_path, [(60 * i, int(n), 0) for i, n in enumerate(sums)]), policy())

    assert "sums over the last 5 rows, so that every request is counted 5 times" in told(outcome, "history/looks-rolling")
    honest = replay(history(tmp_path, [(60 * i, int(n), 0) for i, n in enumerate(counts)]), policy())
    assert "history/looks-rolling" not in checks(honest)
    if (real := data("nab-elb-traffic", "requests.csv")) is not None:
        assert "history/looks-rolling" not in checks(replay(real, policy()))


def test_4_a_success_metric_that_is_always_zero_is_no_outage_of_two_days(tmp_path):
    rows = [(60 * i, route, 50, 50 if route == "b" else int(i % 90 == 0)) for i in range(300) for route in "ab"]
    outcome = replay(history(tmp_path, rows, "time,route,total,errors"), policy())

    assert told(outcome, "history/all-failed").startswith("every request of route 'b' is an error")
    if (boutique := data("online-boutique-faults", "requests.csv.gz")) is not None:
        # The services whose success metric was constant have no errors in the file, and unknown is not zero.
        real = replay(boutique, policy(routes=["cartservice"]))
        assert (real.slos[0].sli, real.slos[0].unknown_events > 0) == (None, True)


def test_5_failures_without_a_label_are_told(tmp_path):
    rows = minutes(400, lambda i: 60 if 100 <= i < 105 or 200 <= i < 203 else 0)
    listed = labels(tmp_path, [("known", "", 6000, 6300, "x")])
    outcome = replay(history(tmp_path, rows), policy(), incidents=listed)

    assert "no incident is labelled, 1 times: 1970-01-01T03:20:00Z (60.0% of 300 failed)" in told(outcome, "incidents/unlabelled")
    if (boutique := data("online-boutique-faults", "requests.csv.gz")) is not None:
        faults = data("online-boutique-faults", "incidents.csv")
        message = told(replay(boutique, policy(), route="frontend", incidents=faults), "incidents/unlabelled")
        assert "2 times: 2022-08-22T06:28:19Z (81.0%" in message
        assert "2022-08-22T06:45:19Z (78.0%" in message


def test_6_open_incidents_end_after_an_hour_or_with_the_next(tmp_path):
    listed = labels(tmp_path, [("a", "db", 600, "", "x"), ("b", "db", 1200, "", "x"), ("c", "web", 700, "", "x")])
    outcome = replay(history(tmp_path, minutes(300)), policy(), incidents=listed)

    assert [(i.id, i.end_s, i.natural_end_s) for i in outcome.truth.incidents] == [
        ("a", 1200, None), ("c", 4300, None), ("b", 4800, None),
    ]  # fmt: skip
    assert told(outcome, "incidents/open-end").startswith("3 incidents have no end")
    if (issues := data("petshop-low-traffic", "incidents.csv")) is not None:
        rows = read_incidents(issues, dt.datetime(2023, 4, 18, tzinfo=dt.UTC))
        assert all(row.end_s is None for row in rows)


def test_7_overlapping_incidents_are_merged_before_downtime_is_summed(tmp_path):
    listed = labels(tmp_path, [("a", "x", 600, 4200, ""), ("b", "y", 1800, 5400, ""), ("c", "x", 2000, 2100, "")])
    outcome = replay(history(tmp_path, minutes(300)), policy(), incidents=listed)

    assert "they cover 1.3 h, which added up one by one would be 2.0 h" in told(outcome, "incidents/overlap")
    assert union_s([]) == 0
    if (github := data("github-incidents-2022-2024", "incidents.csv")) is not None:
        rows = read_incidents(github, dt.datetime(2022, 3, 24, tzinfo=dt.UTC))
        spans = [(row.start_s, row.end_s) for row in rows if row.end_s is not None]
        minute = np.zeros(int(max(end for _, end in spans) // 60) + 2, np.int32)
        for begin, end in spans:
            np.add.at(minute, [int(begin // 60), int(end // 60)], [1, -1])
        together = union_s(spans)
        assert together == pytest.approx(60 * (np.cumsum(minute) > 0).sum(), abs=60 * len(spans))
        assert together < 0.9 * sum(end - begin for begin, end in spans)


def test_8_an_announcement_is_not_the_beginning(tmp_path):
    head = "id,target,start,end,severity,window_source"
    rows = [("a", "", 600, 900, "x", "postmortem"), ("b", "", 1600, 1900, "x", "updates"), ("c", "", 2600, 2900, "x", "updates")]
    outcome = replay(history(tmp_path, minutes(300)), policy(), incidents=labels(tmp_path, rows, head))

    assert told(outcome, "incidents/announced").startswith("2 of 3 incidents begin when they were announced")
    if (github := data("github-incidents-2022-2024", "incidents.csv")) is not None:
        listed = read_incidents(github, dt.datetime(2022, 3, 24, tzinfo=dt.UTC))
        assert sum(row.announced for row in listed) == 373


def test_a_zone_that_does_not_exist_is_refused_even_if_no_time_needs_it(tmp_path):
    with pytest.raises(BadInput, match="no such time zone"):
        replay(history(tmp_path, minutes(300)), policy(), options=Options(timezone="Mars/Olympus"))


def test_9_local_times_need_their_zone_and_a_collapsed_hour_is_refused(tmp_path):
    zone = Options(timezone="Europe/Berlin")
    stamps = [f"2025-10-26T{hour:02}:{minute:02}:00" for hour in (1, 2, 2, 3) for minute in range(0, 60, 5)]
    path = history(tmp_path, [(stamp, 10, 0) for stamp in stamps])

    with pytest.raises(BadInput, match="earlier than that of the row before"):
        replay(path, policy())
    outcome = replay(path, policy(), options=zone)
    assert (outcome.slos[0].total, outcome.horizon_s) == (480, 4 * 3600)
    assert "history/local-time" not in checks(outcome)
    collapsed = ["2025-10-26T02:00:00" if stamp.startswith("2025-10-26T02") else stamp for stamp in dict.fromkeys(stamps)]
    path = history(tmp_path, [(stamp, 10, 0) for stamp in collapsed])
    for options in (None, zone):
        with pytest.raises(BadInput, match=r"one time occurs 1[12] times"):
            replay(path, policy(), options=options)


def test_10_one_event_listed_for_every_service_is_told(tmp_path):
    rows = [("a", "db", 600, 900, ""), ("b", "web", 600, 1200, ""), ("c", "api", 630, 900, ""), ("d", "web", 5000, 5100, "")]
    outcome = replay(history(tmp_path, minutes(300)), policy(), incidents=labels(tmp_path, rows))

    assert "3 of 4 incidents begin within 1m of one with another target: probably 1 events" in told(
        outcome, "incidents/listed-often"
    )
    if (cloud := data("gcp-incidents-to-2020", "incidents.csv.gz")) is not None:
        with gzip.open(cloud, "rt", newline="") as stream:
            good = [row for row in csv.DictReader(stream) if not row["end"] or row["end"] >= row["start"]]
        rows = [(row["id"], row["target"].replace(",", " "), row["start"], row["end"], row["severity"]) for row in good]
        hours = [(f"{2016 + i // 8784}-01-01T00:00:00Z", 1, 0) for i in (0, 8784 * 5)]
        real = replay(history(tmp_path, hours), policy(), incidents=labels(tmp_path, rows), evaluation_interval_s=3600.0)
        assert "probably" in told(real, "incidents/listed-often")


def test_11_a_monitor_that_is_refused_is_no_outage(tmp_path):
    day = 86_400
    rows = [
        (0, "shop", 1, 200), (day, "shop", 0, 415), (6 * day, "shop", 1, 200), (8 * day, "shop", 0, 503),
        (8 * day + 600, "shop", 1, 200), (9 * day, "shop", 1, 200),
        *((at, name, up, 200 * up) for name in "abc" for at, up in ((0, 1), (7 * day, 0), (7 * day + 60, 1), (9 * day, 1))),
    ]  # fmt: skip
    path = history(tmp_path, rows, "time,target,up,http_code")
    outcome = replay(path, policy(), reading=Reading.PROBES)

    assert "'shop' answered 415 for 5d from 1970-01-02T00:00:00Z" in told(outcome, "history/monitor-refused")
    assert "--accept-code 415" in told(outcome, "history/monitor-refused")
    assert "1 times, most of all at 1970-01-08T00:00:00Z (3 of 4)" in told(outcome, "history/common-cause")
    accepted = replay(path, policy(), route="shop", reading=Reading.PROBES, options=Options(accepted_codes=("415",)))
    assert accepted.slos[0].total - accepted.slos[0].good == 600
    if (shops := data("upptime-web-shops", "probes.csv.gz")) is not None:
        message = told(replay(shops, policy(), route="CNF", reading=Reading.PROBES), "history/monitor-refused")
        assert "'CNF' answered 403 for 33d6h48m56s from 2025-06-11T02:37:21Z" in message


def test_12_a_renamed_target_does_not_stay_in_its_last_state_for_ever(tmp_path):
    day = 86_400
    old = [(day * i, "shop", 1) for i in range(5)] + [(4 * day + 60, "shop", 0)]
    new = [(day * i + 4 * day + 600, "shop-v2", 1) for i in range(30)]
    outcome = replay(history(tmp_path, [*old, *new], "time,target,up"), policy(), reading=Reading.PROBES)

    message = told(outcome, "history/target-gone")
    assert "'shop' has no row after 1970-01-05T00:01:00Z" in message
    assert "'shop-v2' began at about that time: renamed?" in message
    # Down for its longest silence, one day, and not for the 29 days until the end of the file.
    assert outcome.slos[0].total - outcome.slos[0].good == pytest.approx(day, abs=120)
    if (flapping := data("upptime-flapping-frontends", "probes.csv.gz")) is not None:
        real = replay(flapping, policy(), reading=Reading.PROBES)
        gone = [f.message for f in real.findings if f.check == "history/target-gone"]
        assert [message.split("'")[1] for message in gone] == ["libreddit libreddit.kavin.rocks", "libreddit libreddit.tux.pizza"]


def test_13_long_polls_do_not_belong_in_a_latency_objective(tmp_path):
    rows = [(60 * i, route, 100, 0, fast, all_) for i in range(60) for route, fast, all_ in (("/api", 99, 100), ("/poll", 5, 60))]
    slow = policy(kind="latency", threshold="250ms")
    outcome = replay(history(tmp_path, rows, "time,route,total,errors,le_250,le_30000"), slow)

    message = told(outcome, "replay/long-polls")
    assert "99% of its slow requests are of '/poll', of which 40.0% take longer than 30s" in message
    assert "99.00% are within 250ms instead of 52.00%" in message
    if (saas := data("saas-nginx-2013", "requests.csv.gz")) is not None:
        frame = pd.read_csv(saas)
        rest = frame[frame["route"] != "socket.io"]
        message = told(replay(saas, slow), "replay/long-polls")
        assert "are of 'socket.io'" in message
        assert f"{rest['le_250'].sum() / rest['total'].sum():.2%} are within 250ms" in message


def test_14_whether_499_is_good_or_bad_is_a_choice_that_is_stated(tmp_path):
    rows = [(60 * i, 100, 1, 4) for i in range(60)]
    path = history(tmp_path, rows, "time,total,errors,client_errors")

    good = replay(path, policy())
    assert (good.slos[0].total, good.slos[0].total - good.slos[0].good) == (6000, 60)
    assert "499, a client that gave up; --client-errors bad or excluded" in told(good, "history/client-errors")
    bad = replay(path, policy(), options=Options(client_errors=ClientErrors.BAD))
    assert (bad.slos[0].total, bad.slos[0].total - bad.slos[0].good) == (6000, 300)
    without = replay(path, policy(), options=Options(client_errors=ClientErrors.EXCLUDED))
    assert (without.slos[0].total, without.slos[0].total - without.slos[0].good) == (5760, 60)
    assert "left out, as asked" in told(without, "history/client-errors")
    if (saas := data("saas-nginx-2013", "requests.csv.gz")) is not None:
        frame = pd.read_csv(saas)
        real = replay(saas, policy(), options=Options(client_errors=ClientErrors.BAD))
        assert real.slos[0].total - real.slos[0].good == frame["errors"].sum() + frame["client_errors"].sum()
