import gzip
import json

import pytest
from click.testing import CliRunner

from workbench.cli.fit import command
from workbench.errors import BadInput
from workbench.fit.incidents import read_durations

GOOD = """id,start,end,severity
1,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,minor
2,2026-01-02T00:00:00+01:00,2026-01-02T00:30:00+01:00,major
"""


def write(tmp_path, content):
    path = tmp_path / "incidents.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("content", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), gzip.compress(GOOD.encode(), mtime=0)])
def test_durations_are_read_plain_with_byte_order_mark_with_crlf_and_gzipped(tmp_path, content):
    assert read_durations(write(tmp_path, content)).durations_s == (3600.0, 1800.0)


def test_rows_that_say_nothing_of_durations_are_counted_not_guessed(tmp_path):
    rows = GOOD + "3,2026-01-03,,minor\n4,2026-01-04,2026-01-04,minor\n5,2026-01-05,2026-01-06,none\n\n"

    found = read_durations(write(tmp_path, rows), {"minor", "major"})

    assert (found.rows, found.open_ended, found.not_positive, found.other_severity) == (5, 1, 1, 1)
    assert found.durations_s == (3600.0, 1800.0)


@pytest.mark.parametrize(
    ("content", "check", "line"),
    [
        ("", "incidents/empty", None),
        (GOOD.encode("utf-16"), "incidents/encoding", 1),
        (b"start,end\n\xff\xfe,1\n", "incidents/encoding", 2),
        ("start,end\n\0,1\n", "incidents/encoding", None),
        (gzip.compress(GOOD.encode(), mtime=0)[:-12], "incidents/gzip", None),
        (gzip.compress(GOOD.encode(), mtime=0)[:20] + b"junk" * 20, "incidents/gzip", None),
        ("start,finish\n", "incidents/missing-column", 1),
        ("start,end\n2026-01-01,yesterday\n", "incidents/time", 2),
        ("start,end\n\n,2026-01-01\n", "incidents/time", 3),
        ("start,end\n" + "x" * 200_000 + ",1\n", "incidents/csv", 2),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem_with_its_line(tmp_path, content, check, line):
    with pytest.raises(BadInput) as caught:
        read_durations(write(tmp_path, content))

    assert [(one.check, one.line) for one in caught.value.problems] == [(check, line)]


def test_all_bad_cells_are_reported_at_once_up_to_a_hundred(tmp_path):
    with pytest.raises(BadInput) as few:
        read_durations(write(tmp_path, "start,end\na,b\n2026-01-01,c\n"))
    with pytest.raises(BadInput) as many:
        read_durations(write(tmp_path, "start,end\n" + "a,b\n" * 500))

    assert [(one.line, one.path, one.found) for one in few.value.problems] == [
        (2, "rows[0].start", "'a'"),
        (2, "rows[0].end", "'b'"),
        (3, "rows[1].end", "'c'"),
    ]
    assert len(many.value.problems) == 100


def test_a_small_archive_of_a_huge_file_is_refused_early(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.fit.incidents.MAX_BYTES", 1000)

    with pytest.raises(BadInput, match="too large"):
        read_durations(write(tmp_path, gzip.compress(b"0" * 100_000, mtime=0)))


def test_a_missing_file_is_a_problem_not_a_traceback(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_durations(tmp_path / "nowhere.csv")


def test_the_verb_prints_the_fits_and_what_was_left_out(tmp_path):
    path = write(tmp_path, GOOD + "3,2026-01-03,2026-01-03,minor\n")

    table = CliRunner().invoke(command, [str(path)])
    made = CliRunner().invoke(command, [str(path), "-o", "json", "--severity", "minor", "--severity", "major"])

    assert table.output.startswith("2 of 3 incidents (1 without a positive duration left out)\n")
    assert json.loads(made.output)["used"] == 2
    assert {fit["family"] for fit in json.loads(made.output)["fits"]} == {
        "lognormal",
        "weibull",
        "exponential",
        "gamma",
        "loglogistic",
    }


def test_too_few_incidents_are_bad_input(tmp_path):
    found = CliRunner().invoke(command, [str(write(tmp_path, GOOD)), "--severity", "minor"])

    assert isinstance(found.exception, BadInput)
    assert "at least two different durations" in str(found.exception)
