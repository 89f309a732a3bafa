import numpy as np
import pytest

from workbench.world.effects import ActiveEffect, overlay
from workbench.world.exports import Exports
from workbench.world.grid import Grid
from workbench.world.histograms import histogram_series
from workbench.world.impact import ErrorsHappen, Impact, LatencyRises
from workbench.world.latency import lognormal_cdf
from workbench.world.layout import layouts
from workbench.world.requests import BLOCK_BINS, draw_baseline
from workbench.world.traffic import intensity

KEEP = {"/api/v1/search": {1.0}, "/api/v1/auth/login": {0.3, 1.0}}


@pytest.fixture(scope="module")
def drawn(two_days):
    grid = Grid(15, 7, two_days.clock.horizon)
    shapes = layouts(two_days.world, KEEP)
    return grid, shapes, draw_baseline(two_days.world, shapes, grid, two_days.start, seed=3, slot_bins=20)


def test_traffic_has_the_stated_mean_and_peaks_near_the_capacity(month):
    grid = Grid(15, 7, month.clock.horizon)
    rates = intensity(month.world.traffic, month.start, grid.middles_s)

    assert rates.mean() == pytest.approx(month.world.traffic.mean_rps)
    assert 0.8 * month.world.traffic.capacity_rps < rates.max() < month.world.traffic.capacity_rps
    assert rates.min() > 0


def test_traffic_repeats_every_week(month):
    grid = Grid(15, 7, 28 * 86400)
    rates = intensity(month.world.traffic, month.start, grid.middles_s)
    week = 7 * 86400 // 15

    np.testing.assert_allclose(rates[1:week], rates[week + 1 : 2 * week], rtol=1e-12)


def test_counts_are_as_many_as_the_rates_say(drawn, two_days):
    grid, shapes, baseline = drawn
    for layout, rows in zip(shapes, baseline.rows, strict=True):
        expected = float((baseline.rates * grid.widths_s).sum()) * float(two_days.world.routes[layout.route].share)
        total = int(rows[:, -1].sum(dtype=np.int64))
        assert abs(total - expected) < 5 * expected**0.5
        for code, share in two_days.world.routes[layout.route].codes.items():
            mean = expected * float(share)
            seen = int(rows[:, layout.codes.index(code)].sum(dtype=np.int64))
            assert abs(seen - mean) < 5 * mean**0.5 + 5


def test_all_requests_are_the_sum_of_their_codes_and_buckets_never_fall(drawn):
    _, shapes, baseline = drawn
    for layout, rows in zip(shapes, baseline.rows, strict=True):
        wide = rows.astype(np.int64)
        np.testing.assert_array_equal(wide[:, : len(layout.codes)].sum(axis=1), wide[:, -1])
        upto = wide[:, len(layout.codes) :]
        assert (np.diff(upto, axis=1) >= 0).all()


def test_slots_hold_the_same_requests_as_the_bins(drawn):
    _, shapes, baseline = drawn
    for layout, rows, slots in zip(shapes, baseline.rows, baseline.slots, strict=True):
        full = slots.shape[-1] * 20
        by_slot = rows[:, -1, :full].astype(np.int64).reshape(4, -1, 20).sum(axis=2)
        np.testing.assert_array_equal(slots.sum(axis=1), by_slot)
        for kept, row in zip(layout.kept, range(len(layout.codes), layout.rows - 1), strict=True):
            np.testing.assert_array_equal(
                layout.buckets(slots)[:, kept], rows[:, row, :full].astype(np.int64).reshape(4, -1, 20).sum(axis=2)
            )


def test_a_block_drawn_again_is_the_same_and_another_seed_is_not(drawn):
    _, _, baseline = drawn
    sampler = baseline.samplers[0]

    np.testing.assert_array_equal(sampler.block(3), sampler.block(3))
    assert (sampler.block(3) != sampler.block(4)).any()
    np.testing.assert_array_equal(sampler.layout.scraped(sampler.block(3)), baseline.rows[0][:, :, 3 * BLOCK_BINS : 4 * BLOCK_BINS])


