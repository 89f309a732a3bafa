"""The reading `--counters`: cumulative values, wide and long, CSV and Parquet."""

import gzip
import io
import math
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.places import SHARED
from workbench.errors import BadInput
from workbench.telemetry import table
from workbench.telemetry.history import Options, Reading, read_history
from workbench.telemetry.series import SeriesKey, is_stale


def read(tmp_path, text, name="h.csv", **options):
    path = tmp_path / name
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return read_history(path, **{"route": None, "reading": Reading.COUNTERS, **options})


def parquet(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def values(history):
    return {str(one.key): (one.times.tolist(), one.values.tolist()) for one in history.telemetry}


def checks(history):
    return {finding.check for finding in history.findings}


def problems(tmp_path, text, **options):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, **options)
    return caught.value.problems


WIDE = 'time,"http_requests_total{code=""200"",route=""/""}",up\n0,100,1\n60,103,1\n120,,0\n180,2,NaN\n'


def test_a_column_is_one_series_and_an_empty_cell_is_no_sample(tmp_path):
    history = read(tmp_path, WIDE)

    assert values(history) == {
        'http_requests_total{code="200",route="/"}': ([0, 60, 180], [100, 103, 2]),
        "up": ([0, 60, 120, 180], pytest.approx([1, 1, 0, math.nan], nan_ok=True)),
    }
    assert (history.spacing_s, history.last_scrape_s, history.telemetry.horizon_s) == (60, 180, 240)
    assert history.reading is Reading.COUNTERS
    assert not is_stale(history.telemetry.by_name["up"][0].values).any()


def test_a_row_is_one_sample_and_an_empty_value_is_a_stale_marker(tmp_path):
    text = 'time,series,value\n0,"up{job=""a""}",1\n0,x,5\n15,"up{job=""a""}",\n30,x,7\n45,"up{job=""a""}",1\n45,x,+Inf\n'
    history = read(tmp_path, text)

    up, x = history.telemetry.by_name["up"][0], history.telemetry.by_name["x"][0]
    assert up.times.tolist() == [0, 15, 45]
    assert is_stale(up.values).tolist() == [False, True, False]
    assert x.values.tolist() == [5, 7, math.inf]
    assert "history/stale" in checks(history)


def test_two_spellings_of_a_series_are_one_series(tmp_path):
    history = read(tmp_path, 'time,series,value\n0,"a{x=""1"",y=""2""}",1\n60,"a{y=""2"",x=""1"",}",2\n')

    assert values(history) == {'a{x="1",y="2"}': ([0, 60], [1, 2])}


def test_a_column_of_text_is_a_label_of_every_series(tmp_path):
    history = read(tmp_path, "time,zone,requests,fails\n0,a,10,1\n0,b,20,2\n5,a,11,1\n5,b,22,2\n")

    assert values(history) == {
        'fails{zone="a"}': ([0, 5], [1, 1]),
        'fails{zone="b"}': ([0, 5], [2, 2]),
        'requests{zone="a"}': ([0, 5], [10, 11]),
        'requests{zone="b"}': ([0, 5], [20, 22]),
    }
    assert "history/label-columns" in checks(history)
    assert len({id(one.times) for one in history.telemetry}) == 1


def test_a_column_of_numbers_is_a_label_only_where_it_is_named(tmp_path):
    text = "time,peer,requests\n0,0,10\n0,1,20\n5,0,11\n5,1,22\n"

    assert set(values(read(tmp_path, text, options=Options(labels=("peer",))))) == {'requests{peer="0"}', 'requests{peer="1"}'}
    found = problems(tmp_path, text)
    assert any("two rows have the same time" in p.message for p in found)
    assert any(p.allowed == "--label COLUMN" for p in found)


