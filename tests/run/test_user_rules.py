"""The user's own rules over simulated and recorded telemetry, under the names that they know."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.places import ROOT
from tests.support.promtool_timeline import our_transitions, real_transitions
from workbench.alerts.engine import RuleEngine
from workbench.alerts.renaming import Renaming
from workbench.alerts.rule_files import read_rule_files
from workbench.alerts.timeline import timeline
from workbench.cli.main import _code, cli
from workbench.cli.replay import command as replay_command
from workbench.errors import BadInput, Severity
from workbench.report.html import report_html
from workbench.report.tables import outcome_json
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.naming import MetricsMap

RULES = sorted((ROOT / "tests/rules").glob("*.y*ml"))
MAP = MetricsMap(
    labels={"status_code": "code", "route": "handler"},
    values={"route": {"/catalog": "/list"}, "tier": {"standard": "basic"}},
    add={"job": "api"},
)


def hours(count, seed=3, prometheus="3.5", **policy):
    """The starter's shop for a few hours in which a lot goes wrong."""
    week = load_scenario(ROOT / "scenarios/starter/scenario.yaml")
    modes = {
        name: mode.model_copy(update={"every": 2 * 3600.0, "weibull_shape": 1.0}) for name, mode in week.world.failure_modes.items()
    }
    clock = week.clock.model_copy(update={"horizon": count * 3600.0, "prometheus": prometheus})
    return dataclasses.replace(
        week,
        world=week.world.model_copy(update={"failure_modes": modes}),
        policy=week.policy.model_copy(update={"metrics": MAP, **policy}),
        clock=clock,
        seed=seed,
    )


@pytest.fixture(scope="module")
def outcome():
    """As of 2.42, the promtool at hand: subqueries and records lie on the evaluation grid, where 2.x and 3.x differ."""
    return run(hours(6, prometheus="2.42"), rules=read_rule_files(RULES))


def read(folder, text):
    (folder / "rules.yaml").write_text(text)
    return read_rule_files([folder / "rules.yaml"])


def alert(expr, name="Mine", labels="{severity: page}", more=""):
    return f"groups:\n  - name: g\n    rules:\n      - alert: {name}\n        expr: {expr}\n        labels: {labels}\n{more}"


def test_public_rules_run_as_they_are_and_fire(outcome):
    assert {episode.alert for episode in outcome.episodes if episode.firing_at_s is not None} >= {
        *("ApiErrorBudgetBurn", "ShopHighErrorRate", "CheckoutErrors", "Anything", "ShareOfHandler")
    }
    assert [group.name for group in outcome.rules] == [
        *(
            "api-burn.rules",
            "api-burn",
            "sloth-slo-alerts-shop-requests",
            "latency",
            "shop-errors",
            "shop-errors-increase",
            "traffic",
        )
    ]
    assert not [
        finding for finding in outcome.findings if finding.check.startswith("rules/") and finding.severity is Severity.WARNING
    ]


def test_the_timeline_of_the_loop_is_that_of_promtool(outcome, tmp_path):
    """All rules over all series that they read at every scrape; the only interval of a group is that of the profile."""
    scrapes = len(outcome.telemetry.by_name["http_requests_total"][0].times)
    names = ("http_requests_total", "http_request_duration_seconds_bucket")
    seen = [one for name in names for one in outcome.telemetry.by_name[name] if len(one.times) == scrapes]
    real = real_transitions(tmp_path, outcome.rules, seen, every_s=15, until_s=6 * 3600)

    assert len(real) > 30
    assert {alert for _, _, alert, _, _ in real} >= {"SlowHandler", "CheckoutErrors", "ShopHighErrorRate"}
    assert our_transitions(outcome.episodes) == real


def test_rules_of_what_is_not_simulated_are_findings_each_with_its_line():
    found = run(hours(1), rules=read_rule_files([ROOT / "tests/rules/elsewhere"])).findings
    told = {
        one.line: one.message
        for one in found
        if one.check in {"rules/no-series", "rules/never"} and one.severity is Severity.WARNING
    }

    assert {line: message.split(":")[0] for line, message in told.items()} == {
        8: "record instance",
        13: "alert NodeFilesystemSpaceFillingUp",
        17: "alert NodeFilesystemSpaceFillingUp",
        27: "alert HostHot",
        40: "alert CertificateEndsSoon",
    }
    assert all("never" in message or "can never fire" in message or "ever recorded" in message for message in told.values())


def test_the_loop_gives_the_timeline_of_the_finished_telemetry(outcome):
    groups = tuple(group for group in outcome.rules if group.name != "latency")
    whole = timeline(groups, outcome.telemetry, outcome.profile, outcome.horizon_s)

    assert [one for one in outcome.episodes if one.alert != "SlowHandler"] == list(whole)


def test_the_same_rules_give_the_same_bytes_and_other_rules_another_digest(outcome, tmp_path):
    again = run(hours(6, prometheus="2.42"), rules=read_rule_files(RULES))
    other = run(hours(1), rules=read(tmp_path, alert("up == 0")))

    assert outcome_json(again) == outcome_json(outcome)
    assert other.digest != run(hours(1)).digest


