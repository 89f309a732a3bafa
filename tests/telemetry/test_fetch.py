"""`workbench fetch`: against a real Prometheus, and against a server that fails in every way."""

import csv
import datetime as dt
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from tests.support.fake_prometheus import START, asked_range, counter, fake, matrix
from tests.support.histories import counters
from tests.support.prometheus_server import ask, make_blocks, server
from workbench.cli.main import _code
from workbench.telemetry import fetch_out, prometheus_api
from workbench.telemetry.fetch import Plan, Wanted
from workbench.telemetry.history import Reading, read_history
from workbench.telemetry.openmetrics_out import write_openmetrics
from workbench.telemetry.series import is_stale

ISO_START, ISO_END = "2026-04-01T00:00:00Z", "2026-04-01T01:00:00Z"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits between tries."""
    monkeypatch.setattr(prometheus_api, "_delay", lambda _attempt, _after: 0.0)


def fetch(url, out, *more, start=ISO_START, end=ISO_END, what=("--match", "up_total")):
    return _code(["fetch", url, *what, "--start", start, "--end", end, "--out", str(out), *map(str, more)])


def samples(path):
    history = read_history(path, route=None, reading=Reading.COUNTERS)
    first = history.start.timestamp()
    return {
        str(one.key): [(round((first + t) * 1000), v) for t, v in zip(one.times.tolist(), one.values.tolist(), strict=True)]
        for one in history.telemetry
    }


def whole(first=0, last=3600):
    return {'up_total{job="a"}': [((START + t) * 1000, t // 15) for t in range(first, last + 1, 15)]}


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


# Against a real server.


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A real server over small random counters with restarts and gaps, and the file that its blocks were made of."""
    folder = tmp_path_factory.mktemp("real")
    telemetry = counters(6, samples=400, gaps=True, shared=False)
    with (folder / "t.om").open("wb") as stream:
        write_openmetrics(telemetry, dt.datetime(2026, 4, 1, tzinfo=dt.UTC), stream)
    (folder / "data").mkdir()
    make_blocks(folder / "data", folder / "t.om")
    with server(folder / "data") as address:
        yield address, folder / "t.om"


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "om"])
def test_raw_samples_of_a_real_server_come_back_to_the_bit(tmp_path, real, ending, capsys):
    address, source = real
    out = tmp_path / f"h.{ending}"

    # Every chunk begins 1 ms after a scrape, which a range of Prometheus 2 includes on its left edge.
    span = {"start": "2026-03-31T23:53:07.001Z", "end": "2026-04-01T03:00:00Z"}
    assert fetch(address, out, "--chunk", "7m", what=("--match", "req"), **span) == 0
    assert samples(out) == samples(source)
    told = capsys.readouterr()
    assert "stale markers" in told.err
    assert f"{sum(map(len, samples(source).values())):,} samples" in told.out
    assert leftovers(tmp_path) == []


def test_overlapping_selectors_fetch_each_series_once(tmp_path, real):
    address, source = real
    what = ("--match", 'req{code="500"}', "--match", 'req{code=~"5..",route="1"}')

    assert fetch(address, tmp_path / "h.parquet", what=what, end="2026-04-01T03:00:00Z") == 0
    expected = {
        key: pairs for key, pairs in samples(source).items() if 'code="500"' in key or ('code="503"' in key and 'route="1"' in key)
    }
    assert samples(tmp_path / "h.parquet") == expected


def test_an_expression_is_fetched_by_steps_and_ends_where_its_elements_end(tmp_path, real):
    address, _ = real
    expression = 'sum by (code) (rate(req{code=~"5.."}[1m])) > 0.05'
    out = tmp_path / "h.csv"
    what = ("--query", f"errors={expression}", "--step", "30s", "--chunk", "10m")

    assert fetch(address, out, what=what, end="2026-04-01T01:40:00Z") == 0
    answer = ask(address, "query_range", query=expression, start=START, end=START + 6000, step=30)["result"]
    expected = {f'errors{{code="{one["metric"]["code"]}"}}': {int(t): float(v) for t, v in one["values"]} for one in answer}
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    for key, steps in expected.items():
        mine = {int(row["time"]): row["value"] for row in rows if row["series"] == key}
        assert {t: float(v) for t, v in mine.items() if v} == steps
        # A marker stands at every step after the last of a run, and nowhere else.
        assert {t for t, v in mine.items() if not v} == {t + 30 for t in steps if t + 30 not in steps and t + 30 <= START + 6000}
    assert set(expected) == {row["series"] for row in rows}
    assert any(
        is_stale(np.asarray(s.values, float)).any() for s in read_history(out, route=None, reading=Reading.COUNTERS).telemetry
    )


