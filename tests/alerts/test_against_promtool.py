"""The whole timeline of random histories, from the real rule manager in one `promtool test rules` run each."""

import re
import subprocess

import numpy as np
import pytest
import yaml

from tests.support.histories import counters
from tests.support.programs import need
from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.interop.prometheus import rule_file
from workbench.telemetry.series import is_stale

UNTIL_S = 3600
RATIO = "sum(rate(req{{code=~'5..'}}[{0}])) / sum(rate(req[{0}]))"


def random_rules(seed):
    rng = np.random.default_rng([seed, 1])
    rules = []
    for number in range(4):
        long, short = rng.choice([["10m", "1m"], ["20m", "2m"], ["45m", "5m"], ["5m", "45s"]])
        threshold = f"{rng.choice(['14.4', '6', '3', '1'])} * {rng.choice(['0.01', '0.05', '0.001'])}"
        rules.append(
            AlertRule(
                f"R{number}",
                f"{RATIO.format(long)} > {threshold} and {RATIO.format(short)} > {threshold}",
                float(rng.choice([0, 20, 30, 120])),
                float(rng.choice([0, 0, 20, 60])),
                (("severity", "page"),),
            )
        )
    rules.append(AlertRule("Each", "sum by (route) (rate(req{code='500'}[2m])) > 0.05", 30.0, 30.0))
    return (RuleGroup("rules", tuple(rules)),)


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


def real_transitions(folder, groups, telemetry):
    promtool = need("promtool")
    changed = "(ALERTS unless ALERTS offset 15s) * 0 + time()", "(ALERTS offset 15s unless ALERTS) * 0 + time()"
    dump = [
        {"record": name, "expr": f'count_values without() ("t", {expr})'}
        for name, expr in zip(("start", "end"), changed, strict=True)
    ]
    (folder / "rules.yml").write_text(rule_file(groups))
    (folder / "dump.yml").write_text(yaml.safe_dump({"groups": [{"name": "dump", "rules": dump}]}))
    test = {
        "rule_files": ["rules.yml", "dump.yml"],
        "evaluation_interval": "15s",
        "group_eval_order": ["rules", "dump"],
        "tests": [
            {
                "interval": "1s",
                "input_series": [{"series": str(one.key), "values": notation(one)} for one in telemetry],
                "promql_expr_test": [
                    {"expr": f"last_over_time({name}[2h])", "eval_time": f"{UNTIL_S}s", "exp_samples": []}
                    for name in ("start", "end")
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    found = set()
    for name, body in re.findall(r'\{__name__="(start|end)", (.*?)\} 1E\+00', ran.stdout + ran.stderr):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', body))
        found.add((name, float(labels.pop("t")), labels.pop("alertname"), labels.pop("alertstate"), tuple(sorted(labels.items()))))
    assert found or "SUCCESS" in ran.stdout, ran.stdout + ran.stderr
    return found


def our_transitions(episodes):
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


@pytest.mark.parametrize(
    ("seed", "kind"),
    [
        (1, {}),
        (2, {}),
        (3, {"gaps": True}),
        (4, {"stale": True}),
        (5, {"phase_s": 0.0}),
        (6, {"whole": False}),
        (7, {"gaps": True, "stale": True}),
    ],
)
def test_every_transition_is_the_one_of_the_real_rule_manager(tmp_path, seed, kind):
    telemetry = counters(seed, samples=200, routes=2, **kind)
    groups = random_rules(seed)

    ours = our_transitions(timeline(groups, telemetry, Profile(prometheus="2.42"), UNTIL_S))

    assert ours == real_transitions(tmp_path, groups, telemetry)
    assert ours
