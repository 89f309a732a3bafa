"""A history of counts does not say how its exporter wrote whole bounds of buckets; the rules that read them do."""

import csv
import json

import pytest
import yaml
from click.testing import CliRunner

from workbench.cli.main import cli

ROWS = ["time,total,errors,le_250,le_1000", *(f"{15 * i},100,0,50,{90 if i > 100 else 99}" for i in range(240))]
SHARE = "sum(rate(http_request_duration_seconds_bucket{{le{}}}[5m])) / sum(rate(http_request_duration_seconds_count[5m])) < 0.95"


def fired(tmp_path, *asked, options=(), rows=ROWS):
    """Which of the selectors' alerts fired, and the checks of all findings."""
    (tmp_path / "history.csv").write_text("\n".join(rows) + "\n")
    rules = [{"alert": f"A{i}", "expr": SHARE.format(one)} for i, one in enumerate(asked)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    out = tmp_path / "alerts.csv"
    files = [str(tmp_path / "history.csv"), "--rules", str(tmp_path / "rules.yml"), "--alerts-out", str(out), "-o", "json"]
    ran = CliRunner().invoke(cli, ["replay", *files, *options])
    assert ran.exit_code == 0, ran.output
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    return [row["alert"] for row in rows], {finding["check"] for finding in json.loads(ran.stdout)["findings"]}


@pytest.mark.parametrize("asked", ['="1"', '="1.0"', '=~"1"', '=~"5|1"', '=~"1.0"'])
def test_a_whole_bound_is_found_however_the_rules_write_it(tmp_path, asked):
    alerts, checks = fired(tmp_path, asked)

    assert alerts == ["A0"]
    assert "rules/no-series" not in checks
    assert ("history/bucket-names" in checks) == ("1.0" not in asked)


def test_rules_that_write_it_both_ways_have_one_that_finds_nothing_as_behind_any_prometheus(tmp_path):
    alerts, checks = fired(tmp_path, '="1"', '="1.0"')

    assert alerts == ["A1"]
    assert "rules/no-series" in checks


def test_objectives_are_measured_by_the_bound_whatever_its_name_in_the_rules(tmp_path):
    policy = {
        "apiVersion": "workbench/v1",
        "kind": "Policy",
        "name": "p",
        "slos": {"fast": {"indicator": {"kind": "latency", "threshold": "1s"}, "target": "90%", "window": "history"}},
    }
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))

    alerts, checks = fired(tmp_path, '="1"', options=("--policy", str(tmp_path / "policy.yaml")))

    assert alerts == ["A0"]
    assert not checks & {"replay/unmeasured", "replay/nothing-measured"}


def test_recorded_counters_keep_the_names_that_they_have(tmp_path):
    bucket, count = '"http_request_duration_seconds_bucket{le=""1.0""}"', "http_request_duration_seconds_count"
    rows = [f"time,{bucket},{count}", *(f"{15 * i},{90 * i},{100 * i}" for i in range(100))]

    alerts, checks = fired(tmp_path, '="1"', '="1.0"', options=("--counters",), rows=rows)

    assert alerts == ["A1"]
    assert "rules/no-series" in checks
