"""The branch that decides conditions by bounds against the evaluation of every single rate."""

import numpy as np
import pytest

from tests.support.histories import counters
from workbench.alerts.rules import Profile
from workbench.promql import set_bounds as bounds_module
from workbench.promql.conditions import Conditions
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import STALE, Series, SeriesKey, Telemetry

RATIO = 'sum(rate(req{{code=~"5.."{more}}}[{w}])) / sum(rate(req{{{more2}}}[{w}]))'


def ratio(window, route=None):
    more = f',route="{route}"' if route is not None else ""
    return RATIO.format(w=window, more=more, more2=more[1:])


def rules(thresholds=("14.4 * 0.001", "3*0.01", "0.1", "0.25")):
    found = []
    for route in (None, 1):
        for long, short in (("10m", "1m"), ("45m", "5m")):
            found += [f"({ratio(long, route)} > {t} and {ratio(short, route)} >= {t}) / 0.001" for t in thresholds]
            found.append(f"1 - {ratio(short, route)} < 0.9 unless {ratio(long, route)} > 0.2")
            quick, slow = f"{ratio(long, route)} > 0.03 and {ratio(short, route)} > 0.03", f"{ratio(long, route)} >= 0.014"
            found.append(f"(({quick}) or ({slow})) / 0.001")
            found.append(f"({ratio(short, route)} > 0.05 or {ratio(long, route)}) / 0.001 > 20")
            found.append(
                f"({ratio(long, route)} < 0.02 or {ratio(short, route)} > 0.01) / 0.001 <= 15 and {ratio(long, route)} > 0"
            )
            found.append(f"sum(increase(req{{code='500'}}[{short}])) * 2 > 4 + sum(increase(req{{code='503'}}[{long}]))")
    return [parse(text) for text in found]


def disagreements(telemetry, profile, exprs, step_ms=15_000, block=90):
    conditions = Conditions(Evaluator(telemetry, profile), exprs)
    oracle = Evaluator(telemetry, profile)
    instants = np.arange(0, int(telemetry.horizon_s * 1000) + 600_000, step_ms)
    found = np.zeros((len(exprs), len(instants)), bool)
    for at in range(0, len(instants), block):
        for row, presence in enumerate(conditions.present(instants[at : at + block])):
            found[row, at : at + block] = presence.elements.get((), False)
    wanted = np.zeros(found.shape, bool)
    for row, expr in enumerate(exprs):
        vector = oracle.evaluate(expr, instants / 1000.0)
        wanted[row] = vector.present.any(axis=0)
    return int((found != wanted).sum()), int(wanted.sum())


PROFILES = [Profile(prometheus=v) for v in ("2.42", "2.53", "3.5")]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
@pytest.mark.parametrize(("phase_s", "step_ms"), [(7.0, 15_000), (0.0, 15_000), (7.0, 30_000), (3.5, 10_000)])
def test_every_condition_at_every_instant_is_the_exact_one(profile, phase_s, step_ms):
    exprs = rules()
    total = 0
    for seed in range(2):
        wrong, present = disagreements(counters(seed, phase_s=phase_s), profile, exprs, step_ms)
        assert wrong == 0
        total += present
    assert total > 1000


@pytest.mark.parametrize(
    "kind", [{"gaps": True}, {"stale": True}, {"whole": False}, {"shared": False}, {"gaps": True, "stale": True}]
)
def test_what_the_bounds_do_not_cover_is_left_to_the_general_evaluation(kind):
    wrong, present = disagreements(counters(7, **kind), Profile(), rules())

    assert wrong == 0
    assert present > 100


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
def test_ties_are_decided_as_prometheus_decides_them(profile):
    """9 errors of 300 a window, exactly 3 %, at every instant."""
    times = np.arange(400) * 15.0
    total = np.arange(400) * 15 + 90_000
    errors = (np.arange(400) * 9) // 20 + 1000
    telemetry = Telemetry.of(
        [Series(SeriesKey.of("req", code="500"), times, errors), Series(SeriesKey.of("req", code="200"), times, total - errors)],
        horizon_s=6000,
        scrape_interval_s=15,
    )
    exprs = [parse(f"{ratio('5m')} {op} {t}") for op in (">", ">=", "<", "<=") for t in ("3*0.01", "0.03", "9/300")]
    # Whether the tie is there decides which value the other comparison sees.
    exprs += [
        parse(f"({ratio('5m')} {op} 0.03 or 2 * {ratio('10m')}) / 0.01 {than} 4") for op in (">", ">=") for than in ("<", ">")
    ]

    wrong, present = disagreements(telemetry, profile, exprs)

    assert wrong == 0
    assert present > 100


def test_the_bounds_do_decide_most_instants(monkeypatch):
    asked = []
    exact = Conditions._exact
    monkeypatch.setattr(Conditions, "_exact", lambda self, i, t: asked.append(len(t)) or exact(self, i, t))
    exprs = rules()
    telemetry = counters(1)
    conditions = Conditions(Evaluator(telemetry, Profile()), exprs)

    conditions.present(np.arange(0, 3_600_000, 15_000))

    assert 0 < sum(asked) < 0.1 * 240 * len(exprs)


