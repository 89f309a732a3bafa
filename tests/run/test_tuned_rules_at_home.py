"""A tuned policy taken home: its rules load into a real Prometheus, and its generated tests are green."""

import shutil
import subprocess
import time

import pytest
from click.testing import CliRunner

from tests.support.places import ROOT
from tests.support.programs import need
from tests.support.prometheus_server import ask, server
from workbench.cli.main import cli

SCENARIO = """\
extends: baseline.yaml
name: tuned
clock: {horizon: 4d}
expect: null
override:
  policy:
    slas: {premium: null, professional: null, standard: null, free: null}
    slos:
      application-availability: null
      critical-path: null
      media-download: null
      media-upload: null
      dashboard: null
      premium-availability: null
      api-response-time: null
"""
TUNED = """\
    burn_rate_alerts:
      SLOBurnRateFast: {factor: 10, for: 1m, short: 10m}
      SLOBurnRateSlow: null
"""
SCHOOL = """\
    alert_preset: sloth
    burn_rate_alerts: {SLOBurnRateFast: null, SLOBurnRateModerate: null, SLOBurnRateSlow: null, SLOBurnRateLeak: null}
"""


def export(tmp_path, policy):
    """The files of `workbench export promtool` of a scenario with this policy."""
    world = tmp_path / "scenario"
    shutil.copytree(ROOT / "scenarios/medianest", world)
    (world / "tuned.yaml").write_text(SCENARIO + policy)
    out = tmp_path / "exported"
    result = CliRunner().invoke(cli, ["export", "promtool", str(world / "tuned.yaml"), "--out", str(out)])
    assert result.exception is None, result.output
    return out


def healthy(address):
    """Every rule of the server, once each has been evaluated."""
    for _ in range(200):
        rules = [rule for group in ask(address, "rules")["groups"] for rule in group["rules"]]
        if rules and all(rule["health"] != "unknown" for rule in rules):
            return rules
        time.sleep(0.05)
    raise AssertionError("the server did not evaluate the rules")


@pytest.mark.parametrize("policy", [TUNED, SCHOOL], ids=["tuned", "sloth"])
def test_exported_rules_load_and_their_tests_are_green(tmp_path, policy):
    out = export(tmp_path, policy)

    tests = sorted(path.name for path in out.glob("*_test.yml"))
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", *tests]):
        ran = subprocess.run([need("promtool"), *arguments], cwd=out, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert any("# detected" in (out / name).read_text() for name in tests)
    (tmp_path / "data").mkdir()
    configuration = f"global: {{evaluation_interval: 1s}}\nrule_files: [{out / 'rules.yml'}]\n"
    with server(tmp_path / "data", configuration) as address:
        rules = healthy(address)
    assert {rule["health"] for rule in rules} == {"ok"}
    assert len(rules) == (out / "rules.yml").read_text().count("expr:")
