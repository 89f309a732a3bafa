"""Rule files: what is read, and that what the real promtool refuses is refused, with its place."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.programs import need
from workbench.alerts.rule_files import read_rule_files
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.errors import BadInput, Severity

GOOD = """\
# A file as anybody has it.
groups:
  - name: slo
    interval: 1m
    limit: 5
    rules:
      - record: job:errors:ratio5m
        expr: sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
        labels: {team: web, tier: 1}
      - alert: High
        expr: |
          job:errors:ratio5m
            > 0.5
        for: 2m
        keep_firing_for: 1d12h
        labels:
          severity: page
          who: "{{ $labels.job }}"
        annotations:
          summary: "{{ $value | humanize }} of {{ $labels.job }}"
  - name: empty
    rules: []
"""
RESOURCE = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: web, namespace: shop}
spec:
  groups:
    - name: slo
      partial_response_strategy: warn
      rules: [{alert: Down, expr: up == 0}]
"""


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def problems_of(folder, text, name="rules.yaml"):
    (folder / name).write_text(text)
    with pytest.raises(BadInput) as caught:
        read_rule_files([folder / name])
    return caught.value.problems


def one_rule(**parts):
    lines = "".join(f"        {key}: {value}\n" for key, value in parts.items())
    return f"groups:\n  - name: g\n    rules:\n      -\n{lines}"


def test_groups_and_rules_are_as_they_were_written(tmp_path):
    write(tmp_path, a=GOOD)
    file = str(tmp_path / "a.yaml")
    read = read_rule_files([file])

    slo, empty = read.groups
    assert slo == RuleGroup(
        "slo",
        (
            RecordingRule(
                "job:errors:ratio5m", 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))', (("team", "web"), ("tier", "1"))
            ),
            AlertRule(
                "High",
                "job:errors:ratio5m\n  > 0.5\n",
                120.0,
                129_600.0,
                (("severity", "page"), ("who", "{{ $labels.job }}")),
                (("summary", "{{ $value | humanize }} of {{ $labels.job }}"),),
            ),
        ),
        interval_s=60.0,
        limit=5,
        file=file,
    )
    assert empty.rules == ()
    assert (read.place_of(slo).line, read.place_of(slo, 0).line, read.place_of(slo, 1).line) == (3, 8, 11)
    assert read.places(slo).rules[1].labels["who"].line == 18
    assert read.place_of(RuleGroup("other", ())) is None


def test_resources_lists_and_documents_of_other_kinds(tmp_path):
    listed = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"  {'-' if n == 0 else ' '} {line}\n" for n, line in enumerate(RESOURCE.replace("name: web", "name: api").splitlines())
    )
    write(tmp_path, a=f"kind: Service\nmetadata: {{name: x}}\n---\n{RESOURCE}---\n{listed}---\n")
    read = read_rule_files([tmp_path / "a.yaml"])

    file = str(tmp_path / "a.yaml")
    assert [(group.file, group.name) for group in read.groups] == [(f"{file}#shop/web", "slo"), (f"{file}#shop/api", "slo")]
    assert {finding.check for finding in read.findings} == {"rules/ignored"}
    assert read.place_of(read.groups[1], 0).line > read.place_of(read.groups[0], 0).line


def test_files_folders_and_globs_in_order_each_file_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a"):
        (tmp_path / "rules" / name).mkdir(parents=True)
        (tmp_path / "rules" / name / "x.yml").write_text(one_rule(alert=name, expr="up"))
    (tmp_path / "rules" / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "rules" / "test.yaml").write_text("rule_files: [x]\ntests: []\n")

    def names(*paths):
        return [rule.name for group in read_rule_files(paths).groups for rule in group.alerts]

    assert names("rules") == ["a", "b"]
    assert names("rules/b/x.yml", "rules", Path("rules/a/../a/x.yml")) == ["b", "a"]
    assert names("rules/*/x.yml") == ["a", "b"]
    skipped = read_rule_files(["rules"]).findings
    assert {(finding.check, finding.severity) for finding in skipped} == {("rules/none", Severity.INFO)}
    with pytest.raises(BadInput, match="no file matches"):
        read_rule_files(["nothing/*.yaml"])


