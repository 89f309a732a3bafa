"""The readings of a history through whole replays: what must not depend on how the same past was written down."""

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.histories import counters
from tests.support.places import ROOT, SHARED
from tests.support.promtool_timeline import our_transitions, real_transitions
from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.cli.main import cli
from workbench.run.replay import replay
from workbench.scenario.schema.naming import MetricsMap
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.fetch_out import text_of
from workbench.telemetry.history import Reading, read_history
from workbench.telemetry.openmetrics_out import write_openmetrics
from workbench.telemetry.series import Telemetry, is_stale


def policy(**slos):
    rules = {
        "fast": {"long": "1h", "short": "5m", "factor": 14.4, "for": "2m", "severity": "critical", "page": True},
        "moderate": {"long": "6h", "short": "30m", "factor": 6, "for": "15m", "severity": "warning"},
    }
    slos = slos or {"availability": {"indicator": {"kind": "events"}, "target": "99.9%", "window": "history"}}
    return Policy.model_validate(
        {"apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "slos": slos, "burn_rate_alerts": rules}
    )


def measured(outcome):
    return [(slo.name, float(slo.good), float(slo.total), slo.met, slo.unknown_events) for slo in outcome.slos]


def checks(outcome):
    return {finding.check for finding in outcome.findings}


def long_text(telemetry, origin=1_775_001_600):
    """The telemetry as `time,series,value`."""
    stream = io.StringIO()
    write = csv.writer(stream, lineterminator="\n").writerow
    write(("time", "series", "value"))
    for one in telemetry:
        stale = is_stale(np.asarray(one.values, float))
        for time, value, gone in zip(one.times.tolist(), one.values.tolist(), stale.tolist(), strict=True):
            write((f"{origin + time:.3f}", text_of(one.key), "" if gone else repr(value)))
    return stream.getvalue()


def test_a_simulated_run_replayed_from_its_openmetrics_measures_the_same(tmp_path, busy_outcome, busy_days):
    """All but what the counters showed at the first scrape, which no recording can tell from what happened before."""
    chosen = [
        one
        for one in busy_outcome.telemetry
        if one.key.name == "http_requests_total" and one.key.label_map["route"].startswith("/api/v1/auth/")
    ]
    with (tmp_path / "run.om").open("wb") as stream:
        telemetry = Telemetry.of(chosen, horizon_s=busy_outcome.horizon_s, scrape_interval_s=15.0)
        write_openmetrics(telemetry, busy_outcome.start, stream)
    slos = {"authentication": busy_days.policy.slos["authentication"].model_copy(update={"window": "history"})}
    outcome = replay(tmp_path / "run.om", busy_days.policy.model_copy(update={"slos": slos, "slas": {}}), phase_s=0.0)

    assert "by its label status_code" in next(f.message for f in outcome.findings if f.check == "history/reading")
    [run], [replayed] = [slo for slo in busy_outcome.slos if slo.name == "authentication"], outcome.slos
    first = sum(int(one.values[0]) for one in chosen)
    assert 0 <= run.total - replayed.total <= first
    assert 0 <= run.good - replayed.good <= first
    assert replayed.total > 1000


def test_a_replay_of_openmetrics_on_the_old_grid_has_the_very_timeline_of_the_run(tmp_path, busy_outcome):
    """A sample one scrape before the first puts second 0 where the run has it, 7 s before a scrape."""
    route = "/api/v1/auth/login"
    names = ("http_requests_total",)
    chosen = [one for one in busy_outcome.telemetry if one.key.name in names and one.key.label_map["route"] == route]
    telemetry = Telemetry.of(chosen, horizon_s=busy_outcome.horizon_s, scrape_interval_s=15.0)
    with (tmp_path / "run.om").open("wb") as stream:
        write_openmetrics(telemetry, busy_outcome.start, stream)
    text = (tmp_path / "run.om").read_text().removesuffix("# EOF\n")
    begin = int(busy_outcome.start.timestamp())
    (tmp_path / "run.om").write_text(f"{text}clock 1 {begin}\nclock 1 {begin + 15}\n# EOF\n")
    slo = {"indicator": {"kind": "events", "routes": [route]}, "target": "99.9%", "window": "history"}
    outcome = replay(tmp_path / "run.om", policy(login=slo), phase_s=0.0, evaluation_interval_s=15.0)

    expected = timeline(outcome.rules, telemetry, Profile("3.5", 15.0, 15.0, 7.0), float(telemetry.series[0].times[-1]))
    assert outcome.episodes == expected
    assert len(expected) > 2


@pytest.mark.parametrize("seed", [3, 11])
def test_long_counters_with_stale_markers_and_restarts_have_the_timeline_of_a_real_prometheus(tmp_path, seed):
    telemetry = counters(seed, samples=160, gaps=True, stale=True, shared=False)
    (tmp_path / "h.csv").write_text(long_text(telemetry))
    history = read_history(tmp_path / "h.csv", route=None, reading=Reading.COUNTERS, phase_s=7.0)
    ratio = 'sum(rate(req{code=~"5.."}[4m])) / sum(rate(req[4m]))'
    groups = (
        RuleGroup(
            "g",
            (
                AlertRule("Ratio", f"{ratio} > 0.02", for_s=45.0),
                AlertRule("Each", 'rate(req{code="500"}[2m]) > 0.1', for_s=0.0, keep_firing_for_s=60.0),
                AlertRule("Instant", 'req{code="503"} > 20', for_s=30.0),
            ),
        ),
    )
    ours = timeline(groups, history.telemetry, Profile("2.42", 15.0, 15.0, 7.0), history.last_scrape_s)

    assert history.last_scrape_s % 1 == 0
    until = int(max(one.times[-1] for one in history.telemetry))
    real = real_transitions(tmp_path, groups, list(history.telemetry), every_s=15, until_s=until)
    assert our_transitions(ours) == real
    assert len(real) > 10


def test_counts_and_the_counters_they_add_up_to_give_one_timeline(tmp_path):
    rng = np.random.default_rng(1)
    total = rng.poisson(50, 600)
    errors = np.where((np.arange(600) > 300) & (np.arange(600) < 330), total // 2, rng.binomial(total, 0.001))
    rows = [f"{60 * i},{t},{e}" for i, (t, e) in enumerate(zip(total, errors, strict=True))]
    (tmp_path / "counts.csv").write_text("\n".join(["time,total,errors", *rows]) + "\n")
    sums = zip(np.cumsum(total), np.cumsum(errors), strict=True)
    rows = [f"{60 * i},{t},{e}" for i, (t, e) in enumerate(sums)]
    (tmp_path / "counters.csv").write_text("\n".join(["time,hits_total,misses_total", *rows]) + "\n")
    names = {"requests_name": "hits_total", "errors_name": "misses_total"}

    counts = replay(tmp_path / "counts.csv", policy(), **names)
    as_counters = replay(tmp_path / "counters.csv", policy(), reading=Reading.COUNTERS, **names)

    assert counts.episodes == as_counters.episodes
    assert counts.episodes
    assert counts.rules == as_counters.rules
    # What the counters showed at the first scrape happened before it, and is counted by nobody.
    assert as_counters.slos[0].total == total[1:].sum()
    assert counts.slos[0].total == total.sum()


def test_a_missed_scrape_of_one_counter_loses_no_event(tmp_path):
    rows = ["time,r_total,e_total", "0,100,10", "60,200,20", "120,300,", "180,400,50", "240,,60", "300,600,70"]
    (tmp_path / "h.csv").write_text("\n".join(rows) + "\n")
    outcome = replay(tmp_path / "h.csv", policy(), reading=Reading.COUNTERS, requests_name="r_total", errors_name="e_total")

    (slo,) = outcome.slos
    assert (slo.total, slo.total - slo.good, slo.unknown_events) == (500, 60, 0)


def test_requests_by_code_need_no_counter_of_errors(tmp_path):
    rows = ['time,"hits{code=""200""}","hits{code=""500""}","hits{code=""499""}"', "0,10,1,1", "60,20,3,2", "120,30,3,4"]
    (tmp_path / "h.csv").write_text("\n".join(rows) + "\n")
    excluded = {"indicator": {"kind": "events", "exclude_codes": ["4.."]}, "target": "99.9%", "window": "history"}
    outcome = replay(
        tmp_path / "h.csv", policy(all=policy().slos["availability"], some=excluded), reading=Reading.COUNTERS, requests_name="hits"
    )

    assert measured(outcome) == [("all", 23, 25, False, 0), ("some", 20, 22, False, 0)]
    assert 'code=~"5.."' in outcome.rules[0].rules[0].expr
    assert "history/client-gave-up" in checks(outcome)
    assert "replay/codes" not in checks(outcome)


@pytest.mark.parametrize(
    ("head", "fragment", "nearest"),
    [
        ("time,http_request_total,up", "no series of this name", "http_request_total"),
        ("time,http_requests_total,http_request_error_total", "no counter of errors of this name", "http_request_error_total"),
    ],
)
def test_counters_that_are_not_there_are_unknown_and_the_nearest_told(tmp_path, head, fragment, nearest):
    (tmp_path / "h.csv").write_text(f"{head}\n0,1,1\n60,2,2\n120,3,3\n")
    outcome = replay(tmp_path / "h.csv", policy(), reading=Reading.COUNTERS)

    (told,) = [f for f in outcome.findings if f.check == "replay/unmeasured"]
    assert fragment in told.message
    assert told.nearest == nearest
    assert outcome.slos[0].sli is None
    assert "replay/nothing-measured" in checks(outcome)


def test_a_map_of_metrics_changes_names_and_no_number(tmp_path):
    (tmp_path / "h.csv").write_text("time,http_requests_total,http_request_errors_total\n0,1000,10\n60,1100,12\n120,1200,12\n")
    mapped = policy().model_copy(update={"metrics": MetricsMap(names={"http_requests_total": "hits"})})
    outcome = replay(tmp_path / "h.csv", mapped, reading=Reading.COUNTERS)

    assert measured(outcome) == [("availability", 198, 200, False, 0)]
    assert "rate(hits[" in outcome.rules[0].rules[0].expr


def test_bounds_as_prometheus_2_writes_them_are_told(tmp_path):
    name = "http_request_duration_seconds_bucket"
    head = ",".join(["time", "http_requests_total", *(f'"{name}{{le=""{le}""}}"' for le in ("0.5", "1", "+Inf"))])
    (tmp_path / "h.csv").write_text(f"{head}\n0,1,1,1,1\n60,2,1,2,2\n")
    slow = {"indicator": {"kind": "latency", "threshold": "1s"}, "target": "99%", "window": "history"}
    outcome = replay(tmp_path / "h.csv", policy(slow=slow), reading=Reading.COUNTERS)

    assert any('(le="1")' in f.message for f in outcome.findings if f.check == "history/le")
    assert any("no bucket has its threshold" in f.message for f in outcome.findings)


def test_nginx_spends_its_budget_with_three_errors_of_1213_requests():
    path = SHARED / "data/nginx-status-counters/counters.csv.gz"
    if not path.is_file():
        pytest.skip("needs the data set nginx-status-counters, which is not part of the project")
    outcome = replay(path, policy(), reading=Reading.COUNTERS, requests_name="requests", errors_name="responses_5xx")

    (slo,) = outcome.slos
    assert (slo.total, slo.total - slo.good) == (363 + 757 + 93, 3)
    assert (outcome.profile.scrape_interval_s, outcome.profile.evaluation_interval_s) == (5.104, 5.104)


def run(*arguments):
    return CliRunner().invoke(cli, ["replay", *map(str, arguments)])


@pytest.fixture
def place(tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: workbench/v1\nkind: Policy\nname: p\nslos:\n"
        "  availability: {indicator: {kind: events}, target: 99.9%, window: history}\n"
        "burn_rate_alerts:\n  fast: {long: 1h, short: 5m, factor: 14.4, for: 2m, severity: critical, page: true}\n"
    )
    return tmp_path


def test_the_reading_is_stated_in_every_output(place):
    (place / "c.csv").write_text("time,total,errors\n0,5,0\n60,5,0\n")
    (place / "p.csv").write_text("time,target,up\n0,a,1\n600,a,0\n900,a,1\n")
    (place / "s.csv").write_text("time,http_requests_total,http_request_errors_total\n0,5,0\n60,9,0\n")
    for name, option, words in (
        ("c.csv", "--counts", "each row counts the events since the row before it"),
        ("s.csv", "--counters", "each column is one series, cumulative"),
        ("p.csv", "--probes", "each row is a target's state until its next row"),
    ):
        ran = run(place / name, option, "--policy", place / "policy.yaml", "-o", "json")
        document = json.loads(ran.stdout)
        assert words in document["description"]
        assert any(words in f["message"] and f["check"] == "history/reading" for f in document["findings"])
        assert words in " ".join(run(place / name, option, "--policy", place / "policy.yaml").stdout.split())


def test_one_reading_at_a_time(place):
    (place / "c.csv").write_text("time,total,errors\n0,5,0\n60,5,0\n")
    ran = run(place / "c.csv", "--counts", "--counters", "--policy", place / "policy.yaml")

    assert ran.exit_code == 2
    assert "one of --counts, --counters and --probes" in ran.output


def test_the_timeline_has_whole_seconds_sorted_labels_and_pending_episodes(place):
    rows = [(60 * i, 100, 50 if 100 <= i < 102 or 120 <= i < 140 or i >= 194 else 0) for i in range(200)]
    (place / "c.csv").write_text(
        "\n".join(["time,route,total,errors", *(f"{t},/b,{n},{e}\n{t},/a,{n},{e}" for t, n, e in rows)]) + "\n"
    )
    ran = run(place / "c.csv", "--policy", place / "policy.yaml", "--alerts-out", place / "a.csv", "--phase", "7s")

    assert ran.exit_code == 0, ran.output
    lines = (place / "a.csv").read_text().splitlines()
    assert lines[0] == "alert,labels,pending_at_s,firing_at_s,resolved_at_s"
    found = list(csv.DictReader(lines))
    assert [int(row["pending_at_s"]) for row in found] == sorted(int(row["pending_at_s"]) for row in found)
    assert all(row["labels"] == '{"severity": "critical", "slo": "availability"}' for row in found)
    assert any(row["firing_at_s"] for row in found)
    assert found[-1]["resolved_at_s"] == ""
    assert all("." not in row[name] for row in found for name in ("pending_at_s", "firing_at_s", "resolved_at_s"))


def test_the_shipped_history_is_read_as_it_always_was():
    outcome = replay(ROOT / "scenarios/recorded/five-days-simulated.csv.gz", policy(), route="/api/v1/auth/login")

    assert not (checks(outcome) & {"history/looks-cumulative", "history/looks-rolling", "history/all-failed"})
