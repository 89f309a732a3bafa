import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.world.conftest import LATENCIES
from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.world import disturbed as disturbed_module
from workbench.world.course import Course, RouteCourse
from workbench.world.demand.demand import demand
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.grid import Grid
from workbench.world.histograms import histogram_series
from workbench.world.impact import ErrorsHappen, Impact, LatencyRises
from workbench.world.latency import lognormal_cdf
from workbench.world.layout import layouts
from workbench.world.load.flow import Flow
from workbench.world.network.answers import Network
from workbench.world.requests import BLOCK_BINS, Sampler, draw_baseline, split_others

LAWS = {path: Lognormal(median=median, sigma=sigma) for path, (median, sigma) in LATENCIES.items()}
KEEP = {"/api/v1/search": {1.0}, "/api/v1/auth/login": {0.3, 1.0}}
ERRORS = Impact((ErrorsHappen(0.2, (("500", 0.8), ("502", 0.2))),))
DOWNLOAD = "/api/v1/media/download"


def shares_of(layout):
    """Share of a route's usual latencies in each class, from its law."""
    edges = np.array([0.0, *layout.classes.tail_bounds, np.inf])
    return np.diff(lognormal_cdf(LAWS[layout.route], edges))


@dataclasses.dataclass(frozen=True)
class Drawn:
    grid: Grid
    layouts: tuple
    rates: np.ndarray
    flow: Flow
    world: object

    def baselines(self, seed=3):
        usual = self.flow.usual()
        return tuple(draw_baseline(one, usual.routes[one.route], seed=seed, slot_bins=20) for one in self.layouts)

    def exports(self, *effects, load=None, journeys=None, seed=1):
        exports = Exports(self.baselines(), journeys or {}, load or self.flow, self.grid, seed)
        exports.effects += effects
        return exports

    def index(self, route):
        return [layout.route for layout in self.layouts].index(route)

    def effect(self, impact, route=DOWNLOAD, first=30, last=None, tiers=None, name="e"):
        return ActiveEffect(name, impact, frozenset({route}), frozenset(tiers or self.world.tiers), first, last)


@pytest.fixture(scope="module")
def drawn(untimed):
    world, grid = untimed.world, Grid(15, 7, untimed.clock.horizon)
    network = Network(world)
    shapes = layouts(network, KEEP)
    wanted = demand(world, grid, untimed.start, 1)
    flow = Flow(world, shapes, grid, network, wanted.requests, wanted.cells, sessions=np.zeros(len(grid)), seed=1)
    return Drawn(grid, shapes, wanted.rates(), flow, world)


@pytest.fixture(scope="module")
def baselines(drawn):
    """Not to be given to exports, which would scrape them in place."""
    return drawn.baselines()


def increments(values):
    return np.diff(values.astype(np.int64), axis=-1, prepend=0)


def filled(exports):
    exports.fill(exports.grid.horizon_s)
    return exports


def test_traffic_has_the_stated_mean_and_peaks_near_the_capacity(month):
    grid = Grid(15, 7, month.clock.horizon)
    rates = demand(month.world, grid, month.start, 1).rates()

    assert rates.mean() == pytest.approx(month.world.traffic.mean_rps)
    assert 0.8 * month.world.traffic.capacity_rps < rates.max() < month.world.traffic.capacity_rps
    assert rates.min() > 0


def test_traffic_repeats_every_week(month):
    grid = Grid(15, 7, 28 * 86400)
    rates = demand(month.world, grid, month.start, 1).rates()
    week = 7 * 86400 // 15

    np.testing.assert_allclose(rates[1:week], rates[week + 1 : 2 * week], rtol=1e-12)


def test_counts_are_as_many_as_the_rates_say(drawn, baselines):
    for layout, baseline in zip(drawn.layouts, baselines, strict=True):
        expected = float((drawn.rates * drawn.grid.widths_s).sum()) * float(drawn.world.routes[layout.route].share)
        total = int(baseline.values[:, -1, -1].sum(dtype=np.int64))
        assert abs(total - expected) < 5 * expected**0.5
        for code, share in drawn.world.routes[layout.route].codes.items():
            mean = expected * float(share)
            seen = int(baseline.values[:, layout.codes.index(code), -1].sum(dtype=np.int64))
            assert abs(seen - mean) < 5 * mean**0.5 + 5


