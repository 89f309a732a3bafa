"""Pyrra's rules against what its own tests state: names, labels, expressions, durations."""

from decimal import Decimal

import pytest

from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.go_format import go_duration
from workbench.alerts.pyrra_rules import PyrraMetric, PyrraRow, PyrraSlo, absent_for_s, increase_interval_s, pyrra_groups
from workbench.alerts.vocabulary import SIMULATED
from workbench.promql.ast import Matcher, MatchKind
from workbench.promql.parse import parse
from workbench.scenario.schema.policy import Policy
from workbench.units import DAY_S, HOUR_S, MINUTE_S

WINDOW_S = 28 * DAY_S
ROWS = (
    PyrraRow("critical", Decimal(14), HOUR_S, 5 * MINUTE_S, 2 * MINUTE_S),
    PyrraRow("critical", Decimal(7), 6 * HOUR_S, 30 * MINUTE_S, 15 * MINUTE_S),
    PyrraRow("warning", Decimal(2), DAY_S, 2 * HOUR_S, HOUR_S),
    PyrraRow("warning", Decimal(1), 4 * DAY_S, 6 * HOUR_S, 3 * HOUR_S),
)


def matcher(label, text, kind=MatchKind.EQUAL):
    return Matcher(label, kind, text)


JOB = matcher("job", "api")
FIVES = matcher("code", "5..", MatchKind.REGEX)
HANDLER = matcher("handler", "/api.*", MatchKind.REGEX)


def ratio(*, grouping=(), more=(), errors="http_requests_total"):
    return PyrraSlo(
        name="errors",
        target=Decimal("0.99"),
        window_s=WINDOW_S,
        total=PyrraMetric("http_requests_total", tuple(sorted([JOB, *more]))),
        errors=PyrraMetric(errors, tuple(sorted([FIVES, JOB, *more]))),
        rows=ROWS,
        grouping=grouping,
    )


LATENCY = PyrraSlo(
    name="latency",
    target=Decimal("0.995"),
    window_s=WINDOW_S,
    total=PyrraMetric("http_request_duration_seconds_count", (JOB,)),
    success=PyrraMetric("http_request_duration_seconds_bucket", (JOB, matcher("le", "1"))),
    rows=ROWS,
)


def test_a_ratio_over_one_metric():
    increase, burn = pyrra_groups(ratio())

    assert (increase.name, increase.interval_s) == ("errors-increase", 150)
    assert [(r.record, r.expr) for r in increase.recordings] == [
        ("http_requests:increase4w", 'sum by (code) (increase(http_requests_total{job="api"}[4w]))')
    ]
    (absent,) = increase.alerts
    assert (absent.name, absent.expr, absent.for_s) == ("SLOMetricAbsent", 'absent(http_requests_total{job="api"}) == 1', 600)
    assert absent.labels == (("job", "api"), ("severity", "critical"), ("slo", "errors"))

    assert (burn.name, burn.interval_s) == ("errors", 30)
    assert [r.record for r in burn.recordings] == [
        f"http_requests:burnrate{w}" for w in ("5m", "30m", "1h", "2h", "6h", "1d", "4d")
    ]
    assert burn.recordings[0].expr == (
        'sum(rate(http_requests_total{code=~"5..",job="api"}[5m])) / sum(rate(http_requests_total{job="api"}[5m]))'
    )
    assert burn.recordings[0].labels == (("job", "api"), ("slo", "errors"))
    first = burn.alerts[0]
    assert first.expr == (
        'http_requests:burnrate5m{job="api",slo="errors"} > (14 * (1-0.99))'
        ' and http_requests:burnrate1h{job="api",slo="errors"} > (14 * (1-0.99))'
    )
    assert dict(first.labels) == {
        "exhaustion": "2d", "job": "api", "long": "1h", "severity": "critical", "short": "5m", "slo": "errors"
    }  # fmt: skip
    assert [(a.name, a.for_s, dict(a.labels)["exhaustion"], dict(a.labels)["severity"]) for a in burn.alerts] == [
        ("ErrorBudgetBurn", 120, "2d", "critical"),
        ("ErrorBudgetBurn", 900, "4d", "critical"),
        ("ErrorBudgetBurn", 3600, "2w", "warning"),
        ("ErrorBudgetBurn", 10800, "4w", "warning"),
    ]