def test_what_a_real_server_refuses_is_told_in_its_words(tmp_path, real, capsys):
    address, _ = real

    assert fetch(address, tmp_path / "h.csv", what=("--query", "sum(")) == 2
    assert "parse error" in capsys.readouterr().err
    assert fetch(address, tmp_path / "h.csv", what=("--match", "nothing_like_this")) == 2
    assert "no sample of this" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_fetched_can_be_replayed(tmp_path, real):
    address, _ = real
    out = tmp_path / "h.parquet"
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: workbench/v1\nkind: Policy\nname: p\nslos:\n"
        "  availability: {indicator: {kind: events}, target: 99.9%, window: history}\n"
        "burn_rate_alerts:\n  fast: {long: 30m, short: 5m, factor: 2, for: 1m, severity: critical, page: true}\n"
    )

    assert fetch(address, out, what=("--match", "req"), end="2026-04-01T03:00:00Z") == 0
    alerts = tmp_path / "alerts.csv"
    arguments = ["replay", out, "--counters", "--total-series", "req", "--policy", tmp_path / "policy.yaml", "--alerts-out", alerts]
    assert _code([str(one) for one in arguments]) == 0
    assert len(alerts.read_text().splitlines()) > 1


# Against a server that fails.


def once(failure, times=1):
    """Fails the first `times` questions, then answers."""
    return lambda number, _: failure if number <= times else None


def cut(handler):
    body = counter(START, START + 3600)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:100])


def hang_up(handler):
    handler.connection.close()


