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