def test_parquet_holds_the_same_wide_and_long(tmp_path):
    times = pd.to_datetime([0, 60, 120, 180], unit="s", utc=True)
    name = 'http_requests_total{code="200",route="/"}'
    wide = pd.DataFrame({"time": times, name: [100, 103, None, 2], "up": [1.0, 1.0, 0.0, math.nan]})
    frame = {"time": times, "series": "up", "value": [1.0, None, 0.0, 3.5]}

    assert values(read(tmp_path, parquet(wide), "w.parquet"))[name] == ([0, 60, 180], [100, 103, 2])
    long = read(tmp_path, parquet(pd.DataFrame(frame)), "l.parquet").telemetry.series[0]
    assert (long.times.tolist(), is_stale(long.values).tolist()) == ([0, 60, 120, 180], [False, True, False, False])
    labels = pd.DataFrame({"time": [0, 0, 60, 60], "peer": [1, 2, 1, 2], "zone": ["a", None, "a", None], "n": [1, 2, 3, 4]})
    read_labels = values(read(tmp_path, parquet(labels), "p.parquet", options=Options(labels=("peer",))))
    assert read_labels == {'n{peer="1",zone="a"}': ([0, 60], [1, 3]), 'n{peer="2"}': ([0, 60], [2, 4])}


def test_a_long_parquet_file_may_have_more_rows_than_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    long = parquet(pd.DataFrame({"time": range(5), "series": "up", "value": 1.0}))
    wide = parquet(pd.DataFrame({"time": range(5), "up": 1.0}))

    assert read(tmp_path, long, "l.parquet").rows == 5
    assert problems(tmp_path, wide, name="w.parquet")[0].message == "there are 5 rows"
    monkeypatch.setattr(table, "MAX_LONG_ROWS", 4)
    assert problems(tmp_path, long, name="l.parquet")[0].allowed == "at most 4"


def test_telemetry_of_a_result_folder_is_a_history(tmp_path):
    frame = pd.DataFrame({"time_s": [7.0, 22.0, 37.0], 'a_total{x="1"}': pd.array([1, 2, None], dtype="Int32")})

    assert values(read(tmp_path, parquet(frame), "t.parquet")) == {'a_total{x="1"}': ([0, 15], [1, 2])}


def test_counts_summed_up_by_another_program_give_the_same_series(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"time": np.arange(200) * 15, "total": rng.poisson(8, 200)})
    frame["errors"] = rng.binomial(frame["total"], 0.1)
    frame["reset"] = (rng.random(200) < 0.03).astype(int)
    (tmp_path / "counts.csv").write_text(frame.to_csv(index=False))
    life = frame["reset"].cumsum()
    shown = frame[["total", "errors"]].groupby(life).cumsum()
    columns = {"time": frame["time"], "http_requests_total": shown["total"], "http_request_errors_total": shown["errors"]}

    counts = read_history(tmp_path / "counts.csv", route=None, phase_s=7.0)
    counters = read(tmp_path, pd.DataFrame(columns).to_csv(index=False), phase_s=7.0)
    assert values(counts) == values(counters)
    assert (frame["reset"].sum(), counts.last_scrape_s) == (frame["reset"].sum(), counters.last_scrape_s)


CASES = [
    ("no time", "when,a\n0,1\n60,2\n", 1, "column `time` is missing"),
    ("nothing but time", "time\n0\n60\n", 1, "no column holds numbers"),
    ("a column twice", "time,a,a\n0,1,1\n60,2,2\n", 1, "a column occurs twice"),
    ("the same series twice", 'time,a{},"{__name__=""a""}"\n0,1,1\n60,2,2\n', 1, "two columns are the same series"),
    ("a name that is none", "time,requests/s\n0,1\n60,2\n", 1, "named after its series"),
    ("broken labels", 'time,"a{x=1}"\n0,1\n60,2\n', 1, "character 3"),
    ("a label twice", 'time,zone,"a{zone=""x""}"\n0,p,1\n60,p,2\n', 1, "is a column of its own"),
    ("words among numbers", "time,a\n0,1\n60,many\n", 3, "found 'many'"),
    ("a broken series", "time,series,value\n0,a,1\n60,a{,2\n", 3, "this is no series"),
    ("no series", "time,series,value\n0,a,1\n60,,2\n", 3, "names no series"),
    ("the same time twice", "time,series,value\n0,a,1\n60,a,2\n60,a,2\n", 4, "have the same time"),
    ("time that runs backwards", "time,series,value\n60,a,1\n0,a,2\n", 3, "earlier than that of the sample before"),
    ("one sample", "time,series,value\n0,a,1\n", None, "no series has two rows"),
    ("an unreadable time", "time,series,value\nnoon,a,1\n60,a,2\n", 2, "this is no time"),
    ("a short row", "time,a\n0,1\n60\n", 3, "another number of cells"),
    ("an underscore", "time,a\n0,1\n60,1_0\n", 3, "found '1_0'"),
]