PASSING = {
    "500": (500, {}, b"oops"),
    "502 with a page": (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"),
    "503": (503, {}, json.dumps({"status": "error", "errorType": "unavailable", "error": "starting"}).encode()),
    "429": (429, {"Retry-After": "1"}, b""),
    "truncated JSON": (200, {}, counter(START, START + 60)[:-20]),
    "not JSON": (200, {}, b"\xff\xfe"),
    "a cut connection": cut,
    "a dropped connection": hang_up,
    "damaged gzip": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8bnot gzip at all"),
    "cut gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(counter(START, START + 3600))[:-20]),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_a_failure_that_passes_is_tried_again(tmp_path, failure):
    with fake(once(failure, 3)) as one:
        assert fetch(one.url, tmp_path / "h.csv") == 0

    assert samples(tmp_path / "h.csv") == whole()
    assert len(one.asked) == 4


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_a_failure_that_stays_ends_in_a_message_and_leaves_nothing(tmp_path, failure, capsys):
    with fake(lambda _number, _parameters: failure) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--retries", 2) == 2

    told = capsys.readouterr().err
    assert "gave up after 3 tries" in told
    assert "Traceback" not in told
    assert len(one.asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_other_end(tmp_path, capsys):
    with fake() as one:
        url = one.url

    assert fetch(url, tmp_path / "h.csv", "--retries", 1) == 2
    assert "gave up after 2 tries" in capsys.readouterr().err


def test_waiting_doubles_and_respects_the_server(monkeypatch):
    monkeypatch.undo()

    delays = [prometheus_api._delay(attempt, None) for attempt in range(12)]
    assert all(0.8 * min(30, 0.5 * 2**k) <= delay <= 1.2 * min(30, 0.5 * 2**k) for k, delay in enumerate(delays))
    assert prometheus_api._delay(0, 7.0) == 7
    assert prometheus_api._delay(0, 86_400.0) == 30


LASTING = {
    "401": ((401, {}, b""), "wants credentials"),
    "403": ((403, {}, b""), "wants credentials"),
    "404": ((404, {}, b""), "no Prometheus API at this address"),
    "400": ((400, {}, json.dumps({"status": "error", "error": "bad selector"}).encode()), "bad selector"),
    "a web page": ((200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>"), "a web page"),
    "an error with status 200": ((200, {}, b'{"status":"error","error":"sorry"}'), "sorry"),
    "a vector": ((200, {}, b'{"status":"success","data":{"resultType":"vector","result":[]}}'), "no series over time"),
    "no data": ((200, {}, b'{"status":"success"}'), "no series over time"),
    "a list": ((200, {}, b"[]"), "does not answer"),
    "series that are none": ((200, {}, b'{"status":"success","data":{"resultType":"matrix","result":[3]}}'), "no list of series"),
    "times that run backwards": ((200, {}, matrix([({"__name__": "a"}, [(START + 60, 1), (START, 2)])])), "no list of series"),
    "values that are none": ((200, {}, matrix([({"__name__": "a"}, [(START, "many")])])), "no list of series"),
    "labels that are none": ((200, {}, matrix([({"__name__": 3}, [(START, 1)])])), "no list of series"),
    "deep JSON": ((200, {}, b"[" * 200_000), "gave up"),
    "a redirect to another host": ((302, {"Location": "http://elsewhere.invalid/query"}, b""), "the credentials stay here"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "fragment"), LASTING.values(), ids=LASTING)
def test_a_failure_that_no_other_try_mends_is_told_at_once(tmp_path, answer, fragment, capsys):
    with fake(lambda _number, _parameters: answer) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--retries", 1) == 2

    told = " ".join(capsys.readouterr().err.split())
    assert fragment in told
    assert "Traceback" not in told
    assert len(one.asked) == (2 if fragment == "gave up" else 1)
    assert list(tmp_path.iterdir()) == []


TOKEN = "s3cret-token-of-the-test"  # noqa: S105 - not a secret


def test_a_token_goes_to_the_one_host_and_into_no_message(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROM_TOKEN", TOKEN)
    with fake() as stranger, fake(lambda _number, _parameters: (307, {"Location": f"{stranger.url}/api/v1/query"}, b"")) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--token-env", "PROM_TOKEN") == 2

    assert one.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert stranger.asked == []
    told = capsys.readouterr()
    assert stranger.url in told.err
    assert TOKEN not in told.err + told.out


def test_a_redirect_on_the_same_host_keeps_question_and_credentials(tmp_path, monkeypatch):
    monkeypatch.setenv("PROM_USER", "me:secret")

    def moved(handler):
        handler.send_response(308)
        handler.send_header("Location", "/prefix/api/v1/query")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with fake(once(moved)) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--basic-auth-env", "PROM_USER") == 0

    assert samples(tmp_path / "h.csv") == whole()
    assert one.asked[1]["path"] == "/prefix/api/v1/query"
    assert {h["Authorization"] for h in one.headers} == {"Basic bWU6c2VjcmV0"}


def test_a_proxy_that_forbids_post_is_asked_by_get(tmp_path):
    with fake(lambda number, _: (405, {}, b"") if number == 1 else None) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "30m") == 0

    assert [asked["method"] for asked in one.asked] == ["POST", "GET", "GET", "GET"]
    assert samples(tmp_path / "h.csv") == whole()


def too_much(parameters, most_s):
    first, last = asked_range(parameters)
    said = json.dumps(
        {"status": "error", "errorType": "execution", "error": "query processing would load too many samples into memory"}
    )
    return (422, {}, said.encode()) if last - first > most_s else None


def test_what_is_too_much_at_once_is_asked_in_halves(tmp_path, capsys):
    with fake(lambda _number, parameters: too_much(parameters, 700)) as one:
        assert fetch(one.url, tmp_path / "h.csv") == 0
        assert samples(tmp_path / "h.csv") == whole()
    assert len(one.asked) == 15

    with fake(lambda _number, parameters: too_much(parameters, 1)) as one:
        assert fetch(one.url, tmp_path / "i.csv") == 2
    assert "too much for one answer" in capsys.readouterr().err


def test_a_huge_answer_stops_at_the_limit_and_is_asked_in_halves(tmp_path, monkeypatch):
    monkeypatch.setattr(prometheus_api, "MAX_ANSWER_BYTES", 2_000)
    bomb = (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 3_000_000))
    with fake(lambda number, _: bomb if number == 1 else None) as one:
        assert fetch(one.url, tmp_path / "h.csv") == 0

    assert samples(tmp_path / "h.csv") == whole()
    assert len(one.asked) > 3


def test_an_answer_that_drips_for_ever_ends_with_the_timeout(tmp_path, capsys):
    done = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not done.is_set():
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.01)

    began = time.monotonic()
    with fake(lambda _number, _parameters: drip) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--timeout", "200ms", "--retries", 1) == 2
        done.set()
    assert time.monotonic() - began < 5
    assert "no answer within 0.2 s" in capsys.readouterr().err


def test_an_interrupted_fetch_goes_on_where_it_was(tmp_path):
    failing = (500, {}, b"")
    with fake(lambda number, _: failing if number > 3 else None) as one:
        assert fetch(one.url, tmp_path / "h.parquet", "--chunk", "10m", "--retries", 0) == 2
        assert leftovers(tmp_path) == [".h.parquet.fetched"]
        one.answer = lambda _number, _parameters: None
        before = len(one.asked)
        assert fetch(one.url, tmp_path / "h.parquet", "--chunk", "10m") == 0

    assert before == 4
    assert len(one.asked) - before == 7 - 3
    assert samples(tmp_path / "h.parquet") == whole()
    assert leftovers(tmp_path) == []


def test_times_before_now_stay_what_they_were_when_the_fetch_goes_on(tmp_path):
    with fake(lambda number, _: (500, {}, b"") if number == 2 else None) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "1h", "--retries", 0, start="-3h", end="now") == 2
        manifest = json.loads((tmp_path / ".h.csv.fetched" / "plan.json").read_text())
        time.sleep(0.01)
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "1h", start="-3h", end="now") == 0

    assert float(one.asked[-1]["time"]) * 1000 == manifest["end_ms"]
    assert "secret" not in json.dumps(manifest)


def test_another_question_does_not_take_the_chunks_of_the_first(tmp_path):
    with fake(lambda number, _: (500, {}, b"") if number == 3 else None) as one:
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "10m", "--retries", 0) == 2
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "10m", what=("--match", 'up_total{job="a"}')) == 0

    assert len(one.asked) == 3 + 7


