"""Telemetry out as OpenMetrics: the real promtool makes blocks of it, and a real server answers as our evaluator does."""

import datetime as dt
import io
import math
import subprocess

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.histories import counters
from tests.support.places import ROOT
from tests.support.programs import need
from tests.support.prometheus_server import ask, make_blocks, server
from workbench.alerts.rules import Profile
from workbench.cli.export import command as export
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.history import read_history
from workbench.telemetry.openmetrics_out import estimate, write_openmetrics
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry

START = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
QUERIES = [
    "sum(rate(req[5m]))",
    'sum by (route) (increase(req{code=~"5.."}[10m]))',
    'sum(rate(req{code=~"5.."}[5m])) / sum(rate(req[5m])) > 0.01',
    'req{route="0"}',
    "count_over_time(odd[2m])",
    "odd",
]


def written(telemetry, start=START):
    stream = io.BytesIO()
    result = write_openmetrics(telemetry, start, stream)
    assert result.size == len(stream.getvalue())
    return stream.getvalue().decode(), result


def telemetry_of(*series):
    return Telemetry.of(series, horizon_s=3600, scrape_interval_s=15)


def odd_gauge():
    times = np.cumsum(np.random.default_rng(8).integers(1, 40_000, 200)) / 1000
    values = np.random.default_rng(9).normal(size=200) * 10.0 ** np.random.default_rng(10).integers(-300, 300, 200)
    values[[3, 50]] = [np.inf, -np.inf]
    return Series(SeriesKey.of("odd", text='a "b" \\ \n é'), times, values)


def test_a_real_server_over_the_blocks_answers_as_our_evaluator_does(tmp_path):
    base = counters(4, samples=200, gaps=True, shared=False)
    telemetry = Telemetry.of([*base, odd_gauge()], horizon_s=base.horizon_s, scrape_interval_s=15.0)
    text, _ = written(telemetry)
    (tmp_path / "t.om").write_text(text)
    (tmp_path / "data").mkdir()
    make_blocks(tmp_path / "data", tmp_path / "t.om")
    instants = np.arange(0.0, 2700.0, 15.0)
    epoch = START.timestamp()
    evaluator = Evaluator(telemetry, Profile("2.42"))

    with server(tmp_path / "data") as address:
        for query in QUERIES:
            found = evaluator.evaluate(parse(query), instants)
            ours = {
                tuple(sorted(labels)): {float(t): v for t, v, there in zip(instants, values, present, strict=True) if there}
                for labels, values, present in zip(found.labels, found.values, found.present, strict=True)
            }
            asked = ask(address, "query_range", query=query, start=epoch, end=epoch + instants[-1], step=15)
            theirs = {
                tuple(sorted(one["metric"].items())): {t - epoch: float(v) for t, v in one["values"]} for one in asked["result"]
            }
            assert theirs.keys() == ours.keys(), query
            for labels, values in theirs.items():
                assert values == pytest.approx(ours[labels], rel=1e-13, abs=0, nan_ok=True), query
            at_end = ask(address, "query", query=query, time=epoch + instants[-1])["result"]
            assert {tuple(sorted(one["metric"].items())) for one in at_end} == {k for k, v in ours.items() if instants[-1] in v}


def test_what_is_written_is_read_back_to_the_bit(tmp_path):
    telemetry = Telemetry.of([*counters(7, whole=False), odd_gauge()], horizon_s=3600, scrape_interval_s=15)
    text, result = written(telemetry)
    (tmp_path / "t.om").write_text(text)

    history = read_history(tmp_path / "t.om", route=None)
    first = min(float(one.times[0]) for one in telemetry)
    assert (history.start - START).total_seconds() == first
    assert [one.key for one in history.telemetry] == [one.key for one in telemetry]
    for ours, theirs in zip(telemetry, history.telemetry, strict=True):
        assert np.array_equal(np.rint(ours.times * 1000), np.rint((theirs.times + first) * 1000))
        assert np.array_equal(ours.values.astype(float), theirs.values.astype(float), equal_nan=True)
    assert (result.series, result.samples) == (10, sum(len(one.times) for one in telemetry))
    assert abs(estimate(telemetry).size / result.size - 1) < 0.15


def test_milliseconds_survive_the_binary_arithmetic_of_prometheus():
    start = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    times = np.arange(1000, 9000) / 1000
    text, _ = written(telemetry_of(Series(SeriesKey("a"), times, np.zeros(8000, np.int64))), start)

    stamps = [float(line.split()[-1]) for line in text.splitlines() if line[0] != "#"]
    assert [int(stamp * 1000) for stamp in stamps] == [round(start.timestamp() * 1000) + round(t * 1000) for t in times]