def test_alerts_page_by_label_and_severity_and_send_people_to_the_right_routes(tmp_path):
    text = alert('\'sum(rate(http_requests_total{code=~"5..", handler="/checkout"}[5m])) > 0.001\'')
    paged = run(hours(6), rules=read(tmp_path, text))
    asleep = run(hours(6), rules=read(tmp_path, text.replace("{severity: page}", '{severity: page, page: "false"}')))
    fired = [one for one in paged.episodes if one.firing_at_s is not None]

    assert len(fired) == len(paged.truth.pages) > 0
    assert {page.alert for page in paged.truth.pages} == {"Mine"}
    assert asleep.truth.pages == ()
    assert any(page.incident is not None for page in paged.truth.pages)


def test_a_renamed_run_is_the_same_run():
    """Generated rules under other names fire at the same instants, objectives and credits are the same numbers."""
    plain, renamed = run(hours(24, metrics=MetricsMap())), run(hours(24))

    def told(outcome):
        return [(one.alert, one.pending_at_s, one.firing_at_s, one.resolved_at_s) for one in outcome.episodes]

    assert told(plain) == told(renamed)
    assert [dataclasses.replace(one) for one in plain.slos] == list(renamed.slos)
    assert (plain.credits, plain.truth) == (renamed.credits, renamed.truth)
    assert 'handler="/checkout"' in str(renamed.rules) or "code=~" in str(renamed.rules)
    assert not renamed.telemetry.by_name["http_requests_total"][0].key.label_map.keys() & {"status_code", "route"}
    assert "html" in report_html(renamed)[:200].lower()


def test_what_only_some_scrapes_hold_is_said(tmp_path):
    found = run(hours(1), rules=read(tmp_path, alert("sum(rate(http_request_duration_seconds_sum[5m])) > 1"))).findings
    (problem,) = (one for one in found if one.check == "rules/no-series")
    assert "only after the run" in problem.message

    found = run(hours(1), rules=read(tmp_path, alert("sum(rate(http_requests_total[10s])) > 1"))).findings
    assert [one.message for one in found if one.check == "run/coarse-scrapes"] == [
        "scrapes every 15s are too coarse for [10s], which never holds two of them: Mine of g"
    ]


def test_buckets_that_rules_read_are_kept_at_every_scrape(tmp_path):
    rules = read(tmp_path, alert("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.2"))
    seen = run(hours(1), rules=rules).telemetry
    buckets = seen.by_name["http_request_duration_seconds_bucket"]
    scrapes = len(seen.by_name["http_requests_total"][0].times)
    at_every_scrape = {one.key.label_map["le"] for one in buckets if len(one.times) == scrapes}

    assert {"1.0", "2.0", "5.0", "+Inf"} <= at_every_scrape


def test_a_map_whose_names_collide_is_refused():
    broken = MetricsMap(names={"http_requests_total": "auth_attempts_total"}, labels={"route": "tier"}, add={"status_code": "x"})
    with pytest.raises(BadInput) as caught:
        run(hours(1, metrics=broken))
    assert {problem.path for problem in caught.value.problems} == {"metrics.labels.route", "metrics.add.status_code"}


# On the command line.


