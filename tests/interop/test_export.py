"""What policies become for other tools, and what is said of the rest."""

import subprocess

import pytest
import yaml

from tests.interop.foreign_files import ALL, OPENSLO, PYRRA, SLOTH, SLOTH_CRD, WINDOWS, code_of, imported
from tests.support.places import ROOT
from tests.support.programs import need
from tests.support.same_rules import differences
from workbench.alerts.sloth_rules import Generator
from workbench.interop.outgoing import Said
from workbench.interop.rules_out import exported_groups

REFERENCE = ROOT / "scenarios/medianest/baseline.yaml"
POLICY = """\
apiVersion: workbench/v1
kind: Policy
name: shop
slos:
  checkout:
    description: Paying works.
    owner: Paying
    service: shop
    indicator: {kind: events, routes: [/pay/*, /cart], bad_codes: [5..]}
    target: 99.9%
    window: 14d
    labels: {team: paying}
    alerts: [quick, slow, leak, drip]
  quickness:
    service: shop
    indicator: {kind: latency, threshold: 500ms}
    target: 99%
    window: 14d
    alerts: [quick, slow, leak, drip]
burn_rate_alerts:
  quick: {long: 1h, short: 5m, factor: 10, severity: critical, page: true, for: 2m}
  slow: {long: 6h, short: 30m, factor: 4, severity: critical, page: true, compare: ">="}
  leak: {long: 1d, short: 2h, budget_share: 20%, severity: info}
  drip: {long: 3d, short: 6h, factor: 1, severity: info}
"""


def exported(verb, file, capsys, *options):
    assert code_of("export", verb, str(file), *options) == 0
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.out, said.err


