"""`workbench explain` on a terminal of 80 columns, and its refusals."""

import json

import pytest
from click.testing import CliRunner

from tests.report.test_explanation import RATIO, small_run
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.cli.main import cli
from workbench.errors import BadInput
from workbench.world.truth import Incident, Truth

INCIDENT = Incident("outage-1", "outage", "database", "failure", ("/a",), (), 590.0, None, 900.0, "errors 10 %")
GROUPS = (
    RuleGroup(
        "g",
        (
            RecordingRule("route:ratio:rate1m", RATIO),
            AlertRule("Recorded", "route:ratio:rate1m > 5 * 0.01", 60.0),
            AlertRule("Direct", f"{RATIO} > 0.05", 60.0, annotations=(("summary", "{{ $labels.route }} fails"),)),
        ),
    ),
)


@pytest.fixture
def run(tmp_path):
    small_run(tmp_path, GROUPS, incidents=Truth((INCIDENT,)))
    return tmp_path / "small"


def said(monkeypatch, *arguments):
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(cli, ["explain", *map(str, arguments)])
    assert result.exception is None, result.output
    return result.stdout


def test_the_page_says_first_why_and_fits_eighty_columns(monkeypatch, run):
    page = said(monkeypatch, run, "--alert", "Direct", "--at", "12m30s")

    lines = page.splitlines()
    assert lines[0] == "Direct {route=/a}"
    assert lines[3].startswith("Direct was firing at 00:12:30, since 00:11:")
    assert "outage-1 (errors 10 % of database) began 2m40s earlier and goes on for 2m30s." in page.replace("\n", " ")
    assert "summary: /a fails" in page
    assert "counted 3 x 1.333 = 4, 0.06667/s" in page
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_the_chain_of_recording_rules_is_on_the_page(monkeypatch, run):
    page = said(monkeypatch, run, "--alert", "Recorded", "--at", "300")

    assert "Recorded by rules" in page
    assert "route:ratio:rate1m at 00:05:00, group g" in page
    assert "outage-1 (errors 10 % of database) began 4m50s later." in page


def test_json_goes_to_programs(monkeypatch, run):
    document = json.loads(said(monkeypatch, run, "--alert", "Direct", "--at", "750", "-o", "json", "--labels", "route=/a"))

    assert document["kind"] == "Explanation"
    assert document["near"][0]["incident"]["id"] == "outage-1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--alert", "Direkt", "--at", "1m"),
        ("--alert", "Direct", "--at", "1d"),
        ("--alert", "Direct", "--at", "1m", "--labels", "route"),
        ("--alert", "Direct", "--at", "1m", "--labels", "route=/zzz"),
    ],
)
def test_what_cannot_be_asked_ends_with_a_problem(run, arguments):
    result = CliRunner().invoke(cli, ["explain", str(run), *arguments])

    assert isinstance(result.exception, BadInput)


def test_a_folder_of_something_else_is_refused(tmp_path):
    result = CliRunner().invoke(cli, ["explain", str(tmp_path), "--alert", "A", "--at", "1m"])

    assert isinstance(result.exception, BadInput)
