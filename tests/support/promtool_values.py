"""Every element of many expressions at many instants, out of one run of the real `promtool test rules`.

Each question expects nothing, so that the failure text says what there is, each value as the shortest text that reads back as the
same float.
"""

import json
import re
import subprocess

import yaml

from tests.support.programs import need
from workbench.telemetry.series import is_stale

FAILED = "failed"
"""Instead of elements: the query failed."""

_ANSWER = re.compile(r'^    expr: ("(?:[^"\\]|\\.)*"), time: (\S+?),(.*?)(?=^    expr: |\Z)', re.DOTALL | re.MULTILINE)
_ELEMENT = re.compile(r'(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) (\S+?)(?:, |\s*\Z)')
_LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[\w:.]+)=("(?:[^"\\]|\\.)*")')


def notation(series, grid_s):
    """The values of a series whose samples lie on a grid."""
    words, at = [], 0
    values = series.values.astype(float)
    for time, value, stale in zip(series.times, values, is_stale(values), strict=True):
        place = round(time / grid_s)
        words += [f"_x{place - at}"] if place > at else []
        words.append("stale" if stale else repr(float(value)).replace("inf", "Inf"))
        at = place + 1
    return " ".join(words)


def answers(folder, series, exprs, instants_s, *, grid_s=5, every_s=30, program=None, features=()):
    """For each expression and instant the elements, labels to value, or FAILED."""
    # The last question, whose answer nobody reads, has promtool read all samples first.
    last = (int(max(one.times[-1] for one in series)) // every_s + 1) * every_s
    ask = [{"expr": "vector(0)", "eval_time": f"{last}s", "exp_samples": [{"value": 0}]}]
    ask += [{"expr": expr, "eval_time": f"{at}s", "exp_samples": []} for expr in exprs for at in instants_s]
    test = {
        "evaluation_interval": f"{every_s}s",
        "tests": [
            {
                "interval": f"{grid_s}s",
                "input_series": [{"series": str(one.key), "values": notation(one, grid_s)} for one in series],
                "promql_expr_test": ask,
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [program or need("promtool"), *(f"--enable-feature={feature}" for feature in features), "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = {(expr, at): {} for expr in exprs for at in instants_s}
    said = ran.stdout + ran.stderr
    for text, time, rest in _ANSWER.findall(said):
        key = (json.loads(_as_json(text)), _seconds(time))
        if key not in found:
            raise AssertionError(f"promtool answers what was not asked: {key}")
        if "err: " in rest:
            found[key] = FAILED
        else:
            got = rest.split("got:", 1)[1]
            found[key] = {_labels(labels): float(value) for labels, value in _ELEMENT.findall(got)}
    assert "FAILED" in said or "SUCCESS" in said, said[:2000]
    return found


def _as_json(quoted):
    return re.sub(r"\\(x[0-9a-f]{2}|[av])", lambda m: json.dumps(m[0].encode().decode("unicode_escape"))[1:-1], quoted)


def _seconds(text):
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def _labels(text):
    pairs = []
    for name, value in _LABEL.findall(text):
        pairs.append((json.loads(name) if name.startswith('"') else name, json.loads(_as_json(value))))
    return tuple(sorted(pairs))
