"""Generated rules in the real rule manager: guards, `>=`, alternatives, queries and time slices, instant by instant."""

import numpy as np
import pytest

from tests.support.histories import counters
from tests.support.promtool_timeline import our_transitions, real_transitions
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.rules import Profile
from workbench.alerts.timeline import timeline
from workbench.alerts.vocabulary import Vocabulary, routes_of
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.series import Series, SeriesKey, Telemetry

UNTIL_S = 3600
SMALL = Vocabulary(requests="req", code_label="code", tier_label=None)
QUICK = {"long": "10m", "short": "1m", "factor": 14.4, "severity": "page"}
SLOW = {"long": "45m", "short": "5m", "budget_share": "5%", "severity": "page"}
QUERY = {
    "kind": "query",
    "errors": 'sum by (route) (rate(req{code=~"5.."}[{{.window}}]))',
    "total": "sum by (route) (rate(req[{{.window}}]))",
}


def policy(rules, **slo):
    return Policy.model_validate(
        {
            "apiVersion": "workbench/v1",
            "kind": "Policy",
            "name": "p",
            "slos": {"one": {"target": "99%", "window": "1d", "indicator": {"kind": "events"}, **slo}},
            "burn_rate_alerts": rules,
        }
    )


CASES = {
    "min events": ({"A": QUICK | {"min_events": 300}, "B": SLOW | {"min_events": 5000}}, {}),
    "min events in both windows": ({"A": QUICK | {"min_events": 300, "min_events_short": 20}}, {}),
    "min failures": ({"A": QUICK | {"min_failures": 40}, "B": SLOW | {"min_failures": 100, "for": "2m"}}, {}),
    "one failure hides": ({"A": QUICK, "B": SLOW}, {"low_traffic": "min-events"}),
    "two failures": ({"A": QUICK, "B": SLOW}, {"low_traffic": "min-failures"}),
    "at or over": ({"A": QUICK | {"compare": ">="}, "B": SLOW | {"compare": ">=", "keep_firing_for": "1m"}}, {}),
    "alternatives": ({"A": QUICK | {"alert": "Page"}, "B": SLOW | {"alert": "Page"}}, {}),
    "guarded alternatives": ({"A": QUICK | {"alert": "Page"}, "B": SLOW | {"alert": "Page", "min_failures": 30}}, {}),
    "a query by route": ({"A": QUICK | {"min_failures": 5}, "B": SLOW}, {"indicator": QUERY}),
    "good and total": (
        {"A": QUICK | {"min_failures": 5, "min_events": 100}},
        {
            "indicator": {
                "kind": "query",
                "good": 'sum(increase(req{code!~"5.."}[{{.window}}]))',
                "total": "sum(increase(req[{{.window}}]))",
            }
        },
    ),
}


def compare(tmp_path, groups, telemetry, every_s=15):
    profile = Profile(prometheus="2.42", evaluation_interval_s=every_s)
    ours = our_transitions(timeline(groups, telemetry, profile, UNTIL_S))
    assert ours == real_transitions(tmp_path, groups, telemetry, every_s=every_s, until_s=UNTIL_S)
    return ours


@pytest.mark.parametrize("name", CASES)
def test_the_timeline_of_generated_rules_is_that_of_the_real_rule_manager(tmp_path, name):
    rules, slo = CASES[name]
    telemetry = counters(11, samples=230, routes=2)
    groups = rule_groups(policy(rules, **slo), routes_of(telemetry, SMALL), SMALL)

    assert compare(tmp_path, groups, telemetry)


def test_guards_silence_and_nothing_else():
    """Metamorphic: with guards an alert is there at a part of the instants at which it is there without."""
    telemetry = counters(11, samples=230, routes=2)
    routes = routes_of(telemetry, SMALL)

    def firing(**slo):
        groups = rule_groups(policy({"A": QUICK}, **slo), routes, SMALL)
        spans = [(e.pending_at_s, e.resolved_at_s or UNTIL_S) for e in timeline(groups, telemetry, Profile(), UNTIL_S)]
        return {t for first, last in spans for t in range(int(first), int(last), 15)}

    free, failures, events = firing(), firing(low_traffic="min-failures"), firing(low_traffic="min-events")

    assert failures <= free
    assert events <= free
    assert free


def hourly(failures):
    """Ten requests an hour for four hours, one every six minutes; `failures` are the numbers of those that fail."""
    times = np.arange(960) * 15.0
    arrived = np.zeros(960, int)
    arrived[23::24] = 1
    number = np.cumsum(arrived) - 1
    failed = arrived * np.isin(number, failures)
    series = [
        Series(SeriesKey.of("req", code=code, route="/"), times, np.cumsum(counted))
        for code, counted in (("500", failed), ("200", arrived - failed))
    ]
    return Telemetry.of(series, horizon_s=14400, scrape_interval_s=15)


