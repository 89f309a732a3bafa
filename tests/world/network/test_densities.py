"""Sums, maxima and order statistics on grids against closed forms."""

import math

import numpy as np
import pytest
from scipy.special import gammainc, ndtr

from workbench.world.network.density import TimeGrid, point
from workbench.world.network.laws import gamma, lognormal, uniform
from workbench.world.network.order import at_least, deciding

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
GRID = TimeGrid.of(BOUNDS, 30.0)
AT = np.array(BOUNDS)


def test_a_sum_of_exponentials_is_a_gamma_time():
    one = gamma(GRID, 1.0, 0.04)
    three = one.then(one).then(one)

    np.testing.assert_allclose(three.at(AT), gammainc(3, AT / 0.04), atol=2e-4)
    assert three.mean() == pytest.approx(0.12, rel=1e-5)


def test_a_sum_of_two_different_exponentials_is_hypoexponential():
    fast, slow = 0.02, 0.3
    both = gamma(GRID, 1.0, fast).then(gamma(GRID, 1.0, slow))
    exact = 1 - (slow * np.exp(-AT / slow) - fast * np.exp(-AT / fast)) / (slow - fast)

    np.testing.assert_allclose(both.at(AT), exact, atol=2e-4)


def test_a_lognormal_keeps_its_distribution_and_its_mean():
    law = lognormal(GRID, 0.12, 0.8)

    np.testing.assert_allclose(law.at(AT), ndtr(np.log(AT / 0.12) / 0.8), atol=2e-4)
    assert law.mean() == pytest.approx(0.12 * math.exp(0.32), rel=1e-4)


def test_a_time_much_shorter_than_the_coarsest_step_keeps_its_mean():
    assert lognormal(GRID, 0.002, 0.5).mean() == pytest.approx(0.002 * math.exp(0.125), rel=1e-6)


def test_errors_of_a_distribution_fall_with_the_square_of_the_step():
    def worst(cells):
        grid = TimeGrid((1.0 / cells,), 2 * cells)
        law = gamma(grid, 1.0, 0.05)
        return np.abs(law.then(law).at(AT[3:6]) - gammainc(2, AT[3:6] / 0.05)).max()

    coarse, fine = worst(200), worst(800)
    assert 8 < coarse / fine < 32


def test_the_slowest_of_all_is_the_product_of_distributions():
    members = [gamma(GRID, 1.0, mean) for mean in (0.05, 0.1, 0.2)]
    exact = np.prod([-np.expm1(-AT / mean) for mean in (0.05, 0.1, 0.2)], axis=0)

    np.testing.assert_allclose(at_least(3, members).at(AT), exact, atol=1e-3)


@pytest.mark.parametrize("need", [1, 2, 3, 4, 5])
def test_a_quorum_of_equals_is_an_order_statistic(need):
    upto = -np.expm1(-AT / 0.1)
    exact = sum(math.comb(5, k) * upto**k * (1 - upto) ** (5 - k) for k in range(need, 6))

    np.testing.assert_allclose(at_least(need, [gamma(GRID, 1.0, 0.1)] * 5).at(AT), exact, atol=1.5e-3)


def test_members_that_may_never_happen_leave_a_quorum_unreached():
    members = [gamma(GRID, 1.0, 0.1).times(0.9)] * 3

    assert at_least(2, members).total == pytest.approx(0.9**3 + 3 * 0.9**2 * 0.1)


def test_a_time_limit_moves_what_is_slower_to_the_limit():
    kept, late = gamma(GRID, 1.0, 0.1).cut(0.25)

    assert kept.total == pytest.approx(-math.expm1(-2.5), abs=1e-4)
    assert kept.total + late.total == pytest.approx(1.0)
    assert late.mean() == pytest.approx(0.25)
    assert kept.at(np.array([math.inf]))[0] == pytest.approx(kept.mass[0].sum(), abs=1e-6)


def test_what_lies_beyond_a_fine_grid_does_not_come_back_at_its_beginning():
    late = point(GRID, 20.0).then(gamma(GRID, 1.0, 0.5))

    assert late.at(AT[:8]).max() < 1e-6
    assert late.total == 1.0


def test_a_uniform_wait_has_its_mean_and_its_distribution():
    wait = uniform(GRID, 0.2)

    assert wait.mean() == pytest.approx(0.1)
    np.testing.assert_allclose(wait.at(np.array([0.05, 0.1])), [0.25, 0.5], atol=1e-3)


@pytest.mark.parametrize("limit", [0.0235, 0.03, 0.037, 0.04, 0.1, 0.9])
def test_all_grids_hold_the_same_after_a_time_limit(limit):
    law = lognormal(GRID, 0.015, 0.6)
    kept, late = law.cut(limit)

    assert kept.total == pytest.approx(ndtr(math.log(limit / 0.015) / 0.6), abs=2e-4)
    np.testing.assert_allclose(kept.mass.sum(axis=1), kept.total, rtol=1e-9)
    within = law.first * ndtr(math.log(limit / 0.015) / 0.6 - 0.6)
    assert kept.first == pytest.approx(within, abs=1e-5)
    assert late.first == pytest.approx(limit * late.total)


def test_all_grids_hold_the_same_of_the_first_and_the_last_of_several():
    members = [lognormal(GRID, 0.015, 0.6), point(GRID, 0.04), lognormal(GRID, 0.02, 0.9)]

    for need in (1, 2, 3):
        np.testing.assert_allclose(at_least(need, members).mass.sum(axis=1), 1.0, atol=1e-4)
    quick = at_least(1, [members[0].times(0.5), members[1].times(0.3)])
    np.testing.assert_allclose(quick.mass.sum(axis=1), 1 - 0.5 * 0.7, atol=1e-6)
    shares = [GRID.joined(one.mass * chance) for one, chance in zip(members, deciding(1, members), strict=True)]
    for share in shares:
        np.testing.assert_allclose(share.mass.sum(axis=1), share.total, rtol=1e-9)
    before = ndtr(math.log(0.04 / 0.015) / 0.6), ndtr(math.log(0.04 / 0.02) / 0.9)
    assert shares[1].total == pytest.approx((1 - before[0]) * (1 - before[1]), abs=2e-3)


def test_what_takes_no_time_changes_no_time():
    law = gamma(GRID, 2.5, 0.05)

    assert law.then(point(GRID, 0.0)) is law
    mixed = law.times(0.4).plus(point(GRID, 0.0, 0.6))
    np.testing.assert_allclose(mixed.at(AT), 0.6 + 0.4 * gammainc(2.5, AT * 50), atol=2e-4)
    assert mixed.mean() == pytest.approx(0.02)


def test_a_coarse_grid_keeps_nothing_that_a_fine_one_knows_to_be_late():
    kept, late = point(GRID, 0.03).cut(0.0235)

    assert kept.total == 0
    assert kept.mass.sum() == 0
    assert late.total == 1
