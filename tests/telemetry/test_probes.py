"""The reading `--probes`: states that hold until the next row of their target."""

import io
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.places import SHARED
from workbench.errors import BadInput
from workbench.telemetry import probes
from workbench.telemetry.history import Options, Reading, read_history

HEAD = "time,target,up,latency_ms,http_code,status\n"


def read(tmp_path, text, name="p.csv", **options):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_history(path, **{"route": None, "reading": Reading.PROBES, **options})


def problems(tmp_path, text, **options):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, **options)
    return caught.value.problems


def one(history, name, **labels):
    return next(s for s in history.telemetry if s.key.name == name and s.key.label_map == labels)


def shared(folder):
    path = SHARED / "data" / folder / "probes.csv.gz"
    if not path.is_file():
        pytest.skip(f"needs the data set {folder}, which is not part of the project")
    return path


STATES = HEAD + "0,a,1,250,200,up\n90,a,0,,503,down\n100,b,1,10,200,up\n150,a,1,500,200,up\n240,b,1,20,200,up\n"


def test_a_state_holds_until_the_next_row_of_its_target(tmp_path):
    history = read(tmp_path, STATES)

    a, b = one(history, "probe_success", target="a"), one(history, "probe_success", target="b")
    assert (a.times.tolist(), a.values.tolist()) == ([0, 60, 120, 180, 240], [1, 1, 0, 1, 1])
    assert (b.times.tolist(), b.values.tolist()) == ([120, 180, 240], [1, 1, 1])
    assert one(history, "probe_duration_seconds", target="a").values.tolist() == [0.25, 0.25, 0.5, 0.5]
    assert one(history, "probe_duration_seconds", target="a").times.tolist() == [0, 60, 180, 240]
    assert one(history, "probe_http_status_code", target="a").values.tolist() == [200, 200, 503, 200, 200]
    assert history.routes == ("a", "b")


def test_one_short_outage_early_on_does_not_make_a_target_disappear(tmp_path):
    history = read(tmp_path, "time,target,up\n0,a,1\n600,a,0\n900,a,1\n0,b,1\n36000,b,0\n36060,b,1\n")

    assert "history/target-gone" not in {finding.check for finding in history.findings}
    held = one(history, "probe_success", target="a")
    assert (held.times[-1], held.values[-1]) == (36060, 1)


def test_rows_of_every_check_have_a_spacing_and_rows_of_changes_have_none(tmp_path):
    checks = "".join(f"{15 * i},a,{int(i % 7 > 0)}\n" for i in range(40) if i != 11)
    daily = "".join(f"{86_400 * i},a,1\n" for i in range(12))

    assert read(tmp_path, "time,target,up\n" + checks).spacing_s == 15
    assert read(tmp_path, "time,target,up\n" + checks, scrape_interval_s=30.0).spacing_s == 30
    assert read(tmp_path, "time,target,up\n" + daily).spacing_s == 60
    assert read(tmp_path, STATES).spacing_s == 60


def test_downtime_is_a_time_and_exact_between_scrapes(tmp_path):
    history = read(tmp_path, STATES, scrape_interval_s=40.0, phase_s=7.0)

    total = one(history, "http_requests_total", route="a")
    down = one(history, "http_request_errors_total", route="a")
    assert total.times.tolist() == [7, 47, 87, 127, 167, 207, 247]
    assert total.values.tolist() == [7, 47, 87, 127, 167, 207, 247]
    assert down.values.tolist() == [0, 0, 0, 37, 60, 60, 60]
    assert one(history, "http_requests_total", route="b").values.tolist() == [27, 67, 107, 147]


@settings(derandomize=True, deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(1, 500), st.sampled_from(["0", "1", ""])), min_size=2, max_size=12),
    every=st.integers(5, 120),
    phase=st.integers(0, 30),
)
def test_the_counters_are_the_integral_of_the_states(tmp_path, steps, every, phase):
    times = np.cumsum([0, *(gap for gap, _ in steps[:-1])])
    rows = "".join(f"{t},x,{up}\n" for t, (_, up) in zip(times, steps, strict=True))
    history = read(tmp_path, "time,target,up\n" + rows, scrape_interval_s=float(every), phase_s=float(phase))

    total = one(history, "http_requests_total", route="x")
    down = one(history, "http_request_errors_total", route="x")
    for at, seen, failed in zip(total.times.tolist(), total.values.tolist(), down.values.tolist(), strict=True):
        states = [steps[int(np.searchsorted(times, second, "right")) - 1][1] for second in range(int(at))]
        assert seen == sum(state != "" for state in states)
        assert failed == states.count("0")


