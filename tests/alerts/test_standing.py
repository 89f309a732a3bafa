import numpy as np
import pytest

from tests.support.failing_rules import failing_group
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import AlertRule, Profile, RecordingRule, RuleGroup
from workbench.alerts.states import Phase
from workbench.errors import BadInput
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, SeriesKey, Telemetry, is_stale

LEVELS = [0, 0, 3, 4, 5, 0, 0, 6, 0, 0, 0, 0]
GROUP = RuleGroup(
    "g",
    (
        RecordingRule("job:level", "level > 0", (("kind", "recorded"),)),
        AlertRule(
            "High",
            "job:level",
            for_s=15.0,
            keep_firing_for_s=45.0,
            labels=(("severity", "page"),),
            annotations=(
                (
                    "says",
                    "{{ $labels.job }} is at {{ $value }}, {{ with query `count(job:level)` }}{{ . | first | value }}{{ end }}",
                ),
            ),
        ),
    ),
)
LABELS = (("job", "a"), ("kind", "recorded"), ("severity", "page"))


def telemetry(values=LEVELS):
    times = np.arange(len(values)) * 15.0
    series = [Series(SeriesKey.of("level", job="a"), times, np.array(values, float))]
    return Telemetry.of(series, horizon_s=times[-1], scrape_interval_s=15.0)


def finished(groups, of=None):
    engine = RuleEngine(groups, telemetry() if of is None else of, Profile())
    while engine.look_ahead(165.0):
        pass
    return engine


def test_an_alert_is_shown_as_it_stood_with_what_its_page_said():
    engine = finished([GROUP])

    def shown(at_s):
        found = engine.state_of("High", LABELS, at_s)
        return found.phase, found.active_at_s, found.firing_at_s, found.missing_at_s, found.seen_at_s, found.value

    assert shown(20.0) == (Phase.INACTIVE, None, None, None, None, None)
    assert shown(30.0) == (Phase.PENDING, 30.0, None, None, 30.0, 3.0)
    assert shown(59.0) == (Phase.FIRING, 30.0, 45.0, None, 45.0, 4.0)
    # Kept firing: the text is that of the last evaluation that had the element.
    assert shown(90.0) == (Phase.FIRING, 30.0, 45.0, 75.0, 60.0, 5.0)
    assert engine.annotations("High", LABELS, 90.0) == (("says", "a is at 5, 1"),)
    assert shown(105.0) == (Phase.FIRING, 30.0, 45.0, None, 105.0, 6.0)
    assert shown(165.0) == (Phase.INACTIVE, None, None, None, None, None)
    assert engine.annotations("High", LABELS, 165.0) == ()
    assert engine.state_of("Nobody", (), 60.0) is None


def test_what_rules_wrote_comes_out_as_series_with_their_ends():
    recorded = {str(one.key): one for one in finished([GROUP]).recorded()}

    assert list(recorded) == [
        'ALERTS{alertname="High",alertstate="firing",job="a",kind="recorded",severity="page"}',
        'ALERTS{alertname="High",alertstate="pending",job="a",kind="recorded",severity="page"}',
        'ALERTS_FOR_STATE{alertname="High",job="a",kind="recorded",severity="page"}',
        'job:level{job="a",kind="recorded"}',
    ]
    level = recorded['job:level{job="a",kind="recorded"}']
    assert level.times.tolist() == [30, 45, 60, 75, 105, 120]
    assert level.values[~is_stale(level.values)].tolist() == [3, 4, 5, 6]
    assert is_stale(level.values).tolist() == [False, False, False, True, False, True]


def test_only_what_is_committed_is_shown():
    engine = RuleEngine([GROUP], telemetry(), Profile())
    transitions = engine.look_ahead(165.0)

    assert [one.at_s for one in transitions] == [45.0]
    assert max(one.times[-1] for one in engine.recorded()) == 45.0
    assert engine.state_of("High", LABELS, 165.0).at_s == 45.0


def test_an_expression_is_answered_over_scraped_and_written_series():
    vector = finished([GROUP]).query(parse("job:level / on (job) level"), 60.0)

    assert (vector.labels, vector.values.tolist()) == (((("job", "a"),),), [[1.0]])


def test_failed_evaluations_are_named_and_shown():
    engine = RuleEngine(
        [failing_group("time()", 4)], Telemetry.of([], horizon_s=60, scrape_interval_s=1.0), Profile("2.42", 1.0, 1.0)
    )
    while engine.look_ahead(60.0):
        pass
    by_rule = dict(enumerate(engine.failures()))
    alike = by_rule[8]

    assert alike == by_rule[5][len(by_rule[5]) - len(alike) :]
    before, during = engine.state_of("Alike", (), alike[0] - 1), engine.state_of("Alike", (), alike[0])
    assert not before.failed
    assert during.failed
    assert during.phase is before.phase


def test_a_series_that_the_telemetry_has_is_not_recorded_over_it():
    group = RuleGroup("g", (RecordingRule("level", "level * 2"),))

    with pytest.raises(BadInput) as caught:
        finished([group])

    assert [(p.check, p.path, p.found) for p in caught.value.problems] == [
        ("alerts/recorded-twice", "groups.g.level.record", 'level{job="a"}')
    ]


def test_a_label_may_ask_another_expression_and_sees_what_is_there_at_its_turn():
    before = AlertRule("Before", "level > 0", labels=(("n", "{{ with query `count_of` }}{{ . | first | value }}{{ end }}"),))
    rules = (before, RecordingRule("count_of", "level"), AlertRule("After", "level > 0", labels=before.labels))
    episodes = finished([RuleGroup("g", rules)]).episodes()

    assert [(e.pending_at_s, e.alert, dict(e.labels)["n"]) for e in episodes] == [
        (30.0, "After", "3"),
        (30.0, "Before", "0"),
        (45.0, "After", "4"),
        (45.0, "Before", "3"),
        (60.0, "After", "5"),
        (60.0, "Before", "4"),
        (105.0, "After", "6"),
        (105.0, "Before", "0"),
    ]