def test_what_is_grouped_by_stands_on_the_series_and_not_in_the_labels():
    increase, burn = pyrra_groups(ratio(grouping=("job", "handler"), more=(HANDLER,)))

    assert burn.recordings[0].expr == (
        'sum by (handler, job) (rate(http_requests_total{code=~"5..",handler=~"/api.*",job="api"}[5m]))'
        ' / sum by (handler, job) (rate(http_requests_total{handler=~"/api.*",job="api"}[5m]))'
    )
    assert burn.recordings[0].labels == (("slo", "errors"),)
    assert burn.alerts[0].expr.startswith(
        'http_requests:burnrate5m{handler=~"/api.*",job="api",slo="errors"} > (14 * (1-0.99)) and '
    )
    assert increase.recordings[0].expr.startswith("sum by (code, handler, job) (increase(")


def test_a_regular_expression_that_is_not_grouped_by_matches_only_raw_series():
    increase, burn = pyrra_groups(ratio(more=(HANDLER,)))

    assert burn.alerts[0].expr.startswith('http_requests:burnrate5m{job="api",slo="errors"} > ')
    assert 'handler=~"/api.*"' in burn.recordings[0].expr
    assert increase.recordings[0].expr.startswith("sum by (code, handler) (increase(")


def test_errors_of_their_own_metric_are_recorded_and_watched_as_well():
    increase, _ = pyrra_groups(ratio(errors="http_errors_total"))

    assert [getattr(rule, "record", getattr(rule, "name", "")) for rule in increase.rules] == [
        "http_requests:increase4w", "SLOMetricAbsent", "http_errors:increase4w", "SLOMetricAbsent"
    ]  # fmt: skip


def test_latency_is_what_is_missing_from_the_bucket():
    increase, burn = pyrra_groups(LATENCY)

    assert burn.recordings[0].record == "http_request_duration_seconds:burnrate5m"
    total, fast = (
        'sum(rate(http_request_duration_seconds_count{job="api"}[5m]))',
        'sum(rate(http_request_duration_seconds_bucket{job="api",le="1"}[5m]))',
    )
    assert burn.recordings[0].expr == f"({total} - {fast}) / {total}"
    assert [(r.record, dict(r.labels).get("le")) for r in increase.recordings] == [
        ("http_request_duration_seconds:increase4w", None),
        ("http_request_duration_seconds:increase4w", "1"),
    ]
    assert [dict(a.labels).get("le") for a in increase.alerts] == [None, "1"]
    assert increase.recordings[0].expr == 'sum(increase(http_request_duration_seconds_count{job="api"}[4w]))'


@pytest.mark.parametrize(("target", "minutes"), [("0.999", 3), ("0.99", 10)])
def test_absence_waits_as_long_as_errors_would_take_to_fire(target, minutes):
    assert absent_for_s(ROWS, Decimal(target)) == minutes * 60


@pytest.mark.parametrize(("days", "seconds"), [(1, 30), (7, 60), (14, 90), (28, 150), (30, 150), (56, 240), (90, 240)])
def test_increases_are_recorded_more_seldom_over_longer_windows(days, seconds):
    assert increase_interval_s(days * DAY_S) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (2419200, "4w"),
        (2592000, "30d"),
        (3840, "1h4m"),
        (86400, "1d"),
        (172800, "2d"),
        (0.25, "250ms"),
        (31536000, "1y"),
    ],
)
def test_durations_stand_as_go_prints_them(seconds, text):
    assert go_duration(seconds) == text


def test_every_expression_of_a_policy_is_promql():
    policy = Policy.model_validate(
        {
            "apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "alert_preset": "pyrra",
            "slos": {"one": {"target": "99.9%", "window": "28d", "indicator": {"kind": "events", "routes": ["/a"]}}},
        }
    )  # fmt: skip

    increase, burn = rule_groups(policy, ("/a", "/b"), SIMULATED)

    for rule in (*increase.recordings, *burn.rules):
        parse(rule.expr)
    assert dict(burn.recordings[0].labels) == {"route": "/a", "slo": "one"}
    assert burn.alerts[0].expr.startswith('http_requests:burnrate5m{route="/a",slo="one"} > (14 * (1-0.999))')
