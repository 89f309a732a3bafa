"""How strong an incident is from bin to bin, against the means of its shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.world.failures.strength import strength, strength_in_bins
from workbench.world.grid import Grid
from workbench.world.impact import (
    CacheCools,
    CapacityFalls,
    ErrorsHappen,
    Impact,
    LatencyRises,
    MemoryGrows,
    MetricBreaks,
    ScrapesMissing,
    Shape,
    TrafficRises,
    scaled,
)

SHAPES = [
    Shape(),
    Shape("ramp", rise_s=3600),
    Shape("spike", rise_s=600),
    Shape("flapping", period_s=400, duty=0.3),
    Shape("intermittent", period_s=300, duty=0.4),
]
MIDDLES = np.arange(0, 86400, 15.0) + 7.5


def of(shape, since_s=MIDDLES, seed=1, incident="i"):
    return strength(shape, since_s, seed, incident)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
def test_a_strength_is_a_multiple_of_a_sixteenth_between_nothing_and_full(shape):
    values = of(shape)
    assert ((values >= 0) & (values <= 1)).all()
    assert (values * 16 == np.rint(values * 16)).all()
    assert len(np.unique(values)) <= 17


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
@given(moments=st.lists(st.integers(0, 86_399), min_size=1, max_size=20))
def test_a_moment_is_as_strong_whatever_other_moments_are_asked_for(shape, moments):
    alone = [float(of(shape, np.array([float(at)]))[0]) for at in moments]
    assert of(shape, np.array(moments, dtype=float)).tolist() == alone


def test_a_step_is_full_and_a_ramp_grows_evenly_and_then_stays():
    assert (of(Shape()) == 1).all()
    ramp = of(Shape("ramp", rise_s=3600))
    rising = ramp[MIDDLES < 3600]
    assert (np.diff(ramp) >= 0).all()
    assert rising.mean() == pytest.approx(0.5, abs=0.005)
    assert (ramp[MIDDLES > 3600] == 1).all()


def test_a_spike_does_as_much_as_its_time_constant_says():
    # The integral of exp(-t / tau) is tau; what is rounded off below 1/32 is tau / 32.
    total_s = of(Shape("spike", rise_s=600)).sum() * 15
    assert total_s == pytest.approx(600, rel=0.05)


@pytest.mark.parametrize("duty", [0.1, 0.3, 0.5, 0.9])
def test_flapping_is_on_for_its_share_of_every_period(duty):
    values = of(Shape("flapping", period_s=600, duty=duty))
    assert values.mean() == pytest.approx(duty)
    assert np.abs(np.diff(values)).sum() == 2 * 144 - 1
    assert values[0] == 1


@pytest.mark.parametrize("duty", [0.2, 0.5, 0.8])
def test_an_intermittent_incident_is_on_for_its_share_of_the_time_and_changes_as_often_as_its_period_says(duty):
    shape = Shape("intermittent", period_s=600, duty=duty)
    fine = np.arange(0, 86400 * 10, 1.0)
    shares, changes = [], []
    for number in range(20):
        values = of(shape, fine, incident=f"i-{number}")
        shares.append(values.mean())
        changes.append(np.abs(np.diff(values)).sum() / 2)
    for found, expected in ((shares, duty), (changes, 86400 * 10 / 600)):
        error = np.std(found, ddof=1) / len(found) ** 0.5
        assert abs(np.mean(found) - expected) < 4 * error + 0.01 * expected


def test_two_intermittent_incidents_are_on_at_different_times_and_one_is_not():
    shape = Shape("intermittent", period_s=600, duty=0.5)
    one, other = of(shape), of(shape, incident="j")
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.4
    assert (one == of(shape)).all()
    assert not (one == of(shape, seed=2)).all()


def test_bins_have_the_strength_of_their_middle():
    grid = Grid(15, 7, 3600)
    found = strength_in_bins(Shape("ramp", rise_s=150), grid, 4, 14, float(grid.start_of(4)), seed=1, incident="i")
    assert found.tolist() == (np.rint(np.minimum((np.arange(10) * 15 + 7.5) / 150, 1) * 16) / 16).tolist()


ACTS = [
    ErrorsHappen(0.4, (("500", 1.0),)), LatencyRises(3.0), CapacityFalls(0.5), CacheCools(0.2), TrafficRises(5.0),
    ScrapesMissing(0.6), MetricBreaks("backup", 0.5), MemoryGrows(0.3),
]  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
def test_an_act_at_half_its_strength_does_half_as_much(act):
    def size(one):
        return next(
            abs(getattr(one, name) - usual) for name, usual in (("ratio", 0), ("factor", 1), ("share", 0)) if hasattr(one, name)
        )

    assert scaled(act, 1.0) == act
    assert size(scaled(act, 0.5)) == pytest.approx(size(act) / 2)
    assert Impact((act,)).at(0.5) == (scaled(act, 0.5),)
    assert Impact((act,)).at(0) == ()
