import csv
import dataclasses
import gzip
import io

import pytest

from tests.support.places import ROOT
from workbench.interop.history import counts_csv, incidents_csv
from workbench.run.month import run
from workbench.run.replay import replay
from workbench.scenario.load import load_policy, load_scenario
from workbench.units import DAY_S

ROUTES = ("/api/v1/auth/login", "/api/v1/media/upload")


@pytest.fixture(scope="module")
def month():
    return run(dataclasses.replace(load_scenario(ROOT / "scenarios/medianest/baseline.yaml"), seed=7))


def test_the_shipped_history_is_what_the_scenario_exports(month):
    shipped = gzip.decompress((ROOT / "scenarios/recorded/five-days-simulated.csv.gz").read_bytes()).decode()
    incidents = (ROOT / "scenarios/recorded/incidents.csv").read_text()

    assert counts_csv(month, step_s=60, routes=ROUTES, until_s=5 * DAY_S) == shipped
    assert incidents_csv(month, routes=ROUTES, until_s=5 * DAY_S) == incidents


def test_the_rows_hold_every_request_that_was_scraped(month):
    rows = list(csv.DictReader(io.StringIO(counts_csv(month, step_s=300, routes=["/api/v1/search"]))))

    counted = sum(int(row["total"]) for row in rows)
    expected = 0
    for series in month.telemetry.by_name["http_request_duration_seconds_count"]:
        if series.key.label_map["route"] == "/api/v1/search":
            values = series.values.astype(int)
            falls = [*(values[1:] < values[:-1]).nonzero()[0]]
            expected += int(values[-1]) + sum(int(values[at]) for at in falls)
    assert counted == expected


def test_a_replay_of_the_export_measures_what_the_run_measured(month, tmp_path):
    path = tmp_path / "upload.csv"
    path.write_text(counts_csv(month, step_s=60, routes=["/api/v1/media/upload"]))
    replayed = replay(path, load_policy(ROOT / "scenarios/recorded/policy.yaml"))

    measured = next(slo for slo in month.slos if slo.name == "media-upload")
    [slo] = replayed.slos
    assert (slo.good, slo.total) == (measured.good, measured.total)
