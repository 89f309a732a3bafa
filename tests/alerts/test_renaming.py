import numpy as np
import pytest

from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.renaming import Renaming
from workbench.alerts.vocabulary import SIMULATED, routes_of
from workbench.errors import BadInput, Severity
from workbench.scenario.schema.naming import MetricsMap
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.series import Series, SeriesKey, Telemetry

TIMES = np.arange(4.0)


def telemetry(*keys):
    return Telemetry.of([Series(key, TIMES, np.arange(4)) for key in keys], horizon_s=4.0, scrape_interval_s=1.0)


REQUESTS = [SeriesKey.of("http_requests_total", route=route, status_code=code) for route in ("/a", "/b") for code in ("200", "500")]
LATENCY = [
    SeriesKey.of("http_request_duration_seconds_bucket", route="/a", le="1.0"),
    SeriesKey.of("http_request_duration_seconds_count", route="/a"),
    SeriesKey.of("http_request_duration_seconds_sum", route="/a"),
]
ALL = telemetry(*REQUESTS, *LATENCY, SeriesKey.of("jobs_count"))


def test_names_labels_values_and_added_labels_are_the_users():
    renamed = Renaming(
        MetricsMap(
            names={"http_requests_total": "requests", "http_request_duration_seconds": "latency"},
            labels={"status_code": "code", "route": "handler"},
            values={"route": {"/a": "login"}, "status_code": {"500": "error"}},
            add={"job": "api"},
        )
    ).telemetry(ALL)

    assert [str(one.key) for one in renamed] == [
        'jobs_count{job="api"}',
        'latency_bucket{handler="login",job="api",le="1.0"}',
        'latency_count{handler="login",job="api"}',
        'latency_sum{handler="login",job="api"}',
        'requests{code="200",handler="/b",job="api"}',
        'requests{code="200",handler="login",job="api"}',
        'requests{code="error",handler="/b",job="api"}',
        'requests{code="error",handler="login",job="api"}',
    ]
    assert {id(one.values) for one in renamed} == {id(one.values) for one in ALL}
    assert {id(one.times) for one in renamed} == {id(TIMES)}


def test_an_empty_map_changes_nothing():
    nothing = Renaming(MetricsMap())

    assert nothing.telemetry(ALL) is ALL
    assert nothing.vocabulary(SIMULATED) is SIMULATED


def test_names_may_be_swapped():
    swapped = Renaming(MetricsMap(labels={"route": "status_code", "status_code": "route"})).telemetry(telemetry(*REQUESTS))

    assert {one.key.label_map["status_code"] for one in swapped} == {"/a", "/b"}


@pytest.mark.parametrize(
    ("stated", "path", "words"),
    [
        ({"names": {"jobs_count": "http_requests_total"}}, "metrics.names.jobs_count", ("http_requests_total", "jobs_count")),
        ({"labels": {"route": "status_code"}}, "metrics.labels.route", ("route", "status_code")),
        ({"add": {"route": "x"}}, "metrics.add.route", ("the added label route", "the label route")),
        ({"values": {"route": {"/a": "/b"}}}, "metrics.values", ('route="/a"', 'route="/b"')),
        ({"labels": {"le": "bound"}}, "metrics.labels.le", ("le",)),
        ({"values": {"le": {"1.0": "1"}}}, "metrics.values.le", ("le",)),
    ],
)
def test_what_meets_is_refused_with_both_names(stated, path, words):
    with pytest.raises(BadInput) as caught:
        Renaming(MetricsMap(**stated)).telemetry(ALL)
    (problem, *_) = caught.value.problems

    assert problem.path == path
    assert all(word in problem.message for word in words)


def test_lines_of_the_map_that_change_nothing_are_told_with_what_is_near():
    stated = MetricsMap(
        names={"http_request_total": "x", "http_request_duration_seconds": "y"},
        labels={"status": "code"},
        values={"route": {"/aa": "login", "/b": "b"}, "tier": {"x": "y"}},
    )
    found = {one.path: one for one in Renaming(stated).unknown(ALL)}

    assert set(found) == {
        *("metrics.names.http_request_total", "metrics.labels.status", 'metrics.values.route["/aa"]', "metrics.values.tier")
    }
    assert found["metrics.names.http_request_total"].nearest == "http_requests_total"
    assert {one.severity for one in found.values()} == {Severity.WARNING}


def test_generated_rules_use_the_users_words():
    stated = MetricsMap(
        names={"http_requests_total": "requests"},
        labels={"status_code": "code", "route": "handler"},
        values={"route": {"/a": "login"}, "status_code": {"503": "unavailable"}},
    )
    vocabulary = Renaming(stated).vocabulary(SIMULATED)
    policy = Policy.model_validate(
        {
            "apiVersion": "workbench/v1",
            "kind": "Policy",
            "name": "p",
            "slos": {"s": {"indicator": {"kind": "events", "routes": ["/a*"]}, "target": "99%"}},
            "burn_rate_alerts": {"Fast": {"long": "1h", "short": "5m", "factor": 14.4, "severity": "page"}},
        }
    )
    (group,) = rule_groups(policy, ("/a", "/b"), vocabulary)
    (anywhere,) = rule_groups(policy, None, vocabulary)

    assert 'requests{handler="login",code=~"5..|unavailable"}[1h]' in group.rules[0].expr
    assert 'handler=~"/a.*|login"' in anywhere.rules[0].expr
    assert routes_of(Renaming(stated).telemetry(ALL), vocabulary) == ("/a", "/b")
