"""The media pipeline: upload, queue, workers, done. Every accepted upload is processed once.

With a limited number of workers the queue follows the same flow as a component's (`load.stations`): M/M/c in equilibrium, scaled by
Allen and Cunneen for the law of processing times, and a fluid backlog where it is overloaded. Where it always keeps up with the
uploads nothing is looped over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey
from workbench.world.grid import Grid
from workbench.world.latency import lognormal_cdf
from workbench.world.load.stations import advance, station
from workbench.world.platform.slots import Slots, histogram, split
from workbench.world.requests import BLOCK_BINS

_MOST_BINS_OF_A_JOB = 1000
"""Length of the table of a job's duration; it bounds memory whatever the law."""
_STEP_S = 60.0
"""The queue is followed in steps of about this length."""
_SMOOTH_S = 600.0
"""Uploads a second are those of this long: the formulas know the noise of single arrivals already."""
_CALM = 0.8
"""Utilisation up to which the queue is in equilibrium after each step."""
_POINTS = 32
_PARTS = (np.arange(_POINTS) + 0.5) / _POINTS
_NORMAL = np.array([NormalDist().inv_cdf(float(part)) for part in _PARTS])
_DEEP = 20.0
"""Gamma shape from which a wait is that of a backlog: nearly the same for all."""
_SHORT = 1e-4
"""Probability of waiting below which nobody waits."""


@dataclass(frozen=True)
class Backlog:
    """The queue of the workers in each step."""

    width: int
    """Bins of one step."""
    waits: FloatArray
    """Probability that an upload of the step waits, `[steps]`."""
    wait_s: FloatArray
    """Mean wait of those that wait."""
    shape: FloatArray
    """Gamma shape of their wait: 1 in equilibrium, more where a backlog is worked off."""
    queued: FloatArray
    """Mean number waiting."""
    utilisation: FloatArray


def media_series(world: World, grid: Grid, slots: Slots, uploads: Array, seed: int) -> Iterator[Series]:
    """What the pipeline exports. `uploads` are the accepted ones of each bin, `[bins]`."""
    media, law = world.platform.media, Work.of(world.platform.media_processing)
    backlog = None if media.workers is None else follow(uploads, grid, media.workers, law)
    stays = Stays.of(backlog, grid)
    done = completions(grid, uploads, law, stays, seed)
    yield Series(SeriesKey.of("media_processing_completed_total"), grid.times, np.cumsum(done))
    if not len(slots):
        return
    finished = slots.sums(done)
    last = np.arange(len(slots)) * slots.width + slots.width - 1
    # Who is done in a slot came one stay before its middle.
    middle = last - slots.width // 2
    mean_s = np.array([law.mean_s + share * wait for share, wait, _ in stays.states])
    came = np.maximum(middle - (mean_s[stays.which[middle]] / grid.step_s).astype(np.int64) - stays.offsets[middle], 0)
    pairs, of = np.unique(np.stack([stays.which[came], stays.offsets[came]]), axis=1, return_inverse=True)
    bounds = np.array(media.bounds)
    cdf = np.array([law.stay_cdf(stays.states[state], bounds - offset * grid.step_s) for state, offset in pairs.T.tolist()])
    shares = np.maximum(np.diff(np.concatenate([np.zeros((len(cdf), 1)), cdf, np.ones((len(cdf), 1))], axis=1), axis=1), 0.0)
    shares /= shares.sum(axis=1, keepdims=True)
    counts = split(finished, shares, of.reshape(-1), seed, "media durations")
    total = finished * (mean_s[stays.which[came]] + stays.offsets[came] * grid.step_s)
    yield from histogram("media_processing_duration_seconds", media.bounds, slots.times, counts, total, {})
    if backlog is not None and media.workers is not None:
        waiting, busy = _gauges(backlog, slots, seed)
        yield Series(SeriesKey.of("media_queue_length"), slots.times, waiting)
        yield Series(SeriesKey.of("media_worker_utilization_ratio"), slots.times, busy)
        yield Series(SeriesKey.of("media_workers"), slots.times, np.full(len(slots), media.workers, dtype=np.int32))


