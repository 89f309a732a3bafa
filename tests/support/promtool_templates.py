"""What the real promtool makes of templates in annotations: many of them in one run."""

import re
import subprocess

import yaml

from tests.support.programs import need


def real_texts(folder, cases):
    """The text that each (template, labels, value) renders to."""
    promtool = need("promtool")
    rules, series, asked = [], [], []
    for index, (template, labels, value) in enumerate(cases):
        name = f"A{index}"
        metric = f"m{index}"
        rules.append({"alert": name, "expr": metric, "annotations": {"text": template, "mark": "end"}})
        pairs = ",".join(f"{key}={_quoted(text)}" for key, text in sorted(labels.items()))
        series.append({"series": f"{metric}{{{pairs}}}", "values": _number(value)})
        asked.append({"alertname": name, "eval_time": "0s", "exp_alerts": []})
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}, width=2**20))
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": asked}],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, width=2**20))
    ran = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    out = ran.stdout + ran.stderr
    pattern = r'alertname: A(\d+), time.*?Annotations:\{mark="end", text="((?:[^"\\]|\\.)*)"\}'
    found = {int(index): _unquoted(text) for index, text in re.findall(pattern, out, re.DOTALL)}
    assert len(found) == len(cases), out[-3000:]
    return [found[index] for index in range(len(cases))]


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _number(value):
    return {"nan": "NaN", "inf": "Inf", "-inf": "-Inf"}.get(repr(float(value)), repr(float(value)))


def _unquoted(text):
    """The value of a Go string literal without surrogates."""
    return yaml.safe_load(f'"{text}"')


def refused(folder, templates):
    """Indices of the templates that `promtool check rules` does not take."""
    promtool = need("promtool")
    out = set()
    for index, template in enumerate(templates):
        rule = {"alert": "A", "expr": "up", "annotations": {"text": template}}
        (folder / "one.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}, width=2**20))
        ran = subprocess.run([promtool, "check", "rules", "one.yml"], cwd=folder, capture_output=True, timeout=30, check=False)
        if ran.returncode:
            out.add(index)
    return out
