import datetime as dt

import pytest

from tests.scoring.test_match import FAST, HORIZON, POLICY, fired, incident, judged, traffic
from tests.sla.test_credits import PREMIUM
from tests.slo.making import START, policy
from workbench.alerts.rules import Profile, RuleGroup
from workbench.alerts.vocabulary import SIMULATED
from workbench.expect import documented_metrics, is_documented, judge, metrics
from workbench.outcome import Outcome
from workbench.scenario.schema.scenario import Expectation
from workbench.scoring.scorecard import scorecard
from workbench.sla.credits import credit_of
from workbench.slo.measure import measure_slos
from workbench.world.truth import Truth


def outcome(*, with_truth=True):
    incidents = [incident("i", 10, 12), incident("j", 30, 32)]
    episodes = (fired(10.5, 13), fired(50, 51))
    truth = Truth(tuple(incidents)) if with_truth else None
    score = judged(incidents, episodes) if with_truth else None
    slos = measure_slos(policy(POLICY), traffic(incidents), SIMULATED, START, HORIZON)
    paid = (credit_of("premium", PREMIUM, 1000, bad=1704, total=1_234_567),) if with_truth else ()
    return Outcome(
        name="o",
        description="",
        source="simulated",
        seed=1,
        start=dt.datetime(2026, 4, 1, tzinfo=dt.UTC),
        horizon_s=HORIZON,
        profile=Profile(),
        digest="",
        version="0",
        rules=(RuleGroup("g", (FAST,)),),
        slos=slos,
        episodes=episodes,
        truth=truth,
        score=score,
        scorecard=scorecard(slos, score, paid, truth, episodes, HORIZON),
        credits=paid,
        findings=(),
    )


OUTCOME = outcome()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scorecard.false_alerts", 0.5),
        ("scorecard.recovery_time_s", 7200),
        ("scorecard.sla_violations", 1),
        ("slo.a.met", 1),
        ("slo.a.budget_consumed", 2400 / 6048),
        ("slo.a.budget_remaining", 1 - 2400 / 6048),
        ("slo.b.sli", 1),
        ("slo.a.days_met", 5 / 7),
        ("slo.a.burn_rate.1h", 0),
        ("alerts.firings", 2),
        ("alerts.Fast.firings", 2),
        ("alerts.pending_only", 0),
        ("pages", 2),
        ("pages_per_week", 2),
        ("incidents", 2),
        ("incidents.significant", 2),
        ("score.precision", 0.5),
        ("score.recall", 0.5),
        ("score.Fast.median_detection_time_s", 1800),
        ("score.median_reset_time_s", 3600),
        ("credits.total", 1200),
        ("credits.breaches", 1),
        ("credits.premium.credit_share", 0.1),
    ],
)
def test_a_metric_says_what_the_outcome_says(name, value):
    assert metrics(OUTCOME)[name] == pytest.approx(value)


@pytest.mark.parametrize("made", [OUTCOME, outcome(with_truth=False)])
def test_every_metric_is_documented(made):
    assert [name for name in metrics(made) if not is_documented(name)] == []


def test_every_documented_metric_exists():
    names = metrics(OUTCOME)
    examples = {"slo": "a", "alert": "Fast", "tier": "premium", "window": "1h"}
    for doc in documented_metrics():
        name = doc.pattern
        for placeholder, example in examples.items():
            name = name.replace(f"<{placeholder}>", example)
        assert name in names, doc.pattern


def judged_as(*expectations, made=OUTCOME):
    return [(one.check, one.path, one.found, one.allowed) for one in judge(made, [Expectation(**e) for e in expectations])]


@pytest.mark.parametrize("bound", [{"at_most": 2}, {"at_least": 2}, {"at_least": 2, "at_most": 2}, {"at_least": -1}])
def test_a_bound_holds_at_its_own_value(bound):
    assert judged_as({"metric": "pages", **bound}) == []


def test_every_bound_that_fails_is_reported_with_its_place():
    assert judged_as(
        {"metric": "pages", "at_most": 1}, {"metric": "incidents", "at_most": 2}, {"metric": "slo.a.sli", "at_least": 0.999}
    ) == [
        ("expect/bound", "expect[0]", "2", "at most 1"),
        ("expect/bound", "expect[2]", f"{1 - 2400 / 604800:.10g}", "at least 0.999"),
    ]


def test_a_pattern_holds_for_every_metric_that_it_matches():
    found = judge(OUTCOME, [Expectation(metric="slo.*.budget_consumed", at_most=0.1)])

    assert [one.message for one in found] == ["slo.a.budget_consumed is out of bounds"]


@pytest.mark.parametrize(
    ("name", "nearest"), [("page", "pages"), ("slo.a.budget_consumd", "slo.a.budget_consumed"), ("no.*.such", None)]
)
def test_an_unknown_metric_fails_and_names_the_nearest(name, nearest):
    (found,) = judge(OUTCOME, [Expectation(metric=name, at_most=1e9)])

    assert (found.check, found.found, found.nearest) == ("expect/unknown-metric", name, nearest)


def test_an_unknown_value_is_a_failure_not_silence():
    silent = outcome(with_truth=False)

    assert judged_as({"metric": "score.precision", "at_least": 0}, {"metric": "pages", "at_most": 0}, made=silent) == [
        ("expect/unknown-value", "expect[0]", "unknown", "at least 0"),
        ("expect/unknown-value", "expect[1]", "unknown", "at most 0"),
    ]


def test_the_reason_stands_in_the_message():
    (found,) = judge(OUTCOME, [Expectation(metric="pages", at_most=0, why="nobody wakes for this")])

    assert found.message == "pages is out of bounds (nobody wakes for this)"
