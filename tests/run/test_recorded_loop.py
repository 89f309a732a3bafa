"""A run whose world changes in answer to pages of rules that read recorded series, and each other's ALERTS."""

import dataclasses

from workbench.alerts.engine import RuleEngine
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.run.month import run
from workbench.telemetry.series import is_stale

RATIO = 'sum by (route) (rate(http_requests_total{{status_code=~"5.."}}[{0}])) / sum by (route) (rate(http_requests_total[{0}]))'
PAGE = (("severity", "page"),)
GROUPS = (
    # Before the group that it reads, so one evaluation behind it.
    RuleGroup("alerts", (AlertRule("Late", "route:errors:ratio5m > 0.02", 60.0, 300.0, PAGE),)),
    RuleGroup(
        "records",
        (
            RecordingRule("route:errors:ratio5m", RATIO.format("5m")),
            RecordingRule("route:errors:ratio1h", RATIO.format("1h")),
            AlertRule("Burns", "route:errors:ratio1h > 0.01 and route:errors:ratio5m > 0.01", 0.0, 0.0, PAGE),
            AlertRule("Both", 'count(ALERTS{alertstate="firing",alertname!="Both"}) > 1', 120.0, 0.0, PAGE),
            RecordingRule("pages:total", '(pages:total or vector(0)) + (count(ALERTS{alertstate="firing"}) or vector(0))'),
        ),
        interval_s=120.0,
    ),
)


def test_a_closed_loop_leaves_what_one_evaluation_of_its_telemetry_gives(busy_days):
    day = dataclasses.replace(busy_days, clock=busy_days.clock.model_copy(update={"horizon": 86_400.0}))
    outcome = run(day, rules=RuleFiles(GROUPS))
    engine = RuleEngine(GROUPS, outcome.telemetry, outcome.profile)
    while engine.look_ahead(outcome.horizon_s):
        pass

    assert outcome.episodes == engine.episodes()
    assert {episode.alert for episode in outcome.episodes if episode.firing_at_s is not None} == {"Late", "Burns", "Both"}
    (total,) = [one for one in engine.recorded() if one.key.name == "pages:total"]
    fired = sum(
        int((~is_stale(one.values)).sum())
        for one in engine.recorded()
        if one.key.name == "ALERTS" and ("alertstate", "firing") in one.key.labels and ("alertname", "Late") not in one.key.labels
    )
    assert total.values[-1] > fired
