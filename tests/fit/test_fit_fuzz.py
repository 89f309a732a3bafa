"""Whatever a file holds, reading it for a fit ends in a fit or in problems with their places."""

import contextlib
import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cli.main import cli
from workbench.errors import BadInput
from workbench.fit.incidents import is_incident_list, read_durations
from workbench.fit.percentiles import read_percentiles

CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "17", "-3", "1e9", "nan", "x", '"', "2026-01-01T00:00:00Z", "2026-13-01", "1e400", "5;6"]),
    st.text(max_size=6),
)
HEADS = st.lists(
    st.sampled_from(
        ["time", "total", "errors", "route", "p50_ms", "p95_ms", "p99_9_ms", "p95_s", "p0_ms", "le_5", "start", "end", "x"]
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def files(draw):
    head = draw(HEADS)
    rows = draw(st.lists(st.lists(CELLS, min_size=0, max_size=len(head) + 1), max_size=6))
    return "\n".join([",".join(head), *(",".join(row) for row in rows)])


@given(files())
@settings(max_examples=150)
def test_any_file_gives_a_fit_or_problems(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "history.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    done = CliRunner().invoke(cli, ["fit", str(path), "-o", "json"])
    if done.exception is None:
        json.loads(done.stdout)
    elif not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, BadInput), repr(done.exception)
        assert all(problem.file == str(path) for problem in done.exception.problems)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_are_told_from_a_list_without_a_traceback(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "incidents.csv"
    path.write_bytes(data)
    assert is_incident_list(path) in {True, False}
    with contextlib.suppress(BadInput):
        assert read_durations(path).rows >= 0


def percentiles(tmp_path, rows):
    path = tmp_path / "history.csv"
    path.write_text("time,route,total,p50_ms,p95_ms\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_percentiles_are_read_by_route_in_seconds(tmp_path):
    path = percentiles(tmp_path, ["0,/a,5,10,20", "0,/b,5,,40", "60,/a,5,30,25"])
    found = read_percentiles(path)
    assert found.levels == (0.5, 0.95)
    times, values = found.rows["/a"]
    assert times.tolist() == [0.0, 60.0]
    # Percentiles that cross, as estimates do, are sorted.
    assert values.tolist() == [[0.01, 0.02], [0.025, 0.03]]


@pytest.mark.parametrize(("cell", "says"), [("-1", "before its question"), ("1e12", "no latency"), ("fast", "number")])
def test_an_impossible_percentile_is_a_problem_with_its_line(tmp_path, cell, says):
    path = percentiles(tmp_path, ["0,/a,5,10,20", f"60,/a,5,10,{cell}"])
    with pytest.raises(BadInput) as raised:
        read_percentiles(path)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line) == (str(path), 3)
    assert says in f"{problem.message} {problem.allowed}"
