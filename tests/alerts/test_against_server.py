"""Failed evaluations, which end a `promtool test rules` run: a real Prometheus server goes on, and so do we.

The server evaluates a group every second for a while; its database says when, and what the rules wrote, stale markers included.
"""

import json
import re
import subprocess
import time

import numpy as np
import pytest
import yaml

from tests.support.failing_rules import failing_group
from tests.support.programs import need
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import Profile
from workbench.interop.prometheus import rule_file
from workbench.telemetry.series import Telemetry, is_stale

SECONDS = 17
WARM_UP_S = 4
"""A server writes no ALERTS before its third evaluation, when it has looked for the state from before its start."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """What the server wrote: by series, its samples as (millisecond, value or `stale`); and when alerts began."""
    for _ in range(3):
        written, alerts_from = served(tmp_path_factory.mktemp("server"))
        if len(unbroken(written)) >= SECONDS - 7:
            return written, alerts_from
    return pytest.fail("the machine is too busy: the server skipped evaluations three times")


def served(folder):
    prometheus, promtool = need("prometheus"), need("promtool")
    alerts_from = int(time.time()) + WARM_UP_S
    (folder / "rules.yml").write_text(rule_file([failing_group("time()", alerts_from)]))
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"]}))
    flags = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0", "--log.level=error"]
    with subprocess.Popen([prometheus, *flags], cwd=folder) as running:
        try:
            running.wait(SECONDS)
        except subprocess.TimeoutExpired:
            running.terminate()
    dumped = subprocess.run([promtool, "tsdb", "dump", "data"], cwd=folder, capture_output=True, text=True, check=True).stdout
    written = {}
    for body, value, at in re.findall(r"^\{(.*)\} (\S+) (\d+)$", dumped, re.MULTILINE):
        labels = tuple(sorted((name, json.loads(text)) for name, text in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', body)))
        written.setdefault(labels, []).append((int(at), "stale" if value == "NaN" else float(value)))
    return written, alerts_from


def unbroken(written):
    """The evaluations from the first one on, as far as none was skipped."""
    instants = [at for at, _ in written[(("__name__", "t"),)]]
    return instants[: int(np.flatnonzero(np.diff([*instants, np.inf]) != 1000)[0]) + 1]


def test_failed_evaluations_leave_and_clear_what_they_do_in_a_real_server(server):
    written, alerts_from = server
    instants = unbroken(written)
    begin, end, count = instants[0], instants[-1], len(instants)
    telemetry = Telemetry.of([], horizon_s=count, scrape_interval_s=1.0)
    engine = RuleEngine([failing_group(f"(time() + {begin / 1000!r})", alerts_from)], telemetry, Profile("2.42", 1.0, 1.0))
    while engine.look_ahead(count - 1):
        pass

    ours = {}
    for one in engine.recorded():
        labels = tuple(sorted([("__name__", one.key.name), *one.key.labels]))
        shift = begin // 1000 if one.key.name == "ALERTS_FOR_STATE" else 0
        ours[labels] = [
            (round(at * 1000) + begin, "stale" if stale else value + shift)
            for at, value, stale in zip(one.times.tolist(), one.values.tolist(), is_stale(one.values).tolist(), strict=True)
        ]
    theirs = {labels: [(at, value) for at, value in some if at <= end] for labels, some in written.items()}
    assert ours == {labels: some for labels, some in theirs.items() if some}
    assert sum(map(len, engine.failures())) > count
