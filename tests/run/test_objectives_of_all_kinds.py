"""Queries, time slices and presets through whole runs: measured, alerted and scored like any objective."""

import dataclasses

import pytest

from tests.run.test_replay import checks, history, minutes, policy, slo
from tests.slo.making import START
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.burn_rules import pages
from workbench.alerts.rules import Episode
from workbench.alerts.vocabulary import SIMULATED
from workbench.errors import BadInput
from workbench.run.month import run
from workbench.run.replay import replay
from workbench.scenario.schema.policy import Policy
from workbench.scoring.match import score
from workbench.telemetry.series import Telemetry
from workbench.units import HOUR_S
from workbench.world.truth import Truth

W = "[{{.window}}]"
REPLAYED = {
    "errors": f"sum(rate(http_request_errors_total{W}))",
    "total": f"sum(rate(http_requests_total{W}))",
}


def episodes(outcome, slo_name):
    mine = [one for one in outcome.episodes if dict(one.labels)["slo"] == slo_name]
    return {(one.alert, one.pending_at_s, one.firing_at_s, one.resolved_at_s) for one in mine}


def without(result, *names):
    return {name: value for name, value in dataclasses.asdict(result).items() if name not in names}


def test_a_query_replays_as_the_objective_that_says_the_same(tmp_path):
    file = history(tmp_path, minutes(600, lambda i: 30 if 200 <= i < 260 else 0))
    outcome = replay(file, policy(said=slo(), queried=slo(kind="query", **REPLAYED)))

    queried, said = outcome.slos
    assert (queried.name, queried.kind, said.kind) == ("queried", "query", "events")
    assert without(queried, "name", "kind") == without(said, "name", "kind")
    assert episodes(outcome, "queried") == episodes(outcome, "said")
    assert episodes(outcome, "said")


def test_a_metric_that_a_history_does_not_have_is_a_finding_and_no_error(tmp_path):
    queries = REPLAYED | {"errors": f"sum(rate(http_requests_errors_total{W}))"}
    outcome = replay(history(tmp_path, minutes(60)), policy(said=slo(), queried=slo(kind="query", **queries)))

    assert outcome.slos[0].sli is None
    (finding,) = [one for one in outcome.findings if one.check == "slo/unmatched"]
    assert finding.nearest == "http_request_errors_total"
    assert "replay/nothing-measured" not in checks(outcome)


def test_minutes_of_a_history_are_counted_and_alerted_as_slices(tmp_path):
    sliced = slo(target="95%") | {"time_slices": {"length": "5m", "target": "90%"}}
    outcome = replay(history(tmp_path, minutes(600, lambda i: 30 if 200 <= i < 260 else 5)), policy(one=sliced))

    (result,) = outcome.slos
    assert (result.total, result.total - result.good, result.slice_s) == (120, 12, 300)
    (group,) = outcome.rules
    assert group.interval_s == 300
    (rule,) = group.recordings
    assert rule.record == "slo:slice_bad:bool5m"


def changed(scenario, horizon_s=6 * HOUR_S, **policy):
    document = scenario.policy.model_dump(mode="json", by_alias=True) | policy
    clock = scenario.clock.model_copy(update={"horizon": float(horizon_s)})
    return dataclasses.replace(scenario, policy=Policy.model_validate(document), clock=clock)


