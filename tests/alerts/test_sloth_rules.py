"""Sloth's rules for specs of our own, against facts read off Sloth's documentation and results by hand."""

from dataclasses import replace
from decimal import Decimal

import yaml

from tests.support.same_rules import same_expression
from workbench.alerts.go_format import go_duration
from workbench.alerts.sloth_rules import (
    AlertWindow,
    AlertWindows,
    Generator,
    SlothAlert,
    SlothSlo,
    go_number,
    sloth_groups,
)
from workbench.interop.prometheus import rule_file

MINUTE, HOUR, DAY = 60, 3600, 86_400


def google_windows(period_s):
    """2 % in 1h, 5 % in 6h, 10 % in 1d and 10 % in 3d of any period. Sloth has them built in for 28d and 30d."""
    return AlertWindows(
        period_s,
        AlertWindow(Decimal(2), 5 * MINUTE, HOUR),
        AlertWindow(Decimal(5), 30 * MINUTE, 6 * HOUR),
        AlertWindow(Decimal(10), 2 * HOUR, DAY),
        AlertWindow(Decimal(10), 6 * HOUR, 3 * DAY),
    )


CHECKOUT = SlothSlo(
    service="shop",
    name="checkout",
    objective=Decimal("99.9"),
    windows=google_windows(30 * DAY),
    errors='sum(rate(orders_total{result="failed"}[{{.window}}]))',
    total="sum(rate(orders_total[{{ .window }}]))",
    labels={"team": "paying"},
    alert_name="CheckoutFails",
    page=SlothAlert(labels={"severity": "critical"}, annotations={"summary": "Nobody can pay."}),
    ticket=SlothAlert(labels={"severity": "warning"}),
)
IDS = {"sloth_id": "shop-checkout", "sloth_service": "shop", "sloth_slo": "checkout"}
WHO = '{sloth_id="shop-checkout", sloth_service="shop", sloth_slo="checkout"}'


def read(slo, generator=None):
    groups = sloth_groups(slo, generator) if generator else sloth_groups(slo)
    return {group["name"]: group["rules"] for group in yaml.safe_load(rule_file(groups))["groups"]}


def test_an_objective_has_three_groups_named_after_its_service_and_name():
    assert list(read(CHECKOUT)) == [
        "sloth-slo-sli-recordings-shop-checkout",
        "sloth-slo-meta-recordings-shop-checkout",
        "sloth-slo-alerts-shop-checkout",
    ]


def test_error_ratios_are_recorded_over_every_window_and_the_period_is_put_together_from_the_shortest():
    rules = read(CHECKOUT)["sloth-slo-sli-recordings-shop-checkout"]
    assert [rule["record"].removeprefix("slo:sli_error:ratio_rate") for rule in rules] == [
        "5m",
        "30m",
        "1h",
        "2h",
        "6h",
        "1d",
        "3d",
        "30d",
    ]
    for rule in rules[:-1]:
        window = rule["labels"]["sloth_window"]
        expected = f'(sum(rate(orders_total{{result="failed"}}[{window}]))) / (sum(rate(orders_total[{window}])))'
        assert same_expression(rule["expr"], expected)
        assert rule["labels"] == IDS | {"team": "paying", "sloth_window": window}
    whole = (
        f"sum_over_time(slo:sli_error:ratio_rate5m{WHO}[30d]) / ignoring(sloth_window) "
        f"count_over_time(slo:sli_error:ratio_rate5m{WHO}[30d])"
    )
    assert same_expression(rules[-1]["expr"], whole)
    assert rules[-1]["labels"] == IDS | {"team": "paying", "sloth_window": "30d"}


def test_what_is_known_of_the_objective_is_recorded_in_binary_floats():
    rules = {rule["record"]: rule for rule in read(CHECKOUT)["sloth-slo-meta-recordings-shop-checkout"]}
    assert rules["slo:objective:ratio"]["expr"] == "vector(0.9990000000000001)"  # 99.9 / 100
    assert rules["slo:error_budget:ratio"]["expr"] == "vector(1-0.9990000000000001)"
    assert rules["slo:time_period:days"]["expr"] == "vector(30)"
    by = "/ on(sloth_id, sloth_slo, sloth_service) group_left"
    for name, window in (("current", "5m"), ("period", "30d")):
        expected = f"slo:sli_error:ratio_rate{window}{WHO} {by} slo:error_budget:ratio{WHO}"
        assert same_expression(rules[f"slo:{name}_burn_rate:ratio"]["expr"], expected)
    remaining = rules["slo:period_error_budget_remaining:ratio"]["expr"]
    assert same_expression(remaining, f"1 - slo:period_burn_rate:ratio{WHO}")
    assert rules["sloth_slo_info"]["expr"] == "vector(1)"
    for name, rule in rules.items():
        info = {
            "sloth_mode": "cli-gen-prom",
            "sloth_spec": "prometheus/v1",
            "sloth_version": "dev",
            "sloth_objective": "99.9",
        }
        assert rule["labels"] == IDS | {"team": "paying"} | (info if name == "sloth_slo_info" else {})


