"""The whole timeline of alert rules over given counters, out of one run of the real `promtool test rules`."""

import re
import subprocess

import yaml

from tests.support.programs import need
from workbench.interop.prometheus import rule_file
from workbench.telemetry.series import is_stale


def notation(series):
    """Values every second, so that scrapes may lie off the evaluation grid."""
    words, at = [], 0
    values = series.values.astype(float)
    for time, value, stale in zip(series.times, values, is_stale(values), strict=True):
        gap = int(time) - at
        words += [f"_x{gap}"] if gap else []
        words.append("stale" if stale else repr(float(value)))
        at = int(time) + 1
    return " ".join(words)


def real_transitions(folder, groups, series, *, every_s, until_s, timeout_s=120):
    """Starts and ends of pending and firing, as (kind, time, alert, state, labels)."""
    promtool = need("promtool")
    last = f"offset {every_s}s"
    changed = f"(ALERTS unless ALERTS {last}) * 0 + time()", f"(ALERTS {last} unless ALERTS) * 0 + time()"
    dump = [
        {"record": name, "expr": f'count_values without() ("t", {expr})'}
        for name, expr in zip(("start", "end"), changed, strict=True)
    ]
    (folder / "rules.yml").write_text(rule_file(groups))
    (folder / "dump.yml").write_text(yaml.safe_dump({"groups": [{"name": "dump", "rules": dump}]}))
    ask = [
        {"expr": f"last_over_time({name}[{until_s}s])", "eval_time": f"{until_s}s", "exp_samples": []} for name in ("start", "end")
    ]
    test = {
        "rule_files": ["rules.yml", "dump.yml"],
        "evaluation_interval": f"{every_s}s",
        "group_eval_order": [*(group.name for group in groups), "dump"],
        "tests": [
            {
                "interval": "1s",
                "input_series": [{"series": str(one.key), "values": notation(one)} for one in series],
                "promql_expr_test": ask,
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    found = set()
    for name, body in re.findall(r'\{__name__="(start|end)", (.*?)\} 1E\+00', ran.stdout + ran.stderr):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', body))
        found.add((name, float(labels.pop("t")), labels.pop("alertname"), labels.pop("alertstate"), tuple(sorted(labels.items()))))
    assert found or "SUCCESS" in ran.stdout, ran.stdout + ran.stderr
    return found


def our_transitions(episodes):
    """The same of our own episodes."""
    found = set()
    for e in episodes:
        ends = [e.firing_at_s, e.resolved_at_s] if e.firing_at_s is not None else [e.resolved_at_s, None]
        if e.firing_at_s != e.pending_at_s:
            found.add(("start", e.pending_at_s, e.alert, "pending", e.labels))
            if ends[0] is not None:
                found.add(("end", ends[0], e.alert, "pending", e.labels))
        if e.firing_at_s is not None:
            found.add(("start", e.firing_at_s, e.alert, "firing", e.labels))
            if e.resolved_at_s is not None:
                found.add(("end", e.resolved_at_s, e.alert, "firing", e.labels))
    return found
