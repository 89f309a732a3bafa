import dataclasses
import math
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.support.places import ROOT
from workbench.alerts.timeline import timeline
from workbench.report.folder import write_folder
from workbench.report.tables import outcome_json
from workbench.run.month import run
from workbench.scenario.schema.policy import Policy


def _with_alerts(scenario, **changes):
    rules = {name: rule.model_copy(update=changes) for name, rule in scenario.policy.burn_rate_alerts.items()}
    return dataclasses.replace(scenario, policy=scenario.policy.model_copy(update={"burn_rate_alerts": rules}))


def test_enough_happens_in_the_days_that_these_tests_look_at(busy_outcome):
    truth = busy_outcome.truth

    assert len(truth.incidents) > 10
    assert sum(incident.mitigated_at_s is not None for incident in truth.incidents) > 3
    assert any(incident.cause == "change" for incident in truth.incidents)
    assert len(truth.pages) > 5


def test_the_timeline_of_the_loop_is_that_of_the_finished_telemetry(busy_outcome):
    """The loop evaluates ahead, takes back and goes on; Prometheus over the same counters would do it once."""
    whole = timeline(busy_outcome.rules, busy_outcome.telemetry, busy_outcome.profile, busy_outcome.horizon_s)

    assert busy_outcome.episodes == whole
    assert len(whole) > 20


def test_the_same_scenario_gives_the_same_value(busy_days, busy_outcome):
    again = run(busy_days)

    assert outcome_json(again) == outcome_json(busy_outcome)
    for one, other in zip(again.telemetry, busy_outcome.telemetry, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_another_process_and_another_hash_seed_give_the_same_bytes(tmp_path):
    """The whole folder, by the command that a user types, over a short month."""
    scenario = tmp_path / "short.yaml"
    for name in ("world.yaml", "policy.yaml", "baseline.yaml"):
        (tmp_path / name).write_text((ROOT / "scenarios/medianest" / name).read_text())
    scenario.write_text(
        "apiVersion: workbench/v1\nkind: Scenario\nname: short\nextends: baseline.yaml\n"
        "clock: {start: 2026-04-01, horizon: 18h}\nexpect: []\n"
    )
    folders = []
    for hash_seed in ("0", "4711"):
        out = tmp_path / f"out-{hash_seed}"
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "workbench", "run", str(scenario), "--out", str(out), "-o", "json"],
            env=env,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        folders.append((done.stdout, {path.name: path.read_bytes() for path in sorted(out.iterdir())}))

    assert folders[0][1].keys() == folders[1][1].keys()
    for name in folders[0][1]:
        assert folders[0][1][name] == folders[1][1][name], name
    assert folders[0][0] == folders[1][0]


def test_another_alert_policy_meets_the_same_incidents(busy_days, busy_outcome):
    later = run(_with_alerts(busy_days, page=False))

    def exogenous(outcome):
        return [(i.id, i.start_s, i.natural_end_s, i.effect, i.routes) for i in outcome.truth.incidents]

    assert exogenous(later) == exogenous(busy_outcome)
    assert later.truth.deployments == busy_outcome.truth.deployments
    assert not later.truth.pages


def test_a_page_ends_an_incident_earlier_and_nothing_else_does(busy_days, busy_outcome):
    alone = {i.id: i for i in run(_with_alerts(busy_days, page=False)).truth.incidents}

    for incident in busy_outcome.truth.incidents:
        other = alone[incident.id]
        assert other.end_s == min(incident.natural_end_s, busy_outcome.horizon_s)
        if incident.mitigated_at_s is None:
            assert incident.end_s == other.end_s
        else:
            assert incident.paged_at_s < incident.acknowledged_at_s < incident.mitigated_at_s <= incident.end_s < other.end_s
            assert incident.end_s - incident.mitigated_at_s < 15.001


def test_without_the_loop_more_budget_is_spent(busy_days, busy_outcome):
    alone = run(_with_alerts(busy_days, page=False))

    spent = {slo.name: slo.budget.consumed_share for slo in busy_outcome.slos}
    for slo in alone.slos:
        # Requests of a disturbed stretch fare anew: three standard errors of the bad ones.
        noise = 3 * max(1, slo.total - slo.good) ** 0.5 / max(1, slo.total - slo.good) * slo.budget.consumed_share
        assert slo.budget.consumed_share >= spent[slo.name] - noise
    assert sum(slo.budget.consumed_share for slo in alone.slos) > 1.05 * sum(spent.values())


def test_pages_are_the_firings_of_the_rules_that_page(busy_days, busy_outcome):
    paging = {name for name, rule in busy_days.policy.burn_rate_alerts.items() if rule.page}
    firings = sorted(
        (e.firing_at_s, e.alert, e.labels) for e in busy_outcome.episodes if e.alert in paging and e.firing_at_s is not None
    )

    assert sorted((page.at_s, page.alert, page.labels) for page in busy_outcome.truth.pages) == firings


