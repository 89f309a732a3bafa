"""The whole timeline of random histories, from the real rule manager in one `promtool test rules` run each."""

import numpy as np
import pytest

from tests.support.histories import counters
from tests.support.promtool_timeline import our_transitions, real_transitions
from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline

UNTIL_S = 3600
RATIO = "sum(rate(req{{code=~'5..'}}[{0}])) / sum(rate(req[{0}]))"


def random_rules(seed):
    rng = np.random.default_rng([seed, 1])
    rules = []
    for number in range(4):
        long, short = rng.choice([["10m", "1m"], ["20m", "2m"], ["45m", "5m"], ["5m", "45s"]])
        threshold = f"{rng.choice(['14.4', '6', '3', '1'])} * {rng.choice(['0.01', '0.05', '0.001'])}"
        rules.append(
            AlertRule(
                f"R{number}",
                f"{RATIO.format(long)} > {threshold} and {RATIO.format(short)} > {threshold}",
                float(rng.choice([0, 20, 30, 120])),
                float(rng.choice([0, 0, 20, 60])),
                (("severity", "page"),),
            )
        )
    rules.append(AlertRule("Each", "sum by (route) (rate(req{code='500'}[2m])) > 0.05", 30.0, 30.0))
    return (RuleGroup("rules", tuple(rules)),)


@pytest.mark.parametrize(
    ("seed", "kind"),
    [
        (1, {}),
        (2, {}),
        (3, {"gaps": True}),
        (4, {"stale": True}),
        (5, {"phase_s": 0.0}),
        (6, {"whole": False}),
        (7, {"gaps": True, "stale": True}),
    ],
)
def test_every_transition_is_the_one_of_the_real_rule_manager(tmp_path, seed, kind):
    telemetry = counters(seed, samples=200, routes=2, **kind)
    groups = random_rules(seed)

    ours = our_transitions(timeline(groups, telemetry, Profile(prometheus="2.42"), UNTIL_S))

    assert ours == real_transitions(tmp_path, groups, telemetry, every_s=15, until_s=UNTIL_S)
    assert ours