def test_a_state_that_is_unknown_is_no_sample_and_no_time(tmp_path):
    history = read(tmp_path, "time,target,up\n0,a,1\n60,a,\n180,a,0\n240,a,1\n")

    assert one(history, "probe_success", target="a").times.tolist() == [0, 180, 240]
    assert one(history, "http_requests_total", route="a").values.tolist() == [0, 60, 60, 60, 120]
    assert dict(history.coverage)["state unknown"] == 0.5


def test_a_target_may_be_chosen(tmp_path):
    assert {s.key.label_map.get("target") for s in read(tmp_path, STATES, route="b").telemetry} == {"b", None}
    (problem,) = problems(tmp_path, STATES, route="c")
    assert problem.allowed == "a, b"


def test_parquet_holds_the_same(tmp_path):
    frame = pd.DataFrame({"time": [0, 90, 150], "target": "a", "up": [1, 0, 1], "latency_ms": [250.0, None, 500.0]})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)

    history = read(tmp_path, buffer.getvalue(), "p.parquet")
    assert one(history, "probe_success", target="a").values.tolist() == [1, 1, 0, 1]
    assert one(history, "probe_duration_seconds", target="a").values.tolist() == [0.25, 0.25, 0.5]


CASES = [
    ("no target", "time,up\n0,1\n60,0\n", 1, "column `target` is missing"),
    ("a slip in a name", "time,targets,up\n0,a,1\n60,a,0\n", 1, "did you mean 'targets'?"),
    ("a column twice", "time,target,up,up\n0,a,1,1\n60,a,1,1\n", 1, "occurs twice"),
    ("half up", "time,target,up\n0,a,1\n60,a,0.5\n", 3, "found 0.5"),
    ("a word", "time,target,up\n0,a,1\n60,a,down\n", 3, "found 'down'"),
    ("a target without a name", "time,target,up\n0,a,1\n60,,0\n", 3, "names no target"),
    ("an answer before its question", HEAD + "0,a,1,-5,200,up\n60,a,1,5,200,up\n", 2, "before its question"),
    ("no code", HEAD + "0,a,1,5,2000,up\n60,a,1,5,200,up\n", 2, "no HTTP status code"),
    ("the same time twice", "time,target,up\n0,a,1\n60,a,0\n60,a,1\n", 4, "have the same time"),
    ("time that runs backwards", "time,target,up\n60,a,1\n0,a,0\n", 3, "earlier than that of the row before of target 'a'"),
    ("one row", "time,target,up\n0,a,1\n", None, "there must be two rows"),
]


@pytest.mark.parametrize(("text", "line", "fragment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_broken_probes_are_refused_with_place_and_reason(tmp_path, text, line, fragment):
    found = problems(tmp_path, text)

    matching = [p for p in found if fragment in str(p)]
    assert matching, "\n".join(map(str, found))
    assert matching[0].line == line


def test_more_samples_than_memory_bears_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(probes, "MAX_SAMPLES", 1000)

    (problem,) = problems(tmp_path, "time,target,up\n0,a,1\n9000000,a,0\n")
    assert "a longer --scrape-interval" in problem.allowed


def test_web_shops_have_the_availability_of_their_read_me():
    history = read_history(shared("upptime-web-shops"), route=None, reading=Reading.PROBES)

    said = {
        "LimeCommerce Production": 99.939, "Yamada BEST": 99.929, "Yeva": 99.910, "Nihon": 99.840, "Rodalink": 99.754,
        "Jade": 99.671, "Coral Island": 99.434, "CNF": 92.357,
    }  # fmt: skip
    for target, percent in said.items():
        total = one(history, "http_requests_total", route=target).values[-1]
        down = one(history, "http_request_errors_total", route=target).values[-1]
        assert round(100 * (1 - down / total), 3) == percent, target


def test_accepted_codes_are_up_as_the_monitor_later_decided():
    history = read_history(
        shared("upptime-web-shops"), route="CNF", reading=Reading.PROBES, options=Options(accepted_codes=("403",))
    )

    total = one(history, "http_requests_total", route="CNF").values[-1]
    down = one(history, "http_request_errors_total", route="CNF").values[-1]
    assert down / total < 0.001


SETTINGS = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.sampled_from(["", "0", "1", "7", "-1", "nan", "inf", '"', "a", "b", "60", "é", "1_0", "403"])


@SETTINGS
@given(rows=st.lists(st.lists(CELLS, min_size=4, max_size=5), min_size=1, max_size=8))
def test_any_cells_are_a_history_or_bad_input(tmp_path, rows):
    with suppress(BadInput):
        history = read(tmp_path, "\n".join(["time,target,up,http_code", *(",".join(row) for row in rows)]))
        assert all(len(s.times) == len(s.values) > 0 for s in history.telemetry)
