"""What other tools' documents become, and what is said of the rest."""

from decimal import Decimal

import pytest

from tests.interop.foreign_files import ALL, ALPHA, OPENSLO, PYRRA, SLOTH, SLOTH_CRD, WINDOWS, code_of, imported, refused
from workbench.interop import openslo_models as models
from workbench.interop.foreign import Foreign, Format
from workbench.interop.openslo_queries import indicator_of
from workbench.interop.queries import summed
from workbench.scenario.source import parse
from workbench.units import DAY_S, HOUR_S, MINUTE_S


@pytest.mark.parametrize("name", ALL)
def test_each_format_becomes_a_policy_that_validates(name, tmp_path, capsys):
    imported(tmp_path, **{name: ALL[name]})
    assert code_of("validate", str(tmp_path / "policy.yaml")) == 0, capsys.readouterr().out


def test_a_spec_of_sloth_keeps_objectives_queries_labels_and_the_words_of_its_alerts(tmp_path):
    policy, said = imported(tmp_path, sloth=SLOTH)

    assert policy.alert_preset == "sloth"
    checkout, search = policy.slos["checkout"], policy.slos["search"]
    assert checkout.target == Decimal("0.9995")
    assert checkout.window == 30 * DAY_S
    assert checkout.description == "Paying works."
    assert checkout.service == "shop"
    assert checkout.indicator.errors == 'sum(rate(orders_total{result="failed"}[{{.window}}]))'
    assert checkout.indicator.total == "sum(rate(orders_total[{{ .window }}]))"
    assert checkout.labels == {"team": "paying", "tier": "2", "area": "money"}
    assert checkout.annotations == {"runbook": "pay.md"}
    assert checkout.sloth.alert == "CheckoutFails"
    assert checkout.sloth.labels == {"severity": "high"}
    assert checkout.sloth.page.labels == {"category": "money", "severity": "wake"}
    assert checkout.sloth.ticket.annotations == {"summary": "Look."}
    assert checkout.alerts is None
    assert search.alerts == ("ticket-quick", "ticket-slow")
    assert search.indicator.ratio.startswith("1 - (\n  sum(rate(hits_total[{{.window}}]))")
    assert "2 objectives imported, 0 warnings, 0 notes" in said


def test_the_resource_says_the_same_and_what_kubernetes_adds_is_named(tmp_path):
    policy, said = imported(tmp_path, crd=SLOTH_CRD)

    assert policy.slos["checkout"].alerts == ("page-quick", "page-slow")
    assert policy.slos["checkout"].sloth.page.labels == {"severity": "wake"}
    assert "a policy has no namespace" in said
    assert "labels of the resource itself are not held" in said
    assert "1 objective imported, 0 warnings, 2 notes" in said


def test_windows_beside_a_spec_set_its_period_and_its_rules(tmp_path):
    policy, _ = imported(tmp_path, sloth=SLOTH, windows=WINDOWS)

    assert {slo.window for slo in policy.slos.values()} == {14 * DAY_S}
    rule = policy.burn_rate_alerts["page-slow"]
    assert (rule.long, rule.short, rule.budget_share, rule.page) == (5 * HOUR_S, 20 * MINUTE_S, Decimal("0.075"), True)
    assert rule.factor is None
    assert policy.burn_rate_alerts["ticket-slow"].severity == "ticket"


def test_windows_alone_get_an_objective_that_stands_in_and_are_said_to(tmp_path):
    policy, said = imported(tmp_path, windows=WINDOWS)

    assert list(policy.slos) == ["availability"]
    assert policy.slos["availability"].window == 14 * DAY_S
    assert "windows.yaml:3:1: warning: AlertWindows have no objective" in said


def test_the_period_of_sloth_is_asked_for_and_must_fit_the_windows(tmp_path, capsys):
    policy, _ = imported(tmp_path, "--slo-period", "28d", sloth=SLOTH)
    assert policy.slos["search"].window == 28 * DAY_S
    assert "windows.yaml:4:14: error" in refused(tmp_path, capsys, "--slo-period", "28d", sloth=SLOTH, windows=WINDOWS)


def test_openslo_keeps_slices_references_and_the_short_window_that_its_annotation_states(tmp_path):
    policy, said = imported(tmp_path, openslo=OPENSLO)

    pages = policy.slos["pages"]
    assert (pages.target, pages.window, pages.service) == (Decimal("0.995"), 28 * DAY_S, "site")
    assert (pages.time_slices.length, pages.time_slices.target) == (300, Decimal("0.95"))
    assert pages.indicator.errors == 'sum(rate(answers_total{ok="no"}[{{.window}}]))'
    assert pages.alerts == ("ten-times",)
    assert pages.labels == {"team": "web"}
    rule = policy.burn_rate_alerts["ten-times"]
    assert (rule.long, rule.short, rule.for_, rule.factor) == (1800, 180, 120, 10.5)
    assert (rule.compare, rule.severity, rule.page) == (">=", "page", True)
    assert "1 objective imported, 0 warnings" in said


