"""`workbench replay --rules --alerts-out` on histories of every bad habit, row for row what a real Prometheus makes of them.

The history is turned into promtool's samples here, by ten lines that share nothing with the reader.
"""

import csv
import io
import json
import re
import subprocess

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.support.programs import need
from workbench.cli.main import cli

RATIO = "sum by (route) (rate(http_request_errors_total[{0}])) / sum by (route) (rate(http_requests_total[{0}]))"
RAW = [
    ("Fast", "10m", "1m", 14.4, "0s", "0s"),
    ("Moderate", "30m", "3m", 6, "1m", "45s"),
    ("Slow", "1h", "5m", 1, "2m", "0s"),
]


def rules(raw=RAW):
    """Two-window rules, raw and over recordings, with `for` and `keep_firing_for`, and a rule that counts failures."""
    alerts = [
        {
            "alert": name,
            "expr": f"{RATIO.format(long)} > {factor} * 0.005 and {RATIO.format(short)} > {factor} * 0.005",
            "for": wait,
            "keep_firing_for": keep,
            "labels": {"severity": "page", "where": "{{ $labels.route }}"},
        }
        for name, long, short, factor, wait, keep in raw
    ]
    recorded = [
        *({"record": f"route:errors:ratio_rate{w}", "expr": RATIO.format(w)} for w in ("10m", "1m")),
        {"alert": "Recorded", "expr": "route:errors:ratio_rate10m > 0.072 and route:errors:ratio_rate1m > 0.072", "for": "30s"},
        {"alert": "Failures", "expr": "sum(increase(http_request_errors_total[15m])) >= 3 or absent(http_requests_total)"},
    ]
    return {
        "groups": [
            {"name": "raw", "rules": alerts},
            {"name": "recorded", "rules": recorded},
            {
                "name": "later",
                "rules": [{"alert": "Mean", "expr": "avg_over_time(route:errors:ratio_rate1m[20m:1m]) > 0.02", "for": "1m"}],
            },
        ]
    }


LONG = [("Fast", "1h", "5m", 14.4, "2m", "0s"), ("Slow", "24h", "2h", 3, "1h", "5m"), ("Leak", "72h", "6h", 1, "3h", "0s")]