def test_yaml_of_others_is_read_as_they_read_it(tmp_path):
    write(
        tmp_path,
        a="""\
groups:
  - name: g
    rules:
      - &base
        alert: A
        expr: 1
        labels: &labels {on: yes, n: 1.50, empty: }
      - <<: *base
        alert: B
        labels: {<<: *labels, n: .inf}
""",
    )
    (group,) = read_rule_files([tmp_path / "a.yaml"]).groups
    assert [(rule.name, rule.expr, dict(rule.labels)) for rule in group.alerts] == [
        ("A", "1", {"on": "yes", "n": "1.50", "empty": ""}),
        ("B", "1", {"on": "yes", "n": ".inf", "empty": ""}),
    ]


BROKEN = {
    "group-name": "groups:\n  - rules: []\n",
    "duplicate-group": "groups:\n  - {name: g, rules: []}\n  - {name: g, rules: []}\n",
    "unknown-key": "groups:\n  - {name: g, intervall: 1m, rules: []}\n",
    "alert-or-record": one_rule(expr="up"),
    "both": one_rule(alert="a", record="b", expr="up"),
    "expr": one_rule(alert="a"),
    "not-promql": one_rule(alert="a", expr="'sum(up'"),
    "range": one_rule(alert="a", expr="up["),
    "for-of-record": one_rule(record="a", expr="up", **{"for": "5m"}),
    "keep-of-record": one_rule(record="a", expr="up", keep_firing_for="5m"),
    "annotations-of-record": one_rule(record="a", expr="up", annotations="{a: b}"),
    "record-name": one_rule(record="'a{b}'", expr="up"),
    "label-name": one_rule(record="a", expr="up", labels="{__name__: b}"),
    "duration-unit": one_rule(alert="a", expr="up", **{"for": "5"}),
    "duration-order": one_rule(alert="a", expr="up", **{"for": "5s1m"}),
    "duration-fraction": one_rule(alert="a", expr="up", **{"for": "1.5h"}),
    "duration-sign": one_rule(alert="a", expr="up", **{"for": "-5m"}),
    "duration-text": one_rule(alert="a", expr="up", **{"for": "soon"}),
    "interval": "groups:\n  - {name: g, interval: 5, rules: []}\n",
    "limit": "groups:\n  - {name: g, limit: many, rules: []}\n",
    "template": one_rule(alert="a", expr="up", annotations='{s: "{{ $lable.x }}"}'),
    "template-in-label": one_rule(alert="a", expr="up", labels='{s: "{{ humanise 1 }}"}'),
    "rules-no-list": "groups:\n  - {name: g, rules: 7}\n",
    "groups-no-list": "groups: {name: g}\n",
    "rule-no-mapping": "groups:\n  - {name: g, rules: [up]}\n",
    "unknown-rule-key": one_rule(alert="a", expr="up", severity="page"),
    "labels-no-mapping": one_rule(alert="a", expr="up", labels="[a]"),
    "label-no-text": one_rule(alert="a", expr="up", labels="{a: [b]}"),
    "duplicate-key": "groups:\n  - {name: g, name: h, rules: []}\n",
    "top-level": "groups: []\nrules: []\n",
    "no-mapping": "- groups\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_promtool_refuses_is_refused_with_its_line(tmp_path, name):
    (tmp_path / "rules.yaml").write_text(BROKEN[name])
    ran = subprocess.run(
        [need("promtool"), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, check=False, timeout=30
    )
    assert ran.returncode, "promtool takes it"
    problems = problems_of(tmp_path, BROKEN[name])
    assert problems[0].line, str(problems[0])
    assert problems[0].column


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        one_rule(alert="a", expr="up", **{"for": "0"}),
        one_rule(alert="a", expr="up", **{"for": "1y2w3d4h5m6s7ms"}),
        one_rule(alert="a", expr=0.5),
        one_rule(alert="'a b: c'", expr="up"),
        one_rule(record="a:b", expr="vector(1)", labels="{x: }"),
        "groups:\n  - {name: g, interval: 0s, rules: [{alert: a, expr: up}]}\n",
        one_rule(alert="a", expr="up", labels="{a: true, b: 1e3, c: 2020-01-01, d: ~}"),
    ],
)
def test_what_promtool_takes_is_read(tmp_path, text):
    (tmp_path / "rules.yaml").write_text(text)
    ran = subprocess.run(
        [need("promtool"), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, check=False, timeout=30
    )
    assert ran.returncode == 0, ran.stdout
    assert read_rule_files([tmp_path / "rules.yaml"]).groups


def test_all_problems_of_all_files_come_at_once(tmp_path):
    write(tmp_path, a=BROKEN["duration-unit"], b=BROKEN["expr"], c=GOOD)
    with pytest.raises(BadInput) as caught:
        read_rule_files([tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml", tmp_path / "d.yaml"])
    assert [(problem.check, Path(problem.file).stem) for problem in caught.value.problems] == [
        ("file/missing", "d"),
        ("rules/duration", "a"),
        ("rules/expr", "b"),
    ]


def test_an_expression_that_is_not_covered_names_rule_function_and_line(tmp_path):
    (problem,) = problems_of(tmp_path, one_rule(alert="Trend", expr="'predict_nothing(up[5m])'"))
    assert (problem.line, problem.column) == (6, 15)
    assert "alert Trend" in problem.message
    assert "predict_nothing" in problem.message


def test_a_query_in_a_template_is_read_before_anything_runs(tmp_path):
    text = one_rule(alert="A", expr="up", annotations="{s: '{{ query \"sum(up\" | first | value }}'}")
    (problem,) = problems_of(tmp_path, text)
    assert (problem.check, problem.line) == ("promql/syntax", 7)
    assert "alert A, annotation s" in problem.message


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "groups:\n{{- if .Values.on }}\n- name: a\n{{- end }}\n", "Helm"),
        ("a.yaml", one_rule(alert="a", expr="'up{job=\"{{ .Values.job }}\"}'"), "Helm"),
        ("a.yaml", "{% if x %}\ngroups: []\n{% endif %}\n", "Jinja"),
        ("a.yaml", "groups:\n{{- range $x }}\n- name: {{ . }}\n{{- end }}\n", "template"),
        ("a.jsonnet", "{groups: []}", "Jsonnet"),
    ],
)
def test_templates_of_files_are_called_what_they_are(tmp_path, name, text, says):
    problem = next(one for one in problems_of(tmp_path, text, name) if one.check == "rules/template")
    assert says in problem.message
    assert problem.line