def test_counts_of_every_class_are_poisson_with_the_mean_of_their_bin(baselines):
    """Sums over all bins of (n - m) and of (n - m)^2 / m against their exact variances, for every class of every cell."""
    z, dispersion = [], []
    for baseline in baselines:
        sampler = baseline.sampler
        for number in range(sampler.bins // BLOCK_BINS):
            means = sampler.means(number * BLOCK_BINS, (number + 1) * BLOCK_BINS)
            counts = sampler.block(number)
            total = means.sum(axis=-1)
            usable = total > 20
            z += ((counts.sum(axis=-1) - total) / np.sqrt(np.where(usable, total, 1)))[usable].tolist()
            frequent = means.min(axis=-1) > 0.01
            parts = (counts[frequent] - means[frequent]) ** 2 / means[frequent]
            # Of a Poisson count, (n - m)^2 / m has mean 1 and variance 2 + 1 / m.
            dispersion += ((parts.sum(axis=-1) - parts.shape[-1]) / np.sqrt((2 + 1 / means[frequent]).sum(axis=-1))).tolist()
    for values in (z, dispersion):
        assert len(values) > 200
        assert abs(np.mean(values)) < 5 / len(values) ** 0.5
        assert abs(np.var(values) - 1) < 0.5


def test_all_requests_are_the_sum_of_their_codes_and_buckets_never_fall(drawn, baselines):
    for layout, baseline in zip(drawn.layouts, baselines, strict=True):
        wide = increments(baseline.values)
        assert wide.min() >= 0
        np.testing.assert_array_equal(wide[:, : len(layout.codes)].sum(axis=1), wide[:, -1])
        assert (np.diff(wide[:, len(layout.codes) :], axis=1) >= 0).all()


def test_slots_hold_the_same_requests_as_the_bins(drawn, baselines):
    for layout, baseline in zip(drawn.layouts, baselines, strict=True):
        full = baseline.slots.shape[-1] * 20
        by_slot = increments(baseline.values)[:, :, :full].reshape(4, layout.rows, -1, 20).sum(axis=-1)
        np.testing.assert_array_equal(baseline.slots.sum(axis=1), by_slot[:, -1])
        np.testing.assert_array_equal(baseline.slots[:, layout.classes.count :], by_slot[:, 1 : len(layout.codes)])
        for k, kept in enumerate(layout.kept):
            good = baseline.slots[:, : kept + 1].sum(axis=1) + baseline.late_slots[:, :, k].sum(axis=1)
            np.testing.assert_array_equal(good, by_slot[:, len(layout.codes) + k])


def test_a_block_drawn_again_is_the_same_and_another_seed_is_not(baselines):
    sampler = baselines[0].sampler
    other = dataclasses.replace(sampler, seed=4)

    np.testing.assert_array_equal(sampler.block(0), sampler.block(0))
    assert (sampler.block(0) != sampler.block(1)).any()
    assert (sampler.block(0) != other.block(0)).any()
    inside = slice(0, BLOCK_BINS)
    np.testing.assert_array_equal(sampler.block(0).sum(axis=1), increments(baselines[0].values)[:, -1, inside])


def test_what_is_kept_for_the_rules_changes_no_request(drawn, baselines):
    usual = drawn.flow.usual()
    for bare, baseline in zip(layouts(Network(drawn.world), {}), baselines, strict=True):
        again = draw_baseline(bare, usual.routes[bare.route], seed=3, slot_bins=20)
        np.testing.assert_array_equal(again.slots, baseline.slots)


def test_a_bound_that_is_not_kept_at_every_scrape_is_refused(drawn):
    with pytest.raises(ValueError, match="not among those kept"):
        layouts(Network(drawn.world), {"/api/v1/search": {0.01}})


def two_answers(drawn, route=DOWNLOAD):
    """A usual course whose answer changes every seven bins, and whose other answers are spread over latency classes."""
    layout = drawn.layouts[drawn.index(route)]
    plain = drawn.flow.usual().routes[route]
    slow = drawn.flow.course(0, 1, [drawn.effect(Impact((LatencyRises(3.0),)), route, first=0)]).routes[route].answers[1]
    spread = np.tile(shares_of(layout), (len(layout.others), 1))
    answers = tuple(dataclasses.replace(one, other_classes=spread) for one in (*plain.answers, slow))
    bins = len(drawn.grid)
    which = np.tile((np.arange(bins) // 7 % 2).astype(np.int32), (len(layout.cells), 1))
    return layout, RouteCourse(which, plain.requests, answers)


def test_answers_that_change_in_time_are_drawn_as_they_hold(drawn):
    layout, usual = two_answers(drawn)
    sampler = Sampler(layout, usual, 5)
    counts = np.concatenate([sampler.block(number) for number in range(2)], axis=2)
    bins = counts.shape[2]
    for index, answer in enumerate(usual.answers):
        here = usual.which[0, :bins] == index
        expected = usual.requests[:, :bins][:, here].sum() * answer.marks
        seen = counts[:, :, here].sum(axis=(0, 2))
        assert (np.abs(seen - expected) < 5 * np.sqrt(expected) + 5).all()


def test_other_answers_spread_over_latencies_fill_buckets_in_their_shares(drawn):
    layout, usual = two_answers(drawn)
    kept = dataclasses.replace(layout, kept=(1, 3))
    baseline = draw_baseline(kept, usual, seed=5, slot_bins=20)
    for code in range(len(layout.others)):
        total = baseline.slots[:, layout.classes.count + code].sum()
        for k, bound in enumerate(kept.kept):
            share = usual.answers[0].other_classes[code, : bound + 1].sum()
            assert abs(baseline.late_slots[:, code, k].sum() - share * total) < 5 * (total * share * (1 - share)) ** 0.5 + 1e-9
    rows = increments(baseline.values)
    assert (np.diff(rows[:, len(layout.codes) :], axis=1) >= 0).all()


def test_splitting_nothing_gives_nothing():
    out = split_others(stream(1, "x"), np.zeros((2, 3, 5), np.int32), np.full((1, 3, 2), 0.5), np.zeros((2, 5), np.int32))

    assert out.shape == (2, 3, 2, 5)
    assert not out.any()


# Bins that are not as usual.


def counted(exports, route):
    """Increments `[cells, rows, bins]` of a run without restarts."""
    return increments(filled(exports).values([one.route for one in exports.layouts].index(route)))


def test_an_error_incident_fails_the_stated_share_and_changes_no_arrival(drawn):
    layout = drawn.layouts[drawn.index(DOWNLOAD)]
    before, after = counted(drawn.exports(), DOWNLOAD), counted(drawn.exports(drawn.effect(ERRORS, last=2000)), DOWNLOAD)

    np.testing.assert_array_equal(after[:, -1], before[:, -1])
    np.testing.assert_array_equal(after[:, :, :30], before[:, :, :30])
    np.testing.assert_array_equal(after[:, :, 2000:], before[:, :, 2000:])
    inside = after[:, :, 30:2000].sum(axis=(0, 2))
    total = int(inside[-1])
    codes = drawn.world.routes[DOWNLOAD].codes
    five = sum(float(share) for code, share in codes.items() if code.startswith("5"))
    for code, share in (("500", 0.8), ("502", 0.2)):
        expected = float(codes[code]) + (1 - five) * 0.2 * share
        assert abs(inside[layout.codes.index(code)] - expected * total) < 5 * (total * expected) ** 0.5
    good = (1 - sum(float(share) for share in codes.values())) * 0.8
    assert abs(inside[0] - good * total) < 5 * (total * good * (1 - good)) ** 0.5


def test_requests_that_time_out_are_slow_and_all_other_failures_fast(drawn):
    route = "/api/v1/search"
    layout = drawn.layouts[drawn.index(route)]
    late, fast = (
        counted(drawn.exports(drawn.effect(Impact((ErrorsHappen(0.5, ((code, 1.0),)),)), route, last=2000)), route)[:, :, 30:2000]
        for code in ("504", "503")
    )
    within = layout.rows - 2
    usual = float(shares_of(layout)[: layout.kept[0] + 1].sum())
    ratio_late, ratio_fast = (rows[:, within].sum() / rows[:, -1].sum() for rows in (late, fast))
    assert ratio_late == pytest.approx(0.5 * usual, abs=0.02)
    assert ratio_fast == pytest.approx(0.5 + 0.5 * usual, abs=0.02)


def test_tiers_that_are_not_touched_stay_as_they_were(drawn):
    before = counted(drawn.exports(), DOWNLOAD)
    after = counted(drawn.exports(drawn.effect(ERRORS, last=2000, tiers=["premium"])), DOWNLOAD)

    layout = drawn.layouts[drawn.index(DOWNLOAD)]
    premium = layout.cells.index(("premium", ""))
    rest = [row for row in range(len(layout.cells)) if row != premium]
    # Classes of all cells of a disturbed bin are drawn anew; their number and their law stay.
    np.testing.assert_array_equal(after[:, -1], before[:, -1])
    codes = [layout.codes.index(code) for code in ("500", "502")]
    usual = sum(float(drawn.world.routes[DOWNLOAD].codes[code]) for code in ("500", "502"))
    failed = after[rest][:, codes, 30:2000].sum()
    expected = usual * after[rest][:, -1, 30:2000].sum()
    assert abs(failed - expected) < 5 * expected**0.5 + 5
    assert after[premium][codes, 30:2000].sum() > 50 * usual * after[premium, -1, 30:2000].sum()


def test_two_incidents_at_once_fail_what_both_of_them_let_through_together(drawn):
    layout = drawn.layouts[drawn.index(DOWNLOAD)]
    both = [drawn.effect(ERRORS, last=2000), drawn.effect(ERRORS, last=2000, name="f")]
    inside = counted(drawn.exports(*both), DOWNLOAD)[:, :, 30:2000].sum(axis=(0, 2))

    share = 1 - 0.8 * 0.8
    failed = sum(inside[layout.codes.index(code)] for code in ("500", "502"))
    assert abs(failed - share * inside[-1]) < 5 * (inside[-1] * share * (1 - share)) ** 0.5 + 3e-4 * inside[-1]


class Scaled:
    """A load that expects `factor` times the usual requests of one route in bins [first, last)."""

    def __init__(self, drawn, factor, first, last, route=DOWNLOAD):
        self.usual = drawn.flow.usual().routes[route]
        self.factor, self.first, self.last, self.route = factor, first, last, route

    def course(self, low, high, _effects):
        requests = self.usual.requests[:, low:high].copy()
        requests[:, max(0, self.first - low) : max(0, self.last - low)] *= self.factor
        return Course(low, high, {self.route: RouteCourse(self.usual.which[:, low:high], requests, self.usual.answers)})

    def forget(self, first):
        pass


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 2.5])
def test_arrivals_follow_the_course_as_a_poisson_process(drawn, factor):
    before = counted(drawn.exports(), DOWNLOAD)[:, -1]
    after = counted(drawn.exports(load=Scaled(drawn, factor, 1000, 9000)), DOWNLOAD)[:, -1]

    np.testing.assert_array_equal(after[:, :1000], before[:, :1000])
    np.testing.assert_array_equal(after[:, 9000:], before[:, 9000:])
    inside = slice(1000, 9000)
    assert (after[:, inside] <= before[:, inside]).all() if factor <= 1 else (after[:, inside] >= before[:, inside]).all()
    means = factor * drawn.flow.usual().routes[DOWNLOAD].requests[:, inside]
    if factor in (0.0, 1.0):
        np.testing.assert_array_equal(after[:, inside], before[:, inside] * int(factor))
        return
    z = (after[:, inside].sum() - means.sum()) / means.sum() ** 0.5
    spread = (((after[:, inside] - means) ** 2 / means).sum() - means.size) / np.sqrt((2 + 1 / means).sum())
    assert abs(z) < 5
    assert abs(spread) < 5
    low, high = stats.poisson.cdf(after[:, inside] - 1, means), stats.poisson.cdf(after[:, inside], means)
    uniform = low + (high - low) * np.random.default_rng(1).random(means.shape)
    assert stats.kstest(uniform.reshape(-1), "uniform").pvalue > 1e-5


def eventful(drawn, load=None):
    exports = drawn.exports(
        drawn.effect(ERRORS, first=1407, last=1693),
        drawn.effect(ERRORS, "/api/v1/dashboard", first=1407, last=1693, name="d"),
        drawn.effect(Impact((LatencyRises(4.0),)), "/api/v1/search", first=2203, last=2301, tiers=["free"], name="s"),
        load=load,
        journeys={"/api/v1/media/upload": "upload", "/api/v1/auth/login": "login"},
    )
    for layout in drawn.layouts:
        exports.restart(layout.route, 2000)
        exports.restart(layout.route, 7000)
    return exports


def all_series(exports, baselines):
    return [*exports.series(), *histogram_series(exports, baselines, seed=5)]


@pytest.mark.parametrize("longest", [40, 9000])
def test_filling_in_pieces_and_taking_pieces_back_changes_not_a_byte(drawn, baselines, longest):
    whole, pieces = filled(eventful(drawn)), eventful(drawn)
    rng = np.random.default_rng(4)
    pieces.fill(drawn.grid.times[1300])
    while pieces.filled < (2500 if longest < 100 else len(drawn.grid)):
        pieces.fill(drawn.grid.times[pieces.filled] + float(rng.uniform(0, longest * 15)))
        if rng.random() < 0.4:
            pieces.forget(max(0, pieces.filled - int(rng.integers(0, min(300, longest // 2)))))
    filled(pieces)

    for one, other in zip(all_series(whole, baselines), all_series(pieces, baselines), strict=True):
        assert one.key == other.key
        assert one.values.tobytes() == other.values.tobytes(), str(one.key)


def test_an_incident_that_ends_earlier_leaves_the_part_before_as_it_was(drawn):
    ends = [1563, 1611, 2000]
    runs = [counted(drawn.exports(drawn.effect(ERRORS, first=1407, last=last)), DOWNLOAD) for last in ends]
    usual = counted(drawn.exports(), DOWNLOAD)

    for last, run in zip(ends, runs, strict=True):
        np.testing.assert_array_equal(run[:, :, :last], runs[-1][:, :, :last])
        np.testing.assert_array_equal(run[:, :, last:], usual[:, :, last:])


def test_the_end_of_an_incident_taken_back_gives_what_would_have_been_without(drawn):
    """What the engine does: look ahead as if the incident went on, then learn that it was mitigated."""
    exports = drawn.exports(drawn.effect(ERRORS, first=1407))
    exports.fill(drawn.grid.times[1900])
    exports.effects[0].last = 1563
    assert exports.forget(1563)
    assert not exports.forget(1700)
    straight = filled(drawn.exports(drawn.effect(ERRORS, first=1407, last=1563)))

    filled(exports)
    for one, other in zip(exports.series(), straight.series(), strict=True):
        assert one.values.tobytes() == other.values.tobytes()


def test_what_is_settled_is_kept_and_the_rest_can_still_be_taken_back(drawn):
    exports, straight = eventful(drawn), filled(eventful(drawn))
    for at in range(1200, 2600, 100):
        exports.fill(drawn.grid.times[at + 150])
        exports.settle(drawn.grid.times[at])
        exports.forget(at + 1)
    filled(exports)

    for one, other in zip(exports.series(), straight.series(), strict=True):
        assert one.values.tobytes() == other.values.tobytes()


def test_the_chunk_test_sees_draws_that_begin_where_a_chunk_does(drawn, monkeypatch):
    def careless(self, piece, number, upto, _fill=disturbed_module.Disturbed._fill):
        _fill(self, piece, number + 1000 * upto, upto)

    monkeypatch.setattr(disturbed_module.Disturbed, "_fill", careless)
    whole, pieces = filled(eventful(drawn)), eventful(drawn)
    for at in range(1400, 2500, 7):
        pieces.fill(drawn.grid.times[at])
    filled(pieces)

    same = [one.values.tobytes() == other.values.tobytes() for one, other in zip(whole.series(), pieces.series(), strict=True)]
    assert not all(same)


def test_counters_begin_again_at_zero_when_a_deployment_restarts_them(drawn, baselines):
    exports = filled(eventful(drawn))
    series = next(s for s in exports.series() if str(s.key).startswith("http_request_duration_seconds_count"))

    decreases = np.flatnonzero(np.diff(series.values.astype(np.int64)) < 0) + 1
    np.testing.assert_array_equal(decreases, [2000, 7000])
    untouched = increments(baselines[0].values)[0, -1]
    assert series.values[6999] == untouched[2000:7000].sum()
    assert series.values[7000] == untouched[7000]


def test_a_restart_in_the_middle_of_an_incident_loses_no_request(drawn):
    plain = counted(drawn.exports(drawn.effect(ERRORS, first=1407, last=1693)), DOWNLOAD)
    exports = drawn.exports(drawn.effect(ERRORS, first=1407, last=1693))
    exports.restart(DOWNLOAD, 1500)
    values = filled(exports).values(drawn.index(DOWNLOAD)).astype(np.int64)

    steps = np.diff(values, axis=-1, prepend=0)
    steps[:, :, 1500] = values[:, :, 1500]
    np.testing.assert_array_equal(steps, plain)
    np.testing.assert_array_equal(exports.events(drawn.index(DOWNLOAD), 0), plain[:, 0].sum(axis=0))


def test_attempts_by_status_count_the_requests_of_their_journey(drawn):
    named = {str(s.key): s.values for s in filled(eventful(drawn)).series()}

    logins = sum(v for k, v in named.items() if k.startswith("http_requests_total") and "auth/login" in k)
    both = named['auth_attempts{status="success"}'] + named['auth_attempts{status="failure"}']
    np.testing.assert_array_equal(both, logins)


# Histograms.


def buckets_of(series, route, tier):
    """`le` to (times, values)."""
    found = {}
    for one in series:
        labels = one.key.label_map
        if one.key.name.endswith("_bucket") and labels["route"] == route and labels["tier"] == tier:
            found[float(labels["le"])] = (one.times, one.values)
    return found


def test_buckets_never_fall_and_agree_with_all_that_is_kept_at_every_scrape(drawn, baselines):
    exports = filled(eventful(drawn))
    series = all_series(exports, baselines)
    for layout in drawn.layouts:
        for tier, _ in layout.cells:
            found = buckets_of(series, layout.route, tier)
            assert sorted(found) == [*layout.classes.bounds, float("inf")]
            slots = drawn.grid.times[19::20]
            upto = np.array(
                [
                    values[np.searchsorted(times, slots)] if len(times) > len(slots) else values
                    for _, (times, values) in sorted(found.items())
                ]
            )
            assert (np.diff(upto, axis=0) >= 0).all()


def body_law(drawn, exports, baselines, route, bound, tier, first, last):
    """(requests within a bound of the body, all requests) between two slot edges."""
    found = buckets_of(histogram_series(exports, baselines, seed=5), route, tier)[bound][1]
    row = next(row for row, cell in enumerate(drawn.layouts[drawn.index(route)].cells) if cell[0] == tier)
    totals = exports.values(drawn.index(route))[row, -1]
    return int(found[last // 20 - 1] - found[first // 20 - 1]), int(totals[last - 1]) - int(totals[first - 1])


def test_a_slowdown_of_one_tier_moves_only_its_body(drawn, baselines):
    """All its buckets follow the slower law for the tier that is touched, and the usual one elsewhere."""
    route = "/api/v1/dashboard"
    exports = filled(drawn.exports(drawn.effect(Impact((LatencyRises(3.0),)), route, first=2000, last=6000, tiers=["free"])))
    layout = drawn.layouts[drawn.index(route)]
    for tier, _ in layout.cells:
        within, total = body_law(drawn, exports, baselines, route, 0.2, tier, 2000, 6000)
        law = lognormal_cdf(LAWS[layout.route], np.array([0.2 / (3.0 if tier == "free" else 1.0)]))[0]
        errors = sum(float(share) for share in drawn.world.routes[route].codes.values())
        low, high = law * (1 - errors) * total, (law * (1 - errors) + errors) * total
        spread = 6 * (total * 0.25) ** 0.5
        assert low - spread < within < high + spread, tier


def test_the_sum_of_latencies_has_the_mean_of_the_law_that_held(drawn, baselines):
    route, factor = "/api/v1/search", 3.0
    exports = filled(drawn.exports(drawn.effect(Impact((LatencyRises(factor),)), route, first=2007, last=6013)))
    layout = drawn.layouts[drawn.index(route)]
    sums = sum(
        s.values
        for s in histogram_series(exports, baselines, 5)
        if s.key.name.endswith("_sum") and s.key.label_map["route"] == route
    )
    seconds = np.diff(sums, prepend=0.0)
    totals = exports.events(drawn.index(route), layout.rows - 1)[: len(seconds) * 20].reshape(-1, 20).sum(axis=1)
    mean_s = LAWS[layout.route].median * np.exp(LAWS[layout.route].sigma ** 2 / 2)
    codes = drawn.world.routes[route].codes
    late = sum(float(codes[code]) for code in ("499", "504"))
    good = 1 - sum(float(share) for share in codes.values())
    for first, last, slow in ((0, 100, 1.0), (101, 300, factor), (302, 500, 1.0)):
        seen = seconds[first:last].sum() / totals[first:last].sum()
        expected = good * slow * mean_s + late * drawn.world.traffic.timeout
        # The few that are refused take less than the median.
        assert expected * 0.97 < seen < expected * 1.03 + 0.01 * slow * LAWS[layout.route].median, (first, last)


def test_bodies_follow_answers_that_change_in_time(drawn):
    """Requests within a bound of the body are as many as the answers say, each for the bins in which it held."""
    layout, usual = two_answers(drawn)
    baseline = draw_baseline(layout, usual, seed=5, slot_bins=20)
    exports = Exports((baseline,), {}, Scaled(drawn, 1.0, 0, 0), drawn.grid, 1)
    exports._load.usual = usual
    filled(exports)
    bound = layout.classes.body_bounds[-1]
    tier = layout.cells[0][0]
    found = np.diff(buckets_of(histogram_series(exports, (baseline,), 5), layout.route, tier)[bound][1].astype(float), prepend=0)
    slots = len(found)
    weight = np.zeros((slots, 2))
    for index, answer in enumerate(usual.answers):
        held = np.where(usual.which[0] == index, usual.requests[0], 0.0)[: slots * 20].reshape(slots, 20).sum(axis=1)
        law = answer.marks[0] * answer.body[:-1].sum()
        late = answer.marks[layout.classes.count :].sum() * answer.other_classes[0, 0] * answer.body[:-1].sum()
        weight[:, index] = held * (law + late)
    assert abs(found.sum() - weight.sum()) < 5 * weight.sum() ** 0.5
    z = (found - weight.sum(axis=1)) / np.sqrt(weight.sum(axis=1))
    assert abs(np.mean(z**2) - 1) < 6 * (2 / slots) ** 0.5 + 0.05


def test_two_slowdowns_at_once_are_as_slow_as_their_product(drawn):
    route = "/api/v1/search"
    layout = drawn.layouts[drawn.index(route)]
    both = [
        drawn.effect(Impact((LatencyRises(factor),)), route, first=0, last=4000, name=name)
        for name, factor in (("a", 3.0), ("b", 4.0))
    ]
    rows = counted(drawn.exports(*both), route)[:, :, :4000].sum(axis=(0, 2))

    codes = drawn.world.routes[route].codes
    late = sum(float(codes[code]) for code in ("499", "504"))
    fast = sum(float(share) for share in codes.values()) - late
    share = (1 - late - fast) * lognormal_cdf(LAWS[layout.route], np.array([1.0 / 12]))[0] + fast
    assert abs(rows[-2] - share * rows[-1]) < 5 * (rows[-1] * share * (1 - share)) ** 0.5
