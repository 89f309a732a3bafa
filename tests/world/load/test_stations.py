"""Stations against birth-death chains solved directly, and the fluid flow against what it must do."""

import numpy as np
import pytest

from workbench.world.load.stations import advance, station


def chain(servers, places, offered):
    """Mean queue, blocking, P(wait | enters) of M/M/c/K from its stationary probabilities."""
    p = [1.0]
    for n in range(1, servers + places + 1):
        p.append(p[-1] * offered / min(n, servers))
    p = np.array(p) / sum(p)
    queued = sum((n - servers) * p[n] for n in range(servers, servers + places + 1))
    return queued, p[-1], p[servers:-1].sum() / (1 - p[-1])


@pytest.mark.parametrize(
    ("servers", "places", "offered"), [(3, 0, 2.0), (3, 5, 2.0), (3, 5, 3.0), (2, 20, 4.0), (8, 100, 7.5), (40, 10, 38.0)]
)
def test_a_limited_queue_is_a_birth_death_chain(servers, places, offered):
    kind = station(servers, places, 1.0)
    found = [float(np.interp(offered, kind.offered, of)) for of in (kind.queued, kind.blocked, kind.waits)]

    np.testing.assert_allclose(found, chain(servers, places, offered), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize(("servers", "offered"), [(1, 0.7), (8, 5.6), (100, 95.0)])
def test_without_a_limit_it_is_erlang_c(servers, offered):
    kind = station(servers, None, 1.0)
    found = [float(np.interp(offered, kind.offered, of)) for of in (kind.queued, kind.blocked, kind.waits)]

    # So many places that they are never full.
    np.testing.assert_allclose(found, chain(servers, 600, offered), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("utilisation", [0.3, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("begin", [0.0, 500.0])
def test_the_fluid_flow_relaxes_to_equilibrium(utilisation, begin):
    kind = station(8, None, 1.0)
    inside = begin
    for _ in range(4000):
        inside = advance(kind, inside, 8 * utilisation, 1.0, 5.0).inside

    assert inside == pytest.approx(float(np.interp(8 * utilisation, kind.offered, kind.inside)), rel=2e-3)


def test_above_capacity_the_queue_grows_by_what_cannot_be_served_and_falls_again():
    kind = station(8, None, 1.0)
    inside = 0.0
    for _ in range(40):
        inside = advance(kind, inside, 12.0, 1.0, 15.0).inside
    grown = inside
    for _ in range(20):
        inside = advance(kind, inside, 4.0, 1.0, 15.0).inside

    assert grown == pytest.approx(40 * 15 * (12 - 8), rel=0.02)
    assert grown - inside == pytest.approx(20 * 15 * (8 - 4), rel=0.02)


def test_nothing_is_lost_between_arrivals_served_refused_and_waiting():
    kind = station(4, 50, 1.0)
    inside, arrived, served, refused = 0.0, 0.0, 0.0, 0.0
    for step in range(200):
        rate = 9.0 if step < 100 else 1.0
        before = inside
        stretch = advance(kind, inside, rate, 0.8, 2.0)
        inside = stretch.inside
        arrived += rate * 2
        refused += rate * 2 * stretch.refused
        served += stretch.utilisation * 4 / 0.8 * 2
        assert stretch.queued <= 50
        assert inside - before == pytest.approx(rate * 2 * (1 - stretch.refused) - stretch.utilisation * 4 / 0.8 * 2, abs=1e-6)
    assert arrived == pytest.approx(served + refused + inside, rel=1e-9)


def test_nobody_waits_longer_than_the_limit():
    kind = station(2, None, 1.0)
    inside = 0.0
    for _ in range(100):
        stretch = advance(kind, inside, 10.0, 1.0, 15.0, max_wait_s=5.0)
        inside = stretch.inside

    assert stretch.wait_s < 7.0
