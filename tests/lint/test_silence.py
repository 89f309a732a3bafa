"""Comments silence what they name where they stand, and say when they silence nothing."""

import pytest

from tests.lint.rule_texts import alert, rule_file
from workbench.errors import Severity
from workbench.lint.session import examine
from workbench.lint.silence import UNKNOWN, UNUSED, disables

PRINTS = 'annotations: {summary: "{{ $labels.job }}"}'
CRY = "alert: A\nexpr: up == 0\nfor: 5m"


def checks(report):
    return [problem.check for problem in report.problems]


def linted(tmp_path, *rules, head=""):
    return examine([rule_file(tmp_path, *rules, head=head)])


def test_without_a_comment_it_is_said(tmp_path):
    assert checks(linted(tmp_path, CRY)) == ["alerts/no-routing-label"]


@pytest.mark.parametrize(
    "rule",
    [
        "alert: A  # lint: disable=alerts/no-routing-label the group's receiver\nexpr: up == 0",
        "# lint: disable=alerts/no-routing-label\n\nalert: A\nexpr: up == 0",
        "# lint: disable=rules/annotation-label,alerts/no-routing-label why\nalert: A\nexpr: sum(up) == 0\n" + PRINTS,
        "#lint:disable=alerts/no-routing-label\nalert: A\nexpr: up == 0",
    ],
)
def test_a_comment_silences_its_line_or_the_rule_below_it(rule, tmp_path):
    if rule.startswith("#"):
        path = rule_file(tmp_path, "expr: up\nrecord: a")
        comment, _, rest = rule.partition("\n")
        path.write_text(path.read_text() + f"  {comment}\n  - " + rest.strip().replace("\n", "\n    ") + "\n")
        report = examine([path])
    else:
        report = linted(tmp_path, rule)

    assert report.problems == ()
    assert "alerts/no-routing-label" in [problem.check for problem in report.silenced]


def test_a_comment_above_one_rule_is_not_for_the_next(tmp_path):
    path = rule_file(tmp_path, CRY, CRY.replace("A", "B"))
    path.write_text(path.read_text().replace("  - alert: A", "  # lint: disable=alerts/no-routing-label\n  - alert: A"))

    (problem,) = examine([path]).problems

    assert problem.message.startswith("alert B")


def test_a_comment_above_groups_is_for_the_file(tmp_path):
    path = rule_file(tmp_path, CRY, CRY.replace("A", "B"))
    path.write_text("# lint: disable=alerts/no-routing-label one receiver for all\n" + path.read_text())

    report = examine([path])

    assert (report.problems, len(report.silenced)) == ((), 2)


def test_a_comment_inside_an_expression_counts(tmp_path):
    expr = "e:burnrate1h > (14 * (1-0.9)) # lint: disable=alerts/unreachable later"

    assert linted(tmp_path, alert(expr)).problems == ()


def test_another_check_is_not_silenced_and_the_idle_comment_is_reported(tmp_path):
    report = linted(tmp_path, "alert: A  # lint: disable=alerts/unreachable\nexpr: up == 0")

    assert sorted(checks(report)) == ["alerts/no-routing-label", UNUSED]
    idle = next(problem for problem in report.problems if problem.check == UNUSED)
    assert (idle.line, idle.found, idle.severity) == (4, "alerts/unreachable", Severity.WARNING)


def test_a_name_that_is_no_check_is_reported_with_the_nearest(tmp_path):
    report = linted(tmp_path, "alert: A  # lint: disable=alerts/no-routing-lable\nexpr: up == 0")

    wrong = next(problem for problem in report.problems if problem.check == UNKNOWN)
    assert wrong.nearest == "alerts/no-routing-label"


def test_checks_that_could_not_look_get_the_benefit_of_the_doubt(tmp_path):
    report = linted(tmp_path, "alert: A  # lint: disable=promql/quantile-beyond-buckets needs a world\nexpr: up == 0")

    assert checks(report) == ["alerts/no-routing-label"]


def test_policies_are_silenced_alike(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(
        "apiVersion: workbench/v1\nkind: Policy\nname: a\nslos:\n"
        "  a: {indicator: {kind: events}, target: 85%}  # lint: disable=slo/target-low adoption, not availability\n"
        "burn_rate_alerts:\n  slow: {long: 6h, short: 30m, factor: 6, severity: page}\n"
    )

    report = examine([path])

    assert (report.problems, [p.check for p in report.silenced]) == ((), ["slo/target-low"])


def test_blocks_end_where_indentation_does():
    lines = ["a:", "  # lint: disable=x/y", "  b:", "    c: 1", "", "    d: 2", "  e: 3", "# lint: disable=x/y"]

    first, last = disables(lines)

    assert (first.first, first.last) == (3, 6)
    assert last.first > last.last  # nothing follows: it is for nothing
