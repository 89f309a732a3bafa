import numpy as np
import pytest
from scipy import stats

from tests.support.places import SHARED
from workbench.fit.durations import fit_durations
from workbench.fit.incidents import read_durations

GITHUB = SHARED / "data" / "github-incidents-2022-2024" / "incidents.csv"


def by_family(durations):
    return {fit.family: fit for fit in fit_durations(durations)}


@pytest.fixture(scope="module")
def sample():
    return stats.weibull_min(0.8, scale=3000).rvs(2000, random_state=np.random.default_rng(5))


FROZEN = {
    "lognormal": lambda p: stats.lognorm(p["sigma"], scale=p["median_s"]),
    "weibull": lambda p: stats.weibull_min(p["shape"], scale=p["scale_s"]),
    "exponential": lambda p: stats.expon(scale=p["mean_s"]),
    "gamma": lambda p: stats.gamma(p["shape"], scale=p["scale_s"]),
    "loglogistic": lambda p: stats.fisk(p["shape"], scale=p["median_s"]),
}


@pytest.mark.parametrize("family", FROZEN)
def test_likelihood_distance_and_median_are_those_of_scipys_distribution(sample, family):
    fit = by_family(sample)[family]
    frozen = FROZEN[family](dict(fit.parameters))

    assert fit.log_likelihood == pytest.approx(frozen.logpdf(sample).sum())
    assert fit.ks_distance == pytest.approx(stats.kstest(sample, frozen.cdf).statistic)
    assert fit.median_s == pytest.approx(frozen.median())


@pytest.mark.parametrize("family", FROZEN)
def test_no_neighbouring_parameters_are_more_likely(sample, family):
    fit = by_family(sample)[family]
    for name, value in fit.parameters:
        for factor in (0.99, 1.01):
            moved = {**dict(fit.parameters), name: value * factor}
            assert FROZEN[family](moved).logpdf(sample).sum() < fit.log_likelihood


@pytest.mark.parametrize("family", ["lognormal", "weibull", "exponential", "gamma", "loglogistic"])
def test_true_parameters_lie_in_nine_of_ten_intervals(family):
    true = {
        "lognormal": (600.0, 0.9),
        "weibull": (0.8, 600.0),
        "exponential": (600.0,),
        "gamma": (1.5, 600.0),
        "loglogistic": (600.0, 2.0),
    }[family]
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(80):
        names = [name for name, _ in by_family(rng.exponential(size=5) + 0.1)[family].parameters]
        drawn = FROZEN[family](dict(zip(names, true, strict=True))).rvs(80, random_state=rng)
        fit = by_family(drawn)[family]
        hits += [low <= value <= high for value, (low, high) in zip(true, fit.intervals, strict=True)]
    # The standard error of 0.9 over 80 samples is 0.034; intervals from the information are a little narrow at n = 80.
    assert 0.8 <= np.mean(hits) <= 0.99


def test_the_family_that_drew_the_sample_comes_first_and_its_parameters_come_back(sample):
    first = fit_durations(sample)[0]

    assert first.family == "weibull"
    # The standard error of the shape is about 0.78 k / sqrt(n).
    assert dict(first.parameters)["shape"] == pytest.approx(0.8, abs=4 * 0.78 * 0.8 / len(sample) ** 0.5)


def test_the_unit_of_time_does_not_matter(sample):
    seconds, days = by_family(sample), by_family(sample / 86_400)

    assert dict(days["weibull"].parameters)["shape"] == pytest.approx(dict(seconds["weibull"].parameters)["shape"])
    assert days["lognormal"].ks_distance == pytest.approx(seconds["lognormal"].ks_distance)


@pytest.mark.parametrize("bad", [[], [60.0], [60.0, 60.0], [60.0, 0.0], [60.0, -1.0], [60.0, np.nan], [60.0, np.inf]])
def test_what_cannot_be_fitted_is_refused(bad):
    with pytest.raises(ValueError, match="duration"):
        fit_durations(bad)


def test_githubs_incidents_have_the_published_fit():
    if not GITHUB.exists():
        pytest.skip(f"{GITHUB} is not here")

    found = read_durations(GITHUB, {"minor", "major", "critical"})
    fits = by_family(found.durations_s)

    assert (found.rows, found.other_severity, found.not_positive, len(found.durations_s)) == (399, 23, 3, 373)
    assert round(fits["lognormal"].median_s / 60, 1) == 59.6
    assert round(dict(fits["lognormal"].parameters)["sigma"], 2) == 1.06
    assert round(dict(fits["weibull"].parameters)["shape"], 2) == 0.96
    published = {"lognormal": 0.027, "weibull": 0.080, "exponential": 0.090}
    assert {family: round(fits[family].ks_distance, 3) for family in published} == published
    assert fit_durations(found.durations_s)[0].family == "lognormal"