def test_a_kill_at_any_moment_leaves_no_half_file(tmp_path):
    """SIGKILL while chunks arrive: no output, and the same command finishes it."""
    reached = threading.Event()

    def slowly(number, _parameters):
        if number == 3:
            reached.set()
            time.sleep(0.5)

    with fake(slowly) as one:
        out = tmp_path / "h.parquet"
        command = [
            *(sys.executable, "-m", "workbench", "fetch", one.url, "--match", "up_total", "--start", ISO_START, "--end", ISO_END),
            *("--chunk", "10m", "--out", str(out)),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert reached.wait(30)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        assert not out.exists()
        kept = [path.name for path in (tmp_path / ".h.parquet.fetched").iterdir() if path.suffix == ".parquet"]
        assert len(kept) == 2
        before = len(one.asked)
        assert fetch(one.url, out, "--chunk", "10m") == 0

    assert len(one.asked) - before == 7 - len(kept)
    assert samples(out) == whole()
    assert leftovers(tmp_path) == []


def test_more_samples_than_wanted_stop_the_fetch_and_are_kept(tmp_path, capsys):
    with fake() as one:
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "10m", "--max-samples", 100) == 2
        assert "a larger --max-samples goes on from there" in " ".join(capsys.readouterr().err.split())
        assert not (tmp_path / "h.csv").exists()
        asked = len(one.asked)
        assert fetch(one.url, tmp_path / "h.csv", "--chunk", "10m") == 0

    assert len(one.asked) == 7
    assert asked == 3
    assert samples(tmp_path / "h.csv") == whole()


def test_a_file_that_no_replay_would_read_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch_out, "MAX_BYTES", 1000)
    with fake() as one:
        assert fetch(one.url, tmp_path / "h.csv") == 0
        assert "Parquet is smaller" in " ".join(capsys.readouterr().err.split())
        assert fetch(one.url, tmp_path / "h.om") == 0
    assert "Parquet is smaller" not in " ".join(capsys.readouterr().err.split())


