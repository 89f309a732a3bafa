"""Metastable failure: a burst of minutes, clients that give up and try again, and a system that stays down after the burst is over.

At 100 requests a second the one component is 71 % busy. With up to four attempts of each request it is asked for nearly three times
what it carries once all fail, so a queue longer than clients' patience keeps itself up; what breaks the loop brings it back.
The load is computed, not drawn: these tests hold for every seed.
"""

from typing import Any

import numpy as np
import pytest

from tests.support.mechanisms import HOUR, MINUTE, WORLD, Load, merged

STEP_S = 15.0
BURST_S = 20 * MINUTE, 22 * MINUTE
RETRIES = {"attempts": 4, "backoff": "100ms"}
STORM = {
    "components": {"api": {"service": {"median": "50ms", "sigma": 0.5}, "concurrency": 8}},
    "traffic": {"mean_rps": 100, "variability": None, "timeout": "2s", "retries": RETRIES},
    "incidents": [{"at": "after 20m", "lasts": "2m", "traffic": "x4", "routes": ["/"]}],
}


def goodput(horizon_s: float = 2 * HOUR, **over: Any) -> np.ndarray:
    """Good answers a second in each bin, as a share of what arrives when nothing goes wrong, `[bins]`."""
    world = merged(merged(WORLD, STORM), over)
    good = Load(world, horizon_s, STEP_S).play(0).by_bin("2", expected=True)
    return good / (STEP_S * world["traffic"]["mean_rps"])


def span(values: np.ndarray, low_s: float, high_s: float) -> np.ndarray:
    """Whole bins within a span of time."""
    return values[int(np.ceil(low_s / STEP_S)) + 1 : int(high_s // STEP_S)]


REMEDIES = {
    "a retry budget": {"traffic": {"retries": {"budget": "10%"}}},
    "no retries": {"traffic": {"retries": None}},
    "load shedding": {"components": {"api": {"shedding": {"above": "85%"}}}},
    "a lower load": {
        "traffic": {"mean_rps": 15},
        "incidents": [{"at": "after 20m", "lasts": "2m", "traffic": "x26", "routes": ["/"]}],
    },
}


def test_a_short_burst_keeps_the_system_down_long_after_it_ended():
    found = goodput()

    assert (span(found, MINUTE, BURST_S[0]) > 0.999).all()
    assert (span(found, BURST_S[1], 2 * HOUR) < 0.1).all()


def test_without_the_burst_the_same_load_is_carried():
    assert (span(goodput(incidents=[]), MINUTE, 2 * HOUR) > 0.999).all()


@pytest.mark.parametrize("remedy", sorted(REMEDIES))
def test_what_breaks_the_loop_brings_the_system_back(remedy):
    found = goodput(**REMEDIES[remedy])

    assert (span(found, MINUTE, BURST_S[0]) > 0.999).all()
    assert (span(found, 2 * HOUR - 20 * MINUTE, 2 * HOUR) > 0.99).all()


def test_the_burst_alone_is_too_much_for_the_system_whatever_clients_do():
    for remedy in ("a retry budget", "no retries", "a lower load"):
        assert span(goodput(**REMEDIES[remedy]), *BURST_S).min() < 0.5


def test_a_pause_of_the_load_ends_what_the_burst_began():
    # The state has a memory: the same load that could not come back is carried again after a quiet while.
    pause = {"lull": {"at": "2026-04-06T00:30", "rise": "0s", "lasts": "50m", "fades": "1s", "factor": 0.02}}
    found = goodput(2 * HOUR, traffic={"events": pause, "mean_rps": 100})

    assert (span(found, BURST_S[1], 30 * MINUTE) < 0.1).all()
    assert (span(found, 2 * HOUR - 20 * MINUTE, 2 * HOUR) > 0.9).all()
