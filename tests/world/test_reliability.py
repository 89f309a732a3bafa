"""Formulas of availability against enumeration, the renewal equation on a grid, and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ive
from scipy.stats import gamma

from workbench.world import reliability as r


def takacs(x, horizon, up, down):
    """Beginning up: Takacs' closed form with a Bessel function (Barlow and Proschan 1965, section 3.4)."""
    u, rate, repair = horizon - x, 1 / up, 1 / down

    def inner(y):
        z = 2 * math.sqrt(rate * u * repair * y)
        return math.exp(z - repair * y - rate * u) * ive(1, z) / math.sqrt(y)

    return math.exp(-rate * u) + math.sqrt(rate * repair * u) * quad(inner, 0, x, limit=300)[0]


@pytest.mark.parametrize(
    ("x", "horizon", "up", "down"), [(1.0, 100.0, 40.0, 2.0), (10.0, 100.0, 7.0, 2.0), (60.0, 720.0, 50.0, 6.0)]
)
def test_downtime_of_exponential_times_is_the_bessel_integral(x: float, horizon: float, up: float, down: float) -> None:
    assert r.within_downtime(x, horizon, up, down, "up") == pytest.approx(takacs(x, horizon, up, down), rel=1e-7)


def simulated(rng, horizon, draw_up, draw_down, count):
    out = np.empty(count)
    for run in range(count):
        now, downtime, up = 0.0, 0.0, True
        while now < horizon:
            length = draw_up(rng) if up else draw_down(rng)
            if not up:
                downtime += min(length, horizon - now)
            now, up = now + length, not up
        out[run] = downtime
    return out


def test_downtime_of_exponential_times_is_what_a_simulation_sees() -> None:
    rng = np.random.default_rng(1)
    down = simulated(rng, 200.0, lambda g: g.exponential(30.0), lambda g: g.exponential(4.0), 6000)
    for x in (0.0, 5.0, 20.0, 45.0):
        p = float(r.within_downtime(x, 200.0, 30.0, 4.0, "up"))
        assert abs((down <= x).mean() - p) < 4 * math.sqrt(p * (1 - p) / len(down))


@pytest.mark.parametrize(("horizon", "up", "down"), [(50.0, 20.0, 3.0), (200.0, 60.0, 1.5)])
def test_mean_downtime_of_a_stationary_process_is_the_unavailability(horizon: float, up: float, down: float) -> None:
    points = sorted({0.0, *np.linspace(0, horizon, 12).tolist()})
    mean = sum(
        quad(lambda x: 1 - float(r.within_downtime(x, horizon, up, down)), a, b, limit=200)[0]
        for a, b in itertools.pairwise(points)
    )
    assert mean == pytest.approx(horizon * (1 - r.availability(up, down)), rel=1e-6)


def test_beginning_down_is_one_repair_more() -> None:
    # After an exponential repair it is as if it began up: convolve numerically.
    horizon, up, down, x = 60.0, 15.0, 4.0, 9.0
    later = quad(lambda t: math.exp(-t / down) / down * float(r.within_downtime(x - t, horizon - t, up, down, "up")), 0, x)[0]
    assert r.within_downtime(x, horizon, up, down, "down") == pytest.approx(later, rel=1e-7)


def test_the_series_for_any_law_is_the_one_for_exponential_times() -> None:
    args = 7.0, 90.0
    general = r.within_downtime_of(
        *args,
        lambda n, t: 1.0 if n == 0 else float(gamma.cdf(t, n, scale=12.0)),
        lambda n, t: 1.0 if n == 0 else float(gamma.cdf(t, n, scale=2.0)),
    )
    assert general == pytest.approx(float(r.within_downtime(*args, 12.0, 2.0, "up")), rel=1e-9)


def test_downtime_of_gamma_times_is_what_a_simulation_sees() -> None:
    rng = np.random.default_rng(2)
    down = simulated(rng, 120.0, lambda g: g.gamma(0.6, 40.0), lambda g: g.gamma(3.0, 1.2), 6000)
    for x in (2.0, 12.0, 24.0):
        p = r.within_downtime_of(
            x,
            120.0,
            lambda n, t: 1.0 if n == 0 else float(gamma.cdf(t, 0.6 * n, scale=40.0)),
            lambda n, t: 1.0 if n == 0 else float(gamma.cdf(t, 3.0 * n, scale=1.2)),
        )
        assert abs((down <= x).mean() - p) < 4 * math.sqrt(p * (1 - p) / len(down))


def test_no_horizon_holds_more_downtime_than_itself() -> None:
    assert r.within_downtime([-1.0, 50.0, 80.0], 50.0, 10.0, 5.0).tolist() == [0.0, 1.0, 1.0]


def test_composite_availability_is_the_sum_over_all_states() -> None:
    parts = [0.9, 0.99, 0.8, 0.95]
    for need in range(len(parts) + 1):
        total = sum(
            math.prod(p if on else 1 - p for p, on in zip(parts, state, strict=True))
            for state in itertools.product([False, True], repeat=len(parts))
            if sum(state) >= need
        )
        assert r.at_least(need, parts) == pytest.approx(total, rel=1e-12)
    assert r.in_series(parts) == pytest.approx(r.at_least(4, parts))
    assert r.with_fallback(0.9, 0.8) == pytest.approx(r.at_least(1, [0.9, 0.8]))


@pytest.mark.parametrize("ratio", [0.02, 0.15, 1.0])
def test_detection_time_is_when_a_filling_window_burns_fast_enough(ratio: float) -> None:
    window, factor, target = 3600.0, 14.4, 0.999
    errors = np.arange(1, 3601) * ratio / window  # mean error ratio of the last hour after so many seconds
    first = int(np.argmax(errors >= factor * (1 - target))) + 1
    assert r.detection_time_s(window, factor, target, ratio) == pytest.approx(first, abs=1.0)


def test_what_burns_too_slowly_is_never_detected() -> None:
    assert r.detection_time_s(3600.0, 14.4, 0.999, 0.0143) == math.inf
