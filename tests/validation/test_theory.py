"""Every formula of queues and reliability, for parameters drawn at random; `docs/validation.md` shows the same lines."""

import os

import pytest

from tests.validation.theory import loads, queues, reliability

FORMULAS = {**queues.FORMULAS, **reliability.FORMULAS}
SEED = int(os.environ.get("VALIDATION_SEED", "20260105"))
"""Of the slow tests: any other seed asks for other parameters."""


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_reproduced(formula):
    lines = FORMULAS[formula](1, 1)
    assert len(lines) > 0
    assert [str(line) for line in lines if not line.agrees] == []


@pytest.mark.slow
@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("again", range(3))
def test_a_formula_is_reproduced_for_parameters_not_seen_before(formula, again):
    lines = FORMULAS[formula](SEED + again, 4)
    assert [str(line) for line in lines if not line.agrees] == []


def test_both_fidelities_agree_at_a_moderate_load():
    found = loads.points(1, servers=[4], utilisations=[0.7], steps_s=[15.0], runs=3)
    assert [one for one in found if not one.near] == []