def test_the_page_is_quick_or_slow_and_so_is_the_ticket():
    page, ticket = read(CHECKOUT)["sloth-slo-alerts-shop-checkout"]

    def burns(window, factor):
        series = f"slo:sli_error:ratio_rate{window}{WHO}"
        return f"max({series} > ({factor} * 0.0009999999999999432)) without (sloth_window)"  # (100 - 99.9) / 100

    for alert, (a, b), (c, d) in (
        (page, (("5m", 14.4), ("1h", 14.4)), (("30m", 6), ("6h", 6))),
        (ticket, (("2h", 3), ("1d", 3)), (("6h", 1), ("3d", 1))),
    ):
        assert alert["alert"] == "CheckoutFails"
        expected = f"({burns(*a)} and {burns(*b)}) or ({burns(*c)} and {burns(*d)})"
        assert same_expression(alert["expr"], expected)
        assert "for" not in alert
    assert page["labels"] == {"severity": "critical", "sloth_severity": "page"}
    assert ticket["labels"] == {"severity": "warning", "sloth_severity": "ticket"}
    who = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate"
    assert page["annotations"] == {"summary": "Nobody can pay.", "title": f"(page) {who} is too fast."}
    assert ticket["annotations"] == {"summary": f"{who} is over expected.", "title": f"(ticket) {who} is too fast."}


def test_an_alert_can_be_disabled_and_without_any_there_is_no_group():
    only_page = replace(CHECKOUT, ticket=SlothAlert(enabled=False))
    assert [rule["labels"]["sloth_severity"] for rule in read(only_page)["sloth-slo-alerts-shop-checkout"]] == ["page"]
    silent = replace(only_page, page=SlothAlert(enabled=False))
    assert len(read(silent)) == 2
    assert len(read(silent)["sloth-slo-sli-recordings-shop-checkout"]) == 8


def test_factors_follow_from_budget_shares_and_the_period_in_sloths_own_arithmetic():
    def factors(windows):
        pairs = (windows.page_quick, windows.page_slow, windows.ticket_quick, windows.ticket_slow)
        return [go_number(pair.factor(windows.period_s)) for pair in pairs]

    hour = 3600
    week = AlertWindows(
        7 * DAY,
        AlertWindow(Decimal(8), hour / 12, hour),
        AlertWindow(Decimal("12.5"), hour / 2, 6 * hour),
        AlertWindow(Decimal(20), 2 * hour, 24 * hour),
        AlertWindow(Decimal(42), 6 * hour, 72 * hour),
    )
    assert factors(google_windows(30 * DAY)) == ["14.4", "6", "3", "1"]
    assert factors(google_windows(28 * DAY)) == ["13.44", "5.6000000000000005", "2.8000000000000003", "0.9333333333333333"]
    assert factors(week) == ["13.44", "3.5", "1.4000000000000001", "0.98"]


def test_durations_are_printed_as_prometheus_prints_them():
    assert [go_duration(days * DAY) for days in (1, 3, 7, 14, 28, 30, 90, 365)] == [
        "1d",
        "3d",
        "1w",
        "2w",
        "4w",
        "30d",
        "90d",
        "1y",
    ]
    assert [go_duration(seconds) for seconds in (90, 5400, 129_600, 0.25)] == ["1m30s", "1h30m", "1d12h", "250ms"]


def test_a_ready_made_ratio_stands_in_parentheses_and_small_budgets_keep_their_exponent():
    slo = replace(CHECKOUT, errors="", total="", ratio="my_ratio[{{.window}}]", objective=Decimal("99.999"))
    groups = {group.name: group for group in sloth_groups(slo, Generator("v0.12.0", "cli-gen-k8s", "sloth.slok.dev/v1"))}
    assert groups["sloth-slo-sli-recordings-shop-checkout"].rules[0].expr == "(my_ratio[5m])"
    assert "(14.4 * 1.0000000000047748e-05)" in groups["sloth-slo-alerts-shop-checkout"].rules[0].expr
    info = dict(groups["sloth-slo-meta-recordings-shop-checkout"].rules[-1].labels)
    assert info["sloth_version"] == "v0.12.0"
    assert info["sloth_mode"] == "cli-gen-k8s"
    assert info["sloth_spec"] == "sloth.slok.dev/v1"
    assert info["sloth_objective"] == "99.999"


def test_an_older_release_writes_what_it_wrote_then():
    def groups(version):
        return read(CHECKOUT, Generator(version))

    old, new = groups("v0.10.0"), groups("dev")

    def burns(window, factor):
        return f"(slo:sli_error:ratio_rate{window}{WHO} > ({factor} * 0.0009999999999999432))"

    quick = f"{burns('5m', 14.4)} and ignoring (sloth_window) {burns('1h', 14.4)}"
    slow = f"{burns('30m', 6)} and ignoring (sloth_window) {burns('6h', 6)}"
    assert same_expression(old["sloth-slo-alerts-shop-checkout"][0]["expr"], f"({quick}) or ignoring (sloth_window) ({slow})")
    ratios = "sloth-slo-sli-recordings-shop-checkout"
    assert old[ratios][-1]["labels"] == {"sloth_window": "30d"}
    assert old[ratios][:-1] == new[ratios][:-1]
    assert groups("v0.11.0")["sloth-slo-alerts-shop-checkout"] == new["sloth-slo-alerts-shop-checkout"]
    meta = "sloth-slo-meta-recordings-shop-checkout"
    assert "sloth_objective" in old[meta][-1]["labels"]
    assert "sloth_objective" not in groups("0.6.0")[meta][-1]["labels"]