def test_a_query_is_measured_in_a_simulated_run_to_the_last_event(busy_days):
    slos = {
        "said": {"indicator": {"kind": "events", "routes": ["/api/v1/auth/*"]}, "target": "99.9%"},
        "queried": {
            "indicator": {
                "kind": "query",
                "errors": f'sum(rate(http_requests_total{{route=~"/api/v1/auth/.*",status_code=~"5.."}}{W}))',
                "total": f'sum(rate(http_requests_total{{route=~"/api/v1/auth/.*"}}{W}))',
            },
            "target": "99.9%",
        },
        "fast": {"indicator": {"kind": "latency", "routes": ["/api/v1/search"], "threshold": "1s"}, "target": "99%"},
        "fast-queried": {
            "indicator": {
                "kind": "query",
                "good": f'sum(rate(http_request_duration_seconds_bucket{{le="1.0",route="/api/v1/search"}}{W}))',
                "total": f'sum(rate(http_request_duration_seconds_count{{route="/api/v1/search"}}{W}))',
            },
            "target": "99%",
        },
    }
    outcome = run(changed(busy_days, slos=slos))

    found = {result.name: result for result in outcome.slos}
    assert without(found["queried"], "name", "kind") == without(found["said"], "name", "kind")
    assert without(found["fast-queried"], "name", "kind") == without(found["fast"], "name", "kind")
    assert found["said"].total > 1000


def test_the_preset_of_the_reference_alerts_exactly_as_its_own_rules(busy_days):
    own = run(changed(busy_days, horizon_s=12 * HOUR_S))
    preset = run(changed(busy_days, horizon_s=12 * HOUR_S, alert_preset="medianest", burn_rate_alerts={}))

    for mine, theirs in zip(preset.rules, own.rules, strict=True):
        assert sorted(mine.alerts, key=lambda rule: rule.name) == list(theirs.alerts)
    assert preset.episodes == own.episodes
    assert preset.truth == own.truth
    assert own.episodes


@pytest.mark.parametrize(
    ("preset", "alert", "severity", "expected"),
    [
        ("sre-workbook", "ErrorBudgetBurnPage", "page", True),
        ("sre-workbook", "ErrorBudgetBurnTicket", "ticket", False),
        ("sloth", "ErrorBudgetBurn", "page", True),
        ("sloth", "ErrorBudgetBurn", "ticket", False),
        ("pyrra", "ErrorBudgetBurn", "critical", True),
        ("pyrra", "ErrorBudgetBurn", "warning", False),
        ("pyrra", "SLOMetricAbsent", "critical", True),
        ("grafana", "SLOFastBurn", "critical", True),
        ("datadog", "BurnRate24h", "warning", False),
        ("medianest", "SLOBurnRateModerate", "warning", True),
    ],
)
def test_what_a_preset_pages_for_is_known_by_alert_and_severity(preset, alert, severity, expected):
    stated = Policy.model_validate(
        {
            "apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "alert_preset": preset,
            "slos": {"one": {"indicator": {"kind": "events"}, "target": "99.9%"}},
        }
    )  # fmt: skip

    assert pages(stated, alert, {"severity": severity, "slo": "one"}) is expected


def test_a_run_refuses_a_query_that_is_no_promql_before_anything_happens(busy_days):
    slos = {"one": {"indicator": {"kind": "query", "ratio": f"sum(rate(a{W})"}, "target": "99%"}}

    with pytest.raises(BadInput) as caught:
        run(changed(busy_days, slos=slos))

    assert [problem.path for problem in caught.value.problems] == ["slos.one.indicator.ratio"]


def test_tickets_of_an_alert_that_also_pages_are_not_counted_as_pages(busy_days):
    stated = changed(
        busy_days,
        alert_preset="sloth",
        burn_rate_alerts={},
        slos={"one": {"indicator": {"kind": "events"}, "target": "99.9%"}},
    ).policy
    groups = rule_groups(stated, ("/a",), SIMULATED)
    found = [
        Episode(600.0 * i, "ErrorBudgetBurn", (("severity", severity), ("slo", "one")), 600.0 * i, None)
        for i, severity in enumerate(("page", "ticket"))
    ]
    nothing = Telemetry.of((), horizon_s=HOUR_S, scrape_interval_s=15)

    scored = score(stated, groups, found, Truth(()), nothing, SIMULATED, HOUR_S, START)

    assert (scored.overall.firings, scored.overall.pages) == (2, 1)
