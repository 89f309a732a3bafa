import subprocess

import yaml
from click.testing import CliRunner

from tests.support.places import ROOT
from tests.support.programs import need
from workbench.cli.main import cli
from workbench.scenario.load import load_scenario

BASELINE = ROOT / "scenarios/medianest/baseline.yaml"


def test_the_exported_rules_of_the_reference_load_in_a_real_prometheus(tmp_path):
    done = CliRunner().invoke(cli, ["export", "prometheus", str(BASELINE)])
    assert done.exit_code == 0, done.output
    (tmp_path / "rules.yml").write_text(done.stdout)

    ran = subprocess.run(
        [need("promtool"), "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    scenario = load_scenario(BASELINE)
    rules = [rule for group in yaml.safe_load(done.stdout)["groups"] for rule in group["rules"]]
    assert len(rules) == len(scenario.policy.slos) * len(scenario.policy.burn_rate_alerts)
    assert {rule["alert"] for rule in rules} == set(scenario.policy.burn_rate_alerts)


def test_a_policy_alone_is_exported_with_its_globs_as_regular_expressions(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: workbench/v1\nkind: Policy\nname: p\nalert_preset: datadog\nslos:\n"
        "  one: {target: 99.9%, indicator: {kind: events, routes: [/api/v1/auth/*, /a.b?]}}\n"
    )

    done = CliRunner().invoke(cli, ["export", "prometheus", str(policy)])

    assert done.exit_code == 0, done.output
    (group,) = yaml.safe_load(done.stdout)["groups"]
    assert len(group["rules"]) == 3
    assert r'route=~"/a\\.b.|/api/v1/auth/.*"' in group["rules"][0]["expr"]


def test_a_world_has_no_rules_to_export():
    done = CliRunner().invoke(cli, ["export", "prometheus", str(ROOT / "scenarios/medianest/world.yaml")])

    assert done.exit_code != 0
    assert "no policy in this file" in done.output + str(done.exception)