def follow(uploads: Array, grid: Grid, workers: int, law: Work) -> Backlog:
    """The queue of `workers` that serve `uploads` `[bins]` in the order in which they come."""
    mean_s = law.mean_s
    kind = station(workers, None, None, (1 + law.variation) / 2)
    width = max(1, round(_STEP_S / grid.step_s))
    rate = _smooth(uploads, grid, width)
    offered = rate * mean_s
    full = offered / workers
    waits = np.interp(offered, kind.offered, kind.waits)
    queued = np.interp(offered, kind.offered, kind.queued)
    busy = np.minimum(offered, workers)
    step_s = width * grid.step_s
    steady, spread = queued.copy(), queued.copy()
    until = 0
    for begin in _risings(full > _CALM):
        if begin < until:
            continue  # still in the stretch before
        level = float(queued[begin - 1] + busy[begin - 1]) if begin else 0.0
        # Variance of the queue: what chance has added to it and taken from it since the stretch began.
        variance = float(queued[begin - 1]) ** 2 if begin else 0.0
        for at in range(begin, len(rate)):
            one = advance(kind, level, float(rate[at]), mean_s, step_s)
            waits[at], queued[at], busy[at] = one.waits, one.queued, one.busy
            level = one.inside
            variance += (float(rate[at]) + float(busy[at]) / mean_s * law.variation) * step_s
            spread[at] = min(one.queued, math.sqrt(variance))
            until = at + 1
            if until < len(rate) and full[until] <= _CALM and one.queued <= 1.05 * float(steady[until]) + 0.5:
                break
    served = np.maximum(busy / mean_s, 1e-12)
    wait_s = np.where(queued > 0, queued / np.maximum(waits * served, 1e-300), 0.0)
    shape = np.clip(np.where(queued > 0, (queued / np.maximum(spread, 1e-300)) ** 2, 1.0), 1.0, 1e4)
    return Backlog(width, waits, wait_s, shape, queued, busy / workers)


def _risings(high: Array) -> list[int]:
    return [int(at) for at in np.flatnonzero(high & ~np.concatenate([[False], high[:-1]]))]


