"""One station: the fluid flow relaxes to the formula from both sides, nothing is lost or made, more load is never better."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.stats import gamma

from tests.support import queueing_theory as by_hand
from workbench.world.load.stations import (
    Stretch,
    advance,
    gamma_shape,
    in_equilibrium,
    spread_in_equilibrium,
    station,
    wait_of,
)

HELD = 0.05


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.5), (1, 0.85), (8, 0.7), (8, 0.95), (200, 0.97)])
@pytest.mark.parametrize("start", [0.0, 3.0])
def test_the_fluid_flow_relaxes_to_erlang_c_from_both_sides(servers: int, rho: float, start: float) -> None:
    table, rate = station(servers, None, None, 1.0), rho * servers / HELD
    queue = by_hand.erlang_c(servers, rho * servers) * rho / (1 - rho) if servers < 150 else None
    inside = start * servers / (1 - rho)
    for _ in range(4000):
        done = advance(table, inside, rate, HELD, 5.0)
        inside = done.inside
    if queue is not None:
        assert done.queued == pytest.approx(queue, rel=5e-3)
    assert done.busy == pytest.approx(rho * servers, rel=1e-6)
    assert inside == pytest.approx(in_equilibrium(table, rho * servers).inside, rel=1e-6)


@pytest.mark.parametrize("width", [1.0, 15.0, 60.0])
def test_above_capacity_a_queue_grows_by_the_excess_whatever_the_bins(width: float) -> None:
    table = station(4, None, None, 1.0)
    rate, inside = 1.5 * 4 / HELD, 0.0
    for _ in range(int(1200 / width)):
        inside = advance(table, inside, rate, HELD, width).inside
    assert inside == pytest.approx(0.5 * 4 / HELD * 1200, rel=0.02)
    # And it is worked off at the rate of what is free.
    for _ in range(int(600 / width)):
        inside = advance(table, inside, 0.5 * 4 / HELD, HELD, width).inside
    assert inside == pytest.approx(0.5 * 4 / HELD * 1200 - 0.5 * 4 / HELD * 600, rel=0.02)


def test_the_flow_solves_its_differential_equation() -> None:
    table, servers = station(8, None, None, 1.3), 8

    def rate(t: float) -> float:
        return servers / HELD * (0.8 + 0.5 * math.sin(t / 40))

    def growth(t: float, level: np.ndarray) -> np.ndarray:
        return rate(t) - np.interp(level, table.inside, table.busy) / HELD

    exact = solve_ivp(growth, (0, 300), [6.0], method="LSODA", rtol=1e-8, atol=1e-8, t_eval=[100.0, 200.0, 300.0]).y[0]
    inside, seen = 6.0, []
    for step in range(3000):
        inside = advance(table, inside, rate((step + 0.5) * 0.1), HELD, 0.1).inside
        if step % 1000 == 999:
            seen.append(inside)
    np.testing.assert_allclose(seen, exact, rtol=0.01, atol=0.05)


@given(
    servers=st.integers(1, 50),
    limit=st.one_of(st.none(), st.integers(0, 400)),
    patience=st.one_of(st.none(), st.floats(0.5, 200)),
    loads=st.lists(st.floats(0, 4), min_size=1, max_size=12),
    width=st.floats(0.01, 60),
)
def test_arrivals_are_served_lost_or_still_there(servers: int, limit, patience, loads: list[float], width: float) -> None:
    table = station(servers, limit, None if patience is None else round(patience, 1), 1.2)
    inside = arrived = served = lost = 0.0
    for load in loads:
        rate = load * servers / HELD
        done = advance(table, inside, rate, HELD, width)
        assert 0 <= done.busy <= servers * (1 + 1e-12)
        assert 0 <= done.lost <= 1
        assert done.inside >= 0
        if limit is not None and patience is None:
            assert done.queued <= limit * (1 + 1e-9)
        inside = done.inside
        arrived, served, lost = arrived + rate * width, served + done.busy / HELD * width, lost + rate * width * done.lost
    # Where much leaves a full station that was fuller than full, the loss ends at all that arrived.
    assert arrived - served - lost == pytest.approx(inside, rel=1e-6, abs=1e-6 * (1 + arrived))


@given(st.floats(0.05, 3), st.floats(0.05, 3), st.integers(1, 30), st.sampled_from([(None, None), (50, None), (None, 20.0)]))
def test_more_load_never_means_a_shorter_queue(one: float, other: float, servers: int, kind) -> None:
    table = station(servers, *kind, 1.0)
    low, high = sorted((one, other))
    queues = []
    for load in (low, high):
        inside = 0.0
        for _ in range(5):
            done = advance(table, inside, load * servers / HELD, HELD, 3.0)
            inside = done.inside
        queues.append((inside, done.busy))
    assert queues[0][0] <= queues[1][0] * (1 + 1e-9) + 1e-9
    assert queues[0][1] <= queues[1][1] * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize(("load", "patience_s"), [(0.9, 0.4), (1.2, 1.0), (1.1, 5.0), (3.0, 2.0)])
def test_those_who_leave_after_waiting_are_those_that_no_server_has_time_for(load: float, patience_s: float) -> None:
    servers = 4
    table = station(servers, None, patience_s / HELD, 1.0)
    rate, inside = load * servers / HELD, 0.0
    for _ in range(400):
        done = advance(table, inside, rate, HELD, 15.0)
        inside = done.inside
    if load > 1:
        assert done.lost == pytest.approx(1 - 1 / load, rel=0.02)
    shape = gamma_shape(done.queued, spread_in_equilibrium(table, done, load * servers))
    mean_s, shape = wait_of(table, done, HELD, shape, patience_s)
    # The network drops whoever waits longer: just the share that is lost.
    assert done.waits * gamma.sf(patience_s, shape, scale=mean_s / shape) == pytest.approx(done.lost, rel=1e-3, abs=1e-9)


def test_a_wait_is_littles_law() -> None:
    table = station(6, None, None, 1.0)
    there = in_equilibrium(table, 5.0)
    mean_s, _ = wait_of(table, there, HELD, 1.0, None)
    assert there.waits * mean_s == pytest.approx(by_hand.mmc_mean_wait(5.0 / HELD, HELD, 6), rel=1e-3)


def test_without_arrivals_a_station_empties_and_loses_nobody() -> None:
    table, inside = station(2, 30, None, 1.0), 25.0
    for _ in range(10):
        done = advance(table, inside, 0.0, HELD, 5.0)
        inside = done.inside
        assert done.lost == 0
    assert inside < 1e-2
    assert isinstance(done, Stretch)


def test_a_queue_longer_than_any_in_equilibrium_is_worked_off_like_others() -> None:
    table, rate, servers = station(2, None, None, 1.0), 1.4 * 2 / HELD, 2
    inside = 5e6
    done = advance(table, inside, rate, HELD, 15.0)
    assert done.inside - inside == pytest.approx(0.4 * servers / HELD * 15, rel=1e-6)
    assert done.busy == servers
    assert done.lost == pytest.approx(0.0, abs=1e-9)
