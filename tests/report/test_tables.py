import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.support.outcomes import synthetic_outcome
from workbench.alerts.rules import Episode
from workbench.report.columns import histograms_table, telemetry_table, write_table
from workbench.report.tables import ALERT_COLUMNS, alerts_csv, incidents_csv, number_text, outcome_json
from workbench.telemetry.incidents import read_incidents
from workbench.telemetry.series import Series, SeriesKey, Telemetry


@pytest.fixture(scope="module")
def outcome():
    return synthetic_outcome(days=8)


def test_json_is_the_outcome_without_its_arrays(outcome):
    document = json.loads(outcome_json(outcome))

    assert document["apiVersion"] == "workbench/outcome/v1"
    assert not {"telemetry", "tracks"} & set(document)
    assert [Decimal(slo["target"]) for slo in document["slos"]] == [slo.target for slo in outcome.slos]
    assert [slo["sli"] for slo in document["slos"]] == [slo.sli for slo in outcome.slos]
    assert document["episodes"][0]["labels"] == dict(outcome.episodes[0].labels)
    assert document["start"] == outcome.start.isoformat()


def test_json_has_sorted_keys_and_no_number_that_json_does_not_know(outcome):
    text = outcome_json(replace(outcome, horizon_s=float("nan"), coverage=(("b", float("inf")), ("a", 0.1))))
    document = json.loads(text, parse_constant=pytest.fail)

    assert document["horizon_s"] is None
    assert document["coverage"] == {"a": 0.1, "b": None}
    assert text == json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def test_the_timeline_is_ordered_and_writes_whole_numbers_without_decimals():
    episodes = (
        Episode(30.0, "b", (("x", "1"),), 45.0, None),
        Episode(30.0, "a", (("x", "2"), ("alertname", "a")), None, 60.5),
        Episode(30.0, "a", (("x", "1"), ("a", 'q"')), None, 60.0),
        Episode(15.0, "z", (), 15.0, 30.0),
    )

    rows = list(csv.reader(io.StringIO(alerts_csv(episodes))))

    assert tuple(rows[0]) == ALERT_COLUMNS
    assert rows[1:] == [
        ["z", "{}", "15", "15", "30"],
        ["a", '{"a": "q\\"", "x": "1"}', "30", "", "60"],
        ["a", '{"x": "2"}', "30", "", "60.5"],
        ["b", '{"x": "1"}', "30", "45", ""],
    ]


def test_numbers_read_back_the_same():
    assert [number_text(n) for n in (None, 0.0, -3.0, 0.1, 1e16, 1 / 3)] == ["", "0", "-3", "0.1", "10000000000000000", repr(1 / 3)]


def test_incidents_of_a_run_label_a_history_of_the_same_start(outcome, tmp_path):
    path = tmp_path / "incidents.csv"
    path.write_text(incidents_csv(outcome))

    rows = read_incidents(path, outcome.start)

    assert [(r.id, r.target, r.severity) for r in rows] == [(i.id, i.target, i.mode) for i in outcome.truth.incidents]
    assert [r.start_s for r in rows] == pytest.approx([i.start_s for i in outcome.truth.incidents], abs=1e-6)
    assert [r.end_s for r in rows] == pytest.approx([i.end_s for i in outcome.truth.incidents], abs=1e-6)


def test_without_a_ground_truth_there_is_only_the_header(outcome):
    assert incidents_csv(replace(outcome, truth=None, score=None)).count("\n") == 1


def scraped(step, count, phase=7.0):
    return np.arange(count) * step + phase


def telemetry():
    fine, coarse = scraped(15, 81), scraped(300, 5)
    gappy = np.delete(fine, [3, 4])
    return Telemetry.of(
        [
            Series(SeriesKey.of("hits", route="/", status_code="200"), fine, np.arange(81, dtype=np.int32)),
            Series(SeriesKey.of("load"), gappy, np.linspace(0, 1, 79)),
            Series(SeriesKey.of("took_bucket", le="0.005"), fine, np.arange(81, dtype=np.int64) * 3),
            Series(SeriesKey.of("took_bucket", le="1.0"), coarse, np.arange(5, dtype=np.int64)),
            Series(SeriesKey.of("late"), np.array([8.5]), np.array([4.0])),
        ],
        horizon_s=1215.0,
        scrape_interval_s=15.0,
    )


def test_telemetry_has_one_row_a_scrape_and_null_where_nothing_was_scraped(tmp_path):
    write_table(telemetry_table(telemetry()), tmp_path / "t.parquet")

    frame = pd.read_parquet(tmp_path / "t.parquet")

    names = ["time_s", 'hits{route="/",status_code="200"}', "late", "load", 'took_bucket{le="0.005"}']
    assert list(frame.columns) == names
    assert frame["time_s"].tolist() == sorted([*scraped(15, 81), 8.5])
    assert frame.loc[frame["time_s"] == 8.5, "late"].tolist() == [4.0]
    assert frame["late"].notna().sum() == 1
    assert frame["load"].notna().sum() == 79
    hits = frame[names[1]].dropna()
    assert hits.tolist() == list(range(81))
    assert str(pq.read_schema(tmp_path / "t.parquet").field(names[1]).type) == "int32"


def test_histograms_hold_every_bucket_at_the_instants_of_the_coarse_ones():
    frame = histograms_table(telemetry()).to_pandas()

    assert frame["time_s"].tolist() == [7, 307, 607, 907, 1207]
    assert frame['took_bucket{le="0.005"}'].tolist() == [0, 60, 120, 180, 240]
    assert frame['took_bucket{le="1.0"}'].tolist() == [0, 1, 2, 3, 4]


def test_histograms_of_a_history_are_taken_every_five_minutes_and_at_the_end():
    times = scraped(60, 13, 0.0)
    one = Series(SeriesKey.of("took_bucket", le="+Inf"), times, np.arange(13))
    table = histograms_table(Telemetry.of([one], horizon_s=780.0, scrape_interval_s=60.0))

    assert table["time_s"].to_pylist() == [240, 540, 720]


def test_no_series_is_an_empty_table(tmp_path):
    nothing = Telemetry.of((), horizon_s=60.0, scrape_interval_s=15.0)
    for table in (telemetry_table(nothing), histograms_table(nothing)):
        write_table(table, tmp_path / "t.parquet")
        assert pq.read_table(tmp_path / "t.parquet").shape == (0, 1)


def test_the_same_telemetry_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(telemetry_table(telemetry()), tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
