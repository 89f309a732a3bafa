import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from tests.support.places import ROOT
from workbench.cli.main import cli, main
from workbench.errors import ExitCode

SHORT = """\
apiVersion: workbench/v1
kind: Scenario
name: short
extends: baseline.yaml
clock: {{start: 2026-04-01, horizon: 12h}}
expect: {expect}
"""
RESULTS = {"rules.yml", "outcome.json", "alerts.csv", "incidents.csv", "telemetry.parquet", "histograms.parquet", "report.html"}


@pytest.fixture
def short(tmp_path):
    def write(expect="[]"):
        for name in ("world.yaml", "policy.yaml", "baseline.yaml"):
            (tmp_path / name).write_text((ROOT / "scenarios/medianest" / name).read_text())
        path = tmp_path / "short.yaml"
        path.write_text(SHORT.format(expect=expect))
        return path

    return write


def test_the_json_on_standard_output_is_the_outcome_file(short, tmp_path):
    done = CliRunner().invoke(cli, ["run", str(short()), "--out", str(tmp_path / "out"), "-o", "json"])

    assert done.exit_code == 0, done.output
    assert done.stdout == (tmp_path / "out/outcome.json").read_text()
    assert {path.name for path in (tmp_path / "out").iterdir()} == RESULTS
    assert json.loads(done.stdout)["seed"] == 4


def test_another_seed_is_another_month(short):
    one, other = (CliRunner().invoke(cli, ["run", str(short()), "-o", "json", "--seed", seed]) for seed in ("1", "2"))

    assert json.loads(one.stdout)["digest"] != json.loads(other.stdout)["digest"]
    assert json.loads(one.stdout)["slos"][0]["total"] != json.loads(other.stdout)["slos"][0]["total"]


def test_an_expectation_that_fails_exits_with_findings_and_says_what_was_measured(short, tmp_path):
    path = short("[{metric: pages, at_least: 100}, {metric: incidents, at_least: 0}]")
    done = CliRunner().invoke(cli, ["run", str(path), "--out", str(tmp_path / "out")])

    assert done.exit_code == ExitCode.FINDINGS
    assert "100" in done.stdout
    assert "pages" in done.stdout
    assert "incidents, at" not in done.stdout
    assert (tmp_path / "out/report.html").is_file()


def test_an_existing_folder_is_refused_before_anything_is_simulated(short, tmp_path, capsys, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    monkeypatch.setattr("workbench.run.month.run", lambda *_, **__: pytest.fail("it was simulated"))
    with pytest.raises(SystemExit) as caught:
        main(["run", str(short()), "--out", str(tmp_path / "out")])

    assert caught.value.code == ExitCode.BAD_INPUT
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("after_s", [0.5, 1.2, 1.8, 2.4])
def test_a_killed_run_leaves_a_whole_folder_or_none(short, tmp_path, after_s):
    path = short()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", str(path), "--out", str(tmp_path / "out")],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(after_s)
    running.send_signal(signal.SIGKILL)
    running.wait()

    folder = tmp_path / "out"
    assert not folder.exists() or {entry.name for entry in folder.iterdir()} == RESULTS


def test_an_interrupted_run_says_so_and_exits_with_130(short, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", str(short()), "--out", str(tmp_path / "out")],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)

    if running.returncode != 0:  # it may have finished before
        assert running.returncode == ExitCode.INTERRUPTED
        assert "Traceback" not in err
        assert not (tmp_path / "out").exists()


def test_a_metric_that_does_not_exist_is_named_before_anything_is_simulated(short):
    path = short("[{metric: slo.nix, at_most: 1}, {metric: pagse, at_most: 1}, {metric: pages, at_least: 0}]")
    validated = CliRunner().invoke(cli, ["validate", str(path)])

    assert validated.exit_code == ExitCode.FINDINGS
    assert validated.stdout.count("expect/unknown-metric") == 2
    assert "short.yaml:6:" in validated.stdout
    assert "pages" in validated.stdout


def test_a_policy_given_instead_of_a_scenario_is_called_one(short, tmp_path, capsys):
    short()
    with pytest.raises(SystemExit) as caught:
        main(["run", str(tmp_path / "policy.yaml")])

    assert caught.value.code == ExitCode.BAD_INPUT
    assert "takes a scenario" in capsys.readouterr().err


def test_force_never_deletes_what_is_not_a_result(short, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "outcome.json").write_text("{}")
    (out / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit) as caught:
        main(["run", str(short()), "--out", str(out), "--force"])

    assert caught.value.code == ExitCode.BAD_INPUT
    assert "mine.txt" in capsys.readouterr().err
    assert (out / "mine.txt").read_text() == "mine"


def test_a_horizon_that_cannot_be_held_in_memory_is_refused(short):
    path = short()
    path.write_text(path.read_text().replace("12h", "99999d"))

    assert "at most 2,110,000 scrapes" in CliRunner().invoke(cli, ["validate", str(path)]).stdout


@pytest.mark.parametrize("redirect", [">&-", "2>&-", "| head -1"])
def test_closed_outputs_give_no_traceback_and_never_the_code_for_findings(short, redirect):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m workbench run {short()} {redirect}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60, check=False)

    assert "Traceback" not in done.stderr
    assert done.returncode in {ExitCode.FINE, ExitCode.BAD_INPUT}
