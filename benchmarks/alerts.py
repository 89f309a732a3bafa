"""What conditions of alerts cost: ours, pandas, the real promtool and the real server's query_range; one objective, four rules.

python benchmarks/alerts.py      prints a table; the telemetry is two counters at 15 s, simulated.

`general evaluator` gives every value of the four expressions at all 172,800 instants of 30 days, `proven-equal branch` only where
there is one, which is what alerts ask, and `alert engine` the whole timeline. promtool runs one and three days with the three rules
that its limit of samples admits; the server answers 30 days in pieces of 11,000 points, from one block, the queries alone timed.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.interop.prometheus import rule_file
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, SeriesKey, Telemetry

RULES = (
    ("Fast", "1h", "5m", 14.4, 120),
    ("Moderate", "6h", "30m", 6, 900),
    ("Slow", "24h", "2h", 3, 3600),
    ("Leak", "72h", "6h", 1, 10_800),
)
DAY = 5760
MONTH = 30 * DAY
BLOCK = 8192
POINTS = 11_000
EPOCH = 1_700_000_010
"""A multiple of 15 s: where the month lies in the server's time."""


def month(samples):
    rng = np.random.default_rng(1)
    share = np.full(samples, 0.0005)
    for at in rng.integers(0, samples, 12):
        share[at : at + 300] = 0.02
    times = np.arange(samples) * 15.0 + 7
    counters = {"requests": rng.poisson(1500, samples).cumsum(), "errors": rng.poisson(1500 * share).cumsum()}
    series = [Series(SeriesKey.of(name), times, values) for name, values in counters.items()]
    return Telemetry.of(series, horizon_s=samples * 15.0, scrape_interval_s=15.0)


def groups(rules):
    ratio = "sum(rate(errors[{0}])) / sum(rate(requests[{0}]))"
    alerts = [
        AlertRule(name, f"{ratio.format(long)} > {factor} * 0.001 and {ratio.format(short)} > {factor} * 0.001", wait)
        for name, long, short, factor, wait in rules
    ]
    return (RuleGroup("objective", tuple(alerts)),)


def by_pandas(telemetry):
    steps = {one.key.name: np.diff(one.values, prepend=0) for one in telemetry}
    frame = pd.DataFrame(steps, index=pd.to_timedelta(telemetry.series[0].times, unit="s"))
    for _, long, short, factor, wait in RULES:
        hot = pd.Series(data=True, index=frame.index)
        for window in (long, short):
            sums = frame.rolling(pd.Timedelta(window)).sum()
            hot &= sums["errors"] / sums["requests"] > factor * 0.001
        run = hot.groupby((~hot).cumsum()).cumsum()
        _ = run * 15 > wait


def by_promtool(promtool, folder, telemetry, days):
    (folder / "rules.yml").write_text(rule_file(groups(RULES[:3])))
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": str(one.key), "values": " ".join(map(str, one.values))} for one in telemetry],
                "alert_rule_test": [{"alertname": "Nothing", "eval_time": f"{days}d", "exp_alerts": []}],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    subprocess.run([promtool, "test", "rules", "test.yml"], cwd=folder, check=True, capture_output=True)


def by_evaluator(telemetry, exprs):
    evaluator = Evaluator(telemetry, Profile())
    return [evaluator.evaluate(expr, np.arange(MONTH) * 15.0) for expr in exprs]


def by_conditions(telemetry, exprs):
    conditions = Conditions(Evaluator(telemetry, Profile()), exprs)
    instants_ms = np.arange(MONTH) * 15_000
    return [conditions.present(instants_ms[at : at + BLOCK]) for at in range(0, MONTH, BLOCK)]


@contextmanager
def server(prometheus, promtool, folder, telemetry):
    """The address of a real server with the month in one block."""
    lines = []
    for one in telemetry:
        lines.append(f"# TYPE {one.key.name} gauge")
        lines += [f"{one.key.name} {value} {EPOCH + at:.3f}" for at, value in zip(one.times, one.values, strict=True)]
    (folder / "month.om").write_text("\n".join([*lines, "# EOF", ""]))
    whole = "--max-block-duration=1458h"  # else promtool reads the file again for every two hours
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", whole, "month.om", "data"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 15s}\n")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen([prometheus, *options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).read()
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.1)
            yield address
        finally:
            running.terminate()


def by_server(address, texts):
    """How many instants have an element, for each expression."""
    counts = []
    for text in texts:
        found = 0
        for at in range(0, MONTH, POINTS):
            last = min(at + POINTS, MONTH) - 1
            asked = {"query": text, "start": EPOCH + at * 15, "end": EPOCH + last * 15, "step": 15}
            url = f"http://{address}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
            with urllib.request.urlopen(url, timeout=120) as answer:
                found += sum(len(one["values"]) for one in json.load(answer)["data"]["result"])
        counts.append(found)
    return counts


def seconds(work, repeat):
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def table(title, ours, rows):
    """Each row beside the first one of ours."""
    print(f"\n{title:44}{'seconds':>10}{'ratio':>10}")
    for name, needed in rows:
        print(f"{name:44}{needed:10.4f}{needed / ours:10.1f}")


def program(name):
    found = shutil.which(name) or shutil.which(name, path="/opt/prometheus/usr/bin")
    if found is None:
        print(f"{name} is not installed: the comparison with it is left out")
    return found


def main():
    whole = month(MONTH)
    texts = [rule.expr for rule in groups(RULES)[0].alerts]
    exprs = [parse(text) for text in texts]
    engine = seconds(lambda: timeline(groups(RULES), whole, Profile(), whole.horizon_s), 10)
    rows = [
        ("alert engine", engine),
        ("proven-equal branch", seconds(lambda: by_conditions(whole, exprs), 10)),
        ("general evaluator", seconds(lambda: by_evaluator(whole, exprs), 10)),
        ("pandas rolling (not exact)", seconds(lambda: by_pandas(whole), 2)),
    ]
    promtool, prometheus = program("promtool"), program("prometheus")
    if promtool and prometheus:
        with tempfile.TemporaryDirectory() as folder, server(prometheus, promtool, Path(folder), whole) as address:
            counts = by_server(address, texts)
            ours = [int(vector.present.any(axis=0).sum()) for vector in by_evaluator(whole, exprs)]
            assert counts == ours, (counts, ours)  # noqa: S101 - a comparison of unequal things says nothing
            rows.append(("server, query_range", seconds(lambda: by_server(address, texts), 1)))
    table("30 days, 4 rules", engine, rows)
    for days in (1, 3) if promtool else ():
        some = month(days * DAY)
        ours = seconds(lambda some=some: timeline(groups(RULES[:3]), some, Profile(), some.horizon_s), 10)
        with tempfile.TemporaryDirectory() as folder:
            real = seconds(lambda some=some, days=days, folder=folder: by_promtool(promtool, Path(folder), some, days), 1)
        table(f"{days} days, 3 rules", ours, [("alert engine", ours), ("promtool test rules", real)])


if __name__ == "__main__":
    main()
