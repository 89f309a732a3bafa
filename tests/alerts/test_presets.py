"""Every school of burn-rate alerts against its published tables, and one suite that all of them pass."""

import subprocess
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest

from tests.support.programs import need
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.burn_rules import burn_rules
from workbench.alerts.preset_registry import all_presets
from workbench.alerts.presets.datadog import shares
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.interop.prometheus import rule_file
from workbench.promql.parse import parse
from workbench.scenario.schema.policy import AlertPreset, Policy
from workbench.units import DAY_S, format_duration, parse_duration

ROUTES = ("/api/v1/login", "/api/v1/upload", "/odd.route+(x)")
PERIODS = ("7d", "14d", "28d", "30d", "90d")
PRESETS = tuple(all_presets())
EVENTS = {"kind": "events"}
LATENCY = {"kind": "latency", "threshold": "300ms"}
QUERY = {
    "kind": "query",
    "errors": 'sum by (job) (rate(http_requests_total{status_code=~"5.."}[{{.window}}]))',
    "total": "sum by (job) (rate(http_requests_total[{{.window}}]))",
}
TWO_COUNTERS = {
    "kind": "query",
    "good": "sum(rate(a_total[{{.window}}])) + sum(rate(b_total[{{.window}}]))",
    "total": "sum(rate(c_total[{{.window}}]))",
}


def policy(preset, window="30d", target="99.9%", rules=None, **slo):
    return Policy.model_validate(
        {
            "apiVersion": "workbench/v1",
            "kind": "Policy",
            "name": "p",
            "alert_preset": preset,
            "slos": {"one": {"target": target, "window": window, "indicator": EVENTS, **slo}},
            "burn_rate_alerts": rules or {},
        }
    )


def rows(preset, window):
    """long, short, `for`, factor of every row, as one writes them."""
    found = burn_rules(policy(preset, window), "one")
    return [
        (format_duration(r.rule.long), format_duration(r.rule.short), format_duration(r.rule.for_), float(r.factor)) for r in found
    ]


# One suite for all.


def test_the_schema_offers_exactly_the_schools_that_there_are():
    assert set(get_args(AlertPreset)) == {"none", *PRESETS}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("window", PERIODS)
def test_a_school_states_rows_of_ascending_windows_and_falling_factors_for_every_period(preset, window):
    found = burn_rules(policy(preset, window), "one")

    assert [r.rule.long for r in found] == sorted(r.rule.long for r in found)
    assert [r.factor for r in found] == sorted((r.factor for r in found), reverse=True)
    assert any(r.rule.page for r in found)
    assert all(r.rule.short < r.rule.long for r in found)
    assert len(all_presets()[preset].documentation) > 100


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_policy_gives_the_same_rules(preset):
    assert rule_groups(policy(preset), ROUTES, SIMULATED) == rule_groups(policy(preset), ROUTES, SIMULATED)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("window", ["7d", "30d", "90d"])