def test_a_long_expression_never_asks_for_more_points_than_a_server_allows(tmp_path):
    def answer(_number, parameters):
        step, first, last = (float(parameters[name]) for name in ("step", "start", "end"))
        assert (last - first) / step <= 10_999
        points = [(first + step * i, i) for i in range(int((last - first) // step) + 1)]
        return 200, {}, matrix([({}, points)])

    with fake(answer) as one:
        what = ("--query", "n=sum(up)", "--step", "1s", "--chunk", "100d")
        assert fetch(one.url, tmp_path / "h.parquet", what=what, end="2026-04-01T08:00:00Z") == 0

    found = samples(tmp_path / "h.parquet")["n"]
    assert [t for t, _ in found] == [(START + t) * 1000 for t in range(8 * 3600 + 1)]
    assert len(one.asked) == 3


@pytest.mark.parametrize("step_s", [None, 15, 700])
@pytest.mark.parametrize("chunk_s", [60, 600, 10_000_000])
def test_chunks_cover_the_whole_span_once(step_s, chunk_s):
    wanted = Wanted("x", step_ms=None if step_s is None else step_s * 1000)
    plan = Plan((wanted,), 1_000, 7_200_500, chunk_s * 1000, 1)

    chunks = plan.chunks(wanted)
    unit = 1 if step_s is None else step_s * 1000
    covered = [instant for first, last in chunks for instant in (first, last)]
    assert covered[0] == 1_000
    assert all(a <= b for a, b in chunks)
    if step_s is None:
        assert covered[-1] == 7_200_500
        assert all(later[0] - earlier[1] == 1 for earlier, later in pairwise(chunks))
    else:
        steps = [t for first, last in chunks for t in range(first, last + 1, unit)]
        assert steps == list(range(1_000, 7_200_501, unit))


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--match", "up"], "Missing option '--start'"),
        (["--start", "-1h"], "name what to fetch"),
        (["--match", "rate(up[5m])", "--start", "-1h"], "no plain selector"),
        (["--match", "up offset 5m", "--start", "-1h"], "no plain selector"),
        (["--match", "up @ 5", "--start", "-1h"], None),
        (["--match", "up[5m]", "--start", "-1h"], None),
        (["--match", "up{", "--start", "-1h"], None),
        (["--match", "up", "--start", "soon"], "this is no time"),
        (["--match", "up", "--start", "2026-04-01T00:00:00"], "names no zone"),
        (["--match", "up", "--start", "-1x"], "a duration is a number and a unit"),
        (["--match", "up", "--start", "now"], "the end must lie after the start"),
        (["--match", "up", "--start", "-1h", "--token-env", "NOT_THERE"], "is not set"),
        (["--match", "up", "--start", "-1h", "--token-env", "A", "--basic-auth-env", "B"], "not both"),
        (["--match", "up", "--start", "-1h", "--ca-file", "none.pem"], "cannot be read"),
        (["--match", "up", "--start", "-1h", "--out", "h.xlsx"], "the ending says which format"),
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_written(tmp_path, monkeypatch, capsys, arguments, fragment):
    monkeypatch.chdir(tmp_path)
    more = [] if "--out" in arguments else ["--out", "h.csv"]

    assert _code(["fetch", "http://127.0.0.1:1", *arguments, *more]) == 2
    told = capsys.readouterr().err
    assert fragment is None or fragment in " ".join(told.split())
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "fragment"),
    [
        ("ftp://host", "no address of a server"),
        ("file:///etc/passwd", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://host:99999", "no address of a server"),
        ("http://me:secret@host", "can be read by everybody"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(tmp_path, capsys, url, fragment):
    assert fetch(url, tmp_path / "h.csv") == 2

    told = capsys.readouterr().err
    assert fragment in told
    assert not re.search("secret", told)


def test_two_fetches_into_one_file_do_not_meet(tmp_path, capsys):
    inside, go_on = threading.Event(), threading.Event()

    def held(_number, _parameters):
        inside.set()
        go_on.wait(10)

    with fake(held) as one:
        first = threading.Thread(target=lambda: codes.append(fetch(one.url, tmp_path / "h.csv")))
        codes = []
        first.start()
        assert inside.wait(10)
        assert fetch(one.url, tmp_path / "h.csv") == 2
        go_on.set()
        first.join()

    assert codes == [0]
    assert "another process is fetching" in capsys.readouterr().err
