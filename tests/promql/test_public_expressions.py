"""The kinds of expressions that public rules hold, each evaluated here and by the real promtool."""

import pytest

from tests.support.promtool_values import FAILED, answers
from tests.support.public_expressions import EVERY_S, INSTANTS_S, PAGE, kinds, ours, page
from tests.support.rule_corpus import agree, judge
from workbench.promql.parse import parse
from workbench.promql.text import expr_text

EVERY = kinds()


def test_there_are_two_hundred_of_them_all_different():
    texts = [text for one in EVERY for text in one.texts]

    assert len(texts) == len(set(texts)) == 200


def test_none_is_refused():
    assert {text: reason for one in EVERY for text, reason in one.refused.items()} == {}


def test_the_page_states_the_share():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.support.public_expressions"


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.kind)
def test_each_expression_and_each_part_of_it_has_the_elements_of_the_real_promtool(tmp_path, one):
    telemetry, parts = one.telemetry, one.parts
    real = answers(tmp_path, list(telemetry), list(parts), INSTANTS_S, grid_s=1, every_s=EVERY_S)

    wrong = []
    for (text, at_s), wanted in real.items():
        found = ours(telemetry, parts[text], at_s)
        if not agree(found, wanted):
            wrong.append(f"{text} at {at_s}: {found} instead of {wanted}")
    assert wrong == []


def test_three_quarters_of_the_expressions_say_something():
    told = [
        any(ours(telemetry, expr, at_s) not in ({}, FAILED) for at_s in INSTANTS_S)
        for one in EVERY
        for telemetry in [one.telemetry]
        for expr in one.parsed.values()
    ]

    assert sum(told) >= 150


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.kind)
def test_an_expression_written_as_text_again_reads_as_the_same(one):
    for text, expr in one.parsed.items():
        again = parse(expr_text(expr))
        assert repr(again) == repr(expr), text


def test_a_folder_of_rules_is_judged_file_by_file(tmp_path):
    (tmp_path / "good.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up >= 0}, {record: 'a:b', expr: sum(up)}]}]")
    (tmp_path / "resource.yaml").write_text(
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\n"
        "spec: {groups: [{name: g, rules: [{alert: B, expr: no_such_function(up)}]}]}"
    )
    (tmp_path / "values.yaml").write_text("replicas: 3")

    corpus = judge(tmp_path)

    assert (corpus.files, corpus.loaded, corpus.expressions, corpus.evaluated) == (2, 1, 3, 2)
    assert corpus.invalid == 1
    assert (corpus.compared, corpus.equal, corpus.said) == (2, 2, 2)
    assert any("no_such_function" in note for note in corpus.notes)
