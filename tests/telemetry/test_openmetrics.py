"""Text of metrics as a history: OpenMetrics and Prometheus's own format, held against what the real Prometheus stores."""

import gzip
import math
import re
import struct
import subprocess
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.programs import need
from tests.support.prometheus_server import make_blocks
from workbench.errors import BadInput
from workbench.telemetry import openmetrics, source
from workbench.telemetry.history import Reading, read_history
from workbench.telemetry.series import SeriesKey

GOOD = """\
# HELP http_requests Requests.
# TYPE http_requests counter
# UNIT http_requests requests
http_requests_total{code="200",path="a \\"b\\" \\\\ c"} 1 1775001600
http_requests_total{code="200",path="a \\"b\\" \\\\ c"} 5 1775001615.123 # {trace="x y"} 0.5 1775001615.1
http_requests_created{code="200"} 1775001600.5 1775001600
# TYPE latency histogram
latency_bucket{le="0.5"} 3 1775001600
latency_bucket{le="+Inf"} 4 1775001600
temperature -3.5e-2 1775001600
temperature NaN 1775001615
temperature +Inf 1775001630
# EOF
"""


def read(tmp_path, text, name="h.om", **options):
    path = tmp_path / name
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return read_history(path, **{"route": None, **options})


def problems(tmp_path, text, name="h.om", **options):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, name, **options)
    return caught.value.problems


def samples(history):
    start = round(history.start.timestamp() * 1000)
    return {
        str(one.key): [(start + round(t * 1000), v) for t, v in zip(one.times.tolist(), one.values.tolist(), strict=True)]
        for one in history.telemetry
    }


def bits(value):
    return "NaN" if math.isnan(value) else struct.pack("<d", value)


def stored(folder):
    """Every sample of the blocks in a folder, as the real promtool dumps them."""
    dumped = subprocess.run([need("promtool"), "tsdb", "dump", folder], capture_output=True, text=True, timeout=60, check=True)
    found = {}
    for line in dumped.stdout.splitlines():
        labels, value, at = re.fullmatch(r"(\{.*\}) (\S+) (\d+)", line).groups()
        pairs = {
            name: re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)
            for name, text in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
        }
        key = SeriesKey.of(pairs.pop("__name__"), pairs)
        found.setdefault(str(key), []).append((int(at), float(value)))
    return found


def same(ours, theirs):
    return {k: [(t, bits(v)) for t, v in s] for k, s in ours.items()} == {
        k: [(t, bits(v)) for t, v in s] for k, s in theirs.items()
    }


@pytest.mark.parametrize("origin", [1775001600, 1], ids=["today", "in 1970, where seconds times 1,000 lose milliseconds"])
def test_every_sample_is_the_one_that_a_real_prometheus_stores(tmp_path, origin):
    rng = np.random.default_rng(3)
    lines = ["# TYPE a counter"]
    for series in range(20):
        labels = f'{{i="{series}",text="é # }} {{ , \\\\ \\" \\n"}}'
        at = origin + np.cumsum(rng.integers(1, 30_000, 50)) / 1000
        lines += [
            f"a_total{labels} {value!r} {t:.3f}" for value, t in zip(np.cumsum(rng.random(50)).tolist(), at.tolist(), strict=True)
        ]
    (tmp_path / "h.om").write_text("\n".join([*lines, *GOOD.replace("1775001", str(origin)[:7]).splitlines()]) + "\n")
    (tmp_path / "blocks/wal").mkdir(parents=True)
    make_blocks(tmp_path / "blocks", tmp_path / "h.om")

    ours = samples(read_history(tmp_path / "h.om", route=None))
    theirs = stored(tmp_path / "blocks")
    assert len(theirs) == 25
    assert same(ours, theirs)


def test_exemplars_types_and_help_are_no_samples(tmp_path):
    history = read(tmp_path, GOOD)

    assert history.reading is Reading.COUNTERS
    assert "OpenMetrics text, times in seconds" in history.said
    assert any(f.check == "history/exemplars" for f in history.findings)
    assert history.rows == 8


def test_text_of_prometheus_counts_milliseconds(tmp_path):
    text = '# a comment\nup{job="a"} 1 1775001600000\nup{job="a"} 0 1775001615250\n\nup{job="b"}\t1\t1775001600000\n'
    history = read(tmp_path, text, "h.prom")

    assert samples(history) == {'up{job="a"}': [(1775001600000, 1), (1775001615250, 0)], 'up{job="b"}': [(1775001600000, 1)]}
    assert "times in milliseconds" in history.said


def test_seconds_taken_for_milliseconds_are_told(tmp_path):
    history = read(tmp_path, "up 1 1775001600\nup 1 1775001615\n", "h.prom")

    (told,) = [f for f in history.findings if f.check == "history/unit-of-time"]
    assert "1970-01-21" in told.message


@pytest.mark.parametrize("name", ["h.om", "h.openmetrics", "h.txt", "h", "h.om.gz", "h.gz"])
def test_the_content_says_what_it_is_whatever_its_name(tmp_path, name):
    assert len(read(tmp_path, GOOD, name).telemetry.series) == 5


def test_a_file_that_begins_with_a_sample_is_known_too(tmp_path):
    assert samples(read(tmp_path, 'up{a="b,c"} 1 0\nup{a="b,c"} 1 60\n# EOF\n', "h.txt")) == {'up{a="b,c"}': [(0, 1), (60_000, 1)]}


