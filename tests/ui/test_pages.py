"""The pages, driven as Streamlit drives them; every number asserted is recomputed outside the app."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support.outcomes import recorded, synthetic_outcome
from tests.support.places import ROOT
from workbench.errors import BadInput, Problem
from workbench.telemetry.history import read_history

SCENARIO = "medianest/baseline.yaml"


@pytest.fixture(autouse=True)
def _nothing_kept():
    st.cache_resource.clear()


@pytest.fixture
def runs(monkeypatch):
    """The scenarios that were run; a run answers with a synthetic month at the scenario's own targets."""
    seen = []

    def run(scenario, **_):
        seen.append(scenario)
        targets = {name: str(slo.target) for name, slo in scenario.policy.slos.items()}
        return synthetic_outcome(targets=targets, seed=scenario.seed)

    monkeypatch.setattr("workbench.run.month.run", run)
    return seen


def opened() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    at.run()
    at.selectbox(key="scenario").set_value(SCENARIO).run()
    assert not at.exception
    return at


def press(at: AppTest) -> AppTest:
    next(button for button in at.button if button.label == "Run").click().run()
    assert not at.exception
    return at


def table(at: AppTest, heading: str):
    return next(d.value for d in at.dataframe if heading in d.value.columns)


def used(at: AppTest, slo: str) -> str:
    rows = table(at, "Budget used")
    return rows.loc[rows["SLO"] == slo, "Budget used"].item()


def test_nothing_runs_before_run_is_pressed(runs):
    at = opened()

    assert runs == []
    assert len(at.dataframe) == 0


def test_a_run_shows_the_budget_that_the_counts_give(runs):
    at = press(opened())

    assert len(runs) == 1
    outcome = synthetic_outcome(targets={n: str(s.target) for n, s in runs[0].policy.slos.items()}, seed=runs[0].seed)
    for slo in outcome.slos:
        spent = Decimal(slo.total - slo.good) / slo.total / (1 - slo.target) * 100
        assert used(at, slo.name) == f"{spent:,.1f}%"
    assert list(table(at, "How it is computed")["Value"]) == [line.shown for line in outcome.scorecard]
    assert list(table(at, "Calculation")["Calculation"]) == [credit.calculation for credit in outcome.credits]
    assert list(table(at, "Precision")["Rule"]) == [*(rule.alert for rule in outcome.score.rules), "all rules"]


def test_halving_the_error_budget_doubles_its_use(runs):
    at = press(opened())
    slo = next(iter(runs[0].policy.slos))
    before = float(used(at, slo).rstrip("%").replace(",", ""))
    halved = 1 - (1 - runs[0].policy.slos[slo].target) / 2

    at.text_input(key=f"target:{SCENARIO}:{slo}").set_value(f"{(halved * 100).normalize():f}%")
    press(at)

    assert len(runs) == 2
    assert math.isclose(float(used(at, slo).rstrip("%").replace(",", "")), 2 * before, abs_tol=0.11)


def test_rules_and_seed_reach_the_scenario_that_is_run(runs):
    at = press(opened())
    rule, before = next(iter(runs[0].policy.burn_rate_alerts.items()))
    key = f"{SCENARIO}:{rule}"

    at.number_input(key=f"factor:{key}").set_value(before.factor * 2)
    at.text_input(key=f"long:{key}").set_value("2h")
    at.text_input(key=f"short:{key}").set_value("10m")
    at.text_input(key=f"for:{key}").set_value("90s")
    at.number_input(key=f"seed:{SCENARIO}").set_value(77)
    press(at)

    after = runs[-1].policy.burn_rate_alerts[rule]
    assert (after.factor, after.long, after.short, after.for_) == (before.factor * 2, 7200.0, 600.0, 90.0)
    assert runs[-1].seed == 77


def test_the_same_choices_are_run_once(runs):
    at = press(opened())
    press(at)
    at.selectbox(key="looked_at").set_value(max(runs[0].policy.slos)).run()

    assert len(runs) == 1
    assert not at.exception


