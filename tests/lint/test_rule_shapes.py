"""Burn-rate shapes of rule files: which comparisons are recognised, and the arithmetic over them, recomputed in fractions."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.rule_texts import alert, found, record, rules_of
from workbench.errors import Severity
from workbench.lint.rules.conditions import conditions, pairs
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import exact, show_sum, unscaled, value
from workbench.promql.parse import parse

NOTHING = Rules(())
RATIO = 'sum(rate(http_requests_total{code=~"5.."}[1h])) / sum(rate(http_requests_total[1h]))'
RATIOS = [
    RATIO,
    f"({RATIO})",
    "sum by (job) (rate(slo_errors_total[1h])) / sum by (job) (rate(slo_requests_total[1h]))",
    '1 - sum(rate(h_bucket{le="0.3"}[1h])) / sum(rate(h_count[1h]))',
    '1 - (sum(rate(x_total{code!~"5.."}[1h])) / sum(rate(x_total[1h])))',
    "(sum(rate(x_total[1h])) - sum(rate(x_ok[1h]))) / sum(rate(x_total[1h]))",
    "(sum(rate(x_errors_total[1h])) or vector(0)) / sum(rate(x_total[1h]))",
    'slo:sli_error:ratio_rate1h{sloth_id="a"}',
    'max(slo:sli_error:ratio_rate1h{sloth_id="a"}) without (sloth_window)',
    'job:slo_errors_per_request:ratio_rate1h{job="x"}',
    "sum(apiserver_request:burnrate1h)",
    'http_requests:burnrate1h{job="api"}',
    'slo:burnrate{window="1h", id="a"}',
    "http:error_ratio_1h",
    "sum(increase(failed_total[1h])) / sum(increase(attempts_total[1h]))",
]  # fmt: skip
NO_RATIOS = [
    "node_load1 / 4",
    'sum(rate(http_requests_total{code=~"5.."}[1h]))',
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    "service:latency_seconds:p99_1h",
    "rate(cpu_seconds_total[1h]) / rate(ticks_total[1h])",
    "histogram_quantile(0.9, sum by (le) (rate(h_bucket[1h])))",
]


@pytest.mark.parametrize("ratio", RATIOS)
def test_an_error_ratio_is_recognised_with_its_window_factor_and_budget(ratio):
    (condition,) = conditions(parse(f"{ratio} > (14.4 * 0.001)"), NOTHING)

    assert condition.is_ratio
    assert condition.window_ms == 3_600_000
    assert (condition.factor, condition.budget) == (Fraction("14.4"), Fraction("0.001"))
    assert condition.scale == 1


@pytest.mark.parametrize("other", NO_RATIOS)
def test_what_is_no_error_ratio_is_never_called_unreachable(other, tmp_path):
    assert not any(one.is_ratio for one in conditions(parse(f"{other} > 30"), NOTHING))
    assert not found(tmp_path, alert(f"{other} > 30"), check="alerts/unreachable")


@pytest.mark.parametrize(
    ("threshold", "factor", "budget"),
    [
        ("(14.4 * 0.001)", "14.4", "0.001"),
        ("0.001 * 14.4", "14.4", "0.001"),
        ("14.4 * (1 - 0.999)", "14.4", "0.001"),
        ("(1 - 0.999) * 14.4", "14.4", "0.001"),
        ("14.4 * (100 - 99.9) / 100", None, None),
        ("0.5 * (1 - 0.2)", "0.5", "0.8"),
        ("0.0144", None, None),
    ],
)
def test_factor_and_budget_are_read_from_either_order(threshold, factor, budget):
    (condition,) = conditions(parse(f"{RATIO} > {threshold}"), NOTHING)

    assert condition.factor == (None if factor is None else Fraction(factor))
    assert condition.budget == (None if budget is None else Fraction(budget))


def test_a_comparison_may_stand_the_other_way_round():
    (condition,) = conditions(parse(f"14.4 * 0.001 < {RATIO}"), NOTHING)

    assert (condition.operator, condition.factor) == (">", Fraction("14.4"))


def test_a_burn_rate_of_its_own_is_compared_with_its_factor(tmp_path):
    """`service:burn_rate1h > 14.4` is a multiple of the budget, not a ratio of 1,440 %."""
    assert found(tmp_path, alert("service:burn_rate1h > 14.4")) == []
    (never,) = found(tmp_path, alert(f"({RATIO}) / 0.1 > 14.4"), check="alerts/unreachable")
    assert "14.4: 10 x an error ratio never exceeds 10" in never.message


def test_recorded_series_are_followed_to_their_rules(tmp_path):
    rules = [record("a:mine:rate1h", RATIO), alert("a:mine:rate1h > 2")]

    (problem,) = found(tmp_path, *rules, check="promql/percent-or-ratio")

    assert problem.message.startswith("alert A can never fire: it compares an error ratio, which never exceeds 1, with 2")


def test_the_budget_may_be_recorded_too(tmp_path):
    rules = [record("slo:error_budget:ratio", "vector(1-0.9)"), alert(f"{RATIO} > (14.4 * scalar(slo:error_budget:ratio))")]

    (problem,) = found(tmp_path, *rules, check="alerts/unreachable")

    assert "never fire" in problem.message


def test_rules_that_read_each_other_in_a_circle_end(tmp_path):
    rules = [record("a:ratio", "b:ratio * 2"), record("b:ratio", "a:ratio / 2"), alert("a:ratio > 1")]

    assert found(tmp_path, *rules) == []


def windows(text):
    return [(pair.long.window_ms // 60_000, pair.short.window_ms // 60_000) for pair in pairs(parse(text), NOTHING)]


def test_pairs_are_found_whatever_stands_around_them():
    long, short = "a:error_ratio_1h > (14.4 * 0.001)", "a:error_ratio_5m > (14.4 * 0.001)"
    slow = "a:error_ratio_6h > (6 * 0.001) and a:error_ratio_30m > (6 * 0.001)"

    assert windows(f"{long} and {short}") == [(60, 5)]
    assert windows(f"{short} and {long}") == [(60, 5)]
    assert windows(f"({long} and {short}) or ({slow})") == [(60, 5), (360, 30)]
    assert windows(f"max({long}) without (w) and max({short}) without (w)") == [(60, 5)]
    assert windows(f"({long} and {short}) / 0.001") == [(60, 5)]
    assert windows(f"{long} and {short} and sum(count_over_time(a[1h])) > 54") == [(60, 5)]
    assert windows(long) == []


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.integers(1, 9_999), st.integers(1, 3_000))
def test_an_alert_on_a_ratio_is_unreachable_exactly_from_1_on(target, factor):
    """Against exact fractions, but for ties: there the doubles that Prometheus compares decide, and say so."""
    text = f"14400 * 0 + {RATIO} > ({factor / 10} * (1 - {target / 10_000}))".replace("14400 * 0 + ", "")
    (condition,) = conditions(parse(text), NOTHING)
    limit = Fraction(factor, 10) * (1 - Fraction(target, 10_000))

    assert exact(condition.threshold) == limit
    assert value(condition.threshold) == (factor / 10) * (1 - target / 10_000)
    if abs(limit - 1) > Fraction(1, 10**9):
        assert condition.never_true == (limit >= 1)
    else:
        assert condition.never_true == (condition.limit >= 1)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 999), st.integers(1, 400), st.sampled_from(["> ", ">= "]))
def test_burn_rates_are_unreachable_from_one_over_the_budget_on(budget, factor, operator):
    (condition,) = conditions(parse(f"({RATIO}) / {budget / 1000} {operator}{factor / 10}"), NOTHING)
    top, limit = Fraction(1000, budget), Fraction(factor, 10)

    assert condition.scale == top
    if abs(limit - top) > Fraction(1, 10**9):
        assert condition.never_true == (limit > top)


def test_a_tie_that_doubles_break_gets_a_warning_of_its_own(tmp_path):
    assert 10 * (1 - 0.9) < 1
    (problem,) = found(tmp_path, alert(f"{RATIO} > 10*(1-0.9)"))

    assert problem.severity is Severity.WARNING
    assert "only a total outage" in problem.message
    assert "in doubles 0.9999999999999998" in problem.message


def test_one_dead_branch_of_two_is_a_warning_and_two_are_an_error(tmp_path):
    dead, alive = f"{RATIO} > (14 * (1-0.9))", f"{RATIO} > (2 * (1-0.9))"

    def severities(expr):
        return {p.severity for p in found(tmp_path, alert(expr), check="alerts/unreachable")}

    assert severities(f"({dead}) or ({alive})") == {Severity.WARNING}
    assert severities(f"({dead}) and ({alive})") == {Severity.ERROR}
    assert severities(f"({dead}) or ({dead})") == {Severity.ERROR}
    assert severities(f"({alive}) unless ({dead})") == {Severity.WARNING}
    assert severities(f"max({dead})") == {Severity.ERROR}


def test_sums_are_shown_as_they_are_reckoned_on_paper():
    assert show_sum(parse("(14 * (1-0.9))")) == "14 x (1 - 0.9) = 1.4"
    assert show_sum(parse("14.40 * 0.00100")) == "14.4 x 0.001 = 0.0144"
    assert show_sum(parse("0.05")) == "0.05"
    assert show_sum(parse("-(1 / 3)")) == "-(1 / 3) = -0.333333"


def test_multiples_of_a_ratio_are_seen_wherever_the_factor_stands():
    plain = parse("sum(rate(e[5m])) / sum(rate(t[5m]))")

    for text in (
        "100 * sum(rate(e[5m])) / sum(rate(t[5m]))",
        "100 * (sum(rate(e[5m])) / sum(rate(t[5m])))",
        "(sum(rate(e[5m])) / sum(rate(t[5m]))) * 100",
        "sum(rate(e[5m])) * 100 / sum(rate(t[5m]))",
    ):
        assert unscaled(parse(text)) == (plain, 100)


@pytest.mark.parametrize(
    ("expr", "never"),
    [
        ("up > 1", True), ("up >= 1", False), ("up == 2", True), ("up < 0", True), ("up <= 0", False), ("1 < up", True),
        ("avg(up) > 1", True), ("sum(up) > 1", False), ("count(up == 0) / count(up) > 1", True), ("sum(up) / count(up) > 1", True),
        ("absent(x) == 0", True), ("absent(x) == 1", False), ("clamp_max(x, 5) > 5", True), ("clamp_max(x, 5) > 4", False),
        ("rate(x_total[5m]) < 0", True), ("delta(x[5m]) < 0", False), ("x > 1e9", False), ("(up == bool 0) > 1", True),
        ("avg_over_time(probe_success[1h]) > 1", True), ("-up > 0", True), ("up offset 5m > 1", True),
    ],
)  # fmt: skip
def test_bounds_follow_from_what_is_counted(expr, never, tmp_path):
    assert bool(found(tmp_path, alert(expr), check="alerts/unreachable")) == never


def test_labels_at_the_end_of_an_expression_are_known(tmp_path):
    def has(expr, name, *others):
        text = 'for: 5m\nlabels: {severity: page}\nannotations: {summary: "{{ $labels.NAME }}"}'.replace("NAME", name)
        return not found(tmp_path, *others, alert(expr, more=text), check="rules/annotation-label")

    assert not has("sum(x) > 1", "job")
    assert has("sum by (job) (x) > 1", "job")
    assert not has("sum by (job) (x) > 1", "instance")
    assert has("sum without (instance) (x) > 1", "job")
    assert not has("sum without (instance) (sum by (job, instance) (x)) > 1", "instance")
    assert has("x > 1", "anything")
    assert not has("sum by (job) (x) / on (job) sum by (job) (y) > 1", "instance")
    assert has("sum by (job) (x) * on (job) group_left (team) info > 1", "team")
    assert has('absent(up{job="a"})', "job")
    assert not has('absent(up{job="a"})', "instance")
    assert not has("sum(x) > 1", "severity")
    assert not has("histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m]))) > 1", "le")
    assert has("mine > 1", "team", record("mine", "sum by (job) (x)", "labels: {team: a}"))
    assert not has("mine > 1", "pod", record("mine", "sum by (job) (x)", "labels: {team: a}"))
    assert has("topk(3, sum by (job) (x)) > 1", "job")
    assert has('label_replace(sum(x), "new", "$1", "job", "(.*)") > 1', "new")


def test_views_keep_group_labels(tmp_path):
    head = "  labels: {severity: page}\n"

    assert not found(tmp_path, alert("up == 0", more="for: 5m"), head=head, check="alerts/no-routing-label")
    assert found(tmp_path, alert("up == 0", more="for: 5m"), check="alerts/no-routing-label")
    assert rules_of(tmp_path, alert("up == 0")).alerts[0].title == "alert A"