def test_text_of_metrics_takes_no_other_reading(tmp_path):
    assert samples(read(tmp_path, GOOD, reading=Reading.COUNTERS))
    for reading in (Reading.COUNTS, Reading.PROBES):
        (problem,) = problems(tmp_path, GOOD, reading=reading)
        assert problem.check == "history/reading"


def test_series_may_stand_in_any_order(tmp_path):
    text = "b 1 0\na 1 0\nb 2 60\na 2 60\n# EOF\n"

    assert samples(read(tmp_path, text)) == {"a": [(0, 1), (60_000, 2)], "b": [(0, 1), (60_000, 2)]}


CASES = [
    ("no timestamp", "up 1 0\nup 1\n# EOF\n", 2, 5, "has no timestamp"),
    ("no timestamp and labels with blanks", 'up{a="b c"} 1\n# EOF\n', 1, 14, "has no timestamp"),
    ("no value", "up\n# EOF\n", 1, 3, "a sample is a series"),
    ("no name", "{} 1 2\n# EOF\n", 1, 2, "no metric name"),
    ("broken labels", 'up{a="b} 1 2\n# EOF\n', 1, 4, "a label is written"),
    ("a word for a value", "up 1 0\nup one 60\n# EOF\n", 2, None, "the value is no number"),
    ("a word for a time", "up 1 0\nup 1 noon\n# EOF\n", 2, None, "the time is no number"),
    ("a negative time", "up 1 -5\nup 1 0\n# EOF\n", 1, None, "seconds since 1970"),
    ("milliseconds in OpenMetrics", "up 1 1775001600000\nup 1 1775001615000\n# EOF\n", 1, None, "may be milliseconds"),
    ("a fraction of a millisecond", "up 1 1.5\nup 1 2\n", 1, None, "whole milliseconds"),
    ("too many words", "up 1 2 3\n# EOF\n", 1, 8, "something follows"),
    ("the same time twice", "up 1 0\nup 1 0\n# EOF\n", 2, None, "have the same time"),
    ("time that runs backwards", "up 1 60\nup 1 0\n# EOF\n", 2, None, "earlier than that of the sample before"),
    ("text after the end", "up 1 0\n# EOF\nup 1 60\n", 3, None, "nothing may follow"),
    ("no end", "up 1 0\nup 1 60\n", 2, None, "does not end with"),
    ("no samples", "# TYPE up gauge\n# EOF\n", None, None, "holds no sample"),
    ("an unknown type", "# TYPE up meter\nup 1 0\n# EOF\n", 1, 11, "no type of metrics"),
    ("two types", "# TYPE up gauge\n# TYPE up counter\nup 1 0\n# EOF\n", 2, 1, "has two types"),
    ("a broken exemplar", "up 1 0 # {a=1} 2\n# EOF\n", 1, 11, "no exemplar"),
    ("an exemplar without a value", 'up 1 0 # {a="1"}\n# EOF\n', 1, None, "an exemplar is"),
    ("binary", "up 1 0\nup\x001\n# EOF\n", 2, None, "binary"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "fragment"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_broken_text_is_refused_with_line_and_column(tmp_path, text, line, column, fragment):
    found = problems(tmp_path, text, "h.prom" if "fraction" in fragment or "whole" in fragment else "h.om")

    matching = [p for p in found if fragment in str(p)]
    assert matching, "\n".join(map(str, found))
    assert matching[0].line == line
    assert column is None or matching[0].column == column


def test_all_faults_are_told_at_once(tmp_path):
    found = problems(tmp_path, "up 1 0\nup\ndown{ 1 2\nup x 60\nup 1\n# EOF\n")

    assert [p.line for p in found] == [2, 3, 4, 5]


def test_a_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(openmetrics, "MAX_TEXT_BYTES", 100_000)
    assert problems(tmp_path, GOOD + "# x\n" * 100_000, "h.om.gz")[-1].check in {"history/too-large", "history/openmetrics"}
    monkeypatch.setattr(openmetrics, "MAX_SAMPLES", 1000)
    monkeypatch.setattr(openmetrics, "_CHUNK", 100)
    lines = "".join(f"up 1 {i}\n" for i in range(2000))
    assert problems(tmp_path, lines + "# EOF\n")[0].check == "history/too-large"
    monkeypatch.setattr(openmetrics, "MAX_SERIES", 10)
    lines = "".join(f'up{{i="{i}"}} 1 0\n' for i in range(20))
    assert "too many series" in problems(tmp_path, lines + "# EOF\n")[0].message


def test_a_large_text_of_metrics_may_be_larger_than_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 100)

    assert read(tmp_path, GOOD).rows == 8


SETTINGS = settings(derandomize=True, deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(edits=st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 3), st.text(max_size=3)), min_size=1, max_size=4))
def test_a_valid_text_with_characters_changed_is_a_history_or_bad_input(tmp_path, edits):
    text = GOOD
    for at, gone, new in edits:
        text = text[:at] + new + text[at + gone :]
    with suppress(BadInput):
        history = read(tmp_path, text.encode(errors="surrogatepass"))
        assert all(len(one.times) == len(one.values) > 0 for one in history.telemetry)


LINES = st.sampled_from(
    ["up 1 0", "up 1 60", "down 2 60", "# EOF", "", "up", "up{", "up 1 # {} 1", "# TYPE up gauge", "up NaN 120", "\r", "{"]
)


@SETTINGS
@given(lines=st.lists(LINES, max_size=8), name=st.sampled_from(["h.om", "h.prom", "h.txt"]))
def test_any_lines_are_a_history_or_bad_input(tmp_path, lines, name):
    with suppress(BadInput):
        read(tmp_path, "\n".join(lines), name)
