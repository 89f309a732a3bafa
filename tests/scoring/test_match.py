"""Scoring worked by hand: one request a second, ten failures a minute inside an incident, 99 % over the run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slo.making import START, policy, requests, slo, telemetry
from workbench.alerts.expressions import Rules
from workbench.alerts.rules import AlertRule, Episode, RuleGroup
from workbench.alerts.vocabulary import SIMULATED
from workbench.scoring.match import score
from workbench.scoring.watch import watches
from workbench.slo.measure import measure_slos
from workbench.world.truth import Incident, Truth

HOUR = 3600.0
HORIZON = 7 * 24 * HOUR
POLICY = {"a": slo("99%", window="history", routes=["/a"]), "b": slo("99%", window="history", routes=["/b"])}
RULES = {
    "Fast": {"long": "1h", "short": "5m", "factor": 14.4, "severity": "critical", "page": True},
    "Slow": {"long": "6h", "short": "30m", "factor": 6, "severity": "warning"},
}


def rule(name, slo_name="a", window="1h", severity="critical"):
    return AlertRule(name, f"rate(x[{window}]) > 1 and rate(x[5m]) > 1", labels=(("severity", severity), ("slo", slo_name)))


FAST, SLOW = rule("Fast"), rule("Slow", window="6h", severity="warning")


def incident(name, start_h, end_h, routes=("/a",), tiers=("t",)):
    return Incident(name, "mode", "db", "failure", routes, tiers, start_h * HOUR, None, end_h * HOUR, "errors 10 %")


def fired(at_h, until_h=None, alert="Fast", slo_name="a"):
    labels = (("severity", "critical"), ("slo", slo_name))
    return Episode(at_h * HOUR - 60, alert, labels, at_h * HOUR, None if until_h is None else until_h * HOUR)


def traffic(incidents):
    times = np.arange(1, int(HORIZON / 60) + 1) * 60.0
    made = []
    for route in ("/a", "/b"):
        bad = np.zeros(len(times), dtype=int)
        for one in incidents:
            if route in one.routes:
                bad[(times > one.start_s) & (times <= one.end_s)] = 10
        made += [
            requests(times, 60 - bad, route=route, tier="t", status_code="200"),
            requests(times, bad, route=route, tier="t", status_code="500"),
        ]
    return telemetry(*made, horizon_s=HORIZON)


def judged(incidents, episodes, rules=(FAST,), slos=None, **scoring):
    chosen = policy(slos or POLICY, burn_rate_alerts=RULES, scoring=scoring)
    groups = (RuleGroup("g", tuple(rules)),)
    return score(chosen, groups, episodes, Truth(tuple(incidents)), traffic(incidents), SIMULATED, HORIZON, START)


# An hour of the incident spends 600 of 604,800 x 1 % = 6,048 tolerated failures.
HOURLY = 600 / 6048


@pytest.mark.parametrize(
    ("at_h", "true"),
    [
        pytest.param(10 - 1 / 3600, False, id="a second before the start"),
        pytest.param(10, True, id="exactly at the start"),
        pytest.param(10.5, True, id="inside"),
        pytest.param(12, True, id="exactly at the end"),
        pytest.param(13, True, id="exactly at the end plus the rule's longest window"),
        pytest.param(13 + 1 / 3600, False, id="a second later"),
    ],
)
def test_a_firing_is_true_from_the_start_to_the_end_plus_the_rules_longest_window(at_h, true):
    found = judged([incident("i", 10, 12)], [fired(at_h, 20)])

    assert (found.overall.firings, found.overall.true_firings) == (1, int(true))
    assert found.overall.precision == float(true)
    assert found.overall.recall == float(true)
    assert found.detections[0].detection_time_s == (pytest.approx((at_h - 10) * HOUR) if true else None)


def test_firings_that_no_incident_explains_are_named_and_no_others():
    explained, unexplained = fired(10.2, 10.5), fired(20.0, 20.1)

    found = judged([incident("i", 10, 11)], [explained, unexplained, Episode(5.0, "Fast", explained.labels, None, 65.0)])

    assert found.false_firings == (unexplained,)
    assert found.overall.firings - found.overall.true_firings == len(found.false_firings)


def test_each_rule_has_the_grace_of_its_own_window():
    found = judged([incident("i", 10, 12)], [fired(17, 18), fired(17, 18, "Slow")], (FAST, SLOW))

    assert {one.alert: one.true_firings for one in found.rules} == {"Fast": 0, "Slow": 1}
    assert found.overall.precision == 0.5


def test_a_fixed_grace_replaces_the_longest_window():
    incidents, episodes = [incident("i", 10, 12)], [fired(12.4, 13)]

    assert judged(incidents, episodes, grace="30m").overall.true_firings == 1
    assert judged(incidents, episodes, grace="10m").overall.true_firings == 0
    assert "plus 10m" in judged(incidents, episodes, grace="10m").rules_text[0]


def test_one_firing_detects_two_overlapping_incidents():
    found = judged([incident("i", 10, 12), incident("j", 11, 13)], [fired(11.5, 14)])

    assert (found.overall.firings, found.overall.true_firings, found.overall.detected) == (1, 1, 2)
    assert [one.detection_time_s / HOUR for one in found.detections] == [1.5, 0.5]


def test_two_firings_of_one_incident_are_both_true_and_the_first_is_the_detection():
    found = judged([incident("i", 10, 12)], [fired(11, 11.2), fired(10.5, 10.6)])

    assert (found.overall.firings, found.overall.true_firings, found.overall.precision) == (2, 2, 1.0)
    assert found.detections[0].detection_time_s == 0.5 * HOUR


def test_an_alert_that_still_fires_hides_the_next_incident():
    found = judged([incident("i", 10, 11), incident("j", 13, 14)], [fired(10.5, 15)])

    assert [one.detected_by for one in found.detections] == ["Fast", None]
    assert found.overall.recall == 0.5


def test_a_firing_of_an_objective_that_the_incident_does_not_touch_is_false():
    both = (FAST, rule("Fast", "b"))

    found = judged([incident("i", 10, 12, routes=("/b",))], [fired(11, 12), fired(11, 12, slo_name="b")], both)

    assert (found.overall.firings, found.overall.true_firings) == (2, 1)


def test_tiers_that_do_not_meet_do_not_touch():
    slos = {"a": slo("99%", window="history", tiers=["premium"])}
    free, premium = incident("i", 10, 12, tiers=("free",)), incident("j", 20, 22, tiers=("free", "premium"))

    found = judged([free, premium], [fired(11, 12), fired(21, 22)], slos=slos)

    assert (found.overall.true_firings, found.overall.incidents) == (1, 1)


def test_a_rules_recall_counts_only_incidents_that_touch_what_it_watches():
    rules = (FAST, rule("OfB", "b"))

    found = judged([incident("i", 10, 12), incident("j", 20, 22, routes=("/b",))], [fired(11, 12)], rules)

    assert {one.alert: (one.incidents, one.recall_all) for one in found.rules} == {"Fast": (1, 1.0), "OfB": (1, 0.0)}
    assert (found.overall.incidents, found.overall.recall_all) == (2, 0.5)


def test_budget_spent_is_the_share_of_all_tolerated_failures():
    found = judged([incident("i", 10, 12)], [fired(10.5, 13)])

    one = found.detections[0]
    assert one.budget_slo == "a"
    assert one.budget_share == pytest.approx(2 * HOURLY)
    assert one.budget_before_detection == pytest.approx(0.5 * HOURLY)
    assert found.overall.mean_budget_before_detection == pytest.approx(0.5 * HOURLY)


def test_after_the_end_no_more_budget_is_spent_before_detection():
    found = judged([incident("i", 10, 12)], [fired(12.9, 13)])

    assert found.detections[0].budget_before_detection == found.detections[0].budget_share


@pytest.mark.parametrize(("minutes", "significant"), [(12, False), (13, True)])
def test_recall_counts_incidents_of_at_least_two_percent_of_the_budget(minutes, significant):
    # 12 min are 120 failures, 13 min 130; 2 % of 6,048 is 120.96.
    found = judged([incident("i", 10, 10 + minutes / 60)], [])

    assert found.detections[0].significant is significant
    assert (found.overall.significant_incidents, found.overall.recall) == ((1, 0.0) if significant else (0, None))
    assert (found.overall.incidents, found.overall.recall_all) == (1, 0.0)


def test_exactly_the_significant_share_is_significant():
    # 600 failures of 6,000 tolerated: exactly 10 %.
    times = np.array([60.0, HORIZON])
    data = telemetry(
        requests(times, [0, 599_400], route="/a", tier="t", status_code="200"),
        requests(times, [600, 0], route="/a", tier="t", status_code="500"),
        horizon_s=HORIZON,
    )
    chosen = policy({"a": POLICY["a"]}, burn_rate_alerts=RULES, scoring={"significant_share": "10%"})
    truth = Truth((incident("i", 0, 60 / HOUR),))
    assert score(chosen, (RuleGroup("g", (FAST,)),), [], truth, data, SIMULATED, HORIZON, START).detections[0].significant


def test_an_incident_between_two_scrapes_is_charged_with_the_scrape_that_holds_it():
    times = np.array([60.0, 120.0, 180.0])
    data = telemetry(
        requests(times, [95, 90, 100], route="/a", tier="t", status_code="200"),
        requests(times, [5, 10, 0], route="/a", tier="t", status_code="500"),
        horizon_s=180,
    )
    chosen = policy({"a": POLICY["a"]}, burn_rate_alerts=RULES)
    short = Incident("i", "m", "db", "failure", ("/a",), ("t",), 70.0, None, 80.0, "e")

    found = score(chosen, (RuleGroup("g", (FAST,)),), [], Truth((short,)), data, SIMULATED, 180.0, START)

    assert found.detections[0].budget_share == pytest.approx(10 / (0.01 * 300))


def test_the_reset_time_runs_from_the_last_detected_incidents_end_to_the_end_of_the_firing():
    incidents = [incident("i", 10, 12), incident("j", 11, 13), incident("k", 30, 32)]

    found = judged(incidents, [fired(11.5, 14), fired(30.5, 31.5), fired(31, None)])

    assert found.overall.median_reset_time_s == HOUR


def test_only_paging_rules_page():
    found = judged([], [fired(1, 2), fired(3, 4), fired(3, 4, "Slow")], (FAST, SLOW))

    assert {one.alert: one.pages for one in found.rules} == {"Fast": 2, "Slow": 0}
    assert (found.overall.pages, found.overall.pages_per_week) == (2, 2.0)
    assert (found.overall.precision, found.overall.recall, found.overall.recall_all) == (0.0, None, None)


def test_a_severity_that_only_the_firing_knows_pages():
    templated = AlertRule("Mine", "x", labels=(("severity", "{{ if gt $value 0.5 }}critical{{ else }}info{{ end }}"),))
    firings = [
        Episode(at * HOUR, "Mine", (("severity", severity),), at * HOUR, (at + 0.5) * HOUR)
        for at, severity in ((1, "critical"), (2, "none"), (3, "critical"))
    ]
    found = judged([], firings, (templated,))

    assert found.overall.pages == 2


def test_episodes_that_never_fired_are_no_firings():
    found = judged([incident("i", 10, 12)], [Episode(10.5 * HOUR, "Fast", (("slo", "a"),), None, 10.6 * HOUR)])

    assert (found.overall.firings, found.overall.precision, found.overall.recall) == (0, None, 0.0)


def test_without_rules_incidents_are_listed_and_missed():
    found = judged([incident("i", 10, 12)], [], rules=())

    assert found.rules == ()
    assert (found.detections[0].significant, found.detections[0].detected_by) == (True, None)


def test_an_incident_cut_by_the_end_of_the_run_is_charged_up_to_there():
    found = judged([incident("i", 167, 200), incident("late", 169, 170)], [])

    assert [one.incident for one in found.detections] == ["i"]
    assert found.detections[0].budget_share == pytest.approx(HOURLY)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(0, 20))
def test_shares_of_incidents_that_do_not_overlap_add_up_to_the_accounts_consumption(lengths, gap):
    incidents, at = [], 1.0
    for k, quarter_hours in enumerate(lengths):
        incidents.append(incident(f"i{k}", at, at + quarter_hours / 4))
        at += quarter_hours / 4 + gap / 4

    found = judged(incidents, [])
    account = measure_slos(policy(POLICY), traffic(incidents), SIMULATED, START, HORIZON)[0].budget

    assert sum(one.budget_share for one in found.detections) == pytest.approx(account.consumed_share, rel=1e-12)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 160), st.integers(1, 8)), max_size=6), st.lists(st.integers(1, 167), max_size=8), st.randoms()
)
def test_matching_agrees_with_the_rule_read_aloud_and_the_order_of_inputs_does_not_matter(spans, firings, random):
    incidents = [incident(f"i{k}", start, start + length) for k, (start, length) in enumerate(spans)]
    episodes = [fired(at, at + 1) for at in sorted(set(firings))]
    shuffled = list(episodes)
    random.shuffle(shuffled)

    found = judged(incidents, episodes)

    true = sum(any(i.start_s <= e.firing_at_s <= i.end_s + HOUR for i in incidents) for e in episodes)
    caught = sum(any(i.start_s <= e.firing_at_s <= i.end_s + HOUR for e in episodes) for i in incidents)
    assert (found.overall.true_firings, found.overall.detected) == (true, caught)
    assert judged(incidents, shuffled) == found
    assert [(r.true_firings, r.detected) for r in found.rules] == [(true, caught)]


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ("rate(a[5m]) > 1 and rate(a[1h]) > 1", 3600),
        ("count_over_time(a[3d] offset 1h)", 259_200),
        ("max_over_time(x[6h:1m])", 21_600),
        ("max_over_time(rate(x[1h])[6h:1m])", 25_200),
        ("up == 0", 0),
    ],
)
def test_the_longest_window_of_a_rule_is_read_off_its_expression(expr, seconds):
    assert Rules((RuleGroup("g", (AlertRule("x", expr),)),)).reach_ms(0) == 1000 * seconds


def test_a_rule_that_names_no_objective_watches_all():
    (watch,) = watches(policy(POLICY), (RuleGroup("g", (AlertRule("Mine", "rate(x[1h]) > 1"),)),))

    assert watch.slos == ("a", "b")
    assert watch.page is False


def test_a_foreign_rule_pages_if_its_label_or_its_severity_says_so():
    chosen = policy(POLICY, burn_rate_alerts=RULES)
    rules = (
        AlertRule("Labelled", "x", labels=(("page", "true"),)),
        AlertRule("Critical", "x", labels=(("severity", "critical"),)),
        AlertRule("Slow", "x", labels=(("severity", "critical"),)),
    )

    assert {one.alert: one.page for one in watches(chosen, (RuleGroup("g", rules),))} == {
        "Critical": True,
        "Labelled": True,
        "Slow": False,
    }
