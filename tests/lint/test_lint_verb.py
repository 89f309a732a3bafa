"""`workbench lint`: what a file is, exit codes, both outputs, worlds and months."""

import json

import pytest
from click.testing import CliRunner

from tests.lint.catalogue import EXAMPLES
from tests.lint.rule_texts import alert, rule_file
from tests.scenario.files import DATA, copy_of_files
from workbench.cli.main import cli
from workbench.errors import BadInput
from workbench.lint.session import examine

WORLD = EXAMPLES / "world.yaml"


def run(*arguments):
    return CliRunner().invoke(cli, ["lint", *map(str, arguments)])


def as_json(*arguments):
    return json.loads(run(*arguments, "-o", "json").output)


@pytest.mark.parametrize(
    ("example", "arguments", "code"),
    [
        ("alerts-unreachable/bad.yaml", [], 1),
        ("alerts-unreachable/bad.rules.yml", [], 1),
        ("alerts-unreachable/good.rules.yml", ["--strict"], 0),
        ("alerts-budget-share/bad.yaml", [], 0),
        ("alerts-budget-share/bad.yaml", ["--strict"], 1),
        ("alerts-short-window/bad.yaml", ["--strict"], 0),
        ("alerts-unreachable/bad.yaml", ["-o", "json"], 1),
    ],
)
def test_errors_end_with_exit_code_1_and_with_strict_warnings_too(example, arguments, code):
    assert run(EXAMPLES / example, *arguments).exit_code == code


def test_a_finding_shows_line_and_caret():
    output = run(EXAMPLES / "alerts-unreachable" / "bad.rules.yml").output

    assert (
        "error: alert CheckoutLatencyBurn can never fire: it fires at 14 x (1 - 0.9) = 1.4: an error ratio never exceeds 1"
        in output
    )
    first, second, third, *_ = output.splitlines()
    assert first.split(": ")[0].endswith("bad.rules.yml:7:80")
    assert second.startswith("    7 | ")
    assert third.strip().startswith("|")
    assert third.count("^") == len("(14 * (1-0.9))")
    assert max(len(second), len(third)) <= 80
    assert output.splitlines()[-1].endswith("1 problem (1 error)")


def test_everything_is_in_the_json():
    found = as_json(EXAMPLES / "alerts-unreachable" / "bad.yaml", "--world", WORLD)

    (problem,) = [one for one in found["problems"] if one["check"] == "alerts/unreachable"]
    assert (problem["line"], problem["severity"], problem["allowed"]) == (7, "error", "a factor below 1 / 0.08 = 12.5")
    assert found["checks"] > 15
    (row,) = found["failures_needed"]
    assert (row["slo"], row["alert"], row["page"], row["events_long"], row["failures_long"]) == (
        "checkout",
        "fast",
        True,
        1800.0,
        None,
    )


def test_how_many_failures_page_is_the_smallest_number_over_the_threshold():
    (row,) = as_json(EXAMPLES / "alerts-factor-not-scaled" / "bad.yaml", "--world", WORLD)["failures_needed"]

    assert row["events_long"] == 0.5 * 3600
    assert row["failures_long"] == 26  # 25.92 of 1,800 burn at exactly 14.4
    assert 25 / 1800 <= 0.0144 < 26 / 1800
    assert row["failures_short"] == 3
    output = run(EXAMPLES / "alerts-factor-not-scaled" / "bad.yaml", "--world", WORLD).output
    assert "26 of 1,800 in 1h" in output


def test_months_are_simulated_and_their_seeds_are_said():
    folder = EXAMPLES / "alerts-never-fired"

    found = run(folder / "bad.yaml", "--world", folder / "world.yaml", "--months", 1, "--seed", 7)

    assert "1 month simulated, seed 7" in found.output
    assert "alert fast of checkout never fired in 1 simulated month" in found.output
    assert found.exit_code == 0


def test_months_need_a_world():
    result = run(EXAMPLES / "alerts-never-fired" / "bad.yaml", "--months", 1)

    assert isinstance(result.exception, BadInput)
    assert "--world WORLD" in str(result.exception)


def test_a_scenario_brings_its_world_and_another_can_be_put_in_its_place(tmp_path):
    copy_of_files(tmp_path)
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text((tmp_path / "world.yaml").read_text().replace("mean_rps: 12", "mean_rps: 0.04"))

    own = {one.check for one in examine([tmp_path / "scenario.yaml"]).problems}
    other = {one.check for one in examine([tmp_path / "scenario.yaml"], world_file=quiet).problems}

    assert "alerts/one-failure-pages" in other - own


def test_a_world_that_does_not_fit_is_refused():
    result = run(EXAMPLES.parent / "reference" / "policy.yaml", "--world", WORLD)

    assert isinstance(result.exception, BadInput)
    assert "/upload" in str(result.exception)


def test_a_world_alone_is_nothing_to_lint():
    result = run(DATA / "world.yaml")

    assert isinstance(result.exception, BadInput)
    assert "nothing to lint in a World" in str(result.exception)


