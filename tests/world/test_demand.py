"""What users and bots would send: shares, shapes, growth, months, zones, events, bots."""

import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from workbench.rng import stream
from workbench.scenario.schema.traffic import Bot, Bursts, Closed, Event, Segment, Variability
from workbench.units import DAY_S, HOUR_S, MINUTE_S
from workbench.world.demand.bots import burst_factors
from workbench.world.demand.demand import demand
from workbench.world.grid import Grid

WEEK_S = 7 * DAY_S
UTC = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
"""A Monday."""
FLAT = {"hours": (1.0,) * 24, "weekdays": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1.0), "surges": ()}
STREAM = "/api/v1/media/stream"
LOGIN = "/api/v1/auth/login"


def altered(world, tiers=None, **traffic):
    """The world with other fields of its traffic, and of its tiers by name."""
    changed = {name: tier.model_copy(update=(tiers or {}).get(name, {})) for name, tier in world.tiers.items()}
    return world.model_copy(update={"traffic": world.traffic.model_copy(update=traffic), "tiers": changed})


@pytest.fixture(scope="module")
def week(month):
    return month.world, Grid(60.0, 60.0, 2 * WEEK_S)


def test_each_cell_has_its_share_of_the_mean_whatever_its_shape(week):
    world, grid = week
    segments = {
        "us": Segment(share="30%", timezone="America/New_York", hours=tuple(range(1, 25))),
        "eu": Segment(share="70%", weekdays={**FLAT["weekdays"], "sun": 0.1}),
    }
    made = demand(altered(world, {"free": {"segments": segments}}), grid, UTC, 1)

    assert [cell.labels for cell in made.cells if cell.tier == "free"] == [("free", "eu"), ("free", "us")]
    requests = sum(made.requests(path, 0, len(grid)) for path in made.routes)
    shares = {
        cell.labels: float(row.sum()) / (world.traffic.mean_rps * grid.horizon_s)
        for cell, row in zip(made.cells, requests, strict=True)
    }
    assert shares["free", "us"] == pytest.approx(0.1 * 0.3, rel=1e-12)
    assert shares["free", "eu"] == pytest.approx(0.1 * 0.7, rel=1e-12)
    assert shares["premium", ""] == pytest.approx(0.3, rel=1e-12)
    assert made.rates() * grid.widths_s == pytest.approx(requests.sum(axis=0), rel=1e-12)


def test_routes_of_a_segment_are_weighted_among_its_own_requests(week):
    world, grid = week
    segments = {"tv": Segment(share="50%", routes={STREAM: 3.0, LOGIN: 0.0}), "web": Segment(share="50%")}
    made = demand(altered(world, {"free": {"segments": segments}}), grid, UTC, 1)

    tv = next(row for row, cell in enumerate(made.cells) if cell.segment == "tv")
    sent = {path: made.requests(path, 0, len(grid))[tv].sum() for path in made.routes}
    share = {path: float(route.share) for path, route in world.routes.items()}
    whole = 1 + 2 * share[STREAM] - share[LOGIN]
    assert sent[LOGIN] == 0
    assert sent[STREAM] / sum(sent.values()) == pytest.approx(3 * share[STREAM] / whole, rel=1e-12)


def test_weeks_repeat_exactly(week):
    world, grid = week
    rates = demand(world, grid, UTC, 1).rates()
    bins = round(WEEK_S / grid.step_s)
    assert rates[:bins].sum() == pytest.approx(rates[bins:].sum(), rel=1e-12)
    assert rates[:bins] == pytest.approx(rates[bins:], rel=1e-9)


def test_the_stated_hours_are_recovered_from_counts(week):
    world, grid = week
    hours = world.traffic.hours
    counts = stream(3, "counts").poisson(demand(altered(world, weekdays=FLAT["weekdays"], surges=()), grid, UTC, 1).rates() * 60)
    by_hour = counts.reshape(14, 24, 60).sum(axis=(0, 2))
    # Between the middles of hours the factor is joined linearly: its mean over an hour is 1/8, 6/8, 1/8 of three factors.
    joined = np.array([0.125 * hours[h - 1] + 0.75 * hours[h] + 0.125 * hours[(h + 1) % 24] for h in range(24)])
    due = joined / joined.sum() * counts.sum()
    assert np.abs((by_hour - due) / np.sqrt(due)).max() < 4
    assert ((by_hour - due) ** 2 / due).sum() < 23 + 5 * math.sqrt(46)


def test_growth_compounds(week):
    world, _ = week
    grid = Grid(3600.0, 3600.0, 63 * DAY_S)
    still, grown = (demand(altered(world, growth=growth), grid, UTC, 1).rates() for growth in (None, 0.1))
    assert still.mean() == pytest.approx(100)
    assert grown / still == pytest.approx(1.1 ** (grid.middles_s / (30 * DAY_S)), rel=1e-12)


