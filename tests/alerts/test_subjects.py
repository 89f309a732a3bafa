import pytest

from workbench.alerts.expressions import Rules, windows_of
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.alerts.subjects import Subjects, pages
from workbench.alerts.vocabulary import SIMULATED
from workbench.scenario.schema.policy import Policy

ROUTES = ("/a", "/b", "/c")
POLICY = Policy.model_validate(
    {
        "apiVersion": "workbench/v1",
        "kind": "Policy",
        "name": "p",
        "slos": {
            "all": {"indicator": {"kind": "events"}, "target": "99%"},
            "only-a": {"indicator": {"kind": "events", "routes": ["/a"]}, "target": "99%"},
            "only-b": {"indicator": {"kind": "events", "routes": ["/b"], "tiers": ["gold"]}, "target": "99%"},
        },
        "burn_rate_alerts": {
            "Mine": {"long": "1h", "short": "5m", "factor": 2, "severity": "critical"},
            "Woken": {"long": "1h", "short": "5m", "factor": 2, "severity": "urgent", "page": True},
        },
    }
)


def subjects(*rules, records=()):
    group = RuleGroup("g", (*(RecordingRule(name, expr) for name, expr in records), *rules))
    return Subjects(POLICY, (group,), ROUTES, SIMULATED)


def about(expr, records=(), **labels):
    found = subjects(AlertRule("A", expr, labels=tuple(labels.items())), records=records).of_alert("A")
    return found.slos, found.routes and sorted(found.routes), found.tiers and sorted(found.tiers)


ERRORS = 'sum(rate(http_requests_total{status_code=~"5.."}[5m]))'


@pytest.mark.parametrize("label", ["slo", "sloth_slo", "slo_name", "objective"])
def test_a_label_names_the_objective(label):
    assert about(ERRORS, **{label: "only-a"}) == (("only-a",), None, None)
    assert about(ERRORS, **{label: "unknown"})[0] == ("all", "only-a", "only-b")


def test_selectors_say_which_routes_and_tiers_an_alert_is_about():
    assert about(ERRORS) == (("all", "only-a", "only-b"), None, None)
    assert about('rate(http_requests_total{route="/a"}[5m]) > 1') == (("all", "only-a"), ["/a"], None)
    assert about('rate(http_requests_total{route=~"/a|/b"}[5m]) > 1') == (("all", "only-a", "only-b"), ["/a", "/b"], None)
    assert about('rate(http_requests_total{route!="/a", tier="free"}[5m]) > 1') == (("all",), ["/b", "/c"], ["free"])
    assert about('rate(http_requests_total{route="/a"}[5m]) / rate(http_requests_total[5m])')[1] is None


def test_recording_rules_are_followed():
    records = [("r", 'rate(http_requests_total{route="/b"}[5m])'), ("s", "sum(r)")]

    assert about("s > 1", records) == (("all", "only-b"), ["/b"], None)


def test_the_labels_of_an_episode_narrow_it():
    made = subjects(AlertRule("A", "sum by (route) (rate(http_requests_total[5m])) > 1"))

    assert made.of_episode("A", (("route", "/a"),)).slos == ("all", "only-a")
    assert made.of_episode("A", (("slo", "only-b"),)).slos == ("only-b",)
    assert made.routes_of("A", (("route", "/a"),)) == ("/a",)
    assert made.routes_of("A", (("slo", "only-b"),)) == ("/b",)
    assert made.routes_of("A", ()) == ROUTES
    assert made.of_alert("unheard of").slos == ("all", "only-a", "only-b")


@pytest.mark.parametrize(
    ("alert", "labels", "wakes"),
    [
        ("X", {"page": "true"}, True),
        ("X", {"page": "false", "severity": "critical"}, False),
        ("X", {"severity": "page"}, True),
        ("X", {"severity": "Critical"}, True),
        ("X", {"sloth_severity": "page"}, True),
        ("X", {"severity": "urgent"}, True),
        ("X", {"severity": "warning"}, False),
        ("X", {}, False),
        ("Mine", {"severity": "critical"}, False),
        ("Woken", {"severity": "urgent"}, True),
    ],
)
def test_what_wakes_the_on_call(alert, labels, wakes):
    assert pages(POLICY, alert, labels) is wakes


def test_windows_are_followed_through_recording_rules():
    rules = (
        RecordingRule("short", "rate(x[5m])"),
        RecordingRule("long", "count_over_time(short[1h])"),
        AlertRule("A", "long > 1 and rate(x[30m]) > 1"),
        AlertRule("B", "up == 0"),
        RecordingRule("itself", "itself + rate(x[2m])"),
        AlertRule("C", "itself > 1"),
    )
    found = Rules((RuleGroup("g", rules),))

    assert [found.reach_ms(number) for number in (2, 3, 5)] == [65 * 60_000, 0, 2 * 60_000]
    assert subjects(*rules).reach_s("A") == 3900.0
    assert windows_of((RuleGroup("g", rules),)) == {
        2 * 60_000: ("itself of g",),
        5 * 60_000: ("short of g",),
        30 * 60_000: ("A of g",),
    }