def test_several_files_are_linted_together_in_their_order(tmp_path):
    rules = rule_file(tmp_path, alert("e:burnrate1h > (14 * (1-0.9))"))

    report = examine([EXAMPLES / "alerts-unreachable" / "bad.yaml", rules])

    assert [problem.file for problem in report.problems] == [str(EXAMPLES / "alerts-unreachable" / "bad.yaml"), str(rules)]


def test_rules_beside_a_policy_are_held_to_its_severities_world_and_clock(tmp_path):
    copy_of_files(tmp_path)
    rules = rule_file(tmp_path, alert("rate(x_total[20s]) > 1", more="labels: {severity: crit}"))

    found = {one.check: one for one in examine([rules, tmp_path / "scenario.yaml"]).problems if one.file == str(rules)}

    assert found["rules/severity-spelling"].message == "alert A has the severity crit, which no rule of the policy has"
    assert found["rules/severity-spelling"].allowed == "critical, warning"
    assert "[20s] is less than two scrapes, 2 x 15s = 30s" in found["promql/range-too-short"].message


def test_rules_are_simulated_and_those_that_never_fire_are_named(tmp_path):
    ratio = 'sum(rate(http_requests_total{status_code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'
    rules = rule_file(
        tmp_path,
        alert(f"{ratio} > 0.01", name="Often", more="labels: {severity: page}\nfor: 1m"),
        alert(f"{ratio} > 0.01", name="Never", more="labels: {severity: page}\nfor: 3d"),
        alert("sum(rate(http_request_total[5m])) > 1", name="Misspelt", more="labels: {severity: ticket}\nfor: 1m"),
    )

    report = examine([rules], world_file=EXAMPLES / "alerts-never-fired" / "world.yaml", months=1)

    never = [one for one in report.problems if one.check == "alerts/never-fired"]
    assert [(one.message, str(one.severity)) for one in never] == [
        ("alert Never never fired in 1 simulated month", "warning"),
        ("alert Misspelt never fired in 1 simulated month", "info"),
    ]
    assert {view.name: count for view, count in report.months[0].by_rule}["Often"] > 5
    assert any("http_requests_total" in (one.nearest or one.message) and "Misspelt" in one.message for one in report.problems)


def test_a_folder_is_searched_for_rules(tmp_path):
    rule_file(tmp_path, alert("e:burnrate1h > (14 * (1-0.9))"))

    assert {problem.check for problem in examine([tmp_path]).problems} == {"alerts/unreachable"}


@pytest.mark.parametrize(
    "text",
    [
        "groups:\r\n- name: g\r\n  rules:\r\n  - {alert: A, expr: up == 0, for: 5m}\r\n",
        "kind: PrometheusRule\napiVersion: monitoring.coreos.com/v1\n"  # noqa: ISC004 - one text
        "spec: {groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m}]}]}\n",
    ],
)
def test_a_byte_order_mark_hides_no_rules(text, tmp_path):
    path = tmp_path / "rules.yml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert [problem.check for problem in examine([path]).problems] == ["alerts/no-routing-label"]


def test_resources_of_kubernetes_are_rules(tmp_path):
    path = tmp_path / "rule.yaml"
    path.write_text(
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\nspec:\n  groups:\n"
        "  - name: g\n    rules:\n"
        "    - {alert: A, expr: 'e:burnrate1h > (14 * (1-0.9))', for: 2m, labels: {severity: page}}\n"
    )

    (problem,) = examine([path]).problems

    assert (problem.check, problem.path, problem.line) == ("alerts/unreachable", "spec.groups[0].rules[0].expr", 8)


def test_one_rule_that_is_no_promql_does_not_hide_the_others(tmp_path):
    rules = rule_file(tmp_path, alert("sum(", name="Broken"), alert("e:burnrate1h > (14 * (1-0.9))"))

    report = examine([rules])

    assert [problem.check for problem in report.problems] == ["promql/syntax", "alerts/unreachable"]
    assert report.problems[0].message.startswith("alert Broken: not PromQL")


@pytest.mark.parametrize("text", ["groups: [", "groups:\n- name: {{ .Values.x }}\n"])
def test_a_file_that_cannot_be_read_is_bad_input(text, tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(text)

    assert isinstance(run(path).exception, BadInput)


def test_the_structure_of_rule_files_is_checked_too(tmp_path):
    report = examine([rule_file(tmp_path, "alert: A\nexpr: up == 0\nfro: 5m\nlabels: {severity: page}")])

    assert [problem.check for problem in report.problems] == ["rules/unknown-key"]
    assert report.problems[0].line == 6


def test_a_problem_of_an_overridden_value_points_to_the_scenario(tmp_path):
    copy_of_files(tmp_path)
    week = tmp_path / "week.yaml"
    week.write_text(
        week.read_text()
        .replace("target: 99.5%", "target: 90%")
        .replace("slos: {", "burn_rate_alerts: {fast: {factor: 20, budget_share: 3%}}\n    slos: {")
    )

    result = run(week)

    assert f"{week}:13:39: error: alert fast can never fire" in result.output
    assert "override.policy.burn_rate_alerts.fast.factor" in result.output
    assert result.exit_code == 1
