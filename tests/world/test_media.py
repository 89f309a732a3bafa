"""The media pipeline against theory and against a simulation of each job."""

import heapq
import math

import numpy as np
import pytest

from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.platform import Media
from workbench.world.grid import Grid
from workbench.world.platform.media import Stays, Work, completions, follow, media_series
from workbench.world.platform.slots import Slots

LAW = Lognormal(median="8s", sigma=0.7)
WORK = Work.of(LAW)


def grid_of(hours):
    return Grid(15.0, 7.0, hours * 3600.0)


def world_of(month, workers, law=LAW):
    platform = month.world.platform.model_copy(update={"media": Media(workers=workers), "media_processing": law})
    return month.world.model_copy(update={"platform": platform})


def by_name(series):
    return {(one.key.name, one.key.label_map.get("le", "")): one for one in series}


def erlang_c(servers, offered):
    """P(wait) by its sum, term by term."""
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(terms) + last)


def first_in_first_out(arrivals, workers, rng, law):
    """When each job is done, by a heap of free workers."""
    free = [0.0] * workers
    done = np.empty(len(arrivals))
    for index, at_s in enumerate(arrivals):
        begin = max(at_s, heapq.heappop(free))
        done[index] = begin + law.median * math.exp(law.sigma * rng.standard_normal())
        heapq.heappush(free, done[index])
    return done


@pytest.mark.parametrize(("workers", "load"), [(10, 0.6), (10, 0.8), (30, 0.9), (5, 0.7)])
def test_in_equilibrium_the_share_that_waits_and_the_wait_are_those_of_theory(workers, load):
    """Erlang C for the share; its mean wait scaled by (1 + cs^2) / 2 (Allen and Cunneen)."""
    grid = grid_of(400)
    rate = load * workers / WORK.mean_s
    uploads = np.random.default_rng(1).poisson(rate * grid.widths_s)
    backlog = follow(uploads, grid, workers, WORK)

    wait = erlang_c(workers, load * workers)
    mean_s = wait * WORK.mean_s / (workers * (1 - load)) * (1 + math.expm1(LAW.sigma**2)) / 2
    inner = slice(100, -100)
    # The rate of ten minutes is noisy and waits are convex in it, the more so near full load.
    convex = 0.05 + 1.5 / (rate * 600 * (1 - load) ** 2)
    assert backlog.waits[inner].mean() == pytest.approx(wait, rel=convex)
    assert (backlog.waits * backlog.wait_s)[inner].mean() == pytest.approx(mean_s, rel=convex)
    assert backlog.utilisation.mean() == pytest.approx(load, rel=0.01)


def test_the_queue_obeys_littles_law(month):
    grid = grid_of(200)
    rate = 0.85 * 20 / WORK.mean_s
    uploads = np.random.default_rng(2).poisson(rate * grid.widths_s)
    out = by_name(media_series(world_of(month, 20), grid, Slots(grid, 20), uploads, 1))
    waiting = out["media_queue_length", ""].values
    stay_s = (
        out["media_processing_duration_seconds_sum", ""].values[-1] / out["media_processing_duration_seconds_count", ""].values[-1]
    )

    error = 4 * waiting.std() / (len(waiting) / 4) ** 0.5
    assert waiting.mean() == pytest.approx(rate * (stay_s - WORK.mean_s), abs=error)


@pytest.mark.parametrize("workers", [None, 10, 20, 200])
def test_every_upload_is_processed_once(month, workers):
    grid = grid_of(30)
    uploads = np.random.default_rng(3).poisson(20.0, len(grid))
    uploads[len(grid) // 2 :] = 0  # time to work everything off
    out = by_name(media_series(world_of(month, workers), grid, Slots(grid, 20), uploads, 1))
    done = out["media_processing_completed_total", ""].values

    assert done[-1] == uploads.sum()
    assert (np.diff(done) >= 0).all()
    # Nothing is done before it has come.
    assert (done <= np.cumsum(uploads)).all()
    buckets = [value.values for (name, _), value in out.items() if name == "media_processing_duration_seconds_bucket"]
    assert (np.diff(np.array(buckets), axis=0) >= 0).all()
    assert out["media_processing_duration_seconds_count", ""].values[-1] == uploads[: len(grid) // 20 * 20].sum()


def test_a_backlog_grows_and_is_worked_off_as_in_a_simulation_of_each_job():
    """Three hours of twice the capacity, then a third of it: queue and waits job by job."""
    grid, workers = grid_of(12), 12
    full = workers / WORK.mean_s
    rate = np.where((grid.middles_s > 3600) & (grid.middles_s < 4 * 3600), 2.0, 0.33) * full
    rng = np.random.default_rng(4)
    uploads = rng.poisson(rate * grid.widths_s)
    arrivals = np.sort(np.repeat(grid.times, uploads) - rng.random(int(uploads.sum())) * 15.0)
    exact = first_in_first_out(arrivals, workers, rng, LAW)
    exact_done = np.searchsorted(np.sort(exact), grid.times, side="right")

    backlog = follow(uploads, grid, workers, WORK)
    done = np.cumsum(completions(grid, uploads, WORK, Stays.of(backlog, grid), 1))

    largest = (np.cumsum(uploads) - exact_done).max()
    assert largest > 3 * 3600 * full * 0.9
    # What servers get done is random: its variance is that of so many services. And the rate of uploads is that of ten minutes, so
    # after a jump the queue is some minutes' jobs off.
    error = 4 * (math.expm1(LAW.sigma**2) * uploads.sum()) ** 0.5 + 150 * full
    assert error < 0.07 * largest
    assert np.abs(done - exact_done).max() < error
    peak = backlog.queued.max()
    assert peak == pytest.approx(largest - workers, abs=error)


def test_the_95th_percentile_grows_with_load_and_is_that_of_the_work_where_nothing_waits(month):
    grid = grid_of(100)
    slots = Slots(grid, 20)
    uploads = np.random.default_rng(5).poisson(30.0, len(grid))
    shares = []
    for workers in (None, 60, 24, 21):
        out = by_name(media_series(world_of(month, workers), grid, slots, uploads, 1))
        count = out["media_processing_duration_seconds_count", ""].values[-1]
        shares.append(out["media_processing_duration_seconds_bucket", "20.0"].values[-1] / count)
    work = 0.5 * math.erfc(-math.log(20 / 8) / (0.7 * math.sqrt(2)))

    assert shares[0] == pytest.approx(work, abs=4 * (work * (1 - work) / uploads.sum()) ** 0.5)
    assert shares[1] == pytest.approx(shares[0], abs=0.002)
    assert shares[0] > shares[2] + 0.01 > shares[3] + 0.05


def test_more_workers_change_nothing_where_nobody_waits(month):
    grid = grid_of(24)
    uploads = np.random.default_rng(6).poisson(20.0, len(grid))
    one, other = (by_name(media_series(world_of(month, workers), grid, Slots(grid, 20), uploads, 1)) for workers in (None, 500))

    for key, series in one.items():
        np.testing.assert_array_equal(series.values, other[key].values)