@pytest.mark.parametrize(
    ("low_traffic", "failures", "pages"),
    [
        ("none", [20], True),
        ("min-events", [20], False),
        ("min-failures", [20], False),
        ("min-failures", [20, 21], True),
        ("min-events", [20, 21, 22, 23], False),
    ],
)
def test_ten_requests_an_hour_page_on_one_failure_unless_guarded(low_traffic, failures, pages):
    """The low-traffic example of the SRE workbook: 10 % of an hour against 1.44 %."""
    rules = {"A": {"long": "1h", "short": "10m", "factor": 14.4, "severity": "page"}}
    stated = policy(rules, low_traffic=low_traffic, target="99.9%", window="30d")
    groups = rule_groups(stated, ("/",), SMALL)

    episodes = timeline(groups, hourly(failures), Profile(), 14400)

    assert bool([e for e in episodes if e.firing_at_s is not None]) is pages


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("99%", (7, 17, 34, 100)),
        ("99.5%", (14, 34, 67, 200)),
        ("99.9%", (70, 167, 334, 1000)),
        ("99.95%", (139, 334, 667, 2000)),
        ("99.99%", (695, 1667, 3334, 10000)),
    ],
)
def test_so_many_events_hide_one_failure(target, needed):
    rules = {f"R{factor}": QUICK | {"factor": factor} for factor in (14.4, 6, 3, 1)}
    stated = policy(rules, target=target, low_traffic="min-events", alerts=list(rules))
    (group,) = rule_groups(stated, ("/",), SMALL)

    for rule, least in zip(group.rules, needed, strict=True):
        assert f"and sum(increase(req[10m])) >= {least})" in rule.expr


def test_at_or_over_takes_one_event_more_where_the_division_is_even():
    rules = {"A": QUICK | {"factor": 1, "compare": ">="}}
    (group,) = rule_groups(policy(rules, low_traffic="min-events"), ("/",), SMALL)

    assert ">= 101)" in group.rules[0].expr


def test_a_rules_own_guards_win_over_those_of_the_objective():
    (group,) = rule_groups(policy({"A": QUICK | {"min_failures": 9}}, low_traffic="min-events"), ("/",), SMALL)

    assert ">= 9)" in group.rules[0].expr
    assert "increase(req[10m])) >=" not in group.rules[0].expr


# The shapes of other tools: recordings, and alerts that read them.

PAIRS = {
    "page-quick": {"long": "10m", "short": "1m", "budget_share": "10%", "severity": "page", "page": True},
    "page-slow": {"long": "30m", "short": "3m", "budget_share": "12%", "severity": "page", "page": True},
    "ticket-quick": {"long": "40m", "short": "5m", "budget_share": "14%", "severity": "ticket"},
    "ticket-slow": {"long": "50m", "short": "10m", "budget_share": "14%", "severity": "ticket"},
}


@pytest.mark.parametrize(("preset", "window", "rules", "every_s"), [("sloth", "1d", PAIRS, 15), ("pyrra", "7d", {}, 30)])
def test_the_rules_of_other_tools_run_as_in_the_real_rule_manager(tmp_path, preset, window, rules, every_s):
    telemetry = counters(11, samples=230, routes=2)
    stated = policy(rules, window=window, target="98%").model_copy(update={"alert_preset": preset})
    groups = rule_groups(stated, routes_of(telemetry, SMALL), SMALL)
    assert all(group.recordings for group in groups[:-1])
    # promtool evaluates every group at one interval; that of increases is another
    groups = tuple(group for group in groups if not group.name.endswith("-increase"))

    assert compare(tmp_path, groups, telemetry, every_s)


# Time slices.


def sliced(**more):
    rules = {"A": {"long": "20m", "short": "4m", "factor": 3, "severity": "page"}, "B": SLOW | {"min_failures": 20}}
    return policy(rules, target="95%", time_slices={"length": "1m", "target": "97%"}, **more)


def test_a_sliced_objective_records_its_slices_before_its_alerts_once_a_slice():
    (group,) = rule_groups(sliced(), ("/a",), SMALL)

    assert group.interval_s == 60
    assert group.rules[0].record == "slo:slice_bad:bool1m"
    assert group.rules[0].expr == ('(sum(rate(req{code=~"5.."}[1m])) / sum(rate(req[1m])) > bool 0.03) or 0 * sum(rate(req[1m]))')
    assert group.alerts[0].expr == (
        '(avg_over_time(slo:slice_bad:bool1m{slo="one"}[20m]) > 3 * 0.05'
        ' and avg_over_time(slo:slice_bad:bool1m{slo="one"}[4m]) > 3 * 0.05) / 0.05'
    )
    assert 'and ignoring (slo) sum(increase(req{code=~"5.."}[45m])) >= 20)' in group.alerts[1].expr


@pytest.mark.parametrize("seed", [3, 11])
def test_the_timeline_of_time_slices_is_that_of_the_real_rule_manager(tmp_path, seed):
    telemetry = counters(seed, samples=230, routes=2)
    groups = rule_groups(sliced(), routes_of(telemetry, SMALL), SMALL)

    assert compare(tmp_path, groups, telemetry, every_s=60)


def test_the_first_error_of_all_is_one_bad_slice_of_many_and_not_all_of_them():
    times = np.arange(960) * 15.0
    good, bad = np.arange(960) * 10, np.where(np.arange(960) > 700, 30, 0)
    late = Series(SeriesKey.of("req", code="500", route="/"), times[690:], bad[690:])
    telemetry = Telemetry.of(
        [Series(SeriesKey.of("req", code="200", route="/"), times, good), late], horizon_s=14400, scrape_interval_s=15
    )
    groups = rule_groups(sliced(alerts=["A"]), ("/",), SMALL)

    assert timeline(groups, telemetry, Profile(), 14400) == ()