def test_all_bad_values_are_shown_in_place_and_nothing_runs(runs):
    at = opened()
    at.text_input(key=f"target:{SCENARIO}:authentication").set_value("100%")
    at.text_input(key=f"long:{SCENARIO}:SLOBurnRateFast").set_value("an hour")
    press(at)

    rows = table(at, "problem")
    assert runs == []
    assert len(rows) == 2
    assert any("authentication" in where for where in rows["where"])
    assert any("SLOBurnRateFast" in where and "long" in where for where in rows["where"])


def replay_page():
    from workbench.ui import history  # noqa: PLC0415 - a script of its own

    history.page()


def replayed(content: bytes) -> AppTest:
    at = AppTest.from_function(replay_page, default_timeout=30)
    at.run()
    at.file_uploader(key="history").set_value(("mine.csv", content, "text/csv")).run()
    assert not at.exception
    return at


def test_an_uploaded_history_is_replayed_and_shown(monkeypatch):
    seen = []

    def replay(path, _policy, *, route=None, incidents=None, reading=None, **names):
        seen.append((path.read_bytes(), route, incidents, reading, names))
        return recorded(synthetic_outcome(targets={"login": "0.9995"}))

    monkeypatch.setattr("workbench.run.replay.replay", replay)

    at = replayed(b"time,total,errors\n")

    slo = synthetic_outcome(targets={"login": "0.9995"}).slos[0]
    usual = {"requests_name": "http_requests_total", "errors_name": "http_request_errors_total"}
    assert seen == [(b"time,total,errors\n", None, None, None, usual)]
    assert used(at, "login") == f"{(slo.total - slo.good) / slo.total / float(1 - slo.target) * 100:,.1f}%"


def test_the_reading_of_an_upload_is_chosen_and_never_guessed(monkeypatch):
    seen = []

    def replay(_path, _policy, *, reading=None, requests_name=None, **_):
        seen.append((reading, requests_name))
        return recorded(synthetic_outcome(targets={"login": "0.9995"}))

    monkeypatch.setattr("workbench.run.replay.replay", replay)
    at = AppTest.from_function(replay_page, default_timeout=30)
    at.run()
    at.selectbox(key="reading").set_value("what counters and gauges showed").run()
    at.text_input(key="requests_name").set_value("hits")
    at.file_uploader(key="history").set_value(("mine.csv", b"time,hits\n", "text/csv")).run()
    at.file_uploader(key="history").set_value(("mine.om", b"hits 1 0\n", "text/plain")).run()

    assert not at.exception
    assert seen == [("counters", "hits"), (None, "hits")]


def test_problems_of_an_upload_stand_in_a_table_under_the_users_name(monkeypatch):
    def replay(path, *_, **__):
        raise BadInput(
            [Problem("history/column", "a column is missing", file=str(path), line=1, found="time"), Problem("a/b", "second")]
        )

    monkeypatch.setattr("workbench.run.replay.replay", replay)

    rows = table(replayed(b"time\n1\n"), "problem")

    assert list(rows["problem"]) == ["a column is missing", "second"]
    assert rows["where"][0] == "mine.csv:1"


def test_a_broken_history_is_told_by_the_real_reader(tmp_path):
    content = b"time,total,errors\n0,10,20\n60,-5,0\n60,x,0\n"
    file = tmp_path / "history.csv"
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_history(file, route=None)

    rows = table(replayed(content), "problem")

    assert list(rows["problem"]) == [problem.message for problem in caught.value.problems]
    assert len(rows) >= 2
    assert all(where.startswith("mine.csv") for where in rows["where"])


def test_text_of_the_data_is_not_read_as_markdown(monkeypatch):
    odd = replace(recorded(synthetic_outcome(targets={"login": "0.9995"})), name="x")
    monkeypatch.setattr("workbench.run.replay.replay", lambda *_, **__: odd)
    at = AppTest.from_function(replay_page, default_timeout=30)
    at.run()
    at.file_uploader(key="history").set_value(("[a](http://b).csv", b"1", "text/csv")).run()

    assert any(r"\[a\]\(http\://b\).csv" in caption.value for caption in at.caption)