def test_an_engineer_answers_every_page_after_it_and_escalates_after_the_stated_time(busy_days, busy_outcome):
    for page in busy_outcome.truth.pages:
        if page.acknowledged_at_s is not None:
            waited = page.acknowledged_at_s - page.at_s
            assert waited > 0
            assert page.escalated == (waited > busy_days.world.people.escalate_after)


def test_a_reader_recomputes_the_objectives_from_the_parquet_file(busy_outcome, tmp_path):
    write_folder(busy_outcome, tmp_path / "out", force=False, html=None)
    df = pd.read_parquet(tmp_path / "out/telemetry.parquet").set_index("time_s")
    inc = df.astype("float64").diff()
    inc = inc.where(inc >= 0, df)
    for slo in busy_outcome.slos:
        if slo.kind != "events":
            continue
        columns = [c for c in df if c.startswith("http_requests_total{") and any(f'route="{r}"' in c for r in slo.routes)]
        if slo.name.startswith("premium"):
            columns = [c for c in columns if 'tier="premium"' in c]
        total = inc[columns].to_numpy().sum()
        bad = inc[[c for c in columns if 'status_code="5' in c]].to_numpy().sum()
        assert (slo.total, slo.total - slo.good) == (total, bad)
        assert slo.budget.consumed_share == pytest.approx(bad / total * (3 / 30) / float(1 - slo.target))
    slow = next(slo for slo in busy_outcome.slos if slo.kind == "latency")
    counts = [
        c for c in df if c.startswith("http_request_duration_seconds_count") and any(f'route="{r}"' in c for r in slow.routes)
    ]
    fast = [
        c
        for c in df
        if c.startswith("http_request_duration_seconds_bucket")
        and 'le="1.0"' in c
        and any(f'route="{r}"' in c for r in slow.routes)
    ]
    assert (slow.total, slow.good) == (inc[counts].to_numpy().sum(), inc[fast].to_numpy().sum())


def test_buckets_of_one_histogram_never_fall_with_their_bound(busy_outcome):
    groups: dict[tuple, dict[float, np.ndarray]] = {}
    for series in busy_outcome.telemetry.by_name["http_request_duration_seconds_bucket"]:
        labels = series.key.label_map
        le = math.inf if labels["le"] == "+Inf" else float(labels["le"])
        at = slice(19, None, 20) if len(series.times) > 2000 else slice(None)
        groups.setdefault((labels["route"], labels["tier"]), {})[le] = series.values[at]
    assert len(groups) == 40
    for buckets in groups.values():
        rows = np.array([buckets[le][: len(min(buckets.values(), key=len))] for le in sorted(buckets)])
        assert len(rows) == 16
        assert (np.diff(rows, axis=0) >= 0).all()


@pytest.mark.parametrize(
    "name",
    [
        "http_requests_total", "http_request_duration_seconds_bucket", "media_upload_attempts_total", "user_sessions_active",
        "media_processing_completed_total", "consistency_check_success_rate", "backup_verification_success_rate",
        "data_corruption_events", "total_data_operations", "auth_attempts", "ssl_certificate_validity_days", "security_scans",
        "vulnerability_resolution_time_hours",
    ],
)  # fmt: skip
def test_the_queries_of_the_reference_text_find_their_metric(busy_outcome, name):
    assert busy_outcome.telemetry.by_name[name]


def test_a_rule_that_can_never_fire_at_these_scrapes_is_a_finding(busy_days):
    clock = busy_days.clock.model_copy(update={"horizon": 7200.0, "scrape_interval": 300.0, "evaluation_interval": 60.0})
    outcome = run(dataclasses.replace(busy_days, clock=clock))

    [finding] = outcome.findings
    assert "SLOBurnRateFast can never fire" in finding.message
    assert not [episode for episode in outcome.episodes if episode.alert == "SLOBurnRateFast"]


def test_every_accepted_upload_is_processed_once(busy_outcome):
    done = busy_outcome.telemetry.by_name["media_processing_completed_total"][0].values
    accepted = 0
    for series in busy_outcome.telemetry.by_name["http_requests_total"]:
        if series.key.label_map["route"].endswith("upload") and series.key.label_map["status_code"] == "201":
            inc = np.diff(series.values.astype(np.int64), prepend=0)
            accepted += int(np.where(inc < 0, series.values, inc).sum())
    assert 0 <= accepted - done[-1] < 0.001 * accepted + 200


def test_a_policy_that_reads_a_bound_in_the_body_of_a_histogram_is_refused_with_the_bounds_that_are_kept(busy_days):
    raw = busy_days.policy.model_dump(mode="json", by_alias=True)
    raw["slos"]["api-response-time"]["indicator"]["threshold"] = "10ms"
    scenario = dataclasses.replace(busy_days, policy=Policy.model_validate(raw))

    with pytest.raises(Exception, match="kept at every scrape") as caught:
        run(scenario)

    assert type(caught.value).__name__ == "BadInput"
