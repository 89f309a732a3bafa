import numpy as np
import pytest

from workbench.alerts.rule_files import read_rule_files
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.alerts.unmatched import unmatched
from workbench.errors import Severity
from workbench.telemetry.series import Series, SeriesKey, Telemetry

KEYS = [
    SeriesKey.of("http_requests_total", route=route, code=code, tier="free")
    for route in ("/login", "/search")
    for code in ("200", "500")
] + [SeriesKey.of("up", job="api")]
SEEN = Telemetry.of([Series(key, np.arange(3.0), np.arange(3)) for key in KEYS], horizon_s=3.0, scrape_interval_s=1.0)


def found(*exprs, records=()):
    rules = [RecordingRule(name, expr) for name, expr in records]
    rules += [AlertRule(f"A{index}", expr) for index, expr in enumerate(exprs)]
    return unmatched((RuleGroup("g", tuple(rules)),), SEEN)


@pytest.mark.parametrize(
    "expr",
    [
        "up == 0",
        'rate(http_requests_total{code=~"5.."}[5m]) > 1',
        'http_requests_total{job=""}',
        'http_requests_total{route!="/none"}',
        '{__name__=~"http_.*"}',
        'ALERTS{alertname="A0"}',
        "vector(1)",
        "1 > 0",
    ],
)
def test_what_finds_series_is_no_finding(expr):
    assert found(expr) == ()


@pytest.mark.parametrize(
    ("expr", "words", "nearest", "never"),
    [
        ("http_request_total > 1", "there is no metric http_request_total", "http_requests_total", True),
        ('sum(rate(http_requests_total{cod="500"}[5m])) > 1', "http_requests_total has no label cod", "code", True),
        ('http_requests_total{route="/logn"}', 'no http_requests_total has route="/logn"', "/login", True),
        ('http_requests_total{route=~"/logn|/serch"}', 'no http_requests_total has route=~"/logn|/serch"', "/login", True),
        ('http_requests_total{code="200", route!~"/.*"}', 'no http_requests_total has route!~"/.*"', None, True),
        ('up and http_requests_total{code="404"}', 'no http_requests_total has code="404"', None, True),
        ('http_requests_total{code="404"} or up == 0', 'no http_requests_total has code="404"', None, False),
        ('sum(http_requests_total{code="404"} or vector(0))', 'no http_requests_total has code="404"', None, False),
        ('up unless http_requests_total{code="404"}', 'no http_requests_total has code="404"', None, False),
        ('{__name__=~"grpc_.*"}', 'no metric has __name__=~"grpc_.*"', None, True),
        ('ALERTS{alertname="None"}', "ALERTS is what rules write, and none of them with these labels", None, True),
    ],
)
def test_the_matcher_that_fails_is_named(expr, words, nearest, never):
    (problem,) = found(expr)

    assert words in problem.message
    assert ("it can never fire" in problem.message) is never
    assert problem.nearest == nearest
    assert problem.check == "rules/no-series"


def test_where_nothing_is_an_answer_it_is_a_remark():
    def severities(expr):
        return [one.severity for one in found(expr)]

    assert severities("missing or vector(0)") == [Severity.INFO]
    assert severities("up unless missing") == [Severity.INFO]
    assert severities("missing") == [Severity.WARNING]


def test_what_rules_record_is_found_and_what_they_never_record_is_told():
    records = [("job:up", "up"), ("job:none", "sum(missing)"), ("job:after", "job:none * 2")]
    problems = found("job:up == 0", "job:after > 1", "job:upp > 1", "job:up + job:none", records=records)
    told = [one.message for one in problems]

    assert told == [
        "record job:none: missing matches no series: there is no metric missing; nothing is ever recorded",
        "record job:after: nothing is ever recorded: it reads job:none, which never has an element",
        "alert A1: it can never fire: it reads job:after, which never has an element",
        "alert A2: job:upp matches no series: there is no metric job:upp; it can never fire",
        "alert A3: it can never fire: it reads job:none, which never has an element",
    ]
    assert problems[3].nearest == "job:up"


def test_labels_that_a_record_fixes_count():
    (group,) = (RuleGroup("g", (RecordingRule("r", "up", (("window", "5m"),)), AlertRule("A", 'r{window="1h"} > 0'))),)
    (problem,) = unmatched((group,), SEEN)

    assert "none of them with these labels" in problem.message


def test_a_finding_has_the_line_of_its_metric(tmp_path):
    (tmp_path / "rules.yaml").write_text(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up\n        and\n"
        "      rate(http_request_total[5m])\n    for: 5m\n"
    )
    files = read_rule_files([tmp_path / "rules.yaml"])
    (problem,) = unmatched(files.groups, SEEN, files)

    assert (problem.line, problem.column) == (8, 12)


def test_a_label_that_is_one_word_of_another_has_that_one_as_its_nearest():
    key = SeriesKey.of("http_requests_total", route="/login", status_code="500", tier="free")
    seen = Telemetry.of([Series(key, np.arange(3.0), np.arange(3))], horizon_s=3.0, scrape_interval_s=1.0)
    rule = AlertRule("A", 'http_requests_total{code="500"}')

    (problem,) = unmatched((RuleGroup("g", (rule,)),), seen)

    assert (problem.nearest, problem.allowed) == ("status_code", "route, status_code, tier")
