from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.alerts import states
from workbench.alerts.states import INACTIVE, Phase, State, changes


def plain(present, instants, for_ms, keep_ms):
    """rules/alerting.go, instant by instant."""
    phase, active, since = Phase.INACTIVE, 0, None
    for now, here in zip(instants, present, strict=True):
        if here:
            since = None
            if phase is Phase.INACTIVE:
                phase, active = Phase.PENDING, now
            if phase is Phase.PENDING and now - active >= for_ms:
                phase = Phase.FIRING
        elif phase is Phase.PENDING:
            phase = Phase.INACTIVE
        elif phase is Phase.FIRING:
            if keep_ms > 0 and since is None:
                since = now
            if not (keep_ms > 0 and now - since < keep_ms):
                phase, since = Phase.INACTIVE, None
        yield phase


def by_edges(present, instants, for_ms, keep_ms, cuts=()):
    state, found = INACTIVE, {}
    bounds = [0, *sorted(cuts), len(present)]
    for begin, end in pairwise(bounds):
        for change in changes(state, instants[begin:end], present[begin:end], for_ms, keep_ms):
            state = change.state
            found[change.at_ms] = state
    phase = INACTIVE.phase
    for now in instants:
        phase = found[now].phase if now in found else phase
        yield phase


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    present=st.lists(st.booleans(), max_size=60),
    for_s=st.sampled_from([0, 15, 20, 30, 45, 60, 120]),
    keep_s=st.sampled_from([0, 10, 15, 30, 50, 60]),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_the_machine_by_edges_is_the_machine_by_instants_wherever_it_is_cut(present, for_s, keep_s, cuts):
    here = np.array(present, bool)
    instants = np.arange(len(here), dtype=np.int64) * 15_000
    cuts = [cut for cut in cuts if cut <= len(here)]

    assert list(by_edges(here, instants, for_s * 1000, keep_s * 1000, cuts)) == list(
        plain(here, instants, for_s * 1000, keep_s * 1000)
    )


@pytest.mark.parametrize(("for_s", "fires_at"), [(0, 0), (20, 2), (30, 2), (120, 8)])
def test_for_is_rounded_up_to_the_next_evaluation(for_s, fires_at):
    instants = np.arange(10, dtype=np.int64) * 15_000

    found = [c.at_ms for c in changes(INACTIVE, instants, np.ones(10, bool), for_s * 1000, 0) if c.state.phase is Phase.FIRING]

    assert found == [fires_at * 15_000]


def test_a_return_clears_the_timer_of_keep_firing_for():
    instants = np.arange(4, dtype=np.int64) * 15_000
    firing = State(Phase.FIRING, -60_000)

    found = list(changes(firing, instants, np.array([False, False, True, False]), 0, 40_000))

    assert [c.state.missing_ms for c in found] == [0, None, 45_000]
    assert all(c.state.phase is Phase.FIRING for c in found)


def late(monkeypatch):
    first_at = states._first_at
    monkeypatch.setattr(states, "_first_at", lambda instants, time, start: first_at(instants, time + 1, start))


def early(monkeypatch):
    present = states._present
    monkeypatch.setattr(states, "_present", lambda s, i, a, b, for_ms: present(s, i, a, b, max(0, for_ms - 15_000)))


def pending_survives_one_miss(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(
        states,
        "_absent",
        lambda s, i, a, b, keep: iter(()) if s.phase is Phase.PENDING and b - a == 1 else absent(s, i, a, b, keep),
    )


def keeps_firing_from_the_last_true_evaluation(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(states, "_absent", lambda s, i, a, b, keep: absent(s, i, a, b, max(keep - 15_000, min(keep, 1))))


def keep_firing_for_is_ignored(monkeypatch):
    absent = states._absent
    monkeypatch.setattr(states, "_absent", lambda s, i, a, b, _: absent(s, i, a, b, 0))


@pytest.mark.parametrize(
    "fault",
    [None, late, early, pending_survives_one_miss, keeps_firing_from_the_last_true_evaluation, keep_firing_for_is_ignored],
    ids=lambda fault: fault.__name__ if fault else "none",
)
def test_a_nearly_right_machine_differs_from_the_plain_one(monkeypatch, fault):
    if fault is not None:
        fault(monkeypatch)
    rng = np.random.default_rng(1)
    instants = np.arange(200, dtype=np.int64) * 15_000

    different = 0
    for _ in range(20):
        here = np.repeat(rng.random(100) < 0.5, rng.integers(1, 5, 100))[:200]
        at = instants[: len(here)]
        different += list(by_edges(here, at, 30_000, 30_000)) != list(plain(here, at, 30_000, 30_000))

    assert (different > 0) == (fault is not None)