def refused(verb, file, capsys, *options):
    assert code_of("export", verb, str(file), *options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


def promtool_accepts(folder, text):
    (folder / "rules.yml").write_text(text)
    ran = subprocess.run(
        [need("promtool"), "check", "rules", "rules.yml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", [name for name in ALL if name != "windows"])
def test_rules_of_each_import_load_in_a_real_prometheus(name, tmp_path, capsys):
    imported(tmp_path, **{name: ALL[name]})
    rules, _ = exported("prometheus", tmp_path / "policy.yaml", capsys, "--sloth-version", "v0.12.0")
    promtool_accepts(tmp_path, rules)


def test_rules_of_a_policy_alone_match_its_globs_with_regular_expressions(policy, tmp_path, capsys):
    rules, said = exported("prometheus", policy, capsys)
    promtool_accepts(tmp_path, rules)
    assert 'http_requests_total{route=~"/cart|/pay/.*"' in rules
    assert said == ""


def test_a_resource_has_its_name_namespace_and_labels_and_the_same_rules(policy, capsys):
    rules, _ = exported("prometheus", policy, capsys)
    resource, _ = exported(
        "prometheusrule", policy, capsys, "--namespace", "monitoring", "--label", "role=alert-rules", "--label", "a=b"
    )
    found = yaml.safe_load(resource)
    assert found["metadata"] == {"name": "shop", "namespace": "monitoring", "labels": {"role": "alert-rules", "a": "b"}}
    assert found["spec"] == yaml.safe_load(rules)
    assert "NAME=VALUE" in refused("prometheusrule", policy, capsys, "--label", "role")


def test_a_spec_of_sloth_that_came_in_goes_out_as_the_rules_that_sloth_generates(tmp_path):
    policy, _ = imported(tmp_path, sloth=SLOTH)
    groups = exported_groups(policy, None, Generator(), Said("Prometheus"))

    assert [group.name for group in groups] == [
        "sloth-slo-sli-recordings-shop-checkout",
        "sloth-slo-meta-recordings-shop-checkout",
        "sloth-slo-alerts-shop-checkout",
        "sloth-slo-sli-recordings-shop-search",
        "sloth-slo-meta-recordings-shop-search",
        "sloth-slo-alerts-shop-search",
    ]
    page, ticket = groups[2].alerts
    assert dict(page.labels) == {"category": "money", "severity": "wake", "sloth_severity": "page"}
    assert dict(ticket.annotations)["summary"] == "Look."
    assert dict(page.annotations)["runbook"] == "pay.md"
    labels = {"area": "money", "severity": "high", "team": "paying", "tier": "2"}
    ids = {"sloth_id": "shop-checkout", "sloth_service": "shop", "sloth_slo": "checkout"}
    assert dict(groups[1].recordings[0].labels) == labels | ids
    assert [alert.labels for alert in groups[5].alerts] == [(("sloth_severity", "ticket"),)]


def test_mode_and_version_of_sloth_are_what_one_asks_for(tmp_path, capsys):
    imported(tmp_path, crd=SLOTH_CRD)
    rules, _ = exported(
        "prometheus", tmp_path / "policy.yaml", capsys, "--sloth-mode", "ctrl-gen-k8s", "--sloth-version", "v0.12.0"
    )
    (info,) = [rule for g in yaml.safe_load(rules)["groups"] for rule in g["rules"] if rule.get("record") == "sloth_slo_info"]
    assert info["labels"]["sloth_mode"] == "ctrl-gen-k8s"
    assert info["labels"]["sloth_spec"] == "sloth.slok.dev/v1"
    assert info["labels"]["sloth_version"] == "v0.12.0"


def test_sloth_takes_two_pairs_of_each_severity_and_the_rest_is_named(policy, capsys):
    text, said = exported("sloth", policy, capsys)
    spec = yaml.safe_load(text)

    assert spec["service"] == "shop"
    checkout, quickness = spec["slos"]
    assert checkout["objective"] == 99.9
    assert checkout["labels"] == {"team": "paying"}
    assert checkout["alerting"]["page_alert"] == {"labels": {"severity": "critical"}}
    assert 'route=~"/cart|/pay/.*"' in checkout["sli"]["events"]["error_query"]
    assert quickness["sli"]["events"]["error_query"].count("rate(") == 2
    for message in (
        "for of rule quick is not held",
        "compare of rule slow is not held",
        "run Sloth with --default-slo-period=2w",
        "windows are not Sloth's own for 2w",
        "owner is not held (checkout)",
    ):
        assert message in said
    assert f"{policy}:21:3: warning: Sloth: for of rule quick is not held" in said


def test_windows_carry_the_budget_shares_that_follow_from_factors(policy, capsys):
    text, _ = exported("alertwindows", policy, capsys)
    spec = yaml.safe_load(text)["spec"]

    assert spec["sloPeriod"] == "2w"
    assert spec["page"]["quick"] == {"errorBudgetPercent": 2.97619047619, "shortWindow": "5m", "longWindow": "1h"}  # 10 / 336
    assert spec["page"]["slow"]["errorBudgetPercent"] == 7.142857142857  # 4 x 6 / 336
    assert spec["ticket"]["quick"]["errorBudgetPercent"] == 20
    assert spec["ticket"]["slow"]["errorBudgetPercent"] == 21.428571428571


@pytest.mark.parametrize(
    ("old", "new", "verb", "message"),
    [
        ("[quick, slow, leak, drip]", "[quick, leak, drip]", "sloth", "checkout has 1 rules that page: quick"),
        ("page: true, for", "for", "alertwindows", "two pairs of windows, quick and slow"),
        ("target: 99.9%", "target: 99.9%\n    time_slices: {target: 99%}", "sloth", "budgets of time slices are not held"),
        ("target: 99.9%", "target: 99.9%\n    time_slices: {target: 99%}", "pyrra", "budgets of time slices are not held"),
        ("long: 1d, short: 2h, budget", "long: 1d, short: 90s, for: 90s, budget", "openslo", ""),
        ("long: 6h, short: 30m", "long: 1h30s, short: 30m", "openslo", "no whole number of minutes"),
        ("name: shop", "name: shop\nalert_preset: nope", "sloth", "none of the values allowed"),
    ],
)
def test_what_a_format_cannot_say_is_refused_by_name(old, new, verb, message, policy, capsys):
    assert old in POLICY
    policy.write_text(POLICY.replace(old, new, 1))
    if message:
        assert message in refused(verb, policy, capsys)
    else:
        assert "written in whole minutes: 2m" in exported(verb, policy, capsys)[1]


def test_objectives_of_one_window_must_share_their_windows(policy, capsys):
    policy.write_text(
        POLICY.replace("alerts: [quick, slow, leak, drip]\nburn", "alerts: [quick, fast, leak, drip]\nburn")
        + ("  fast: {long: 2h, short: 10m, factor: 5, severity: critical, page: true}\n")
    )
    assert "quickness and checkout have the same window and other rules" in refused("alertwindows", policy, capsys)


def test_openslo_keeps_short_windows_in_annotations_and_says_so(policy, capsys):
    text, said = exported("openslo", policy, capsys)
    documents = list(yaml.safe_load_all(text))

    assert [one["kind"] for one in documents] == ["AlertCondition"] * 4 + ["AlertPolicy"] * 4 + ["SLO"] * 2
    quick = documents[0]
    assert quick["metadata"]["annotations"]["workbench.dev/short-window"] == "5m"
    assert quick["spec"]["condition"] == {
        "kind": "burnrate",
        "op": "gt",
        "threshold": 10,
        "lookbackWindow": "1h",
        "alertAfter": "2m",
    }
    slo = documents[-2]["spec"]
    assert slo["timeWindow"] == [{"duration": "14d", "isRolling": True}]
    assert slo["objectives"] == [{"target": 0.999}]
    assert slo["alertPolicies"] == ["quick", "slow", "leak", "drip"]
    assert "a condition has one window: the short ones stand in annotations" in said


def test_pyrra_takes_counters_and_its_own_windows_only(policy, capsys):
    text, said = exported("pyrra", policy, capsys, "--namespace", "monitoring")
    checkout, quickness = yaml.safe_load_all(text)

    assert checkout["metadata"]["labels"] == {"pyrra.dev/service": "shop", "pyrra.dev/team": "paying"}
    assert checkout["metadata"]["namespace"] == "monitoring"
    assert checkout["spec"]["target"] == "99.9"
    assert checkout["spec"]["window"] == "2w"
    assert checkout["spec"]["indicator"]["ratio"]["total"]["metric"] == 'http_requests_total{route=~"/cart|/pay/.*"}'
    assert 'le="0.5"' in quickness["spec"]["indicator"]["latency"]["success"]["metric"]
    assert "takes no windows or factors of your own" in said
    assert "(checkout, quickness)" in said
    policy.write_text(
        POLICY.replace(
            "{kind: latency, threshold: 500ms}",
            '{kind: query, ratio: "x[{{.window}}]"}'.replace("x[", "rate(x[").replace(']"', '])"'),
        )
    )
    assert "more than the sum of one counter's rate" in refused("pyrra", policy, capsys)


def test_names_of_the_users_metrics_stand_in_exports(policy, capsys):
    policy.write_text(
        POLICY + "metrics: {names: {http_requests_total: requests_total}, labels: {route: handler, status_code: code}}\n"
    )
    text, _ = exported("sloth", policy, capsys)
    assert 'requests_total{handler=~"/cart|/pay/.*",code=~"5.."}' in text


@pytest.mark.parametrize("verb", ["sloth", "alertwindows", "openslo", "pyrra", "prometheusrule"])
def test_the_reference_scenario_goes_out_in_every_format(verb, tmp_path, capsys):
    out = tmp_path / "out.yaml"
    shown, _ = exported(verb, REFERENCE, capsys, "--out", str(out))
    assert shown == ""
    assert list(yaml.safe_load_all(out.read_text()))


def test_a_world_is_no_policy(capsys):
    assert "there is no policy in this file" in refused("sloth", ROOT / "scenarios/medianest/world.yaml", capsys)


def test_rules_of_an_exported_spec_are_those_of_the_policy_that_it_came_from(tmp_path, capsys):
    imported(tmp_path, sloth=SLOTH, windows=WINDOWS)
    first, _ = exported("prometheus", tmp_path / "policy.yaml", capsys)
    spec, _ = exported("sloth", tmp_path / "policy.yaml", capsys)
    windows, _ = exported("alertwindows", tmp_path / "policy.yaml", capsys)
    (tmp_path / "again").mkdir()
    imported(tmp_path / "again", sloth=spec, windows=windows)
    second, _ = exported("prometheus", tmp_path / "again/policy.yaml", capsys)
    assert differences(yaml.safe_load(first), yaml.safe_load(second)) == []


def test_openslo_and_pyrra_that_came_in_go_out_as_they_were(tmp_path, capsys):
    imported(tmp_path, openslo=OPENSLO)
    text, _ = exported("openslo", tmp_path / "policy.yaml", capsys)
    slo = next(one for one in yaml.safe_load_all(text) if one["kind"] == "SLO")["spec"]
    assert slo["objectives"] == [{"target": 0.995, "timeSliceTarget": 0.95, "timeSliceWindow": "5m"}]
    assert slo["budgetingMethod"] == "Timeslices"
    imported(tmp_path, pyrra=PYRRA)
    text, said = exported("pyrra", tmp_path / "policy.yaml", capsys, "--label", "role=rules")
    answers, speed = yaml.safe_load_all(text)
    first, second = yaml.safe_load_all(PYRRA)
    assert answers["metadata"] == first["metadata"]
    assert answers["spec"] | {"target": "99.90"} == first["spec"]
    assert speed["spec"]["indicator"] == second["spec"]["indicator"]
    assert speed["spec"]["alerting"]["burnrates"] is False
    assert said == ""
