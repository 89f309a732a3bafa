"""Choices of a form become a scenario that the model itself has checked."""

import dataclasses

import pytest

from tests.support.places import ROOT
from workbench.errors import BadInput
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.policy import Policy
from workbench.ui.choices import Choices, RuleChoice, chosen
from workbench.ui.files import offered


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(ROOT / "scenarios" / "medianest" / "baseline.yaml")


def test_no_choice_is_the_same_scenario(scenario):
    assert chosen(scenario, Choices()).digest == scenario.digest


def test_a_target_is_exact_and_the_rest_stays(scenario):
    after = chosen(scenario, Choices(targets={"authentication": "99.995%"}))

    assert str(after.policy.slos["authentication"].target) == "0.99995"
    assert after.policy.slos["authentication"].indicator == scenario.policy.slos["authentication"].indicator
    assert after.digest != scenario.digest


def test_every_problem_is_told_at_once(scenario):
    with pytest.raises(BadInput) as caught:
        chosen(scenario, Choices(targets={"authentication": "99.9"}, rules={"SLOBurnRateFast": RuleChoice(-1, "5m", "1h", "x")}))

    assert len(caught.value.problems) >= 3


def test_only_files_that_say_their_kind_are_offered(tmp_path):
    (tmp_path / "a.yaml").write_text("kind: Scenario\n")
    (tmp_path / "b.yaml").write_text("kind: Policy\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.yaml").write_text("kind: Scenario\n")

    found = offered("Scenario", tmp_path)

    assert "./a.yaml" in found
    assert not any(name in found for name in ("./b.yaml", "./.hidden/c.yaml"))
    assert "medianest/baseline.yaml" in found


def test_a_rule_without_a_factor_keeps_its_share_of_the_budget(scenario):
    document = scenario.policy.model_dump(mode="json", by_alias=True)
    document["burn_rate_alerts"]["SLOBurnRateFast"] |= {"factor": None, "budget_share": "2%"}
    shared = dataclasses.replace(scenario, policy=Policy.model_validate(document))

    after = chosen(shared, Choices(rules={"SLOBurnRateFast": RuleChoice(None, "2h", "10m", "2m")}))

    rule = after.policy.burn_rate_alerts["SLOBurnRateFast"]
    assert (rule.factor, rule.long, float(rule.factor_for(30 * 86_400))) == (None, 7200, 7.2)