def test_openslo_without_a_short_window_gets_a_twelfth_and_says_so(tmp_path):
    policy, said = imported(tmp_path, openslo=OPENSLO.replace(", annotations: {workbench.dev/short-window: 3m}", ""))

    assert policy.burn_rate_alerts["ten-times"].short == 150
    assert "a short one of 2m30s, a twelfth, is added" in said


def test_v1alpha_numbers_its_objectives_as_sloth_does_and_has_no_alerts(tmp_path):
    policy, _ = imported(tmp_path, alpha=ALPHA)

    assert list(policy.slos) == ["reads-0"]
    assert policy.slos["reads-0"].alerts == ()
    assert policy.slos["reads-0"].window == 28 * DAY_S
    assert policy.slos["reads-0"].indicator.good == 'sum(rate(reads_total{ok="yes"}[{{.window}}]))'


def test_pyrra_becomes_the_queries_that_it_would_make(tmp_path):
    policy, said = imported(tmp_path, pyrra=PYRRA)

    answers, speed = policy.slos["answers"], policy.slos["speed"]
    assert policy.alert_preset == "pyrra"
    assert (answers.target, answers.window) == (Decimal("0.999"), 14 * DAY_S)
    assert answers.indicator.errors == 'sum(rate(answers_total{ok="no"}[{{.window}}]))'
    assert answers.labels == {"team": "web"}
    assert speed.indicator.good == 'sum(rate(answer_seconds_bucket{le="0.5"}[{{.window}}]))'
    assert speed.alerts == ()
    assert "labels of the resource itself are not held (role)" in said


def test_the_bool_gauge_of_pyrra_counts_the_scrapes_at_which_it_is_one():
    assert summed("sum_over_time", 'up{job="a"}', ("zone",)) == 'sum by (zone) (sum_over_time(up{job="a"}[{{.window}}]))'
    assert summed("rate", "x offset 5m") == "sum(rate(x[{{.window}}] offset 5m))"


EVENTS = """\
      events:
        error_query: sum(rate(orders_total{result="failed"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{ .window }}]))
"""
NOT_HELD = {
    "sloth": (
        (
            EVENTS,
            "      plugin: {id: sloth-common/availability}\n",
            "sli.plugin: the plugin is a program of Sloth",
            "sloth.yaml:10:",
        ),
        ("service: shop\n", "service: shop\nslo_plugins: {chain: [{id: a/b/v1}, {id: c}]}\n", "a/b/v1, c", "sloth.yaml:3:"),
        ("objective: 99.95", "objective: 100", "both excluded", "sloth.yaml:6:"),
        ("objective: 99.95", "objectiv: 99.95", "unknown key", "sloth.yaml:6:"),
        ("[{{.window}}]))\n        total", "[5m]))\n        total", "must say its window", "sloth.yaml:11:"),
        ("name: search", "name: checkout", "stands on line 5", "sloth.yaml:19:"),
    ),
    "openslo": (
        ("budgetingMethod: Timeslices", "budgetingMethod: RatioTimeslices", "RatioTimeslices averages", "openslo.yaml:9:"),
        ("target: 0.995", "target: 99.5", "a percentage is written targetPercent", "openslo.yaml:11:"),
        ("indicatorRef: answers", "indicatorRef: answer", "no SLI of this name", "openslo.yaml:7:"),
        ("conditionRef: ten-times", "conditionRef: ten", "no AlertCondition of this name", "openslo.yaml:33:"),
        ("type: Prometheus", "type: Datadog", "a query of Datadog is no PromQL", "openslo.yaml:20:"),
        ("op: gte", "op: lt", "above its threshold, not below", "openslo.yaml:40:"),
        ("kind: SLI", "kind: SLX", "no such kind", "openslo.yaml:15:"),
        ("timeSliceWindow: 5m", "timeSliceWindo: 5m", "unknown key", "openslo.yaml:11:"),
    ),
    "pyrra": (
        ("ratio:\n", "latencyNative: {latency: 1s}\n    ratio:\n", "an indicator is one of", "pyrra.yaml:10:"),
        ("{metric: answers_total}", "{metric: 'rate(a[5m])'}", "a metric with its labels, nothing around it", "pyrra.yaml:13:"),
        ("target: '99.90'", "target: '0'", "between 0 and 100", "pyrra.yaml:7:"),
        ("window: 2w", "window: 2 weeks", "a duration", "pyrra.yaml:8:"),
    ),
}


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in NOT_HELD.items() for case in cases])
def test_what_cannot_be_held_is_refused_by_name_and_line(name, case, tmp_path, capsys):
    old, new, message, place = case
    text = ALL[name]
    assert old in text
    said = refused(tmp_path, capsys, **{name: text.replace(old, new, 1)})
    assert message in said
    assert place in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", "aligned to the calendar is not held"),
        ("duration: 4w", "duration: 1M", "1M has no fixed length; 30d is taken"),
        ("alertWhenBreaching: true", "alertWhenBreaching: true\n  alertWhenNoData: true", "alertWhenNoData is not held"),
        ("[quick]", "[quick, slow]", "no AlertPolicy of this name was read"),
        ("labels: {team: web}", "labels: {severity: x}", "severity is set by the rule itself"),
        ("sum(rate(answers_total[{{.window}}]))", "sum(rate(answers_total[5m]))", "the fixed range [5m] becomes the window"),
        ("sum(rate(answers_total[{{.window}}]))", "answers_total", "the counter is read as its rate"),
        ("sum(rate(answers_total[{{.window}}]))", "sum(rate(answers_total[$window]))", "is written {{.window}}"),
    ],
)
def test_what_is_changed_is_warned_of_by_name_and_line(old, new, message, tmp_path):
    assert old in OPENSLO
    _, said = imported(tmp_path, openslo=OPENSLO.replace(old, new, 1))
    assert message in said
    assert "0 warnings" not in said


