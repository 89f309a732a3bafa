import pytest

from workbench.alerts.plan import Readers, components, results_of
from workbench.alerts.program import program
from workbench.alerts.rules import AlertRule, Profile, RecordingRule, RuleGroup
from workbench.promql.parse import parse


@pytest.mark.parametrize(
    ("selector", "writers"),
    [
        ("rec:a", {0}),
        ('rec:a{team="x"}', {0}),
        ('rec:a{team="y"}', set()),
        ('rec:a{team=""}', set()),
        ('rec:b{job="x"}', set()),
        ('rec:b{job=""}', {1}),
        ('rec:b{other="anything"}', {1}),
        ('{__name__=~"rec:.*"}', {0, 1}),
        ('{team!="x",__name__=~".+"}', {1, 2, 3}),
        ("ALERTS", {2, 3}),
        ('ALERTS{alertname="A"}', {2}),
        ('ALERTS{alertname="A",alertstate="resolved"}', set()),
        ('ALERTS_FOR_STATE{alertname!="A"}', {3}),
        ('ALERTS{severity="page"}', {2, 3}),
        ('ALERTS{severity="warning"}', {3}),
        ("scraped", set()),
    ],
)
def test_a_rule_reads_what_its_selectors_could_find(selector, writers):
    rules = (
        (RecordingRule("rec:a", "x"), {"team": "x"}),
        (RecordingRule("rec:b", "x"), {"job": ""}),
        (AlertRule("A", "x"), {"severity": "page"}),
        (AlertRule("B", "x"), {}),
    )
    readers = Readers([results_of(rule, fixed) for rule, fixed in rules])

    assert readers.writers(parse(selector)) == writers


def test_what_is_read_comes_first_and_circles_stay_together():
    reads = [frozenset(one) for one in ([3], [0, 2], [1], [], [4], [2, 4])]

    found = list(components(reads))

    assert found == [(3,), (0,), (1, 2), (4,), (5,)]


def test_only_rules_that_read_themselves_go_instant_by_instant():
    rules = (
        AlertRule("Early", "late > 0"),
        RecordingRule("late", "scraped"),
        RecordingRule("counted", "counted + 1 or late"),
        RecordingRule("ping", "pong"),
        RecordingRule("pong", "ping"),
    )

    steps = program([RuleGroup("g", rules)], Profile()).steps

    assert [(step.places, step.by_instant) for step in steps] == [((1,), False), ((0,), False), ((2,), True), ((3, 4), True)]