def test_files_without_rules(tmp_path):
    assert problems_of(tmp_path, "# nothing\n")[-1].check == "rules/none"
    assert problems_of(tmp_path, "groups:\n")[-1].check == "rules/none"
    assert problems_of(tmp_path, "kind: Deployment\n")[0].found == "Deployment"
    assert problems_of(tmp_path, GOOD + "---\n" + GOOD)[0].check == "rules/documents"
    assert problems_of(tmp_path, RESOURCE + "---\n" + RESOURCE)[0].check == "rules/duplicate-resource"
    assert problems_of(tmp_path, RESOURCE.replace("monitoring.coreos.com", "example.com"))[0].check == "rules/api-version"


def test_large_files_are_read_and_bombs_refused(tmp_path):
    rules = "".join(f"      - {{alert: A{i}, expr: 'up == {i}', labels: {{a: b, c: d, e: f}}}}\n" for i in range(6000))
    (tmp_path / "large.yaml").write_text("groups:\n  - name: g\n    rules:\n" + rules)
    assert len(read_rule_files([tmp_path / "large.yaml"]).groups[0].rules) == 6000
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(9)
    )
    assert problems_of(tmp_path, bomb)[0].check == "yaml/nodes"


PIECES = st.sampled_from(
    ["groups:", "- name: g", "  rules:", "  - alert: A", "    expr: up", "    for: 5m", "    labels: {a: b}",
     "kind: PrometheusRule", "spec:",
     "apiVersion: monitoring.coreos.com/v1", "---", "  interval: x", "- 7", "    annotations: {s: '{{ $value }}'}", "    record: r",
     "items:", "kind: List", "  ", "{", "*a", "<<: 1", "metadata: []"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.one_of(st.lists(PIECES, max_size=14).map("\n".join), st.text(max_size=80), st.binary(max_size=60)))
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("fuzz") / "x.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with suppress(BadInput):
        assert read_rule_files([file]).groups