@pytest.fixture
def history(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{60 * i},{route},100,{50 if 100 <= i < 120 and route == '/a' else 0}" for i in range(200) for route in ("/a", "/b")]
    (tmp_path / "history.csv").write_text("\n".join(["time,route,total,errors", *rows]) + "\n")
    (tmp_path / "incidents.csv").write_text("id,target,start,end,severity\none,/a,6000,7200,sev1\ntwo,/b,9000,9600,sev2\n")
    (tmp_path / "rules.yaml").write_text(
        "groups:\n  - name: g\n    rules:\n"
        "      - {record: 'route:ratio', expr: 'sum by (route) (rate(http_request_errors_total[5m]))"
        " / sum by (route) (rate(http_requests_total[5m]))'}\n"
        "      - {alert: High, expr: 'route:ratio > 0.1', for: 2m, labels: {severity: page}}\n"
        "      - {alert: Typo, expr: 'sum(rate(http_request_total{route=\"/a\"}[5m])) > 1'}\n"
    )
    return tmp_path


def replayed(*arguments):
    return CliRunner().invoke(replay_command, ["history.csv", *arguments])


def test_a_replay_takes_rules_alone_and_scores_them(history):
    result = replayed("--rules", "rules.yaml", "--incidents", "incidents.csv", "-o", "json", "--alerts-out", "alerts.csv")
    document = json.loads(result.stdout)
    scores = {one["alert"]: one for one in document["score"]["rules"]}

    assert result.exit_code == 0
    assert document["slos"] == []
    assert (scores["High"]["firings"], scores["High"]["true_firings"], scores["High"]["recall"]) == (1, 1, 0.5)
    assert (scores["High"]["pages"], scores["Typo"]["pages"]) == (1, 0)
    assert [one["check"] for one in document["findings"] if one["severity"] == "warning"] == ["rules/no-series"]
    assert (history / "alerts.csv").read_text().splitlines()[1].startswith('High,"{""route"": ""/a""')


def test_the_alert_of_one_route_is_no_detection_on_another(history):
    """The incident on /b lies within the hour after the firing on /a, and is not its."""
    (history / "incidents.csv").write_text("id,target,start,end,severity\ntwo,/b,5900,7200,sev2\n")
    result = replayed("--rules", "rules.yaml", "--incidents", "incidents.csv", "-o", "json")
    scores = {one["alert"]: one for one in json.loads(result.stdout)["score"]["rules"]}

    assert (scores["High"]["firings"], scores["High"]["true_firings"]) == (1, 0)


def test_the_summary_and_the_report_make_sense_without_objectives(history):
    result = replayed("--rules", "rules.yaml", "--incidents", "incidents.csv", "--out", "out")
    text = " ".join(result.stdout.split())

    assert result.exit_code == 0, result.output
    assert "Objectives" not in text
    assert "2 alerts and 1 record in 1 group of rules.yaml" in text
    assert "in rules.yaml:6:" in text
    assert "nearest: http_requests_total" in text
    report = (history / "out" / "report.html").read_text()
    assert "route:ratio" in report
    assert "rules.yaml" in report


def test_policy_and_rules_together_measure_objectives_with_the_users_alerts(history):
    (history / "policy.yaml").write_text(
        "apiVersion: workbench/v1\nkind: Policy\nname: p\n"
        "slos: {availability: {indicator: {kind: events}, target: 99.9%, window: history}}\n"
        "burn_rate_alerts: {fast: {long: 1h, short: 5m, factor: 14.4, severity: critical, page: true}}\n"
    )
    document = json.loads(replayed("--rules", "rules.yaml", "--policy", "policy.yaml", "-o", "json").stdout)

    assert [one["name"] for one in document["slos"]] == ["availability"]
    assert {one["alert"] for one in document["episodes"]} == {"High"}


@pytest.mark.parametrize(
    "arguments", [[], ["--rules", "none.yaml"], ["--rules", "history.csv"], ["--rules", "rules.yaml", "--alerts-out", "rules.yaml"]]
)
def test_what_cannot_be_replayed_is_refused(history, arguments, capsys):
    before = (history / "rules.yaml").read_text()
    assert _code(["replay", "history.csv", *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert (history / "rules.yaml").read_text() == before


def test_run_takes_rules_and_writes_the_timeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("world.yaml", "policy.yaml", "scenario.yaml"):
        (tmp_path / name).write_text((ROOT / "scenarios/starter" / name).read_text())
    (tmp_path / "short.yaml").write_text(
        "apiVersion: workbench/v1\nkind: Scenario\nname: short\nextends: scenario.yaml\nclock: {horizon: 2h}\n"
        "override: {policy: {metrics: {labels: {status_code: code}}}}\n"
    )
    (tmp_path / "rules.yaml").write_text(alert('count(http_requests_total{code="200"}) > 0', "Up", "{severity: none}"))
    result = CliRunner().invoke(cli, ["run", "short.yaml", "--rules", "rules.yaml", "--alerts-out", "alerts.csv"])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "alerts.csv").read_text() == (
        'alert,labels,pending_at_s,firing_at_s,resolved_at_s\nUp,"{""severity"": ""none""}",15,15,\n'
    )


def test_failed_evaluations_are_findings(tmp_path):
    text = alert("'http_requests_total * on (handler) http_requests_total > 1'")
    found = [one for one in run(hours(1), rules=read(tmp_path, text)).findings if one.check == "rules/failed"]

    assert len(found) == 1
    assert (found[0].line, found[0].file) == (5, str(tmp_path / "rules.yaml"))


def test_the_engine_sees_the_arrays_of_the_world(outcome):
    """A view: no samples are copied."""
    scenario = hours(1)
    plain = run(dataclasses.replace(scenario, policy=scenario.policy.model_copy(update={"metrics": MetricsMap()})))
    view = Renaming(MAP).telemetry(plain.telemetry)
    assert {id(one.values) for one in view} == {id(one.values) for one in plain.telemetry}
    engine = RuleEngine(outcome.rules, view, plain.profile)
    assert isinstance(engine.look_ahead(600), tuple)
    np.testing.assert_array_equal(view.series[0].times, view.series[0].times)


def test_what_the_version_does_not_read_is_refused_with_its_line(tmp_path):
    rules = read(tmp_path, alert("up > 0 or holt_winters(up[5m], 0.5, 0.5) > 2"))
    rules.check_version("2.42")

    with pytest.raises(BadInput) as caught:
        run(hours(1), rules=rules)
    (problem,) = caught.value.problems
    place = rules.place_of(rules.groups[0], 0)
    assert (problem.check, problem.line, problem.path) == ("promql/version", place.line, "groups.g.rules[0].expr")
    assert problem.column > place.column