def test_what_is_kept_for_the_rules_changes_no_request(two_days, drawn):
    grid, _, baseline = drawn
    bare = layouts(two_days.world, {})
    again = draw_baseline(two_days.world, bare, grid, two_days.start, seed=3, slot_bins=20)

    for one, other in zip(baseline.slots, again.slots, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_bound_that_is_not_kept_at_every_scrape_is_refused(two_days):
    with pytest.raises(ValueError, match="not among those kept"):
        layouts(two_days.world, {"/api/v1/search": {0.01}})


def _effect(layout, impact, first=30, last=None, tiers=None):
    return ActiveEffect("e", impact, frozenset({layout.route}), frozenset(tiers or layout.tiers), first, last)


ERRORS = Impact((ErrorsHappen(0.2, (("500", 0.8), ("502", 0.2))),))


def _download(drawn):
    _, shapes, baseline = drawn
    index = [layout.route for layout in shapes].index("/api/v1/media/download")
    return shapes[index], baseline.samplers[index].block(0)[:, :, :240]


def test_an_error_incident_moves_the_stated_share_and_loses_no_request(drawn):
    layout, classes = _download(drawn)
    out = overlay(classes, 0, layout, [_effect(layout, ERRORS)], seed=1)

    np.testing.assert_array_equal(out.sum(axis=1), classes.sum(axis=1))
    np.testing.assert_array_equal(out[:, :, :30], classes[:, :, :30])
    assert (out >= 0).all()
    bad = [layout.classes.count + i for i, code in enumerate(layout.others) if code.startswith("5")]
    failed = int((out[:, bad, 30:] - classes[:, bad, 30:]).sum())
    could = int(np.delete(classes, bad, axis=1)[:, :, 30:].sum())
    assert abs(failed - 0.2 * could) < 5 * (could * 0.2 * 0.8) ** 0.5
    in_502 = int((out - classes)[:, layout.classes.count + layout.others.index("502"), 30:].sum())
    assert abs(in_502 - 0.2 * failed) < 5 * (failed * 0.2 * 0.8) ** 0.5


def test_failed_requests_get_each_code_in_its_share(drawn):
    layout, classes = _download(drawn)
    three = ErrorsHappen(0.5, (("500", 0.5), ("502", 0.3), ("503", 0.2)))
    out = overlay(classes, 0, layout, [_effect(layout, Impact((three,)), first=0)], seed=2)

    by_code = {code: int((out - classes)[:, layout.classes.count + layout.others.index(code)].sum()) for code, _ in three.codes}
    failed = sum(by_code.values())
    for code, share in three.codes:
        assert abs(by_code[code] - share * failed) < 5 * (failed * share * (1 - share)) ** 0.5


def test_requests_that_time_out_are_slow_and_all_other_failures_fast(drawn):
    layout, classes = _download(drawn)
    timeouts = overlay(classes, 0, layout, [_effect(layout, Impact((ErrorsHappen(0.5, (("504", 1.0),)),)), first=0)], seed=2)
    refusals = overlay(classes, 0, layout, [_effect(layout, Impact((ErrorsHappen(0.5, (("503", 1.0),)),)), first=0)], seed=2)

    below_timeout = layout.classes.timeout_class - 1
    late = int((timeouts - classes)[:, layout.classes.count + layout.others.index("504")].sum())
    lost = (layout.buckets(classes) - layout.buckets(timeouts))[:, below_timeout].sum()
    already_slow = [*range(below_timeout + 1, layout.classes.count), layout.classes.count + layout.others.index("499")]
    assert 0 <= late - int(lost) <= int(classes[:, already_slow].sum())
    assert late > 10 * (late - int(lost))
    assert (layout.buckets(refusals) >= layout.buckets(classes)).all()
    np.testing.assert_array_equal(layout.buckets(timeouts)[:, -1], layout.buckets(classes)[:, -1])


def test_an_incident_that_ends_earlier_leaves_the_part_before_as_it_was(drawn):
    layout, classes = _download(drawn)
    whole = overlay(classes, 0, layout, [_effect(layout, ERRORS)], seed=1)
    short = overlay(classes, 0, layout, [_effect(layout, ERRORS, last=111)], seed=1)

    np.testing.assert_array_equal(short[:, :, :111], whole[:, :, :111])
    np.testing.assert_array_equal(short[:, :, 111:], classes[:, :, 111:])


def test_tiers_that_are_not_touched_stay_as_they_were(drawn):
    layout, classes = _download(drawn)
    out = overlay(classes, 0, layout, [_effect(layout, ERRORS, tiers=["premium"])], seed=1)

    premium = layout.tiers.index("premium")
    np.testing.assert_array_equal(np.delete(out, premium, axis=0), np.delete(classes, premium, axis=0))
    assert (out[premium] != classes[premium]).any()


def test_two_incidents_at_once_fail_what_both_of_them_let_through_together(drawn):
    layout, classes = _download(drawn)
    second = ActiveEffect("f", ERRORS, frozenset({layout.route}), frozenset(layout.tiers), 30)
    out = overlay(classes, 0, layout, [_effect(layout, ERRORS), second], seed=1)

    bad = [layout.classes.count + i for i, code in enumerate(layout.others) if code.startswith("5")]
    failed = int((out - classes)[:, bad, 30:].sum())
    could = int(np.delete(classes, bad, axis=1)[:, :, 30:].sum())
    share = 1 - 0.8 * 0.8
    assert abs(failed - share * could) < 5 * (could * share * (1 - share)) ** 0.5


def test_a_slowdown_keeps_every_answer_and_gives_the_shares_of_the_slower_law(drawn):
    layout, classes = _download(drawn)
    out = overlay(classes, 0, layout, [_effect(layout, Impact((LatencyRises(3.0),)), first=0)], seed=1)

    good = layout.classes.count
    np.testing.assert_array_equal(out[:, good:], classes[:, good:])
    np.testing.assert_array_equal(out[:, :good].sum(axis=1), classes[:, :good].sum(axis=1))
    count = int(out[:, :good].sum())
    seen = out[:, :good].sum(axis=(0, 2)) / count
    shares = layout.classes.shares(3.0)
    assert np.all(np.abs(seen - shares) < 5 * np.sqrt(shares * (1 - shares) / count) + 1e-6)


def _exports(drawn, seed=1):
    grid, shapes, baseline = drawn
    exports = Exports(shapes, {"/api/v1/media/upload": "upload", "/api/v1/auth/login": "login"}, baseline, grid, seed)
    for layout in shapes:
        exports.restart(layout.route, 2000)
        exports.restart(layout.route, 7000)
    exports.effects += [
        ActiveEffect(
            "a", ERRORS, frozenset({"/api/v1/media/download", "/api/v1/dashboard"}), frozenset(shapes[0].tiers), 1400, 1700
        ),
        ActiveEffect("b", Impact((LatencyRises(4.0),)), frozenset({"/api/v1/search"}), frozenset({"free"}), 2200, 2300),
    ]
    return exports


def test_filling_in_pieces_and_taking_pieces_back_changes_nothing(drawn):
    grid = drawn[0]
    whole, pieces = _exports(drawn), _exports(drawn)
    whole.fill(grid.horizon_s)
    rng = np.random.default_rng(4)
    while pieces.filled < len(grid):
        pieces.fill(grid.times[pieces.filled] + float(rng.uniform(0, 9000)))
        if rng.random() < 0.4:
            pieces.forget(max(0, pieces.filled - int(rng.integers(0, 300))))

    for one, other in zip(whole.series(), pieces.series(), strict=True):
        assert one.key == other.key
        np.testing.assert_array_equal(one.values, other.values)


def test_counters_begin_again_at_zero_when_a_deployment_restarts_them(drawn):
    exports = _exports(drawn)
    exports.fill(drawn[0].horizon_s)
    series = next(s for s in exports.series() if str(s.key).startswith("http_request_duration_seconds_count"))

    decreases = np.flatnonzero(np.diff(series.values.astype(np.int64)) < 0) + 1
    np.testing.assert_array_equal(decreases, [2000, 7000])
    untouched = drawn[2].rows[0][0, -1].astype(np.int64)
    assert series.values[6999] == untouched[2000:7000].sum()


def test_attempts_by_status_count_the_requests_of_their_journey(drawn):
    exports = _exports(drawn)
    exports.fill(drawn[0].horizon_s)
    named = {str(s.key): s.values for s in exports.series()}

    logins = sum(v for k, v in named.items() if k.startswith("http_requests_total") and "auth/login" in k)
    both = named['auth_attempts{status="success"}'] + named['auth_attempts{status="failure"}']
    np.testing.assert_array_equal(both, logins)


def test_a_slowdown_of_one_tier_moves_only_its_body(drawn):
    """All its buckets follow the slower law for the tier that is touched, and the usual one elsewhere."""
    grid, shapes, baseline = drawn
    exports = Exports(shapes, {}, baseline, grid, 1)
    exports.effects.append(
        ActiveEffect("slow", Impact((LatencyRises(3.0),)), frozenset({"/api/v1/dashboard"}), frozenset({"free"}), 2000, 6000)
    )
    exports.fill(grid.horizon_s)
    body = {}
    for series in histogram_series(exports, baseline, seed=5):
        labels = series.key.label_map
        if labels.get("route") == "/api/v1/dashboard" and labels.get("le") == "0.2":
            body[labels["tier"]] = series.values
    index = [layout.route for layout in shapes].index("/api/v1/dashboard")
    classes = shapes[index].classes
    for t, tier in enumerate(shapes[index].tiers):
        # Slots wholly inside the slowdown: 2000 / 20 to 6000 / 20.
        within = int(body[tier][299] - body[tier][99])
        total = int(exports.values(index)[t, -1, 5999]) - int(exports.values(index)[t, -1, 1999])
        law = lognormal_cdf(classes.law, np.array([0.2 / (3.0 if tier == "free" else 1.0)]))[0]
        errors = 1 - float(drawn[2].samplers[index].marks[: classes.count].sum())
        low, high = law * (1 - errors) * total, (law * (1 - errors) + errors) * total
        spread = 6 * (total * 0.25) ** 0.5
        assert low - spread < within < high + spread, tier
