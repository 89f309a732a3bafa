import csv
import json

import pytest
from click.testing import CliRunner

from workbench.cli.main import _code, cli
from workbench.report.folder import RESULTS

POLICY = """\
apiVersion: workbench/v1
kind: Policy
name: p
slos:
  availability: {indicator: {kind: events}, target: 99.9%, window: history}
burn_rate_alerts:
  fast: {long: 1h, short: 5m, factor: 14.4, for: 2m, severity: critical, page: true}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    rows = [f"{60 * i},100,{50 if 100 <= i < 120 else 0}" for i in range(200)]
    (tmp_path / "history.csv").write_text("\n".join(["time,total,errors", *rows]) + "\n")
    return tmp_path


def names(place):
    return {path.name for path in place.iterdir()}


def run(*arguments):
    return CliRunner().invoke(cli, ["replay", "history.csv", "--policy", "policy.yaml", *arguments])


def test_json_says_what_the_rows_say(place):  # noqa: ARG001 - the folder it runs in
    result = run("-o", "json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document["slos"][0]["total"], document["slos"][0]["good"]) == (20_000, 19_000)
    assert document["profile"] == {"evaluation_interval_s": 60.0, "phase_s": 7.0, "prometheus": "3.5", "scrape_interval_s": 60.0}
    assert run("-o", "json").stdout == result.stdout


def test_the_summary_names_objective_and_budget(place):  # noqa: ARG001 - the folder it runs in
    result = run()

    assert result.exit_code == 0
    assert "availability" in result.stdout
    assert "EXCEEDED" in result.stdout


def test_the_timeline_goes_to_its_file_and_the_result_to_its_folder(place):
    result = run("--alerts-out", "alerts.csv", "--out", "out")

    assert result.exit_code == 0, result.output
    with (place / "alerts.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["alert"], json.loads(row["labels"])) == ("fast", {"severity": "critical", "slo": "availability"})
    assert int(row["firing_at_s"]) - int(row["pending_at_s"]) == 120
    assert (place / "out" / "alerts.csv").read_text() == (place / "alerts.csv").read_text()
    assert names(place / "out") == set(RESULTS)


def test_a_folder_that_is_there_is_refused_before_anything_is_read(place):
    (place / "out").mkdir()

    assert _code(["replay", "none.csv", "--policy", "none.yaml", "--out", "out"]) == 2
    assert names(place / "out") == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--route", "x"],
        ["--phase", "soon"],
        ["--eval-interval", "0s"],
        ["--prometheus", "1.0"],
        ["--total-series", "9 lives"],
        ["--total-series", "a", "--errors-series", "a"],
        ["--incidents", "none.csv"],
        ["--phase", "-7s"],
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_written(place, arguments, capsys):
    before = names(place)

    code = _code(["replay", "history.csv", "--policy", "policy.yaml", "--out", "out", "--alerts-out", "a.csv", *arguments])

    assert code == 2
    assert "Traceback" not in capsys.readouterr().err
    assert names(place) == before


def test_a_history_that_measures_nothing_ends_with_a_finding(place):
    (place / "history.csv").write_text("time,total\n0,1\n60,1\n")

    result = run()

    assert result.exit_code == 1
    assert "could be measured" in " ".join(result.stdout.split())
