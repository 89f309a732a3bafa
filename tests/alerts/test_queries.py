"""Which queries count events, and what is said of those that cannot be used."""

import pytest
from click.testing import CliRunner

from tests.scenario.files import DATA, copy_of_files
from workbench.alerts.loading import load_policy
from workbench.alerts.queries import counts_in, placed, terms
from workbench.alerts.readiness import rule_problems
from workbench.alerts.sli import Sli
from workbench.cli.main import cli
from workbench.errors import BadInput
from workbench.scenario.schema.policy import Policy

W = "[{{.window}}]"


def shown(query):
    found = terms(query)
    return None if found is None else [(t.function, t.selector.matchers[0].text, t.weight) for t in found]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (f"sum(rate(a{W}))", [("rate", "a", 1)]),
        (f"sum by (job) (increase(a{W}))", [("increase", "a", 1)]),
        (f"sum(rate(a{W})) + sum(rate(b{W})) - sum(rate(c{W}))", [("rate", "a", 1), ("rate", "b", 1), ("rate", "c", -1)]),
        (f"2 * sum(rate(a{W})) / 4", [("rate", "a", 0.5)]),
        (f"-(sum(rate(a{W})))", [("rate", "a", -1)]),
        (f"sum(rate(a{W}) or vector(0))", [("rate", "a", 1)]),
        (f"sum(rate(a{W})) or 0 * sum(rate(b{W}))", [("rate", "a", 1)]),
        (f"sum(rate(a{W} offset 5m))", [("rate", "a", 1)]),
        (f"sum(count_over_time(a{W})) - sum(sum_over_time(a{W}))", [("count_over_time", "a", 1), ("sum_over_time", "a", -1)]),
        # not sums of counters over the window
        (f"sum(rate(a{W})) / sum(rate(b{W}))", None),
        (f"max(rate(a{W}))", None),
        ("sum(rate(a[5m])) + 0 * sum(rate(a[{{.window}}]))", None),
        (f"sum(rate(a{W})) > 0", None),
        (f"sum(resets(a{W}))", None),
        (f"sum(rate(a{W} @ 600))", None),
        ("sum(max_over_time(rate(a[5m])[{{.window}}:1m]))", None),
        (f"topk(1, rate(a{W}))", None),
    ],
)
def test_a_query_counts_events_if_it_adds_up_counters_over_its_window(query, wanted):
    assert shown(query) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"), [("[{{.window}}]", "[5m]"), ("[{{ .window }}]", "[5m]"), ("[{{- .window -}}]", "[5m]")]
)
def test_the_window_may_stand_with_blanks(written, wanted):
    assert placed(f"sum(rate(a{written}))", "5m") == f"sum(rate(a{wanted}))"


def test_rates_become_counts_by_the_seconds_of_the_window_and_increases_are_counts():
    assert Sli(errors=f"sum(increase(b{W}))", total=f"sum(rate(a{W}))").events_over(3600) == "(sum(rate(a[1h]))) * 3600"
    assert Sli(errors=f"sum(increase(b{W}))", total=f"sum(rate(a{W}))").failures_over(3600) == "(sum(increase(b[1h])))"
    assert Sli(ratio=f"avg(a{W})").events_over(3600) is None
    assert counts_in(f"sum(rate(a{W})) + sum(increase(b{W}))") is None


def policy(indicator=None, **more):
    slo = {"target": "99.9%", "indicator": indicator or {"kind": "events"}, **more.pop("slo", {})}
    return Policy.model_validate({"apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "slos": {"one": slo}, **more})


def found(policy):
    return [(problem.check, problem.path) for problem in rule_problems(policy)]


def test_all_that_is_wrong_with_queries_is_said_at_once_with_its_path():
    broken = policy({"kind": "query", "errors": f"sum(rate(a{W})", "total": f"frobnicate(b{W})"})

    assert {path for _, path in found(broken)} == {"slos.one.indicator.errors", "slos.one.indicator.total"}


def test_a_regular_expression_that_is_none_is_said_before_a_run():
    broken = policy({"kind": "query", "errors": f'sum(rate(a{{x=~"("}}{W}))', "total": f"sum(rate(b{W}))"})

    assert [path for _, path in found(broken)] == ["slos.one.indicator.errors"]


def test_a_guard_needs_a_query_that_counts():
    ratio = policy({"kind": "query", "ratio": f"avg(rate(a{W}))"}, alert_preset="datadog", slo={"low_traffic": "min-events"})
    counted = policy(
        {"kind": "query", "errors": f"sum(rate(a{W}))", "total": f"sum(rate(b{W}))"},
        alert_preset="datadog",
        slo={"low_traffic": "min-failures"},
    )

    assert set(found(ratio)) == {("alerts/uncounted", "slos.one.indicator.ratio")}
    assert found(counted) == []


def test_a_rule_of_a_preset_that_is_not_there_is_said_with_the_nearest():
    (problem,) = rule_problems(policy(alert_preset="sre-workbook", slo={"alerts": ["page-quik"]}))

    assert (problem.check, problem.path, problem.nearest) == ("alerts/unknown-rule", "slos.one.alerts[0]", "page-quick")


def test_alternatives_must_agree_in_what_their_alert_has_once():
    rules = {"page-quick": {"long": "1h", "short": "5m", "factor": 10, "for": "2m", "severity": "critical", "page": True}}
    problems = list(rule_problems(policy(alert_preset="sre-workbook", burn_rate_alerts=rules)))

    assert [problem.message.rpartition(" ")[2] for problem in problems] == ["severity", "for"]
    assert {problem.path for problem in problems} == {"burn_rate_alerts.page-quick"}


@pytest.fixture
def folder(tmp_path):
    folder = copy_of_files(tmp_path)
    text = (DATA / "policy.yaml").read_text()
    broken = '{kind: query, total: "sum(rate(a[{{.window}}]))", errors: "sum(rate(b[{{.window}}])"}'
    (folder / "policy.yaml").write_text(text.replace("indicator: {kind: events}", f"indicator: {broken}"))
    return folder


@pytest.mark.parametrize("verb", [("validate",), ("run",), ("lint",), ("export", "prometheus")])
def test_every_verb_shows_a_broken_query_at_its_line(folder, verb):
    file = "policy.yaml" if verb[-1] in ("validate", "lint") else "scenario.yaml"
    result = CliRunner().invoke(cli, [*verb, str(folder / file)])
    text = result.output + str(result.exception or "")

    assert result.exit_code != 0
    assert f"{folder / 'policy.yaml'}:22:" in text.replace("\n", "")
    assert "not PromQL" in text


def test_a_policy_read_alone_shows_it_too(folder):
    with pytest.raises(BadInput) as caught:
        load_policy(folder / "policy.yaml")

    (problem,) = caught.value.problems
    assert (problem.check, problem.line, problem.path) == ("promql/syntax", 22, "slos.everything.indicator.errors")
