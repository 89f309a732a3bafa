"""What must hold of every month, over many of them: minutes of work, run by `make verify`."""

import dataclasses

import numpy as np
import pytest

from tests.support.places import ROOT
from workbench.alerts.timeline import timeline
from workbench.run.month import run
from workbench.scenario.load import load_scenario

pytestmark = pytest.mark.slow

MONTH = load_scenario(ROOT / "scenarios/medianest/baseline.yaml")
SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_loop_of_a_whole_month_has_the_timeline_of_its_telemetry(seed):
    outcome = run(dataclasses.replace(MONTH, seed=seed))

    assert outcome.episodes == timeline(outcome.rules, outcome.telemetry, outcome.profile, outcome.horizon_s)


def test_over_many_months_paging_saves_budget_by_more_than_its_standard_error_explains():
    silent = {name: rule.model_copy(update={"page": False}) for name, rule in MONTH.policy.burn_rate_alerts.items()}
    policy = MONTH.policy.model_copy(update={"burn_rate_alerts": silent})
    saved = []
    for seed in SEEDS:
        paged, alone = (run(dataclasses.replace(MONTH, seed=seed, policy=one)) for one in (MONTH.policy, policy))
        assert [i.start_s for i in paged.truth.incidents] == [i.start_s for i in alone.truth.incidents]
        saved.append(_spent(alone) - _spent(paged))

    mean, error = np.mean(saved), np.std(saved, ddof=1) / len(saved) ** 0.5
    assert min(saved) >= 0
    assert mean > 2 * error


def _spent(outcome):
    return float(np.mean([slo.budget.consumed_share for slo in outcome.slos]))
