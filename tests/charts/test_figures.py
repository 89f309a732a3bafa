"""Figures as values: what is drawn is what the outcome says."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.support.outcomes import recorded, synthetic_outcome, unmeasured
from workbench.charts import findings
from workbench.charts.alerts import MOST_ROWS, alert_data, alerts_over_incidents
from workbench.charts.budget import budget_burndown, budget_data, budgets
from workbench.charts.burn import burn_data, burn_rates, threshold_data
from workbench.charts.month import month, objective
from workbench.charts.reduce import MOST_POINTS
from workbench.charts.traffic import errors, traffic, traffic_data

FIGURES = (
    traffic,
    errors,
    budgets,
    alerts_over_incidents,
    month,
    lambda o: objective(o, "login"),
    lambda o: budget_burndown(o, "login"),
    lambda o: burn_rates(o, "login"),
)


@pytest.fixture(scope="module")
def outcome():
    return synthetic_outcome()


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("make", [lambda o: o, unmeasured, recorded])
def test_every_figure_is_valid_vega_lite_for_every_outcome(outcome, draw, make):
    assert draw(make(outcome)).to_dict()["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


def test_the_burn_down_ends_at_what_the_counts_leave(outcome):
    for slo in outcome.slos:
        data = budget_data(outcome, (slo.name,))

        left = 1 - (slo.total - slo.good) / slo.total / float(1 - slo.target)
        assert data["remaining"].iloc[-1] == pytest.approx(left, rel=1e-12)
        assert len(data) <= MOST_POINTS


def test_the_title_names_the_share_spent_and_the_day_of_the_largest_piece(outcome):
    slo = outcome.slos[0]
    spent = (slo.total - slo.good) / slo.total / float(1 - slo.target)

    finding = findings.budget_finding(outcome, slo.name)

    assert finding.startswith(f"Application availability spent {spent * 100:.1f}% of its budget")
    assert finding.endswith("on 14 April")


def test_burn_rates_keep_their_peaks_and_thresholds(outcome):
    data = burn_data(outcome, "login")
    track = findings.track_of(outcome, "login")

    for window_s, window in ((3600.0, "1h"), (259_200.0, "72h")):
        assert data.loc[data["window"] == window, "burn_rate"].max() == np.nanmax(track.burn_rate[window_s])
    assert dict(zip(*[threshold_data(outcome, "login")[c] for c in ("window", "threshold")], strict=True)) == {
        "1h": 14.4, "6h": 6.0, "24h": 3.0, "72h": 1.0,
    }  # fmt: skip


def test_bars_are_the_incidents_deployments_pages_and_episodes(outcome):
    data = alert_data(outcome)

    counts = data["kind"].value_counts()
    assert counts["incident"] == len(outcome.truth.incidents)
    assert counts["page"] == len(outcome.truth.pages)
    assert counts["deployment"] + counts["bad deployment"] == len(outcome.truth.deployments)
    assert counts["alert firing"] == sum(e.firing_at_s is not None for e in outcome.episodes)
    incidents = data[data["kind"] == "incident"]
    assert sorted(incidents["end_s"] - incidents["start_s"]) == pytest.approx(
        sorted(i.end_s - i.start_s for i in outcome.truth.incidents)
    )


def test_an_open_alert_ends_with_the_run(outcome):
    data = alert_data(outcome)

    assert data.loc[data["row"] == "moderate-burn · login", "end_s"].max() == outcome.horizon_s


def test_busy_months_share_rows_and_lose_no_bar(outcome):
    many = tuple(replace(e, alert=f"rule-{k}") for k in range(50) for e in outcome.episodes)

    data = alert_data(replace(outcome, episodes=many, truth=None))

    assert data["row"].nunique() <= MOST_ROWS
    assert (data["kind"] == "alert firing").sum() == 50 * sum(e.firing_at_s is not None for e in outcome.episodes)


def test_traffic_is_downsampled_and_keeps_its_peak(outcome):
    data = traffic_data(outcome)

    assert len(outcome.tracks.time_s) > MOST_POINTS >= len(data)
    assert data["requests_per_s"].max() == outcome.tracks.requests_per_s.max()


def test_times_are_the_wall_clock_of_the_scenario():
    here = alert_data(synthetic_outcome(timezone="Europe/Zurich"))

    first = here[here["kind"] == "incident"].sort_values("start_s").iloc[0]
    assert first["time"] == pd.Timestamp("2026-04-01", tz="UTC") + pd.Timedelta(first["start_s"], unit="s")


def test_the_month_zooms_all_its_panes_as_one(outcome):
    spec = month(outcome).to_dict()

    drawn = {layer.get("name") for pane in spec["vconcat"] for layer in pane["layer"]}
    assert spec["resolve"]["scale"]["x"] == "shared"
    assert [p["bind"] for p in spec["params"]] == ["scales"]
    assert len(spec["params"][0]["views"]) == len(spec["vconcat"])
    assert set(spec["params"][0]["views"]) <= drawn


def test_a_name_with_commas_and_quotes_stays_one_value():
    outcome = synthetic_outcome(targets={"application-availability": "0.999"})
    odd = replace(outcome.truth.incidents[0], mode='a,"b"\nc')

    data = alerts_over_incidents(replace(outcome, truth=replace(outcome.truth, incidents=(odd,)))).to_dict()

    assert json.dumps('"cache: a,""b""\nc"')[1:-1] in json.dumps(data)


def test_what_outlasts_the_run_ends_with_it(outcome):
    late = replace(outcome.truth.incidents[-1], end_s=outcome.horizon_s + 86_400)

    data = alert_data(replace(outcome, truth=replace(outcome.truth, incidents=(late,))))

    assert data["end_s"].max() == outcome.horizon_s