def test_the_real_promtool_takes_the_rules_of_every_kind_of_objective(tmp_path, preset, window):
    slos = {
        "events": {"indicator": {**EVENTS, "routes": ["/api/*"]}, "labels": {"team": "a"}, "service": "shop"},
        "latency": {"indicator": LATENCY},
        "guarded": {"indicator": LATENCY, "low_traffic": "min-failures"},
        "query": {"indicator": QUERY, "low_traffic": "min-events"},
        "counters": {"indicator": TWO_COUNTERS},
        "ratio": {"indicator": {"kind": "query", "ratio": "1 - sum(rate(a[{{.window}}])) / sum(rate(b[{{.window}}]))"}},
        "minutes": {"indicator": EVENTS, "time_slices": {"target": "99%"}, "low_traffic": "min-events"},
    }
    document = policy(preset, window).model_dump(mode="json", by_alias=True)
    document["slos"] = {name: {"target": "99.9%", "window": window, **slo} for name, slo in slos.items()}
    groups = rule_groups(Policy.model_validate(document), ROUTES, SIMULATED)
    (tmp_path / "rules.yml").write_text(rule_file(groups))

    ran = subprocess.run([need("promtool"), "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "duplicate" not in ran.stdout, ran.stdout
    alerting = {dict(alert.labels).get("slo") for group in groups for alert in group.alerts}
    assert alerting == set(slos)


# Their published tables.

WORKBOOK = [("1h", "5m", "0s"), ("6h", "30m", "0s"), ("1d", "2h", "0s"), ("3d", "6h", "0s")]


@pytest.mark.parametrize(
    ("preset", "window", "factors"),
    [
        ("sre-workbook", "30d", (14.4, 6, 3, 1)),
        ("sloth", "30d", (14.4, 6, 3, 1)),
        ("sloth", "28d", (13.44, 5.6, 2.8, 0.9333333333333333)),
        ("sloth", "7d", (13.44, 3.5, 1.4, 0.98)),
        ("grafana", "28d", (14.4, 6, 3, 1)),
    ],
)
def test_the_factors_of_the_published_tables(preset, window, factors):
    assert rows(preset, window) == [(*windows, factor) for windows, factor in zip(WORKBOOK, factors, strict=True)]


@pytest.mark.parametrize("preset", ["sre-workbook", "medianest"])
@pytest.mark.parametrize("window", PERIODS)
def test_the_factor_is_share_times_window_over_long(preset, window):
    hours = Fraction(parse_duration(window)) / 3600

    for (long, _, _, factor), share in zip(rows(preset, window), (2, 5, 10, 10), strict=True):
        assert factor == pytest.approx(float(Fraction(share, 100) * hours / (Fraction(parse_duration(long)) / 3600)), rel=1e-15)


PYRRA = {
    "7d": [("15m", "1m", "1m"), ("1h30m", "8m", "4m"), ("6h", "30m", "15m"), ("1d", "1h30m", "45m")],
    "14d": [("30m", "3m", "1m"), ("3h", "15m", "8m"), ("12h", "1h", "30m"), ("2d", "3h", "1h30m")],
    "28d": [("1h", "5m", "2m"), ("6h", "30m", "15m"), ("1d", "2h", "1h"), ("4d", "6h", "3h")],
    "30d": [("1h4m", "5m", "2m"), ("6h26m", "32m", "16m"), ("1d1h43m", "2h9m", "1h4m"), ("4d6h51m", "6h26m", "3h13m")],
}


@pytest.mark.parametrize("window", PYRRA)
def test_pyrra_stretches_its_windows_and_rounds_them_to_the_minute(window):
    assert rows("pyrra", window) == [(*row, factor) for row, factor in zip(PYRRA[window], (14.0, 7.0, 2.0, 1.0), strict=True)]


def test_the_shares_of_pyrra_are_the_same_for_every_window():
    for window in ("28d", "90d"):
        spent = [float(r.budget_share) * 100 for r in burn_rules(policy("pyrra", window), "one")]
        assert spent == pytest.approx([2.083, 6.25, 7.143, 14.286], rel=0.01)


@pytest.mark.parametrize(
    ("window", "factors"),
    [("7d", (16.8, 5.6, 2.8)), ("30d", (14.4, 6, 3)), ("90d", (21.6, 10.8, 4.5)), ("365d", (87.6, 43.8, 18.25))],
)
def test_datadog_has_a_table_for_three_periods(window, factors):
    assert rows("datadog", window) == [(*one, f) for one, f in zip(WORKBOOK, factors, strict=False)]
    assert {r.rule.compare for r in burn_rules(policy("datadog", window), "one")} == {">="}


def test_between_the_periods_of_datadog_the_share_is_interpolated():
    between = shares(60 * DAY_S)

    assert between == (Fraction(3, 200), Fraction(4, 100), Fraction(75, 1000))
    assert shares(7 * DAY_S - 1) == shares(7 * DAY_S)


def test_medianest_is_what_the_reference_policy_states_itself():
    found = burn_rules(policy("medianest"), "one")

    assert [(r.alert, float(r.factor), r.rule.for_, r.rule.severity, r.rule.page) for r in found] == [
        ("SLOBurnRateFast", 14.4, 120, "critical", True),
        ("SLOBurnRateModerate", 6, 900, "warning", True),
        ("SLOBurnRateSlow", 3, 3600, "info", False),
        ("SLOBurnRateLeak", 1, 10800, "notice", False),
    ]


@pytest.mark.parametrize("preset", ["sre-workbook", "sloth", "grafana", "medianest"])
@pytest.mark.parametrize("window", ["28d", "30d", "90d"])
def test_half_the_period_has_half_the_factors(preset, window):
    half = format_duration(parse_duration(window) / 2)

    for whole, halved in zip(rows(preset, window), rows(preset, half), strict=True):
        assert halved == (*whole[:3], pytest.approx(whole[3] / 2, rel=1e-15))


# How they join with the policy's own rules.


def names(found):
    return [(r.name, r.alert, str(r.factor)) for r in found]


def test_own_rules_are_added_and_one_of_the_same_name_replaces_the_schools():
    rules = {
        "page-quick": {"long": "30m", "short": "2m", "budget_share": "1%", "severity": "page", "page": True},
        "Mine": {"long": "2h", "short": "10m", "factor": 9, "severity": "ticket"},
    }
    found = burn_rules(policy("sre-workbook", rules=rules), "one")

    assert names(found) == [
        ("page-quick", "ErrorBudgetBurnPage", "14.4"),
        ("page-slow", "ErrorBudgetBurnPage", "6.0"),
        ("ticket-quick", "ErrorBudgetBurnTicket", "3.0"),
        ("ticket-slow", "ErrorBudgetBurnTicket", "1.0"),
        ("Mine", "Mine", "9.0"),
    ]
    (group,) = rule_groups(policy("sre-workbook", rules=rules), ROUTES, SIMULATED)
    assert [rule.name for rule in group.rules] == ["ErrorBudgetBurnPage", "ErrorBudgetBurnTicket", "Mine"]
    assert "[30m]" in group.rules[0].expr
    assert "[6h]" in group.rules[0].expr


def test_an_objective_chooses_rules_of_the_school_by_name():
    found = burn_rules(policy("sre-workbook", alerts=["ticket-slow", "page-slow"]), "one")

    assert names(found) == [("ticket-slow", "ErrorBudgetBurnTicket", "1.0"), ("page-slow", "ErrorBudgetBurnPage", "6.0")]


def test_own_windows_of_sloth_keep_the_shape_of_its_rules():
    rules = {
        "page-quick": {"long": "30m", "short": "2m", "budget_share": "1%", "severity": "page", "page": True},
        "page-slow": {"long": "3h", "short": "15m", "budget_share": "2%", "severity": "page", "page": True},
        "ticket-quick": {"long": "12h", "short": "1h", "budget_share": "5%", "severity": "ticket"},
        "ticket-slow": {"long": "36h", "short": "3h", "budget_share": "5%", "severity": "ticket"},
    }
    groups = rule_groups(policy("sloth", rules=rules), ROUTES, SIMULATED)

    assert [group.name for group in groups] == [
        f"sloth-slo-{part}-p-one" for part in ("sli-recordings", "meta-recordings", "alerts")
    ]
    assert [rule.record for rule in groups[0].recordings][:3] == [f"slo:sli_error:ratio_rate{w}" for w in ("2m", "15m", "30m")]
    # 1 % of 30 days in half an hour
    assert "14.4 *" in groups[2].alerts[0].expr
    assert [dict(alert.labels)["severity"] for alert in groups[2].alerts] == ["page", "ticket"]
    assert {dict(alert.labels)["slo"] for alert in groups[2].alerts} == {"one"}


def test_what_a_tool_cannot_say_is_written_plainly_beside_its_groups():
    rules = {"Mine": {"long": "2h", "short": "10m", "factor": 9, "severity": "ticket"}}
    sloth = rule_groups(policy("sloth", rules=rules), ROUTES, SIMULATED)
    guarded = rule_groups(policy("pyrra", low_traffic="min-failures"), ROUTES, SIMULATED)

    assert [group.name for group in sloth][-1] == "one"
    assert [rule.name for rule in sloth[-1].rules] == ["Mine"]
    assert [(group.name, [rule.name for rule in group.rules]) for group in guarded] == [("one", ["ErrorBudgetBurn"] * 4)]
    assert all(">= 2" in rule.expr for rule in guarded[0].rules)


def test_a_history_that_is_not_measured_yet_counts_as_thirty_days():
    assert [float(r.factor) for r in burn_rules(policy("sre-workbook", "history"), "one")] == [14.4, 6, 3, 1]
    assert [float(r.factor) for r in burn_rules(policy("sre-workbook", "history"), "one", 7 * DAY_S)] == [
        pytest.approx(f, rel=1e-15) for f in (3.36, 1.4, 0.7, 0.7 / 3)
    ]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("vocabulary", [SIMULATED, RECORDED])
def test_the_alerts_of_a_school_are_expressions_that_we_parse(preset, vocabulary):
    for group in rule_groups(policy(preset), ROUTES, vocabulary):
        for rule in group.alerts:
            if "absent(" not in rule.expr:
                parse(rule.expr)


def test_a_target_of_ninety_percent_keeps_the_exact_decimals():
    (group,) = rule_groups(policy("sre-workbook", target="90.000001%"), ROUTES, SIMULATED)

    assert f"> 14.4 * {Decimal(1) - Decimal('0.90000001')}" in group.rules[0].expr