@pytest.mark.parametrize(("text", "line", "fragment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_broken_file_is_refused_with_place_and_reason(tmp_path, text, line, fragment):
    found = problems(tmp_path, text)

    matching = [p for p in found if fragment in str(p)]
    assert matching, "\n".join(map(str, found))
    assert matching[0].line == line


def test_a_label_that_is_no_column_is_told_with_the_nearest(tmp_path):
    (problem,) = problems(tmp_path, "time,zone,a\n0,x,1\n60,x,2\n", options=Options(labels=("zon",)))

    assert (problem.check, problem.nearest) == ("history/no-label", "zone")


def test_a_route_keeps_its_series_and_those_without_one(tmp_path):
    text = 'time,"r_total{route=""/a""}","r_total{route=""/b""}",up\n0,1,1,1\n60,2,2,1\n'

    assert set(values(read(tmp_path, text, route="/a"))) == {'r_total{route="/a"}', "up"}
    assert problems(tmp_path, text, route="/c")[0].allowed == "/a, /b"


def test_the_counters_of_nginx_are_read_to_the_last_request(tmp_path):
    path = SHARED / "data/nginx-status-counters/counters.csv.gz"
    if not path.is_file():
        pytest.skip("needs the data set nginx-status-counters, which is not part of the project")
    history = read_history(path, route=None, reading=Reading.COUNTERS, requests_name="requests", errors_name="responses_5xx")

    grown = {str(one.key): int(one.values[-1] - one.values[0]) for one in history.telemetry}
    assert {zone: grown[f'requests{{zone="{zone}"}}'] for zone in ("hg.nginx.org", "trac.nginx.org", "lxr.nginx.org")} == {
        "hg.nginx.org": 363,
        "trac.nginx.org": 757,
        "lxr.nginx.org": 93,
    }
    assert grown['responses_5xx{zone="hg.nginx.org"}'] == 3
    assert not (checks(history) & {"history/looks-per-interval", "history/late-series"})
    assert tmp_path


def test_a_counter_that_begins_later_is_told_and_its_first_value_not_counted(tmp_path):
    history = read(tmp_path, "time,a_total,b_total\n0,100,\n60,110,\n120,120,5\n180,130,6\n")

    (told,) = [f for f in history.findings if f.check == "history/late-series"]
    assert "'b_total'" in told.message
    assert "5 together" in told.message


SETTINGS = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.sampled_from(
    ["", "0", "1", "7", "-1", "nan", "inf", "1e400", '"', "a", "2026-04-01T00:00:00Z", "60", "é", "\r", "1_0", "a{"]
)


@SETTINGS
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=4), min_size=1, max_size=8),
    head=st.sampled_from(["time,series,value", "time,a,b_total"]),
)
def test_any_cells_are_a_history_or_bad_input(tmp_path, rows, head):
    with suppress(BadInput):
        history = read(tmp_path, "\n".join([head, *(",".join(row) for row in rows)]))
        for one in history.telemetry:
            assert len(one.times) == len(one.values) > 0
            assert (one.times[1:] > one.times[:-1]).all()


@SETTINGS
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_history_or_bad_input(tmp_path, content):
    with suppress(BadInput):
        read(tmp_path, content)
    with suppress(BadInput):
        read(tmp_path, b"time,series,value\n" + content)
    assert SeriesKey("a").name