def test_a_share_where_sloth_takes_a_percentage_is_warned_of(tmp_path):
    _, said = imported(tmp_path, sloth=SLOTH.replace("objective: 99.95", "objective: 0.9995"))
    assert "sloth.yaml:6:16: warning: the objective is below 1 percent; Sloth writes percentages: 99.9, not 0.999" in said


def test_a_threshold_becomes_the_share_of_minutes_on_its_wrong_side():
    tree = parse(b"kind: SLO", "f.yaml").root
    document = Foreign(Format.OPENSLO_V1, "SLO", tree)
    metric = {"metricSource": {"type": "Prometheus", "spec": {"query": "max(queue)"}}}
    sli = models.SliSpec.model_validate({"thresholdMetric": metric})
    objective = models.Objective.model_validate({"op": "lt", "value": "100", "target": "0.9"})
    problems = []
    found = indicator_of(document, sli, (), (document, objective, ()), {}, problems)
    assert found == {"ratio": "1 - avg_over_time(((max(queue)) < bool 100)[{{.window}}:1m])"}
    assert [problem.severity for problem in problems] == ["warning"]


def test_two_schools_of_alerts_need_a_choice(tmp_path, capsys):
    said = refused(tmp_path, capsys, sloth=SLOTH, pyrra=PYRRA)
    assert "this asks for sloth, others for pyrra" in said
    policy, _ = imported(tmp_path, "--alert-preset", "sre-workbook", crd=SLOTH_CRD, pyrra=PYRRA)
    assert policy.alert_preset == "sre-workbook"


def test_equal_names_of_two_services_get_their_service_in_front(tmp_path):
    other = SLOTH.replace("service: shop", "service: mall")
    policy, _ = imported(tmp_path, one=SLOTH, two=other)
    assert list(policy.slos) == ["shop-checkout", "shop-search", "mall-checkout", "mall-search"]
    assert policy.slos["mall-checkout"].sloth.name == "checkout"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "this is not YAML"),
        ("", "the file holds nothing"),
        ("[1]", "no document that can be imported"),
        ("groups: []", "these are rules, not objectives"),
        ("apiVersion: workbench/v1\nkind: Policy", "a document of the workbench itself"),
        ("apiVersion: openslo/v2\nkind: SLO", "no document that can be imported"),
        ("kind: List\nitems: [3]", "no document that can be imported"),
        ("kind: List\nitems: []", "there is no objective"),
    ],
)
def test_files_that_hold_nothing_to_import_say_so(text, message, tmp_path, capsys):
    assert message in refused(tmp_path, capsys, x=text)


def test_every_part_of_the_policy_says_where_it_came_from(tmp_path):
    imported(tmp_path, openslo=OPENSLO)
    text = (tmp_path / "policy.yaml").read_text()
    assert f"# From {tmp_path}/openslo.yaml:11." in text
    assert f"# From {tmp_path}/openslo.yaml:37." in text


def test_decimals_stay_as_they_were_written(tmp_path):
    imported(tmp_path, sloth=SLOTH.replace("99.95", "99.90").replace("objective: 99\n", "objective: 98.700000000000003\n"))
    text = (tmp_path / "policy.yaml").read_text()
    assert "target: 99.9%" in text
    assert "target: 98.700000000000003%" in text