def history(kind, seed, n=720, step=15):
    """Rows `time, route, total, errors, reset`; times every 15 s for 3 h, with a start that is no round number."""
    rng = np.random.default_rng(seed)
    rows = []
    for route in ("/a", "/b"):
        total = rng.poisson(60, n)
        share = np.full(n, 0.002)
        if kind == "noise at the threshold":
            share[:] = 0.072 * rng.uniform(0.5, 1.6, n)
        elif kind == "spikes":
            share[rng.integers(0, n, 25)] = 0.9
        elif kind == "slow leak":
            share[:] = np.linspace(0, 0.03, n)
        elif kind == "few requests":
            total = rng.poisson(0.05, n)
            share[:] = 0.2
        elif kind == "flapping":
            share[(np.arange(n) // 14) % 2 == 0] = 0.3
        else:
            share[200:260] = 0.4
        errors = rng.binomial(total, share)
        reset = np.zeros(n, int)
        keep = np.ones(n, bool)
        if kind == "gaps and resets":
            reset[rng.integers(1, n, 12)] = 1
            for at in rng.integers(0, n - 60, 8):
                keep[at : at + rng.integers(1, 60)] = False
        for i in np.flatnonzero(keep):
            unknown = kind == "gaps and resets" and rng.random() < 0.03
            rows.append((1_700_000_003 + step * int(i), route, int(total[i]), "" if unknown else int(errors[i]), int(reset[i])))
    return sorted(rows)


def samples(rows, phase):
    """`{series: {second: value}}`, and the last second."""
    first = min(row[0] for row in rows)
    running, out = {}, {}
    for time, route, total, errors, reset in rows:
        for name, events in (("http_requests_total", total), ("http_request_errors_total", errors)):
            key = f'{name}{{route="{route}"}}'
            if reset:
                running[key] = 0
            if events != "":
                running[key] = running.get(key, 0) + events
                out.setdefault(key, {})[time - first + phase] = running[key]
    return out, max(row[0] for row in rows) - first + phase


def notation(points):
    words, at = [], 0
    for second, value in sorted(points.items()):
        words += [f"_x{second - at}"] if second > at else []
        words.append(str(value))
        at = second + 1
    return " ".join(words)


def real_rows(folder, document, given, until, every_s):
    """The timeline of the real rule manager, as rows of `alerts.csv`."""
    last = f"offset {every_s}s"
    dump = [
        {"record": "start", "expr": f'count_values without() ("t", (ALERTS unless ALERTS {last}) * 0 + time())'},
        {"record": "end", "expr": f'count_values without() ("t", (ALERTS {last} unless ALERTS) * 0 + time())'},
    ]
    (folder / "dump.yml").write_text(yaml.safe_dump({"groups": [{"name": "dump", "rules": dump}]}))
    final = until // every_s * every_s
    ask = [{"expr": f"last_over_time({n}[{final + 1}s])", "eval_time": f"{final}s", "exp_samples": []} for n in ("start", "end")]
    test = {
        "rule_files": ["rules.yml", "dump.yml"],
        "evaluation_interval": f"{every_s}s",
        "group_eval_order": [*(group["name"] for group in document["groups"]), "dump"],
        "tests": [
            {
                "interval": "1s",
                "input_series": [{"series": key, "values": notation(points)} for key, points in given.items()],
                "promql_expr_test": ask,
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [need("promtool"), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=400, check=False
    )
    seen = {}
    for name, body in re.findall(r'\{__name__="(start|end)", (.*?)\} 1E\+00', ran.stdout + ran.stderr):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', body))
        at, state = int(float(labels.pop("t"))), labels.pop("alertstate")
        alert = labels.pop("alertname")
        seen.setdefault((alert, json.dumps(labels, sort_keys=True)), set()).add((state, name, at))
    assert seen or "SUCCESS" in ran.stdout, ran.stdout + ran.stderr
    rows = []
    for (alert, labels), events in seen.items():

        def next_end(state, start, events=events):
            return min((at for s, n, at in events if (s, n) == (state, "end") and at > start), default=None)

        firings = {at for s, n, at in events if (s, n) == ("firing", "start")}
        pendings = {at for s, n, at in events if (s, n) == ("pending", "start")}
        for start in pendings:
            over = next_end("pending", start)
            if over in firings:
                firings.discard(over)
                rows.append((start, alert, labels, over, next_end("firing", over)))
            else:
                rows.append((start, alert, labels, None, over))
        rows += [(start, alert, labels, start, next_end("firing", start)) for start in firings]
    return [
        [alert, json.loads(labels), str(start), "" if fired is None else str(fired), "" if over is None else str(over)]
        for start, alert, labels, fired, over in sorted(rows, key=lambda row: row[:3])
    ]


@pytest.mark.parametrize("every_s", [15, 30])
@pytest.mark.parametrize("kind", ["noise at the threshold", "spikes", "slow leak", "few requests", "flapping", "gaps and resets"])
def test_a_replayed_history_has_the_timeline_of_a_real_prometheus(kind, every_s, tmp_path):
    compare(tmp_path, history(kind, seed=len(kind)), rules(), every_s)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slow leak", "gaps and resets"])
def test_windows_of_days_have_the_timeline_of_a_real_prometheus(kind, tmp_path):
    compare(tmp_path, history(kind, seed=1, n=6 * 1440, step=60), rules(LONG), 60)


def compare(tmp_path, rows, document, every_s):
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(document))
    text = io.StringIO()
    csv.writer(text).writerows([("time", "route", "total", "errors", "reset"), *rows])
    (tmp_path / "history.csv").write_text(text.getvalue())
    out = tmp_path / "alerts.csv"

    ran = CliRunner().invoke(
        cli,
        f"replay {tmp_path}/history.csv --rules {tmp_path}/rules.yml --phase 7s --eval-interval {every_s}s --prometheus 2.42 "
        f"--alerts-out {out}",
    )

    assert ran.exit_code in {0, 1}, ran.output
    given, until = samples(rows, 7)
    wanted = real_rows(tmp_path, document, given, until, every_s)
    header, *found = list(csv.reader(io.StringIO(out.read_text())))
    assert header == ["alert", "labels", "pending_at_s", "firing_at_s", "resolved_at_s"]
    assert [[row[0], json.loads(row[1]), *row[2:]] for row in found] == wanted
    assert len(wanted) > 3
