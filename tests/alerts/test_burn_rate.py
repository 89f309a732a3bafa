import subprocess

import pytest

from tests.support.programs import need
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.vocabulary import RECORDED, SIMULATED
from workbench.interop.prometheus import rule_file
from workbench.promql.parse import parse
from workbench.scenario.schema.policy import Policy

ROUTES = ("/api/v1/login", "/api/v1/upload", "/odd.route+(x)", '/quo"te\\')
FAST = {"long": "1h", "short": "5m", "factor": 14.4, "for": "2m", "severity": "critical"}
LEAK = {"long": "72h", "short": "6h", "factor": 1, "for": "3h", "severity": "ticket"}


def policy(**slos):
    return Policy.model_validate(
        {
            "apiVersion": "workbench/v1",
            "kind": "Policy",
            "name": "p",
            "slos": {name: {"target": "99.9%", **slo} for name, slo in slos.items()},
            "burn_rate_alerts": {"SLOBurnRateFast": FAST, "SLOBurnRateLeak": LEAK},
        }
    )


def exprs(slo, vocabulary=SIMULATED):
    (group,) = rule_groups(policy(one=slo), ROUTES, vocabulary)
    return [rule.expr for rule in group.rules]


def test_the_comparison_stands_as_the_reference_gives_it_and_the_value_is_the_burn_rate():
    fast, leak = exprs({"indicator": {"kind": "events"}}, RECORDED)

    ratio = "sum(rate(http_request_errors_total[{0}])) / sum(rate(http_requests_total[{0}]))"
    assert fast == f"({ratio.format('1h')} > 14.4 * 0.001 and {ratio.format('5m')} > 14.4 * 0.001) / 0.001"
    assert leak == f"({ratio.format('72h')} > 1 * 0.001 and {ratio.format('6h')} > 1 * 0.001) / 0.001"


def test_codes_tiers_and_routes_become_matchers():
    fast, _ = exprs(
        {"indicator": {"kind": "events", "routes": ["/api/*", "/odd*"], "tiers": ["pro", "free"], "exclude_codes": ["4.."]}}
    )

    common = r'route=~"/api/v1/login|/api/v1/upload|/odd\\.route\\+\\(x\\)",tier=~"free|pro",status_code!~"4.."'
    assert f'sum(rate(http_requests_total{{{common},status_code=~"5.."}}[1h]))' in fast
    assert f"sum(rate(http_requests_total{{{common}}}[1h]))" in fast


def test_latency_is_one_minus_the_share_within_the_bound():
    fast, _ = exprs({"indicator": {"kind": "latency", "threshold": "300ms", "routes": ["/api/v1/login"]}})

    assert (
        '(1 - sum(rate(http_request_duration_seconds_bucket{le="0.3",route="/api/v1/login"}[1h]))'
        ' / sum(rate(http_request_duration_seconds_count{route="/api/v1/login"}[1h])) > 14.4 * 0.001 and 1 - ' in fast
    )


def test_each_objective_is_a_group_and_one_without_routes_or_alerts_has_none():
    groups = rule_groups(
        policy(
            b={"indicator": {"kind": "events"}, "alerts": ["SLOBurnRateFast"]},
            a={"indicator": {"kind": "events"}},
            lost={"indicator": {"kind": "events", "routes": ["/gone/*"]}},
            quiet={"indicator": {"kind": "events"}, "alerts": []},
        ),
        ROUTES,
        SIMULATED,
    )

    assert [(g.name, [r.name for r in g.rules]) for g in groups] == [
        ("a", ["SLOBurnRateFast", "SLOBurnRateLeak"]),
        ("b", ["SLOBurnRateFast"]),
    ]
    assert groups[1].rules[0].labels == (("severity", "critical"), ("slo", "b"))
    assert "{{ $value | humanize }}" in dict(groups[1].rules[0].annotations)["description"]


@pytest.mark.parametrize("vocabulary", [SIMULATED, RECORDED])
def test_the_real_promtool_loads_the_rule_file_and_we_parse_it(tmp_path, vocabulary):
    slos = {"all": {"indicator": {"kind": "events"}}, "odd": {"indicator": {"kind": "events", "routes": ["/odd*", "/quo*"]}}}
    groups = rule_groups(policy(**slos), ROUTES, vocabulary)
    (tmp_path / "rules.yml").write_text(rule_file(groups))

    ran = subprocess.run([need("promtool"), "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "4 rules found" in ran.stdout
    assert all(parse(rule.expr) for group in groups for rule in group.rules)
