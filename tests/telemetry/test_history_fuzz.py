"""Whatever the bytes are, reading ends in a history or in BadInput."""

import gzip
import io
from contextlib import suppress

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.telemetry.counters import increments
from workbench.telemetry.history import read_history

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALID = b"time,route,total,errors,le_5,reset\n" + b"".join(
    b"2026-04-01T00:%02d:00Z,%s,%d,%d,%d,0\n" % (m, r, m + 5, m % 3, m) for m in range(6) for r in (b"a", b"b")
)
CELLS = st.sampled_from(["", "0", "1", "7", "-1", "nan", "1e400", '"', "a", "2026-04-01T00:00:00Z", "60", "é", "\r", "1_0"])


def parquet(rows):
    buffer = io.BytesIO()
    pd.DataFrame({"time": range(rows), "route": "a", "total": 2, "errors": 1.0}).to_parquet(buffer)
    return buffer.getvalue()


def survives(tmp_path, content):
    path = tmp_path / "h"
    path.write_bytes(content)
    with suppress(BadInput):
        history = read_history(path, route=None)
        for one in history.telemetry:
            assert len(one.times) == len(one.values) > 0
            assert (one.times[1:] > one.times[:-1]).all()
            assert (increments(one) >= 0).all()
        assert 0 <= sum(share for _, share in history.coverage[:4]) <= 1 + 1e-9


@SETTINGS
@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_history_or_bad_input(tmp_path, content):
    survives(tmp_path, content)
    survives(tmp_path, b"time,total,errors\n" + content)


@SETTINGS
@given(edits=st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4))
def test_a_valid_file_with_bytes_changed_is_a_history_or_bad_input(tmp_path, edits):
    content = VALID
    for at, gone, new in edits:
        content = content[:at] + new + content[at + gone :]
    survives(tmp_path, content)
    survives(tmp_path, gzip.compress(VALID, mtime=0)[: edits[0][0]] + edits[0][2] + gzip.compress(VALID, mtime=0)[edits[0][0] :])


@SETTINGS
@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=4), min_size=1, max_size=8))
def test_any_cells_are_a_history_or_bad_input(tmp_path, rows):
    survives(tmp_path, "\n".join(["time,total,errors", *(",".join(row) for row in rows)]).encode())


@SETTINGS
@given(at=st.integers(4, 2000), new=st.binary(min_size=1, max_size=4))
def test_a_parquet_file_with_bytes_changed_is_a_history_or_bad_input(tmp_path, at, new):
    content = parquet(20)
    survives(tmp_path, content[:at] + new + content[at + len(new) :])
