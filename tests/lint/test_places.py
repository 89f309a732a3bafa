"""A finding stands where its expression stands, however YAML writes it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.rule_texts import found
from workbench.cli.lint_report import excerpt
from workbench.errors import Problem
from workbench.lint.rules.texts import find
from workbench.promql.parse import parse

BAD = "(14 * (1-0.9))"
FORMS = {
    "plain": f"alert: A\nexpr: e:burnrate1h > {BAD}",
    "literal": f"alert: A\nexpr: |\n  e:burnrate1h\n    > {BAD}",
    "literal with a hint": f"alert: A\nexpr: |2-\n    e:burnrate1h\n    > {BAD}",
    "folded": f"alert: A\nexpr: >\n  e:burnrate1h\n  > {BAD}",
    "plain over lines": f"alert: A\nexpr: e:burnrate1h\n  > {BAD}",
    "single quotes": "alert: A\nexpr: 'e:burnrate1h{a=''x''} > " + BAD + "'",
    "double quotes": 'alert: A\nexpr: "e:burnrate1h{a=\\"x\\"} > ' + BAD + '"',
    "double quotes over lines": 'alert: A\nexpr: "e:burnrate1h{a=\\"x\\"}\n\n  > ' + BAD + '"',
    "comments in PromQL": f"alert: A\nexpr: |\n  # burn\n  e:burnrate1h  # ratio\n    > {BAD}",
    "flow": "{alert: A, expr: 'e:burnrate1h > " + BAD + "'}",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_caret_is_under_the_threshold(form, tmp_path):
    (problem,) = found(tmp_path, FORMS[form], check="alerts/unreachable")

    lines = (tmp_path / "rules.yml").read_text().splitlines()
    assert lines[problem.line - 1][problem.column - 1 :].startswith(BAD)
    shown = excerpt(problem, lines)
    assert shown[1].count("^") == len(BAD)
    assert shown[0][shown[1].index("^") :].startswith(BAD)


@pytest.mark.parametrize(
    ("text", "part", "at"),
    [
        ("sum(rate(x[5m])) by (job) > 1", "sum by (job) (rate(x[5m]))", "sum(rate(x[5m])) by (job)"),
        ("sum by (job) (rate(x[5m])) > 1", "sum by (job) (rate(x[5m]))", "sum by (job) (rate(x[5m]))"),
        ('a + x{b="1",a=~"2"} offset 5m', 'x{a=~"2",b="1"}', 'x{b="1",a=~"2"}'),
        ("a > 0.50", "0.5", "0.50"),
        ("a > (1e3)", "1000", "(1e3)"),
        ("topk(3, a) > 1", "topk(3, a)", "topk(3, a)"),
        ("max_over_time(a[1h:5m]) > 1", "max_over_time(a[1h:5m])", "max_over_time(a[1h:5m])"),
        ("a / ignoring (x) group_left b > 1", "a / b", "a / ignoring (x) group_left b"),
        ("x_rate(1)", "5", None),
    ],
)
def test_parts_are_found_in_their_text(text, part, at):
    span = find(text, parse(part))

    found_text = None if span is None else text[slice(*span)]
    assert found_text is None if at is None else found_text.startswith(at.rstrip()) or at.startswith(found_text)


NAMES = st.sampled_from(["a", "b_total", "c:d", "rate5m"])
LEAVES = st.one_of(
    NAMES, st.sampled_from(["1", "2.5", "0.001"]), NAMES.map(lambda n: f"rate({n}[5m])"), NAMES.map(lambda n: f'{n}{{x="1"}}')
)
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.tuples(below, st.sampled_from("+-*/"), below).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        below.map(lambda b: f"sum({b})"),
        below.map(lambda b: f"max({b}) by (job)"),
    ),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(TREES, TREES)
def test_every_operand_is_found_again(left, right):
    text = f"vector(7) + ({left} > bool {right})"
    try:
        parse(text), parse(left), parse(right)
    except Exception:  # noqa: BLE001 - sums of numbers are refused; that is not what is tested
        return

    for part in (left, right):
        span = find(text, parse(part))
        assert span is not None
        assert parse(text[slice(*span)]) == parse(part)


def test_long_lines_are_cut_around_the_caret():
    line = "x" * 100 + " > 1.4 " + "y" * 100
    problem = Problem("a/b", "m", file="f", line=1, column=104, found="1.4")

    shown, caret = excerpt(problem, [line])

    assert len(shown) <= 80
    assert shown.startswith("    1 | ...")
    assert shown.endswith("...")
    assert shown[caret.index("^") : caret.index("^") + 3] == "1.4"
    assert caret.count("^") == 3


@pytest.mark.parametrize("line", [None, 0, 5])
def test_a_place_that_is_not_there_has_no_excerpt(line):
    assert excerpt(Problem("a/b", "m", line=line, column=1), ["one"]) == []
