"""Every sample that rules write, out of one run of the real `promtool test rules`."""

import re
import subprocess

import yaml

from tests.support.programs import need
from tests.support.promtool_timeline import notation
from workbench.interop.prometheus import rule_file
from workbench.telemetry.series import is_stale

_DUMP = (
    'count_values without () ("sample_time", count_values without () ("sample_value", '
    'label_replace({{__name__=~"{names}"}}, "sample_name", "$1", "__name__", "(.*)")) * 0 + time())'
)
"""Each sample becomes a series of its own: its name, labels, value and time are labels of it."""


def real_samples(folder, groups, series, names, *, every_s, until_s, timeout_s=120):
    """The samples as (name, labels, time, value as text), and the first failure as (rule, time) or None.

    `names` is a pattern of metric names. At a failed evaluation promtool ends the run, and there are no samples.
    """
    dump = {"name": "dump", "rules": [{"record": "dump", "expr": _DUMP.format(names=names)}]}
    (folder / "rules.yml").write_text(rule_file(groups))
    (folder / "dump.yml").write_text(yaml.safe_dump({"groups": [dump]}))
    ask = {
        "expr": f"last_over_time(dump[{until_s + 1}s])",
        "eval_time": f"{until_s}s",
        "exp_samples": [{"labels": "never", "value": 1}],
    }
    test = {
        "rule_files": ["rules.yml", "dump.yml"],
        "evaluation_interval": f"{every_s}s",
        "group_eval_order": [*(group.name for group in groups), "dump"],
        "tests": [
            {
                "interval": "1s",
                "input_series": [{"series": str(one.key), "values": notation(one)} for one in series],
                "promql_expr_test": [ask],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [need("promtool"), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    said = ran.stdout + ran.stderr
    failed = re.search(r"rule: (\S+), time: (\S+), err:", said)
    if failed:
        return set(), (failed[1], _seconds(failed[2]))
    assert "got:" in said, said
    found = set()
    for body in re.findall(r'\{__name__="dump", (.*?)\} 1E\+00', said):
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', body))
        name, at, value = (labels.pop(f"sample_{what}") for what in ("name", "time", "value"))
        found.add((name, tuple(sorted(labels.items())), float(at), repr(float(value))))
    return found, None


def our_samples(recorded):
    """The same of what our engine recorded; stale markers are the end of a series, no sample."""
    return {
        (one.key.name, one.key.labels, time, repr(value))
        for one in recorded
        for time, value, stale in zip(one.times.tolist(), one.values.tolist(), is_stale(one.values), strict=True)
        if not stale
    }


def _seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1}
    return float(sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", duration)))