def _smooth(uploads: Array, grid: Grid, width: int) -> FloatArray:
    """Uploads a second in each step, over about ten minutes around it, `[steps]`."""
    steps = -(-len(uploads) // width)
    padded = np.zeros(steps * width)
    padded[: len(uploads)] = uploads
    length = np.zeros(steps * width)
    length[: len(uploads)] = grid.widths_s
    half = max(0, round(_SMOOTH_S / (2 * width * grid.step_s)))
    sums = np.concatenate([[0.0], np.cumsum(padded.reshape(steps, width).sum(axis=1))])
    spans = np.concatenate([[0.0], np.cumsum(length.reshape(steps, width).sum(axis=1))])
    low, high = np.maximum(np.arange(steps) - half, 0), np.minimum(np.arange(steps) + half + 1, steps)
    out: FloatArray = (sums[high] - sums[low]) / np.maximum(spans[high] - spans[low], 1e-9)
    return out


State = tuple[float, float, float]
"""Probability of waiting, mean wait of those who do, gamma shape of it."""
_AT_ONCE: State = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Stays:
    """How long jobs stay, by the bin in which they come: few different states, and whole bins of waiting before."""

    states: tuple[State, ...]
    which: Array
    """State of each bin, `[bins]`; 0 is no wait."""
    offsets: Array
    """Bins that every job of the bin waits at least, `[bins]`."""

    @classmethod
    def of(cls, backlog: Backlog | None, grid: Grid) -> Stays:
        """Values are rounded to steps of 10 %, but for the long wait of a backlog, which is kept to half a bin."""
        bins = len(grid)
        if backlog is None:
            return cls((_AT_ONCE,), np.zeros(bins, dtype=np.int64), np.zeros(bins, dtype=np.int64))
        share, wait, shape = backlog.waits.copy(), backlog.wait_s.copy(), backlog.shape
        spread = wait / np.sqrt(shape)
        deep = (share > 0.999) & (shape > _DEEP)
        offset = np.where(deep, np.maximum(wait - 3 * spread, 0.0) // grid.step_s, 0.0)
        half = grid.step_s / 2
        rest = np.where(deep, np.maximum(np.round((wait - offset * grid.step_s) / half), 1.0) * half, _rounded(wait, 10))
        spread = _rounded(spread, 5)
        shape = np.where(deep, np.clip((rest / np.maximum(spread, 1e-9)) ** 2, 1.0, 1e4), _rounded(shape, 5))
        found = np.stack([np.where(deep, 1.0, np.minimum(_rounded(share, 10), 1.0)), rest, shape])
        calm = backlog.waits < _SHORT
        pairs, which = np.unique(found[:, ~calm], axis=1, return_inverse=True)
        of = np.zeros(len(calm), dtype=np.int64)
        of[~calm] = which.reshape(-1) + 1
        states = (_AT_ONCE, *((a, b, c) for a, b, c in pairs.T.tolist()))
        return cls(
            states, np.repeat(of, backlog.width)[:bins], np.repeat(np.where(calm, 0, offset).astype(np.int64), backlog.width)[:bins]
        )


def _rounded(values: FloatArray, a_factor_e: int) -> FloatArray:
    """To steps of the logarithm, so many for a factor of e."""
    out: FloatArray = np.exp(np.round(np.log(np.maximum(values, 1e-5)) * a_factor_e) / a_factor_e)
    return out


@dataclass(frozen=True)
class Work:
    """The law of the time that a worker is busy with one job."""

    law: Lognormal
    at_s: FloatArray
    below: FloatArray
    """P(work <= at), for the quick look-up."""

    @classmethod
    def of(cls, law: Lognormal) -> Work:
        """With its table."""
        at_s = law.median * np.exp(max(law.sigma, 1e-6) * np.linspace(-5.5, 5.5, 2000))
        return cls(law, at_s, lognormal_cdf(law, at_s))

    @property
    def mean_s(self) -> float:
        """Mean, seconds."""
        return self.law.median * math.exp(self.law.sigma**2 / 2)

    @property
    def variation(self) -> float:
        """Squared coefficient of variation."""
        return math.expm1(self.law.sigma**2)

    def stay_cdf(self, state: State, at_s: FloatArray) -> FloatArray:
        """P(waiting + work <= at), `[len(at_s)]`."""
        if state[0] <= 0:
            return lognormal_cdf(self.law, at_s)
        waits, shares = _waits(state)
        out: FloatArray = shares @ np.interp(at_s[None] - waits[:, None], self.at_s, self.below, left=0.0, right=1.0)
        return out


def _waits(state: State) -> tuple[FloatArray, FloatArray]:
    """Waits and their probabilities, `[points + 1]`, the first one 0."""
    share, mean, shape = state
    # Wilson and Hilferty's approximation of a gamma law's quantiles, which is none for the exponential one.
    gamma = np.maximum(1 - 1 / (9 * shape) + _NORMAL / (3 * math.sqrt(shape)), 0.0) ** 3
    factors = -np.log1p(-_PARTS) if shape < 1.05 else gamma
    waits = mean * factors / factors.mean()
    return np.concatenate([[0.0], waits]), np.concatenate([[1 - share], np.full(_POINTS, share / _POINTS)])


def completions(grid: Grid, uploads: Array, law: Work, stays: Stays, seed: int) -> Array:
    """Jobs that end in each bin, `[bins]`: a job taken somewhere in a bin ends j bins later, by the law of its stay.

    What stays longer than the table is long counts as done where it ends: three jobs in 100,000, or those beyond it.
    """
    most = min(_MOST_BINS_OF_A_JOB, max(2, math.ceil(law.law.median * math.exp(4 * law.law.sigma) / grid.step_s) + 1))
    tables = []
    for row, state in enumerate(stays.states):
        parts = 32 if row == 0 else 8
        longest = float(_waits(state)[0].max()) if row else 0.0
        bins = min(_MOST_BINS_OF_A_JOB, most + math.ceil(longest / grid.step_s))
        edges = np.arange(1, bins)[None] * grid.step_s - ((np.arange(parts) + 0.5) / parts * grid.step_s)[:, None]
        by = law.stay_cdf(state, edges.reshape(-1)).reshape(edges.shape).mean(axis=0)
        shares = np.maximum(np.diff(np.concatenate([[0.0], by, [1.0]])), 0.0)
        tables.append(shares / shares.sum())
    out = np.zeros(len(grid), dtype=np.int64)
    for first in range(0, len(grid), BLOCK_BINS):
        taken = uploads[first : first + BLOCK_BINS]
        of = stays.which[first : first + BLOCK_BINS]
        # Each state draws from a stream of its own: where nothing waits nothing else is drawn.
        for state in np.unique(of).tolist():
            chosen = np.flatnonzero(of == state)
            names = (first // BLOCK_BINS,) if state == 0 else (first // BLOCK_BINS, repr(stays.states[state]))
            drawn = stream(seed, "media processing", *names).multinomial(taken[chosen], tables[state])
            taken_in, later = np.nonzero(drawn)
            at = (first + chosen + stays.offsets[first + chosen])[taken_in] + later
            inside = at < len(out)
            np.add.at(out, at[inside], drawn[taken_in, later][inside])
    return out


def _gauges(backlog: Backlog, slots: Slots, seed: int) -> tuple[Array, FloatArray]:
    """Jobs waiting and the busy share of workers at the end of each slot.

    In equilibrium a Poisson number about an exponential wait: the geometric law of M/M/c.
    """
    step = np.minimum((np.arange(len(slots)) * slots.width + slots.width - 1) // backlog.width, len(backlog.waits) - 1)
    rng = stream(seed, "media queue")
    waits = backlog.waits[step]
    factor = np.where(backlog.shape[step] < 2, rng.exponential(1.0, len(slots)), 1.0)
    queued = np.minimum(backlog.queued[step] / np.maximum(waits, 1e-300) * factor, 1e15)
    count = stream(seed, "media queue", "jobs").poisson(queued)
    return np.where(rng.random(len(slots)) < waits, count, 0), backlog.utilisation[step]
