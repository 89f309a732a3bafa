"""Fast ways against slow ones: prefix sums, steps shared by many windows, blocks, and the samples that are not there yet."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.promql import cases
from workbench.alerts.rules import Profile
from workbench.promql import evaluate, over_time, prefix, steps
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.promql.prefix import _enclosed, _one_by_one
from workbench.telemetry.series import Series, SeriesKey, Telemetry

PROFILES = [Profile(prometheus=version, evaluation_interval_s=30) for version in ("2.42", "2.53", "3.5")]
TELEMETRY = Telemetry.of(cases.telemetry(), horizon_s=cases.LENGTH_S, scrape_interval_s=15)
SUBQUERIES = [expr for expr in cases.expressions("2.42") if ":" in expr and "holt" not in expr]


def found(vector, column):
    if vector.failed is not None and vector.failed[column]:
        return "failed"
    return {vector.labels[row]: vector.values[row, column] for row in np.flatnonzero(vector.present[:, column])}


def alike(one, other):
    if "failed" in (one, other):
        return one == other
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key], equal_nan=True) for key in one)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    values=st.lists(
        st.one_of(st.floats(-1e6, 1e6), st.floats(allow_nan=False), st.sampled_from([0.1, -0.1, 1e16, 0.0])),
        min_size=1,
        max_size=60,
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_sums_out_of_prefix_sums_are_the_sums_of_one_after_the_other_where_they_are_certain(values, seed):
    rng = np.random.default_rng(seed)
    given_values = np.array(values)
    low = rng.integers(0, len(values), 20)
    high = np.array([rng.integers(at, len(values)) for at in low])
    with np.errstate(all="ignore"):
        sums, sure = _enclosed(given_values, low, high)
        slow = _one_by_one(given_values, low, high, forgets=True)

    assert np.array_equal(sums[sure], slow[sure], equal_nan=True)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    values=st.lists(
        st.one_of(st.floats(-1e6, 1e6), st.floats(), st.sampled_from([0.1, 1e16, 0.0, 1.7e308])), min_size=3, max_size=60
    ),
    length=st.integers(1, 30),
)
def test_means_out_of_plain_totals_are_the_means_of_compensated_ones(values, length):
    length = min(length, len(values))
    times = np.arange(len(values)) * 15.0 + 1
    telemetry = Telemetry.of([Series(SeriesKey.of("x"), times, np.array(values))], horizon_s=1e4, scrape_interval_s=15)
    expr = parse(f"avg_over_time(x[{15 * length}s])")
    instants = np.arange(len(values)) * 15.0 + 15
    fast = Evaluator(telemetry, PROFILES[2]).evaluate(expr, instants)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(over_time, "window_means", lambda held, one_by_one: one_by_one(held))
        slow = Evaluator(telemetry, PROFILES[2]).evaluate(expr, instants)

    assert np.array_equal(fast.values, slow.values, equal_nan=True)
    assert np.array_equal(np.signbit(fast.values), np.signbit(slow.values))


def test_nearly_all_sums_of_ordinary_numbers_are_certain():
    values = np.random.default_rng(1).normal(0, 1, 20_000)
    low = np.arange(0, 15_000)
    sums, sure = _enclosed(values, low, low + 4999)

    assert sure.mean() > 0.999
    assert sums[77] == pytest.approx(math.fsum(values[77 : 77 + 5000]), rel=1e-15)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
def test_steps_that_many_windows_share_give_what_steps_of_each_window_give(monkeypatch, profile):
    grid = np.arange(0.0, 3000.0, 75.0)
    shared = [Evaluator(TELEMETRY, profile).evaluate(parse(expr), grid) for expr in SUBQUERIES]
    monkeypatch.setattr(steps, "looks_ahead", lambda _: True)
    for expr, vector in zip(SUBQUERIES, shared, strict=True):
        own = Evaluator(TELEMETRY, profile).evaluate(parse(expr), grid)
        assert all(alike(found(vector, column), found(own, column)) for column in range(len(grid))), expr


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
def test_no_evaluation_sees_a_later_sample(profile):
    """Also where a negative offset or `@` points to one: a server does not have it yet."""
    exprs = [
        expr for expr in cases.expressions("2.42") if "holt" not in expr and ("@" in expr or "offset -" in expr or ":" in expr)
    ]
    exprs += cases.expressions("2.42")[5::40]
    exprs = [expr for expr in exprs if "holt" not in expr]
    whole = Evaluator(TELEMETRY, profile)
    for at in (607.0, 1500.0):
        cut = [
            Series(one.key, one.times[one.times <= at], one.values[one.times <= at]) for one in TELEMETRY if (one.times <= at).any()
        ]
        known = Evaluator(Telemetry.of(cut, horizon_s=at, scrape_interval_s=15), profile)
        for expr in exprs:
            vector = whole.evaluate(parse(expr), np.array([0.0, at, 2700.0]))
            alone = known.evaluate(parse(expr), np.array([at]))
            assert alike(found(vector, 1), found(alone, 0)), (expr, at)


def test_blocks_do_not_show(monkeypatch):
    grid = np.arange(0.0, 3000.0, 5.0)
    some = [*cases.expressions("2.42")[::25], *SUBQUERIES[::4]]
    some = [parse(expr) for expr in some if "holt" not in expr]
    whole = [Evaluator(TELEMETRY, PROFILES[2]).evaluate(expr, grid) for expr in some]
    monkeypatch.setattr(evaluate, "_BLOCK", 64)
    monkeypatch.setattr(prefix, "_UNIT", 2.0**-40)  # hardly any sum is certain
    evaluator = Evaluator(TELEMETRY, PROFILES[2])
    for expr, vector in zip(some, whole, strict=True):
        pieces = evaluator.evaluate(expr, grid)
        assert all(alike(found(vector, column), found(pieces, column)) for column in range(len(grid)))


def test_steps_remembered_from_block_to_block_are_forgotten_when_samples_are_rewritten():
    times = np.arange(0.0, 6000.0, 15.0)
    series = Series(SeriesKey.of("x"), times, np.ones(len(times)))
    telemetry = Telemetry.of([series], horizon_s=6000, scrape_interval_s=15)
    expr = parse("avg_over_time(x[10m:30s]) > 1.5")
    conditions = Conditions(Evaluator(telemetry, Profile()), [expr])
    early, late = np.arange(0, 3_000_000, 15_000), np.arange(3_000_000, 6_000_000, 15_000)
    conditions.present(early)
    conditions.present(late)
    series.values[220:] = 2.0

    conditions.forget(2_999_000)
    presence = conditions.present(late)[0].elements

    fresh = Evaluator(telemetry, Profile()).evaluate(expr, late / 1000)
    assert np.array_equal(presence[()], fresh.present[0])


def counters_of(rng, samples, restarts):
    times = np.arange(samples) * 15.0 + 7
    total = rng.poisson(40, samples).cumsum()
    rate = rng.choice([0.0, 0.1, 4.0], samples, p=[0.5, 0.4, 0.1])
    rate[: samples // 2] *= rng.random(samples // 2) < 0.02  # long near zero, where a burst cannot have begun before it
    rate[:400] = 0.0
    errors = rng.poisson(rate).cumsum()
    for values in (total, errors):
        for at in np.flatnonzero(rng.random(samples) < restarts):
            values[at:] -= values[at - 1] if at else 0
    return [Series(SeriesKey.of(name), times, values) for name, values in (("total", total), ("errors", errors))]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
def test_ratios_of_single_counters_are_decided_as_the_evaluator_decides_them(profile):
    ratio = "sum(rate(errors[{0}])) / sum(rate(total[{0}]))"
    texts = [
        f"{ratio.format(long)} {op} {limit} and {ratio.format(short)} {op} {limit}"
        for long, short in (("5m", "1m"), ("1h", "5m"), ("4h", "30m"))
        for op in (">", ">=", "<", "<=")
        for limit in ("0.02", "1/40", "14.4*0.001", "0.002", "0.1")
    ]
    texts += [f"{ratio.format('5m')} {op} {limit}" for op in (">", "<") for limit in np.geomspace(0.001, 0.02, 60)]
    texts += [f"({ratio.format('5m')} > 0.02) / 0.02 > 1.5", f"{ratio.format('5m')} > 0.01 unless {ratio.format('1h')} > 0.012"]
    exprs = [parse(text) for text in texts]
    decided = 0
    for seed, restarts in enumerate((0.0, 0.0, 0.003)):
        series = counters_of(np.random.default_rng(seed), 2500, restarts)
        telemetry = Telemetry.of(series, horizon_s=37_500, scrape_interval_s=15)
        instants = np.arange(0, 38_000_000, 15_000)
        conditions = Conditions(Evaluator(telemetry, profile), exprs)
        blocks = [conditions.present(instants[at : at + 300]) for at in range(0, len(instants), 300)]
        oracle = Evaluator(telemetry, profile)
        for row, expr in enumerate(exprs):
            shown = np.concatenate(
                [
                    block[row].elements.get((), np.zeros(len(instants[300 * at : 300 * at + 300]), bool))
                    for at, block in enumerate(blocks)
                ]
            )
            vector = oracle.evaluate(expr, instants / 1000)
            wanted = vector.present[0] if vector.labels else np.zeros(len(instants), bool)
            assert np.array_equal(shown, wanted), texts[row]
            decided += int(wanted.sum())
    assert decided > 5000
