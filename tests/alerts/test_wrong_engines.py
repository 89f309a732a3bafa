"""Rule managers that are nearly right: each must fail a case that promtool passes, or differ where rules fail."""

from pathlib import Path

import numpy as np
import pytest

from tests.alerts.test_generated_rules import run
from tests.alerts.test_plain_rules import everything, plainly
from tests.support.failing_rules import failing_group
from tests.support.promtool_files import answer
from workbench.alerts import alerting, naming, states
from workbench.alerts.alerting import Alerting
from workbench.alerts.machine import Machine
from workbench.alerts.naming import Naming
from workbench.alerts.program import Ruling
from workbench.alerts.rules import Profile
from workbench.alerts.states import Phase
from workbench.promql.recorded import Recordings, Writer, Writing, Written
from workbench.promql.rule_reader import RuleReader
from workbench.telemetry.series import Telemetry, is_stale

CASES = sorted(path for path in (Path(__file__).parent / "cases").glob("*.yml") if not path.stem.endswith("_rules"))
SECONDS = 60
NOTHING = Telemetry.of([], horizon_s=SECONDS, scrape_interval_s=1.0)
EACH_SECOND = Profile("2.42", 1.0, 1.0)


def fires_one_evaluation_late(monkeypatch):
    first_at = states._first_at
    monkeypatch.setattr(states, "_first_at", lambda instants, time, start: first_at(instants, time + 1, start))


def fires_one_evaluation_early(monkeypatch):
    present = states._present
    monkeypatch.setattr(states, "_present", lambda s, i, a, b, for_ms: present(s, i, a, b, max(0, for_ms - 20_000)))


def pending_survives_a_miss(monkeypatch):
    absent = states._absent

    def patient(state, instants, start, end, keep):
        return iter(()) if state.phase is Phase.PENDING and end - start == 1 else absent(state, instants, start, end, keep)

    monkeypatch.setattr(states, "_absent", patient)


def keeps_firing_from_the_last_true_evaluation(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(states, "_absent", lambda s, i, a, b, keep: absent(s, i, a, b, max(keep - 20_000, min(keep, 1))))


def keeps_firing_one_evaluation_longer(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(states, "_absent", lambda s, i, a, b, keep: absent(s, i, a, b, keep + min(keep, 1)))


def keep_firing_for_is_ignored(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(states, "_absent", lambda s, i, a, b, _: absent(s, i, a, b, 0))


def series_end_without_a_stale_marker(monkeypatch):
    extend = Written.extend
    monkeypatch.setattr(Written, "extend", lambda self, at, values: extend(self, at[~is_stale(values)], values[~is_stale(values)]))


def other_groups_are_seen_at_once(monkeypatch):
    monkeypatch.setattr(RuleReader, "behind_ms", lambda *_: 0)


def the_own_group_is_seen_late(monkeypatch):
    whole = RuleReader.whole
    monkeypatch.setattr(RuleReader, "whole", lambda self, expr, at, writer: whole(self, expr, at, Writer(-1, writer.offset_ms)))


def nan_is_not_recorded(monkeypatch):
    write = Recordings.write

    def without_nan(self, writer, at, results):
        write(self, writer, at, Writing(results.keys, results.values, results.present & ~np.isnan(results.values)))

    monkeypatch.setattr(Recordings, "write", without_nan)


def labels_of_recording_rules_are_ignored(monkeypatch):
    monkeypatch.setattr(Ruling, "labels", {})


def templates_are_not_filled(monkeypatch):
    monkeypatch.setattr(naming, "_text", lambda template, *_: template.text)


def alerts_for_state_is_the_time_of_firing(monkeypatch):
    written = Alerting.written

    def later(self, instants, lives):
        results = written(self, instants, lives)
        shift = [[30.0 * (key.name == alerting.FOR_STATE)] for key in results.keys]
        return Writing(results.keys, results.values + np.array(shift).reshape(-1, 1), results.present)

    monkeypatch.setattr(Alerting, "written", later)


def a_failed_query_is_an_empty_one(monkeypatch):
    advance = Alerting.advance

    def careless(self, instants, rows, failed):
        some = failed if failed is not None else np.zeros(len(instants), bool)
        events, over = advance(self, instants, {k: v & ~some for k, v in rows.items()}, None)
        return events, some if over is None else some | over

    monkeypatch.setattr(Alerting, "advance", careless)


def a_failed_evaluation_ends_what_it_did_not_write(monkeypatch):
    def write(self, one, instants, failed, results):
        present = results.present if failed is None else results.present & ~failed
        self.recordings.write(one.writer, instants, Writing(results.keys, results.values, present))

    monkeypatch.setattr(Machine, "_write", write)


def the_limit_is_ignored(monkeypatch):
    init = Alerting.__init__
    monkeypatch.setattr(Alerting, "__init__", lambda self, place, rule, names, _: init(self, place, rule, names, 0))


def the_limit_leaves_the_alerts(monkeypatch):
    def lenient(self, instants, rows):
        over = np.sum(list(rows.values()), axis=0) > self._limit if rows else np.zeros(len(instants), bool)
        limit, self._limit = self._limit, 0
        events, _ = self.advance(instants, rows, over)
        self._limit = limit
        return events, over

    monkeypatch.setattr(Alerting, "_limited", lenient)


def two_alerts_with_the_same_labels_are_one(monkeypatch):
    rows = Naming.rows
    monkeypatch.setattr(Naming, "rows", lambda self, elements: (rows(self, elements)[0], None))


def the_last_rule_wins_a_shared_series(monkeypatch):
    samples = Recordings.samples
    monkeypatch.setattr(
        Recordings, "samples", lambda self, key: self._parts[key][-1].samples() if len(self._parts[key]) > 1 else samples(self, key)
    )


IN_CASES = (
    fires_one_evaluation_late,
    fires_one_evaluation_early,
    pending_survives_a_miss,
    keeps_firing_from_the_last_true_evaluation,
    keeps_firing_one_evaluation_longer,
    keep_firing_for_is_ignored,
    series_end_without_a_stale_marker,
    other_groups_are_seen_at_once,
    the_own_group_is_seen_late,
    nan_is_not_recorded,
    labels_of_recording_rules_are_ignored,
    templates_are_not_filled,
    alerts_for_state_is_the_time_of_firing,
)
WHERE_RULES_FAIL = (
    a_failed_query_is_an_empty_one,
    a_failed_evaluation_ends_what_it_did_not_write,
    the_limit_is_ignored,
    the_limit_leaves_the_alerts,
    two_alerts_with_the_same_labels_are_one,
    the_last_rule_wins_a_shared_series,
)


@pytest.mark.parametrize("fault", IN_CASES, ids=lambda fault: fault.__name__)
def test_a_nearly_right_engine_fails_a_case_that_promtool_passes(monkeypatch, fault):
    fault(monkeypatch)

    assert [wrong for path in CASES for wrong in answer(path, "2.42").wrong]


def test_the_engine_is_the_plain_one_where_rules_fail():
    assert everything(run(*failing())) == plainly(*failing())


@pytest.mark.parametrize("fault", WHERE_RULES_FAIL, ids=lambda fault: fault.__name__)
def test_a_nearly_right_engine_differs_where_rules_fail(monkeypatch, fault):
    plain = plainly(*failing())
    fault(monkeypatch)

    assert everything(run(*failing())) != plain


def failing():
    return [failing_group("time()", 4)], NOTHING, SECONDS, EACH_SECOND
