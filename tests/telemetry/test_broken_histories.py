"""Every way to get a history wrong gets a message with its place, and never a traceback."""

import gzip
import random
import zlib

import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.telemetry import source
from workbench.telemetry.history import read_history

HEAD = b"time,total,errors\n"
GOOD = HEAD + b"0,10,1\n60,10,0\n"

# name of the case, file name, bytes, the line (None: not on a line), a part of the message or of what it shows
CASES = [
    ("an empty file", "h.csv", b"", None, "the file is empty"),
    ("an empty gzip file", "h.csv.gz", gzip.compress(b"", mtime=0), None, "the file holds no text"),
    ("nothing but empty lines", "h.csv", b"\n\n\n", None, "the file has no header"),
    ("only a header", "h.csv", HEAD, None, "there is a header and no row"),
    ("one row", "h.csv", HEAD + b"0,10,1\n", None, "a rate needs two scrapes"),
    ("no time", "h.csv", b"tme,total,errors\n0,1,0\n60,1,0\n", 1, "column `time` is missing"),
    ("no total", "h.csv", b"time,totals,errors\n0,1,0\n60,1,0\n", 1, "did you mean 'totals'?"),
    ("a slip in errors", "h.csv", b"time,total,error\n0,1,0\n60,1,0\n", 1, "did you mean 'error'?"),
    ("tabs", "h.csv", b"time\ttotal\terrors\n0\t1\t0\n60\t1\t0\n", 1, "not by tabs"),
    ("semicolons", "h.csv", b"time;total;errors\n0;1;0\n60;1;0\n", 1, "not by semicolons"),
    ("a column twice", "h.csv", b"time,total,total\n0,1,0\n60,1,0\n", 1, "a column occurs twice"),
    ("a bound that is no number", "h.csv", b"time,total,errors,le_inf\n0,1,0,1\n60,1,0,1\n", 1, "names its upper bound"),
    ("the same bound twice", "h.csv", b"time,total,errors,le_5,le_5.0\n0,1,0,1,1\n60,1,0,1,1\n", 1, "the same bound"),
    ("a thousand columns", "h.csv", b",".join([b"c%d" % i for i in range(1001)]) + b"\n", 1, "1,001 columns"),
    ("Latin-1", "h.csv", GOOD + "120,1,0,é".encode("latin-1"), 4, "not UTF-8"),
    ("UTF-16", "h.csv", GOOD.decode().encode("utf-16"), 1, "UTF-16"),
    ("binary", "h.csv", b"\x00\x01\x02\xff" * 100, 1, "binary"),
    ("a zero byte in the middle", "h.csv", GOOD + b"120,\x00,1\n", 4, "binary"),
    ("a picture", "h.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 1, "not UTF-8"),
    ("truncated gzip", "h.csv.gz", gzip.compress(GOOD * 1000, mtime=0)[:-20], None, "ends too early"),
    ("gzip with a bad checksum", "h.csv.gz", gzip.compress(GOOD, mtime=0)[:-8] + b"12345678", None, "damaged"),
    ("gzip with rubbish inside", "h.csv.gz", gzip.compress(GOOD, mtime=0)[:12] + b"\xff" * 50, None, "gzip file"),
    ("text named gzip", "h.csv.gz", GOOD, None, "the name says gzip"),
    ("text named Parquet", "h.parquet", GOOD, None, "the name says Parquet"),
    ("damaged Parquet", "h.parquet", b"PAR1" + b"\x07" * 200 + b"PAR1", None, "Parquet file is damaged"),
    ("a word for a count", "h.csv", GOOD + b"120,many,0\n", 4, "at total; found 'many'"),
    ("NaN", "h.csv", GOOD + b"120,nan,0\n", 4, "not a finite number"),
    ("infinity", "h.csv", GOOD + b"120,inf,0\n", 4, "not a finite number"),
    ("digits of another script", "h.csv", GOOD + "120,١٢,0\n".encode(), 4, "not a finite number"),
    ("an underscore in a number", "h.csv", GOOD + b"120,1_000,0\n", 4, "found '1_000'"),
    ("a decimal comma", "h.csv", GOOD + b"120,1,5,0\n", 4, "another number of cells"),
    ("a row that is too short", "h.csv", GOOD + b"120\n", 4, "another number of cells"),
    ("a negative count", "h.csv", GOOD + b"120,-5,\n", 4, "never negative"),
    ("negative errors", "h.csv", GOOD + b"120,5,-1\n", 4, "never negative"),
    ("more events than there are", "h.csv", GOOD + b"120,1e300,0\n", 4, "at most 1000000000000"),
    ("errors above total", "h.csv", GOOD + b"120,5,6\n", 4, "found 6; allowed: at most 5"),
    ("a bucket above total", "h.csv", b"time,total,errors,le_5\n0,1,0,1\n60,1,0,2\n", 3, "no bucket holds more"),
    ("falling buckets", "h.csv", b"time,total,errors,le_5,le_10\n0,9,0,4,3\n60,9,0,1,1\n", 2, "`le_*` columns are cumulative"),
    ("a reset of two", "h.csv", b"time,total,errors,reset\n0,1,0,0\n60,1,0,2\n", 3, "allowed: 0 or 1"),
    ("no time in a row", "h.csv", GOOD + b",1,0\n", 4, "the row has no time"),
    ("a time that is none", "h.csv", GOOD + b"noon,1,0\n", 4, "this is no time"),
    ("the thirtieth of February", "h.csv", HEAD + b"2026-02-28T00:00:00Z,1,0\n2026-02-30T00:00:00Z,1,0\n", 3, "this is no time"),
    ("milliseconds", "h.csv", HEAD + b"1775001600000,1,0\n1775001615000,1,0\n", 2, "may be milliseconds"),
    ("a negative time", "h.csv", HEAD + b"-60,1,0\n0,1,0\n", 2, "between 0 and the year 9999"),
    ("two forms of time", "h.csv", GOOD + b"2026-04-01T00:00:00Z,1,0\n", 4, "written in one form"),
    ("a zone on some times only", "h.csv", HEAD + b"2026-04-01T00:00:00Z,1,0\n2026-04-01T00:01:00,1,0\n", 3, "without a zone"),
    ("time that runs backwards", "h.csv", GOOD + b"30,1,0\n", 4, "earlier than that of the row before"),
    ("the same time twice", "h.csv", GOOD + b"60,1,0\n", 4, "have the same time"),
    ("the same time twice in a route", "h.csv", b"time,route,total,errors\n0,a,1,0\n0,b,1,0\n60,a,1,0\n60,a,1,0\n", 5, "route 'a'"),
    ("a row without a route", "h.csv", b"time,route,total,errors\n0,a,1,0\n60,,1,0\n", 3, "names no route"),
    ("broken quotes", "h.csv", GOOD + b'120,"1"x,0\n', 4, "not CSV"),
    ("a quote that never ends", "h.csv", GOOD + b'120,"1,0\n180,1,0\n', 4, "not CSV"),
    ("one endless line", "h.csv", GOOD + b"7" * 5_000_000, 4, "the line is too long"),
]  # fmt: skip


def problems_of(path, **options):
    with pytest.raises(BadInput) as caught:
        read_history(path, route=None, **options)
    return caught.value.problems


@pytest.mark.parametrize(("name", "content", "line", "fragment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_broken_history_is_refused_with_place_and_reason(tmp_path, name, content, line, fragment):
    path = tmp_path / name
    path.write_bytes(content)

    problems = problems_of(path)

    matching = [problem for problem in problems if fragment in str(problem)]
    assert matching, "\n".join(map(str, problems))
    assert matching[0].line == line
    assert all(problem.file == str(path) for problem in problems)
    assert all("\n" not in str(problem) and len(str(problem)) < 600 for problem in problems)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_five_planted_faults_are_five_problems_in_one_call(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(HEAD + b"0,10,1\n60,x,0\n120,5,9\n180,-1,\nnever,1,0\n90,1,0\n240,1,0\n240,1,0\n")

    problems = problems_of(path)

    assert [(p.line, p.check) for p in problems] == [
        (3, "history/number"),
        (4, "history/errors"),
        (5, "history/negative"),
        (6, "history/time"),
        (7, "history/reversed-time"),
        (9, "history/duplicate-time"),
    ]


def test_lines_stay_right_after_quoted_line_feeds_and_empty_lines(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(b'time,total,errors,note\n0,1,0,"two\nlines"\n\n60,1,0,"three\n\nlines"\n120,bad,0,\n')

    (problem,) = problems_of(path)

    assert (problem.line, problem.path) == (8, "total")


def test_a_million_problems_are_twenty_and_a_count(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(HEAD + b"".join(b"%d,x,0\n" % i for i in range(60_000)))

    problems = problems_of(path)

    assert len(problems) == 21
    assert problems[-1].message == "and 59,980 more like these"


def test_unreadable_times_are_twenty_and_a_count(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(HEAD + b"0,1,0\n" + b"noon,1,0\n" * 100)

    assert [p.message for p in problems_of(path)][-1] == "and 80 more like these"
    assert len(problems_of(path)) == 21


def test_parquet_of_the_wrong_types_names_column_and_type(tmp_path):
    path = tmp_path / "h.parquet"
    pd.DataFrame({"time": [1, 2], "total": ["a", "b"], "errors": [True, False]}).to_parquet(path)

    assert [(p.path, p.allowed) for p in problems_of(path)] == [("total", "integers or floats"), ("errors", "integers or floats")]


def test_rows_of_parquet_are_named_by_their_number(tmp_path):
    path = tmp_path / "h.parquet"
    pd.DataFrame({"time": [0, 60, 60], "total": [1.0, float("inf"), 2.0], "errors": [0, 0, 9]}).to_parquet(path)

    assert [(p.check, p.path) for p in problems_of(path)] == [
        ("history/number", "rows[1].total"),
        ("history/errors", "rows[2].errors"),
        ("history/duplicate-time", "rows[2].time"),
    ]


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "h.parquet"
    pd.DataFrame({"time": range(1000), "total": 1, "errors": 0}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])

    assert "Parquet file is damaged" in problems_of(path)[0].message


def test_a_route_that_is_not_there_is_told_with_the_nearest(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(b"time,route,total,errors\n0,frontend,1,0\n60,frontend,1,0\n")

    with pytest.raises(BadInput) as caught:
        read_history(path, route="fronted")

    assert (caught.value.problems[0].nearest, caught.value.problems[0].allowed) == ("frontend", "frontend")


def test_no_route_can_be_chosen_where_there_are_none(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(GOOD)

    with pytest.raises(BadInput, match="no column `route`"):
        read_history(path, route="frontend")


def test_a_folder_a_missing_file_and_a_device_are_no_histories(tmp_path):
    assert "is a folder" in problems_of(tmp_path)[0].message
    assert "no such file" in problems_of(tmp_path / "h.csv")[0].message
    assert "not a regular file" in problems_of("/dev/zero")[0].message
    assert "no such file" in problems_of("h\0.csv")[0].message


def test_a_gzip_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 3_000_000)
    path = tmp_path / "h.csv.gz"
    packer = zlib.compressobj(9, wbits=31)
    line = b"x" * 60_000 + b"\n"
    packed = packer.compress(HEAD) + b"".join(packer.compress(line * 100) for _ in range(10)) + packer.flush()
    path.write_bytes(packed)
    assert len(packed) < 100_000

    problems = problems_of(path)

    assert any(p.check == "history/too-large" for p in problems)


def test_rubbish_of_every_kind_is_refused_in_bounded_time(tmp_path):
    noise = random.Random(7)  # noqa: S311 - any bytes will do
    for size in (1, 10, 1000, 100_000):
        path = tmp_path / f"{size}.csv"
        path.write_bytes(noise.randbytes(size))
        assert problems_of(path)
