import csv
import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tests.support.places import SHARED
from workbench.alerts.rules import Profile
from workbench.errors import BadInput, Severity
from workbench.run.replay import _share_with_rate, replay
from workbench.scenario.schema.policy import Policy
from workbench.slo.account import BudgetStatus


def policy(**slos):
    rules = {
        "fast": {"long": "1h", "short": "5m", "factor": 14.4, "for": "2m", "severity": "critical", "page": True},
        "moderate": {"long": "6h", "short": "30m", "factor": 6, "for": "15m", "severity": "warning"},
    }
    slos = slos or {"availability": {"indicator": {"kind": "events"}, "target": "99.9%", "window": "history"}}
    return Policy.model_validate(
        {"apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "slos": slos, "burn_rate_alerts": rules}
    )


def slo(kind="events", target="99%", **indicator):
    return {"indicator": {"kind": kind, **indicator}, "target": target, "window": "history"}


def shared(folder, name="requests.csv.gz"):
    path = SHARED / "data" / folder / name
    if not path.is_file():
        pytest.skip(f"needs the data set {folder}, which is not part of the project")
    return path


def history(tmp_path, rows, head="time,total,errors"):
    path = tmp_path / "shop.csv"
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def minutes(count, errors=lambda _: 0):
    return [(60 * i, 100, errors(i)) for i in range(count)]


def checks(outcome):
    return {finding.check for finding in outcome.findings}


def test_the_online_boutique_front_end_uses_its_budget_5_84_times_over():
    outcome = replay(shared("online-boutique-faults"), policy(), route="frontend")

    (result,) = outcome.slos
    frame = pd.read_csv(shared("online-boutique-faults")).query("route == 'frontend'")
    assert (result.total, result.total - result.good) == (int(frame["total"].sum()), int(frame["errors"].sum())) == (619_389, 3_620)
    assert result.budget.consumed_share == pytest.approx(3620 / 619389 / 0.001)
    assert round(result.budget.consumed_share, 2) == 5.84
    assert result.budget.status is BudgetStatus.EXCEEDED
    assert outcome.profile == Profile("3.5", 60.0, 60.0, 7.0)
    assert outcome.start == dt.datetime(2022, 8, 22, 3, 51, 19, tzinfo=dt.UTC)
    assert outcome.coverage[0] == ("rows missing", 0.0)


def test_services_of_the_online_boutique_whose_errors_are_unknown_stay_unknown():
    slos = {name: slo(routes=[name]) for name in ("frontend", "cartservice")}
    outcome = replay(shared("online-boutique-faults"), policy(**slos))

    cart, front = outcome.slos
    assert (cart.good, cart.total, cart.sli, cart.met, cart.budget.status) == (0, 0, None, None, BudgetStatus.UNKNOWN)
    assert cart.unknown_events == 593_824
    assert front.total == 619_389
    (told,) = [f for f in outcome.findings if f.check == "replay/unmeasured"]
    assert (told.path, told.found) == ("slos.cartservice.indicator", "'cartservice'")


def test_labelled_faults_of_the_online_boutique_are_scored():
    outcome = replay(
        shared("online-boutique-faults"), policy(), route="frontend", incidents=shared("online-boutique-faults", "incidents.csv")
    )

    with shared("online-boutique-faults", "incidents.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    start = outcome.start
    expected = [(row["id"], (dt.datetime.fromisoformat(row["start"]) - start).total_seconds()) for row in rows]
    assert sorted((i.id, i.start_s) for i in outcome.truth.incidents) == sorted(expected)
    assert {i.routes for i in outcome.truth.incidents} == {("frontend",)}
    assert outcome.score.overall.incidents == 24
    assert len(outcome.scorecard) == 5


def test_petshop_rows_are_too_coarse_for_five_minutes():
    outcome = replay(
        shared("petshop-low-traffic"), policy(), route="petsite", incidents=shared("petshop-low-traffic", "incidents.csv")
    )

    (told,) = [f for f in outcome.findings if f.check == "replay/coarse-rows"]
    assert "rows every 5m are too coarse for [5m]" in told.message
    assert "fast of availability can never fire" in told.message
    assert not [e for e in outcome.episodes if e.alert == "fast"]
    assert [e for e in outcome.episodes if e.alert == "moderate"]
    assert (outcome.slos[0].total, outcome.slos[0].total - outcome.slos[0].good) == (285_225, 1_167)
    assert "26 of 26 incidents lie outside" in next(f.message for f in outcome.findings if f.check == "incidents/outside")
    assert outcome.profile.evaluation_interval_s == 60


def test_a_history_without_errors_is_measured_by_nothing_and_says_so():
    outcome = replay(shared("nasa-http-1995"), policy())

    assert outcome.slos[0].sli is None
    assert next(f for f in outcome.findings if f.check == "replay/nothing-measured").severity is Severity.ERROR
    assert dict(outcome.coverage)["outage"] > 0.025


def test_a_latency_objective_is_measured_from_the_saas_histogram():
    outcome = replay(shared("saas-nginx-2013"), policy(fast=slo("latency", threshold="250ms", routes=["api"])))

    frame = pd.read_csv(shared("saas-nginx-2013")).query("route == 'api'")
    assert (outcome.slos[0].good, outcome.slos[0].total) == (int(frame["le_250"].sum()), int(frame["total"].sum()))


def test_a_burst_of_errors_pages_at_the_evaluations_that_prometheus_would_choose(tmp_path):
    rows = minutes(600, lambda i: 100 if 300 <= i < 330 else 0)
    outcome = replay(history(tmp_path, rows), policy())

    fast = [e for e in outcome.episodes if e.alert == "fast"]
    # Row 300 is scraped 7 s after its time, so the evaluation after it is the first to see errors: 1 of 4 intervals of the five
    # minutes, 1 of 59 of the hour (1.7 %, over 14.4 x 0.1 %). It fires 2 min later.
    assert fast[0].pending_at_s == 301 * 60
    assert fast[0].firing_at_s == 303 * 60
    assert outcome.slos[0].total == 60_000


def test_a_history_without_routes_is_one_service(tmp_path):
    outcome = replay(history(tmp_path, minutes(60)), policy(all=slo(), login=slo(routes=["/login"])))

    everything, login = outcome.slos
    assert (everything.total, everything.good) == (6000, 6000)
    assert (login.total, login.sli) == (0, None)
    assert [rule.rules[0].expr.count("{") for rule in outcome.rules] == [0]


def test_a_metric_may_have_the_users_names(tmp_path):
    path = history(tmp_path, minutes(60))
    outcome = replay(path, policy(), requests_name="hits", errors_name="misses")

    assert "rate(misses[1h])" in outcome.rules[0].rules[0].expr
    assert outcome.slos[0].total == 6000


@pytest.mark.parametrize(
    ("indicator", "fragment", "nearest"),
    [
        ({"tiers": ["premium"]}, "does not know tiers", None),
        ({"routes": ["/longin"]}, "no route of the history matches", "/login"),
        ({"kind": "latency", "threshold": "200ms"}, "no `le_*` column has its threshold", "250ms"),
        ({"routes": ["/mute"]}, "the errors of its routes are unknown", None),
    ],
)
def test_an_objective_that_cannot_be_measured_is_unknown_and_says_why(tmp_path, indicator, fragment, nearest):
    rows = [(60 * i, route, 10, errors, 5) for i in range(30) for route, errors in (("/login", 0), ("/mute", ""))]
    path = history(tmp_path, rows, "time,route,total,errors,le_250")
    outcome = replay(path, policy(one=slo(**indicator)))

    (told,) = [f for f in outcome.findings if f.check == "replay/unmeasured"]
    assert fragment in told.message
    assert told.nearest == nearest
    assert (outcome.slos[0].sli, outcome.slos[0].met, outcome.slos[0].total) == (None, None, 0)


def test_codes_to_exclude_are_told_to_have_no_effect(tmp_path):
    outcome = replay(history(tmp_path, minutes(30)), policy(one=slo(exclude_codes=["4.."])))

    assert "replay/codes" in checks(outcome)


def test_an_incident_touches_its_route_or_all(tmp_path):
    rows = [(60 * i, route, 10, 0) for i in range(200) for route in ("/a", "/b")]
    listed = tmp_path / "i.csv"
    listed.write_text(
        "id,target,start,end,severity\n1,/a,600,1200,slow\n2,database,1200,,down\n3,database,3000,,down\n4,x,9e8,,\n5,/b,0,0.5,\n"
    )
    outcome = replay(history(tmp_path, rows, "time,route,total,errors"), policy(), incidents=listed)

    touched = {i.id: (i.routes, i.start_s, i.end_s, i.natural_end_s) for i in outcome.truth.incidents}
    assert touched == {
        "1": (("/a",), 600, 1200, 1200),
        "2": (("/a", "/b"), 1200, 3000, None),
        "3": (("/a", "/b"), 3000, 6600, None),
        "5": (("/b",), 0, 0.5, 0.5),
    }
    assert {"incidents/open-end", "incidents/outside"} <= checks(outcome)


def test_an_incident_under_way_begins_with_the_history_and_ends_with_it(tmp_path):
    rows = [(1000 + 60 * i, 10, 0) for i in range(100)]
    listed = tmp_path / "i.csv"
    listed.write_text("id,start,end\n1,500,1500\n2,6000,99999\n")
    outcome = replay(history(tmp_path, rows), policy(), incidents=listed)

    assert [(i.start_s, i.end_s, i.natural_end_s, i.routes) for i in outcome.truth.incidents] == [
        (0, 500, 500, ()),
        (5000, 6000, 98999, ()),
    ]
    assert "incidents/early" in checks(outcome)


@pytest.mark.parametrize(("spacing", "every"), [(5, 5), (15, 15), (60, 60), (300, 60)])
def test_rules_are_evaluated_at_every_row_but_at_least_every_minute(tmp_path, spacing, every):
    outcome = replay(history(tmp_path, [(spacing * i, 10, 0) for i in range(50)]), policy())

    assert (outcome.profile.scrape_interval_s, outcome.profile.evaluation_interval_s) == (spacing, every)
    assert outcome.horizon_s == 50 * spacing


def test_a_window_is_told_that_seldom_holds_two_rows(tmp_path):
    outcome = replay(history(tmp_path, [(200 * i, 10, 0) for i in range(50)]), policy(), evaluation_interval_s=10)

    (told,) = [f for f in outcome.findings if f.check == "replay/sparse-rows"]
    assert "[5m] holds two samples at only 50% of the evaluations" in told.message


@pytest.mark.parametrize(
    ("spacing", "window", "phase", "version"),
    [(60, 300, 7, "3.5"), (200, 300, 7, "3.5"), (300, 300, 0, "2.42"), (300, 300, 0, "3.5"), (170, 300, 3, "2.53")],
)
def test_the_share_of_evaluations_with_a_rate_equals_counting_samples(spacing, window, phase, version):
    times = np.delete(np.arange(60) * float(spacing) + phase, [10, 11, 30])
    profile = Profile(version, spacing, 15.0, phase)
    until = times[-1]

    counts = []
    for instant in np.arange(0, until + 1e-9, 15.0):
        after = times > instant - window if version == "3.5" else times >= instant - window
        if instant >= times[1]:
            counts.append((after & (times <= instant)).sum() >= 2)

    assert _share_with_rate(times, window, profile, until) == pytest.approx(np.mean(counts))


@pytest.mark.parametrize(
    ("rows", "options", "fragment"),
    [
        ([(0, 1, 0), (2e11, 1, 0)], {}, "at most 20 years"),
        ([(0, 1, 0), (6e8, 1, 0)], {"evaluation_interval_s": 1.0}, "a longer evaluation interval"),
    ],
)
def test_a_history_too_long_to_evaluate_is_refused_at_once(tmp_path, rows, options, fragment):
    with pytest.raises(BadInput, match=fragment):
        replay(history(tmp_path, rows), policy(), **options)


def test_the_digest_depends_on_everything_that_decides_the_result(tmp_path):
    path = history(tmp_path, minutes(60))
    base = replay(path, policy()).digest

    assert replay(path, policy()).digest == base
    others = {
        replay(path, policy(), phase_s=8.0).digest,
        replay(path, policy(), prometheus="2.42").digest,
        replay(path, policy(), requests_name="hits").digest,
        replay(path, policy(one=slo())).digest,
        replay(history(tmp_path, minutes(61)), policy()).digest,
    }
    assert len(others | {base}) == 6
    assert Decimal("0.999") == policy().slos["availability"].target
