"""Why an alert fired or was silent: states against the timeline of the run, numbers against plain arithmetic on the telemetry."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest

from tests.run.conftest import busy_days, busy_outcome  # noqa: F401 - fixtures
from tests.support.outcomes import synthetic_outcome
from workbench.alerts.rules import AlertRule, Profile, RecordingRule, RuleGroup
from workbench.alerts.states import Phase
from workbench.alerts.timeline import timeline
from workbench.errors import BadInput
from workbench.report.explanation import explain, parse_instant
from workbench.report.explanation_words import as_json, sentence
from workbench.report.folder import write_folder
from workbench.report.results import read_results
from workbench.telemetry.series import Series, SeriesKey, Telemetry

START = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def busy_run(tmp_path_factory, busy_outcome):  # noqa: F811 - the fixture
    folder = tmp_path_factory.mktemp("busy") / "run"
    write_folder(busy_outcome, folder, force=False, html=None)
    return read_results(folder)


def phase_at(episode, at_s):
    if at_s < episode.pending_at_s or (episode.resolved_at_s is not None and at_s >= episode.resolved_at_s):
        return Phase.INACTIVE
    return Phase.FIRING if episode.firing_at_s is not None and at_s >= episode.firing_at_s else Phase.PENDING


def test_the_state_is_that_of_the_timeline_around_every_transition(busy_run, busy_outcome):  # noqa: F811 - the imported fixtures
    firing = [e for e in busy_outcome.episodes if e.firing_at_s is not None and e.alert == "SLOBurnRateFast"]
    short = [e for e in busy_outcome.episodes if e.firing_at_s is None]
    asked = 0
    for episode in [*firing[:1], *short[:1]]:
        mine = [e for e in busy_outcome.episodes if (e.alert, e.labels) == (episode.alert, episode.labels)]
        for at_s in (episode.pending_at_s, episode.firing_at_s, episode.resolved_at_s):
            for moved_s in (-15.0, 0.0, 1.0) if at_s is not None else ():
                found = explain(busy_run, episode.alert, at_s + moved_s, episode.labels)
                wanted = {phase_at(e, at_s + moved_s) for e in mine} - {Phase.INACTIVE} or {Phase.INACTIVE}
                assert {found.phase} == wanted
                assert found.at_s == (at_s + moved_s) // 15 * 15
                asked += 1
    assert asked > 12


def test_the_numbers_are_those_of_the_telemetry(busy_run, busy_outcome):  # noqa: F811 - the imported fixtures
    episode = next(e for e in busy_outcome.episodes if e.firing_at_s is not None and e.alert == "SLOBurnRateFast")
    found = explain(busy_run, episode.alert, episode.firing_at_s, episode.labels)

    long, short = found.numbers.comparisons
    assert all(one.holds for comparison in (long, short) for one in comparison.compared)
    assert (long.factor, short.factor) == (14.4, 14.4)
    assert long.windows_s == (3600.0,)
    assert short.windows_s == (300.0,)
    bad, total = (look for look in found.numbers.looks if look.window_s == 300.0)
    assert bad.begin_s == episode.firing_at_s - 300
    for look in (bad, total):
        for one in look.series:
            [series] = [s for s in busy_outcome.telemetry if s.key == one.key]
            inside = (series.times > look.begin_s) & (series.times <= look.end_s)
            assert one.samples == inside.sum()
            assert (one.first_value, one.last_value) == (series.values[inside][0], series.values[inside][-1])
    ratio = sum(one.rate for one in bad.series) / sum(one.rate for one in total.series)
    assert short.left[0].value == pytest.approx(ratio, rel=1e-12)
    assert found.value == pytest.approx(long.left[0].value / long.budget)


def test_the_sentence_says_what_decides(busy_run, busy_outcome):  # noqa: F811 - the imported fixtures
    episode = next(e for e in busy_outcome.episodes if e.firing_at_s is not None and e.alert == "SLOBurnRateFast")
    firing = sentence(explain(busy_run, episode.alert, episode.firing_at_s, episode.labels), busy_run.start)
    pending = sentence(explain(busy_run, episode.alert, episode.pending_at_s + 30, episode.labels), busy_run.start)
    silent = sentence(explain(busy_run, episode.alert, episode.resolved_at_s, episode.labels), busy_run.start)

    assert firing.startswith("SLOBurnRateFast was firing at ")
    assert "over 1h the budget burns at " in firing
    assert " times the sustainable rate, above 14.4" in firing
    assert "with 1m30s of `for` to go" in pending
    assert silent.startswith("SLOBurnRateFast was silent at ")
    assert "not above 14.4; over " in silent


def small_run(tmp_path, groups, *, until_s=1200.0, incidents=None):
    """A run in which a counter of errors begins to grow at second 600 and stops at 900."""
    times = np.arange(7.0, until_s, 15.0)
    errors = np.clip((times - 600) / 15, 0, 20).astype(int)
    series = [
        Series(SeriesKey.of("req_total", code="500", route="/a"), times, errors),
        Series(SeriesKey.of("req_total", code="200", route="/a"), times, np.arange(len(times)) * 10),
        Series(SeriesKey.of("req_total", code="200", route="/b"), times, np.arange(len(times)) * 10),
    ]
    telemetry = Telemetry.of(series, horizon_s=until_s, scrape_interval_s=15.0)
    outcome = dataclasses.replace(
        synthetic_outcome(),
        rules=groups,
        telemetry=telemetry,
        start=START,
        horizon_s=until_s,
        profile=Profile(),
        truth=incidents,
        episodes=timeline(groups, telemetry, Profile(), until_s),
    )
    write_folder(outcome, tmp_path / "small", force=False, html=None)
    return read_results(tmp_path / "small")


RATIO = 'sum by (route) (rate(req_total{code="500"}[1m])) / sum by (route) (rate(req_total[1m]))'


def test_a_chain_of_recording_rules_is_followed(tmp_path):
    groups = (
        RuleGroup("records", (RecordingRule("route:errors:rate1m", 'sum by (route) (rate(req_total{code="500"}[1m]))'),)),
        RuleGroup(
            "alerts",
            (
                RecordingRule(
                    "route:ratio:rate1m",
                    "route:errors:rate1m / sum by (route) (rate(req_total[1m]))",
                    (("team", "web"),),
                ),
                AlertRule("Errors", "max without (team) (route:ratio:rate1m) > 5 * 0.01", 60.0, labels=(("severity", "page"),)),
            ),
        ),
    )
    found = explain(small_run(tmp_path, groups), "Errors", 750.0)

    assert found.phase is Phase.FIRING
    assert found.labels == (("route", "/a"), ("severity", "page"))
    [ratio] = found.numbers.recorded
    [errors] = ratio.behind.recorded
    assert (ratio.record, errors.record) == ("route:ratio:rate1m", "route:errors:rate1m")
    assert ratio.elements[0].labels == (("route", "/a"), ("team", "web"))
    assert found.numbers.comparisons[0].windows_s == (60.0,)
    assert found.numbers.comparisons[0].left[0].value == ratio.elements[0].value
    assert errors.elements[0].value == pytest.approx(1 / 15)
    assert "the budget burns at " in sentence(found, START)


@pytest.mark.parametrize(
    ("expr", "at_s", "says"),
    [
        (f"{RATIO} > 0.05", 300.0, "is 0, not above 0.05"),
        ("sum(rate(req_total{code='404'}[1m])) > 1", 300.0, "no series matches"),
        ("sum(rate(req_total[10s])) > 1", 300.0, "no series has two samples"),
        ("sum(rate(req_total{code='500'}[1m])) / sum(rate(req_total{code='500'}[1m])) > 5 * 0.01", 300.0, "NaN (nothing divided"),
        ("vector(1) / (vector(1) - 1) < 5", 300.0, "is +Inf, not below 5"),
        ("absent(req_total)", 300.0, "its expression has no element"),
        (
            "sum(req_total) < 5 and sum(req_total) >= 2",
            300.0,
            "sum(req_total) is 380, not below 5; sum(req_total) is 380, at least 2",
        ),
        ("sum(req_total) == 7", 300.0, "sum(req_total) is 380, not 7"),
    ],
)
def test_a_silence_is_explained_by_what_fails(tmp_path, expr, at_s, says):
    results = small_run(tmp_path, (RuleGroup("g", (AlertRule("A", expr),)),))

    found = explain(results, "A", at_s)

    assert found.phase is Phase.INACTIVE
    assert sentence(found, START).startswith("A was silent at 00:05:00: ")
    assert says in sentence(found, START)


def test_an_alert_that_is_kept_firing_says_so(tmp_path):
    results = small_run(tmp_path, (RuleGroup("g", (AlertRule("A", f"{RATIO} > 0.05", 0.0, 300.0),)),))

    found = explain(results, "A", 1080.0)

    assert found.phase is Phase.FIRING
    assert found.missing_s is not None
    assert "keep_firing_for 5m holds it, though its condition has not held since" in sentence(found, START)


def test_the_label_set_nearest_to_firing_is_taken_and_the_others_are_named(tmp_path):
    rules = tuple(
        AlertRule("A", f"{RATIO.replace('req_total{', chr(114) + 'eq_total{')} > {limit}", labels=(("slo", name),))
        for name, limit in (("far", "5"), ("near", "0.5"))
    )
    results = small_run(tmp_path, (RuleGroup("g", rules),))

    found = explain(results, "A", 750.0)

    assert found.phase is Phase.INACTIVE
    assert dict(found.labels)["slo"] == "near"
    assert [dict(labels)["slo"] for labels in found.others] == ["far"]
    assert dict(explain(results, "A", 750.0, (("slo", "far"),)).labels)["slo"] == "far"


@pytest.mark.parametrize(
    ("alert", "labels", "check", "nearest"),
    [("Fats", (), "explain/alert", "Fast"), ("Fast", (("slo", "x"),), "explain/labels", "no labels")],
)
def test_what_the_run_does_not_have_is_refused_with_what_it_has(tmp_path, alert, labels, check, nearest):
    results = small_run(tmp_path, (RuleGroup("g", (AlertRule("Fast", "sum(req_total) > 1e9"),)),))

    with pytest.raises(BadInput) as refused:
        explain(results, alert, 60.0, labels)

    [problem] = refused.value.problems
    assert problem.check == check
    assert nearest in f"{problem.nearest} {problem.allowed}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("1h30m", 5400.0),
        ("2026-04-01T00:10:00", 600.0),
        ("2026-04-01 00:10", 600.0),
        ("2026-04-01T02:10:00+02:00", 600.0),
        ("2026-04-02", 86400.0),
    ],
)
def test_an_instant_is_a_date_or_a_distance_from_the_start(text, seconds):
    assert parse_instant(text, START, 864000.0) == seconds


@pytest.mark.parametrize("text", ["noon", "", "-5", "nan", "inf", "2026-03-31T23:59:59", "11d", "1e30"])
def test_other_instants_are_refused_with_what_there_is(text):
    with pytest.raises(BadInput) as refused:
        parse_instant(text, START, 864000.0)

    [problem] = refused.value.problems
    assert problem.check == "explain/time"
    assert "10d" in problem.allowed or "ISO 8601" in problem.allowed


def test_json_holds_every_number(busy_run, busy_outcome):  # noqa: F811 - the imported fixtures
    episode = next(e for e in busy_outcome.episodes if e.firing_at_s is not None)
    document = json.loads(as_json(explain(busy_run, episode.alert, episode.firing_at_s, episode.labels), busy_run))

    assert document["phase"] == "firing"
    assert document["labels"] == dict(episode.labels)
    assert document["numbers"]["looks"][0]["series"][0]["samples"] > 0
    assert document["near"]
