"""Formulas of queues against the balance equations solved as linear systems, against integrals, and against simulation."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import eigvalsh_tridiagonal

from tests.support import queueing_theory as by_hand
from workbench.world import queueing as q


def stationary(up, down):
    """Stationary distribution of a birth-death process from its generator, by linear algebra and not by products."""
    states = len(up) + 1
    generator = np.zeros((states, states))
    for k, (birth, death) in enumerate(zip(up, down, strict=True)):
        generator[k, k + 1], generator[k + 1, k] = birth, death
    generator -= np.diag(generator.sum(axis=1))
    # One of the balance equations follows from the others.
    equations = np.vstack([generator.T[:-1], np.ones(states)])
    return np.linalg.solve(equations, np.concatenate([np.zeros(states - 1), [1.0]]))


def chain(servers, places, load):
    states = servers + places
    return stationary([load] * states, [min(k, servers) for k in range(1, states + 1)])


@pytest.mark.parametrize("servers", [1, 2, 7, 40, 150])
@pytest.mark.parametrize("rho", [0.01, 0.3, 0.8, 0.99, 1.0, 1.4, 5.0])
def test_erlang_b_is_the_blocked_share_of_the_chain(servers: int, rho: float) -> None:
    load = rho * servers
    exact = chain(servers, 0, load)[-1]
    assert q.erlang_b(servers, load) == pytest.approx(exact, rel=1e-7, abs=1e-13)


@pytest.mark.parametrize(("servers", "load"), [(5000, 4900.0), (5000, 5000.0), (5000, 5600.0), (10_000, 30_000.0), (3000, 1500.0)])
def test_erlang_b_is_stable_for_thousands_of_servers(servers: int, load: float) -> None:
    # Jagerman's integral: 1 / B = a int_0^inf exp(-a t) (1 + t)^c dt.
    top = max(0.0, servers / load - 1)
    scale = max(math.sqrt(servers) / load, 1 / load)
    height = -load * top + servers * math.log1p(top)
    low, high = max(0.0, top - 30 * scale), top + 60 * scale
    inverse = load * quad(lambda t: math.exp(-load * t + servers * math.log1p(t) - height), low, high, limit=500)[0]
    assert math.log(float(q.erlang_b(servers, load))) == pytest.approx(-math.log(inverse) - height, abs=1e-7)


def test_erlang_b_follows_its_recursion_everywhere() -> None:
    load = np.geomspace(0.01, 5000, 300)
    before = np.ones_like(load)
    for servers in range(1, 1200):
        before = load * before / (servers + load * before)
        if servers % 97 == 0 or servers < 6:
            seen = before > 1e-280
            np.testing.assert_allclose(q.erlang_b(servers, load)[seen], before[seen], rtol=2e-9)


def test_erlang_b_without_load_or_servers() -> None:
    assert q.erlang_b([0, 0, 3], [0.0, 2.0, 0.0]).tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.5), (4, 0.8), (30, 0.95), (100, 0.7)])
def test_erlang_c_and_waits_are_those_of_a_long_chain(servers: int, rho: float) -> None:
    load, held = rho * servers, 0.2
    probabilities = chain(servers, 500 if servers == 30 else 150, load)
    queued = sum((k - servers) * p for k, p in enumerate(probabilities) if k > servers)
    assert q.erlang_c(servers, load) == pytest.approx(probabilities[servers:].sum(), rel=1e-6)
    assert q.mmc_mean_wait_s(load / held, held, servers) == pytest.approx(queued / (load / held), rel=1e-6)


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.6), (5, 0.9), (64, 0.97)])
def test_mean_wait_is_the_integral_of_the_tail_and_quantiles_invert_it(servers: int, rho: float) -> None:
    held = 0.05
    rate = rho * servers / held
    longest = 60 * held / (servers * (1 - rho))
    mean = quad(lambda t: float(q.mmc_waits_longer(t, rate, held, servers)), 0, longest, limit=200)[0]
    assert q.mmc_mean_wait_s(rate, held, servers) == pytest.approx(mean, rel=1e-8)
    for quantile in (0.9, 0.99, 0.999):
        wait = q.mmc_wait_quantile_s(quantile, rate, held, servers)
        expected = min(1 - quantile, float(q.erlang_c(servers, rate * held)))
        assert q.mmc_waits_longer(wait, rate, held, servers) == pytest.approx(expected, rel=1e-9)


def test_loads_beyond_capacity_wait_for_ever() -> None:
    assert q.mmc_mean_wait_s([9.0, 10.0, 11.0], 0.1, 1).tolist() == [pytest.approx(0.9), math.inf, math.inf]
    assert q.mmc_wait_quantile_s(0.5, 11.0, 0.1, 1) == math.inf
    assert q.mg1_mean_wait_s(11.0, 0.1, 1.0) == math.inf


@pytest.mark.parametrize("servers", [1, 3, 12])
@pytest.mark.parametrize("places", [0, 1, 5, 60])
@pytest.mark.parametrize("rho", [0.2, 0.9, 1.0, 1.0 + 1e-9, 1.1, 4.0])
def test_a_limited_queue_is_its_chain(servers: int, places: int, rho: float) -> None:
    load = rho * servers
    p = chain(servers, places, load)
    got = q.mmck(servers, places, load)
    assert got.lost == pytest.approx(p[-1], rel=1e-6, abs=1e-12)
    assert got.queued == pytest.approx(sum((k - servers) * one for k, one in enumerate(p) if k > servers), rel=1e-6, abs=1e-10)
    assert got.waits == pytest.approx(p[servers:-1].sum() / (1 - p[-1]), rel=1e-6, abs=1e-10)
    assert got.busy == pytest.approx(sum(min(k, servers) * one for k, one in enumerate(p)), rel=1e-6)


def test_a_limited_queue_of_many_places_neither_overflows_nor_differs_from_an_unlimited_one() -> None:
    load = np.array([10.0, 70.0, 79.0])
    limited, free = q.mmck(80, 100_000, load), q.mmck(80, None, load)
    np.testing.assert_allclose(limited.queued, free.queued, rtol=1e-9)
    over = q.mmck(2000, 100_000, np.array([2000.0, 2500.0, 1e6]))
    np.testing.assert_allclose(over.queued, [50_000, 100_000 - 4, 100_000], rtol=3e-2)
    np.testing.assert_allclose(over.lost[1:], [0.2, 1 - 2000 / 1e6], rtol=1e-9)


@pytest.mark.parametrize(("rho", "patience"), [(0.5, 1.0), (0.95, 3.0), (1.0, 4.0), (1.2, 8.0), (2.5, 5.0)])
def test_patience_of_one_server_is_the_closed_form(rho: float, patience: float) -> None:
    got = q.mmc_patience(1, patience, rho)
    near = rho if rho != 1 else 1 + 1e-7
    assert got.lost == pytest.approx(by_hand.mm1_patience(near, 1.0, patience), rel=1e-5)


@pytest.mark.parametrize(("servers", "rho", "patience"), [(3, 0.9, 1.0), (3, 1.5, 2.0), (10, 1.1, 0.5)])
def test_patience_of_many_servers_is_what_a_simulation_sees(servers: int, rho: float, patience: float) -> None:
    rng = np.random.default_rng(3)
    batches = []
    for _ in range(24):
        free = np.zeros(servers)
        now, lost, waited, waits, count = 0.0, 0, 0, 0.0, 6000
        for gap, work in zip(rng.exponential(1 / (rho * servers), count), rng.exponential(1.0, count), strict=True):
            now += gap
            first = int(free.argmin())
            wait = max(0.0, free[first] - now)
            waited += wait > 0
            waits += min(wait, patience)
            if wait > patience:
                lost += 1
            else:
                free[first] = max(free[first], now) + work
        batches.append((lost / count, waited / count, waits / count * rho * servers))
    mean, error = np.mean(batches, axis=0), np.std(batches, axis=0, ddof=1) / math.sqrt(len(batches))
    got = q.mmc_patience(servers, patience, rho * servers)
    # Batches begin empty, which costs a few of thousands of calls.
    for value, expected, se in zip((got.lost, got.waits, got.queued), mean, error, strict=True):
        assert abs(float(value) - expected) < 4 * se + 0.003 * expected


def test_endless_patience_is_erlang_c() -> None:
    got = q.mmc_patience(6, 400.0, 5.0)
    assert got.waits == pytest.approx(float(q.erlang_c(6, 5.0)), rel=1e-9)
    assert got.queued == pytest.approx(float(q.mmck(6, None, 5.0).queued), rel=1e-9)


def test_pollaczek_khinchine_is_lindleys_recursion() -> None:
    rng = np.random.default_rng(5)
    sigma, rate = 0.8, 14.0
    mean_s, second = by_hand.lognormal_moments(0.035, sigma)
    assert q.mg1_mean_wait_s(rate, mean_s, second / mean_s**2 - 1) == pytest.approx(
        by_hand.pollaczek_khinchine(rate, mean_s, second)
    )
    means = []
    for _ in range(30):
        steps = 0.035 * np.exp(sigma * rng.standard_normal(40_000)) - rng.exponential(1 / rate, 40_000)
        walk = np.concatenate([[0.0], np.cumsum(steps)])
        means.append((walk - np.minimum.accumulate(walk))[2000:].mean())
    error = np.std(means, ddof=1) / math.sqrt(len(means))
    assert abs(np.mean(means) - float(q.mg1_mean_wait_s(rate, mean_s, second / mean_s**2 - 1))) < 4 * error


def test_allen_cunneen_contains_both_exact_cases() -> None:
    assert q.ggc_mean_wait_s(30.0, 0.1, 4, 1.0, 1.0) == pytest.approx(float(q.mmc_mean_wait_s(30.0, 0.1, 4)))
    assert q.ggc_mean_wait_s(8.0, 0.1, 1, 1.0, 1.7) == pytest.approx(float(q.mg1_mean_wait_s(8.0, 0.1, 1.7**2)))


def test_littles_law_joins_waits_and_queues() -> None:
    rate, held, servers = 47.0, 0.1, 5
    wait = q.mmc_mean_wait_s(rate, held, servers)
    assert q.littles_number(rate, wait) == pytest.approx(float(q.mmck(servers, None, rate * held).queued))
    assert q.littles_time_s(q.littles_number(rate, wait), rate) == pytest.approx(float(wait))
    assert q.littles_time_s([3.0], [0.0]).tolist() == [0.0]


def test_users_who_wait_are_the_machine_repairmen() -> None:
    # So many servers that nobody waits: each user alternates between thinking and an answer, whatever their laws.
    users, think, answer = 12, 2.0, 0.5
    p = stationary([(users - k) / think for k in range(users)], [(k + 1) / answer for k in range(users)])
    rate = sum((users - k) / think * one for k, one in enumerate(p))
    assert q.closed_requests_per_s(users, think, answer) == pytest.approx(rate, rel=1e-9)


def test_relaxation_is_the_spectral_gap_of_the_chain() -> None:
    # Of M/M/1, truncated far out, the gap comes down to (1 - sqrt(rho))^2 / held; by detailed balance the generator is symmetric.
    states, rho = 400, 0.5
    stay = -np.array([rho, *[1 + rho] * (states - 2), 1.0])
    slowest = -np.sort(eigvalsh_tridiagonal(stay, np.full(states - 1, math.sqrt(rho))))[-2]
    assert 1 / q.mmc_relaxation_s(1.0, 1, rho) == pytest.approx(slowest, rel=1e-2)


def test_levels_go_there_and_back() -> None:
    load = np.linspace(0, 9.99, 2000)
    levels = q.Levels.of(load, q.mmck(10, None, load))
    some = np.array([0.5, 5.0, 9.0, 9.9])
    np.testing.assert_allclose(levels.load(levels.number(some)), some, rtol=1e-9)
    exact = some + np.array([float(q.mmck(10, None, one).queued) for one in some])
    np.testing.assert_allclose(levels.number(some), exact, rtol=1e-2)


def test_with_variability_a_queue_is_allen_and_cunneens_and_never_longer_than_its_places() -> None:
    load = np.array([0.5, 3.0, 3.6, 4.0, 4.4, 40.0])
    for v in (0.3, 2.5):
        for places in (5, 40, 4000):
            got = q.mmck(4, places, load, v)
            assert (np.diff(got.queued) > 0).all()
            assert (got.queued <= places).all()
        np.testing.assert_allclose(got.queued[:3], v * q.mmck(4, None, load[:3]).queued, rtol=1e-6)
        patient = q.mmc_patience(4, 1000.0, load, v)
        np.testing.assert_allclose(patient.queued[:3], v * q.mmck(4, None, load[:3]).queued, rtol=1e-6)
        # Far above full load the gap to a full queue shrinks with the variability.
        np.testing.assert_allclose(places - got.queued[4], v * 4 / 0.4, rtol=1e-6)
    for exact, near in (
        (q.mmck(4, 40, load), q.mmck(4, 40, load, 1 + 1e-9)),
        (q.mmc_patience(4, 9.0, load), q.mmc_patience(4, 9.0, load, 1 + 1e-9)),
    ):
        np.testing.assert_allclose(exact.queued, near.queued, rtol=1e-5)