@pytest.mark.parametrize("fault", ["no left stretch", "no clamp"])
def test_bounds_that_forget_the_zero_clamp_are_caught(monkeypatch, fault):
    true = bounds_module.SetBounds._computed

    def wrong(self, window_ms, per_s):
        found = true(self, window_ms, per_s)
        return (
            bounds_module.Bounds(found.low, found.low, *[found.sure] * 2)
            if fault == "no left stretch"
            else (bounds_module.Bounds(found.high, found.high, *[found.sure] * 2))
        )

    monkeypatch.setattr(bounds_module.SetBounds, "_computed", wrong)

    assert sum(disagreements(counters(seed), Profile(), rules())[0] for seed in range(3)) > 0


def test_samples_rewritten_after_the_present_are_read_again():
    telemetry = counters(2)
    exprs = rules()
    conditions = Conditions(Evaluator(telemetry, Profile()), exprs)
    early, late = np.arange(0, 1_500_000, 15_000), np.arange(1_500_000, 3_000_000, 15_000)
    conditions.present(early)
    conditions.present(late)
    for series in telemetry:
        series.values[100:] = (series.values[100:] // 3 + series.values[99]).astype(series.values.dtype)

    conditions.forget(1_485_000)
    found = conditions.present(late)

    oracle = Evaluator(telemetry, Profile())
    for expr, presence in zip(exprs, found, strict=True):
        vector = oracle.evaluate(expr, late / 1000.0)
        wanted = vector.present[0] if vector.labels else np.zeros(len(late), bool)
        assert np.array_equal(presence.elements.get((), np.zeros(len(late), bool)), wanted)


def holed(telemetry, first=60, seed=9):
    """Stale markers in all series at the same instants: single ones, runs, and one where counters restart."""
    rng = np.random.default_rng(seed)
    length = len(telemetry.series[0].times)
    lost = rng.random(length) < 0.02
    for at in rng.integers(first, length - 40, 4):
        lost[at : at + int(rng.integers(2, 40))] = True
    out = []
    for one in telemetry:
        values = one.values.astype(np.float64)
        values.view(np.uint64)[lost] = np.array([STALE]).view(np.uint64)[0]
        out.append(Series(one.key, one.times, values))
    return telemetry.with_series(out)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.prometheus)
@pytest.mark.parametrize("seed", [1, 7])
def test_stale_markers_that_all_share_change_nothing_in_what_is_decided(profile, seed, monkeypatch):
    asked = []
    exact = Conditions._exact
    monkeypatch.setattr(Conditions, "_exact", lambda self, i, t: asked.append(len(t)) or exact(self, i, t))
    exprs = rules()
    telemetry = holed(counters(seed))
    wrong, present = disagreements(telemetry, profile, exprs)

    assert wrong == 0
    assert present > 100
    # Bounds decide, or nothing was tested.
    assert sum(asked) < 0.5 * len(exprs) * telemetry.horizon_s / 15


def test_markers_that_are_rewritten_are_forgotten():
    """A gap that turns out to be shorter: what was read of it is read again."""
    plain, gap = counters(3), holed(counters(3))
    values = [one.values.copy() for one in gap]
    live = plain.with_series([Series(one.key, one.times, held) for one, held in zip(gap, values, strict=True)])
    exprs = rules()
    conditions = Conditions(Evaluator(live, Profile()), exprs)
    instants = np.arange(0, int(plain.horizon_s * 1000), 15_000)
    half = len(instants) // 2
    conditions.present(instants)
    conditions.forget(int(instants[half]))
    for held, one in zip(values, plain, strict=True):
        late = np.rint(one.times * 1000) > instants[half]
        held[late] = one.values[late]
    again = conditions.present(instants[half + 1 :])

    fresh = Conditions(Evaluator(live, Profile()), exprs).present(instants[half + 1 :])
    nothing = np.zeros(len(instants) - half - 1, bool)
    for one, other in zip(again, fresh, strict=True):
        np.testing.assert_array_equal(one.elements.get((), nothing), other.elements.get((), nothing))


@pytest.mark.parametrize("block", [90, 5000])
def test_counters_of_32_bits_are_added_up_as_those_of_64(block):
    for seed in range(3):
        wide = counters(seed)
        narrow = wide.with_series([Series(one.key, one.times, one.values.astype(np.int32)) for one in wide])
        instants = np.arange(0, int(wide.horizon_s * 1000), 15_000)
        found = [Conditions(Evaluator(one, Profile()), rules()) for one in (wide, narrow)]
        for at in range(0, len(instants), block):
            for one, other in zip(*(each.present(instants[at : at + block]) for each in found), strict=True):
                assert one.elements.keys() == other.elements.keys()
                for labels in one.elements:
                    np.testing.assert_array_equal(one.elements[labels], other.elements[labels])