def test_months_change_nothing_over_a_year_and_meet_their_factors_in_mid_month(week):
    world, _ = week
    grid = Grid(3600.0, 3600.0, 365 * DAY_S)
    months = (1.3, 1.0, 0.9, 0.8, 0.9, 1.0, 0.7, 0.7, 1.1, 1.2, 1.2, 1.2)
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rates = demand(altered(world, months=months, **FLAT), grid, start, 1).rates()
    assert rates.mean() == pytest.approx(100, rel=0.005)
    for month in range(1, 13):
        first = dt.datetime(2026, month, 1, tzinfo=dt.UTC)
        after = dt.datetime(2026 + month // 12, month % 12 + 1, 1, tzinfo=dt.UTC)
        middle_s = (first + (after - first) / 2 - start).total_seconds()
        assert np.interp(middle_s, grid.middles_s, rates) == pytest.approx(100 * months[month - 1], rel=0.002)


@pytest.mark.parametrize(("zone", "start", "change"), [
    ("Europe/Zurich", dt.datetime(2026, 3, 28, tzinfo=dt.UTC), -1),
    ("America/New_York", dt.datetime(2026, 10, 31, tzinfo=dt.UTC), 1),
])  # fmt: skip
def test_users_keep_to_their_own_clock_when_it_changes(week, zone, start, change):
    world, _ = week
    grid = Grid(60.0, 60.0, 4 * DAY_S)
    segments = {"there": Segment(share="100%", timezone=zone)}
    tiers = {name: {"segments": segments} for name in world.tiers}
    rates = demand(altered(world, tiers, weekdays=FLAT["weekdays"], surges=()), grid, start, 1).rates()
    first, last = rates[: 24 * 60], rates[-24 * 60 :]
    # After the change everything comes an hour earlier (spring) or later (autumn) on a clock that does not change.
    assert last == pytest.approx(np.roll(first, change * 60), rel=1e-9)
    clock = [(start + dt.timedelta(seconds=at)).astimezone(ZoneInfo(zone)) for at in grid.middles_s]
    at = np.array([time.hour + time.minute / 60 + time.second / 3600 for time in clock])
    hours = world.traffic.hours
    due = np.interp(at, np.arange(-1, 25) + 0.5, [hours[h % 24] for h in range(-1, 25)])
    assert rates == pytest.approx(due * 100 / due.mean(), rel=1e-9)


@pytest.mark.parametrize("step", [15.0, 60.0, 600.0])
def test_what_an_event_brings_does_not_depend_on_the_step(week, step):
    world, _ = week
    grid = Grid(step, step, 4 * DAY_S)
    event = Event(at="day 2, 18:07", rise="20m", lasts="1h", fades="30m", factor=4)
    made = [demand(altered(world, events=events, **FLAT), grid, UTC, 1) for events in ({}, {"launch": event})]
    before, after = (one.rates() for one in made)
    # Extra traffic: a triangle, a rectangle, an exponential.
    extra_s = 3 * (20 * MINUTE_S / 2 + HOUR_S + 30 * MINUTE_S)
    assert ((after - before) * grid.widths_s).sum() == pytest.approx(100 * extra_s, rel=1e-9)
    assert after[: round((DAY_S + 18 * HOUR_S) / step)] == pytest.approx(before[: round((DAY_S + 18 * HOUR_S) / step)])
    at_height = round((DAY_S + 19 * HOUR_S) / step)
    assert after[at_height] == pytest.approx(4 * before[at_height])
    assert after == pytest.approx(sum(made[1].requests(path, 0, len(grid)).sum(axis=0) for path in made[1].routes) / grid.widths_s)


def test_an_event_touches_the_routes_and_tiers_it_names_and_what_remains_stays(week):
    world, grid = week
    event = Event(
        at="2026-04-08T12:00", rise="0s", lasts="1h", fades="10m", factor=3, remains=1.5, routes=(STREAM,), tiers=("free",)
    )
    before, after = (demand(altered(world, events=events), grid, UTC, 1) for events in ({}, {"launch": event}))
    free = [row for row, cell in enumerate(after.cells) if cell.tier == "free"]
    for path in after.routes:
        was, now = before.requests(path, 0, len(grid)), after.requests(path, 0, len(grid))
        if path != STREAM:
            assert np.array_equal(was, now)
            continue
        others = [row for row in range(len(after.cells)) if row not in free]
        assert np.array_equal(was[others], now[others])
        ratio = (now / was)[free]
        at = round((2 * DAY_S + 12 * HOUR_S) / grid.step_s)
        assert ratio[:, :at] == pytest.approx(1)
        assert ratio[:, at : at + 60] == pytest.approx(3)
        assert ratio[:, -1] == pytest.approx(1.5)


def test_a_range_of_bins_is_the_same_alone(week):
    world, grid = week
    bot = Bot(tier="free", mean_rps=2, bursts=Bursts(every="1h", lasts="10m"))
    event = Event(at="day 3, 10:00", factor=2)
    made = demand(altered(world, events={"e": event}, bots={"crawler": bot}), grid, UTC, 5)
    low, high = 3000, 3500
    for path in made.routes:
        assert np.array_equal(made.requests(path, low, high), made.requests(path, 0, len(grid))[:, low:high])


def test_a_bot_is_a_row_of_its_own_on_top_of_the_users(week):
    world, grid = week
    bot = Bot(tier="free", mean_rps=5, from_hour=23, to_hour=3, timezone="Asia/Tokyo", routes={LOGIN: 1.0, STREAM: 3.0})
    made = demand(altered(world, bots={"crawler": bot}), grid, UTC, 1)
    row = [cell.labels for cell in made.cells].index(("free", "crawler"))
    sent = {path: made.requests(path, 0, len(grid))[row] for path in made.routes}

    assert made.rates().mean() == pytest.approx(105)
    assert made.rates(bots=False).mean() == pytest.approx(100)
    assert sum(one.sum() for one in sent.values()) == pytest.approx(5 * grid.horizon_s)
    assert sent[STREAM].sum() == pytest.approx(3 * sent[LOGIN].sum())
    hours = np.array([(UTC + dt.timedelta(seconds=at)).astimezone(ZoneInfo("Asia/Tokyo")).hour for at in grid.middles_s])
    assert set(hours[sent[LOGIN] > 0]) == {23, 0, 1, 2}
    assert (sent[LOGIN][np.isin(hours, (23, 0, 1, 2))] > 0).all()


def test_bots_neither_vary_nor_take_part_in_events(week):
    world, grid = week
    bots = {"crawler": Bot(tier="free", mean_rps=2)}
    event = Event(at="day 3, 10:00", factor=2)
    for common in ("100%", "30%"):
        varied = {"variability": Variability(spread=0.5, common=common), "events": {"e": event}}
        made = demand(altered(world, bots=bots, **varied), grid, UTC, 5)
        row = [cell.labels for cell in made.cells].index(("free", "crawler"))
        users = [at for at in range(len(made.cells)) if at != row]
        requests = made.requests(STREAM, 0, len(grid))
        assert requests[row] == pytest.approx(2 * 60 * float(world.routes[STREAM].share))
        assert requests[users].std() > 0
        assert made.rates() - made.rates(bots=False) == pytest.approx(2)


def test_bursts_have_the_mean_and_the_covariance_of_an_on_off_process():
    bursts = Bursts(every="1h", lasts="12m")
    grid = Grid(30.0, 30.0, 2 * DAY_S)
    runs = np.array([burst_factors(bursts, grid, stream(seed, "bursts")) for seed in range(400)])
    p, rate = 0.2, 1 / (12 * MINUTE_S) + 1 / (48 * MINUTE_S)
    means = runs.mean(axis=1)
    assert abs(means.mean() - 1) < 4 * means.std() / math.sqrt(len(runs))
    x = rate * grid.step_s
    for lag in (1, 10, 40, 100):
        # Covariance of two bins' means: that of single moments, averaged over both bins.
        due = (1 - p) / p * math.exp(-rate * lag * grid.step_s) * (2 * math.cosh(x) - 2) / x**2
        products = ((runs[:, lag:] - 1) * (runs[:, :-lag] - 1)).mean(axis=1)
        assert abs(products.mean() - due) < 4 * products.std() / math.sqrt(len(runs)), lag


def test_users_who_wait_are_as_many_as_their_think_and_answer_time_ask_for(week):
    world, grid = week
    world = altered(world, {"free": {"closed": False}}, closed=Closed(think_time="25s"))
    made = demand(world, grid, UTC, 1)
    closed = {cell.tier: row for row, cell in enumerate(made.cells)}
    people = made.population(closed["premium"], answer_s=0.5)
    # Little's law for the cycle of a user: population = throughput x (think time + answer time).
    assert people == pytest.approx(made.rates("premium") * 25.5, rel=1e-12)
    with pytest.raises(ValueError, match="do not wait"):
        made.population(closed["free"], 0.5)


def test_the_same_seed_gives_the_same_demand_and_another_name_leaves_the_others(week):
    world, grid = week
    bots = {"a": Bot(tier="free", mean_rps=5, bursts=Bursts(every="1h", lasts="10m"))}
    more = {**bots, "b": bots["a"]}
    one, again, other = (demand(altered(world, bots=of), grid, UTC, 7) for of in (bots, bots, more))
    assert one.rates().tobytes() == again.rates().tobytes()
    row = [cell.labels for cell in other.cells].index(("free", "a"))
    mine = [cell.labels for cell in one.cells].index(("free", "a"))
    assert np.array_equal(other.requests(LOGIN, 0, 500)[row], one.requests(LOGIN, 0, 500)[mine])