def test_stale_markers_are_left_out_and_told_by_number():
    values = np.array([1.0, STALE, 3.0, math.nan])
    text, result = written(telemetry_of(Series(SeriesKey("a"), np.arange(4) * 15.0, values)))

    assert text == "# TYPE a unknown\na 1 1775001600\na 3 1775001630\na NaN 1775001645\n# EOF\n"
    (told,) = result.findings
    assert (told.check, "1 are left out" in told.message, result.samples) == ("openmetrics/stale", True, 3)


def test_names_that_the_format_cannot_say_are_told():
    odd = Series(SeriesKey.of("a.b", {"c-d": "1"}), np.zeros(1), np.zeros(1))
    text, result = written(telemetry_of(odd, Series(SeriesKey("a"), np.zeros(1), np.zeros(1))))

    assert "a.b" not in text
    assert "'a.b{c-d=" in result.findings[0].message


def test_families_have_their_type_and_a_whole_histogram_stands_together():
    times = np.array([0.0, 15.0])

    def one(name, values, **labels):
        return Series(SeriesKey.of(name, labels), times, np.array(values))

    text, _ = written(
        telemetry_of(
            one("n_total", [1, 2]),
            one("h_bucket", [1, 2], le="10.0"),
            one("h_bucket", [1, 1], le="2.5"),
            one("h_bucket", [2, 3], le="+Inf"),
            one("h_sum", [1.5, 2.5]),
            one("h_count", [2, 3]),
            one("g_bucket", [2, 3], le="+Inf"),
        )
    )

    assert text.splitlines() == [
        "# TYPE g_bucket unknown",
        'g_bucket{le="+Inf"} 2 1775001600',
        'g_bucket{le="+Inf"} 3 1775001615',
        "# TYPE h histogram",
        *(f"{name} {value} {at}" for at, column in ((1775001600, 0), (1775001615, 1)) for name, value in (
            ('h_bucket{le="2.5"}', [1, 1][column]), ('h_bucket{le="10.0"}', [1, 2][column]), ('h_bucket{le="+Inf"}', [2, 3][column]),
            ("h_sum", [1.5, 2.5][column]), ("h_count", [2, 3][column]))),
        "# TYPE n counter",
        "n_total 1 1775001600",
        "n_total 2 1775001615",
        "# EOF",
    ]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(export, ["openmetrics", *arguments])


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    """A scenario that simulates in a moment."""
    return ROOT / "scenarios/starter/scenario.yaml"


def test_a_simulated_scenario_becomes_blocks(tmp_path, starter):
    ran = run(str(starter), "--until", "2h", "--metric", "http_requests_.*", "--out", str(tmp_path / "t.om"))

    assert ran.exit_code == 0, ran.output
    text = (tmp_path / "t.om").read_text()
    assert {line.split("{")[0] for line in text.splitlines() if line[0] != "#"} == {"http_requests_total"}
    checked = subprocess.run(
        [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1458h", "t.om", "data"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert list(tmp_path.glob("data/*/meta.json"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_dry_run_says_how_much_it_would_be(starter):
    ran = run(str(starter), "--until", "1h", "--match", 'http_requests_total{status_code=~"5.."}', "--dry-run")

    assert ran.exit_code == 0, ran.output
    assert "samples of" in ran.stdout


def test_a_recorded_history_goes_out_too(tmp_path):
    (tmp_path / "h.csv").write_text("time,total,errors\n1775001600,5,1\n1775001660,6,0\n")
    ran = run("--history", str(tmp_path / "h.csv"), "--phase", "0s", "--total-series", "hits", "--errors-series", "misses")

    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == [
        "# TYPE hits unknown", "hits 5 1775001600", "hits 11 1775001660",
        "# TYPE misses unknown", "misses 1 1775001600", "misses 1 1775001660", "# EOF",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ([], "name a SCENARIO"),
        (["x.yaml", "--history", "h.csv"], "name a SCENARIO"),
        (["--history", "h.csv", "--metric", "("], "not a regular expression"),
        (["--history", "h.csv", "--match", "1 + 1"], "no selector"),
        (["--history", "h.csv", "--metric", "http_request_total"], "no series is left"),
        (["--history", "h.csv", "--counts", "--probes"], "one reading"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, monkeypatch, arguments, fragment):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "h.csv").write_text("time,total,errors\n0,5,1\n60,6,0\n")
    ran = run(*arguments)

    assert ran.exit_code != 0
    assert fragment in ran.output + str(ran.exception)
