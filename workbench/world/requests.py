"""The baseline: every request of the run, drawn once for each (seed, world), whatever the policy.

Counts of a Poisson stream split by independent marks are independent Poisson counts, so each class of requests (good
answers by latency class, other answers by code) is drawn on its own: exact in distribution, no multinomial needed. Rare
classes are drawn as a few events and placed in time, which costs by the event and not by the bin.

Draws are keyed by route and block of bins, so that any block can be drawn again and need not be kept.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray
from workbench.world.grid import Grid
from workbench.world.layout import RouteLayout
from workbench.world.poisson import poisson
from workbench.world.traffic import intensity

BLOCK_BINS = 1440
"""Bins of one block: six hours at 15 s, small enough for the cache and large enough for a generator of its own."""
_SPARSE_MEAN = 0.15
"""Below this mean a bin, placing events is cheaper than drawing every bin."""


@dataclass(frozen=True)
class Sampler:
    """Draws the classes of one route, block by block."""

    layout: RouteLayout
    mean: FloatArray
    """Expected requests of each bin over all tiers, `[bins]`."""
    marks: FloatArray
    """Probability of each class, `[class_rows]`, adding up to 1."""
    tier_shares: tuple[float, ...]
    seed: int

    @classmethod
    def of(cls, world: World, layout: RouteLayout, expected: FloatArray, seed: int) -> Sampler:
        """`expected` are the requests of all routes in each bin."""
        route = world.routes[layout.route]
        others = np.array([float(route.codes.get(code, 0)) for code in layout.others])
        marks = np.concatenate([(1.0 - others.sum()) * layout.classes.shares(), others])
        shares = tuple(float(world.tiers[tier].traffic_share) for tier in layout.tiers)
        return cls(layout, expected * float(route.share), marks, shares, seed)

    @property
    def bins(self) -> int:
        """Number of bins of the run."""
        return len(self.mean)

    def block(self, number: int) -> Array:
        """All classes of one block, `[tiers, class_rows, bins of the block]`, int32; the same at every call."""
        first = number * BLOCK_BINS
        mean = self.mean[first : first + BLOCK_BINS]
        rng = stream(self.seed, "requests", self.layout.route, number)
        weights = np.outer(self.tier_shares, self.marks).reshape(-1)
        out = np.zeros((len(weights), len(mean)), dtype=np.int32)
        frequent = weights * float(mean.mean()) >= _SPARSE_MEAN
        out[frequent] = poisson(rng, weights[frequent, None] * mean)
        rare = np.flatnonzero(~frequent & (weights > 0))
        reach = np.cumsum(mean)
        count = int(rng.poisson(float(reach[-1] * weights[rare].sum())))
        at = np.minimum(np.searchsorted(reach, rng.random(count) * reach[-1], side="right"), len(mean) - 1)
        upto = np.cumsum(weights[rare])
        kind = np.minimum(np.searchsorted(upto, rng.random(count) * upto[-1:], side="right"), len(rare) - 1)
        if count:
            # Several events may share a bin and a class, so they are added up rather than assigned.
            np.add.at(out, (rare[kind], at), 1)
        return out.reshape(len(self.tier_shares), self.layout.class_rows, len(mean))


@dataclass(frozen=True)
class Baseline:
    """Counts of every bin before anything goes wrong."""

    rates: FloatArray
    """Requests a second over all routes and tiers, `[bins]`."""
    samplers: tuple[Sampler, ...]
    """One for each layout."""
    rows: tuple[Array, ...]
    """For each layout what is scraped, `[tiers, rows, bins]`, unsigned."""
    slots: tuple[Array, ...]
    """For each layout the classes summed over slots of `slot_bins`, `[tiers, class_rows, slots]`, int32."""
    slot_bins: int


def draw_baseline(
    world: World, layouts: tuple[RouteLayout, ...], grid: Grid, start: dt.datetime, *, seed: int, slot_bins: int
) -> Baseline:
    """Draw the whole run's requests. `slot_bins` must divide a block; a last slot that is not full is left out."""
    if BLOCK_BINS % slot_bins:
        raise ValueError(f"slots of {slot_bins} bins do not divide a block of {BLOCK_BINS}")
    rates = intensity(world.traffic, start, grid.middles_s)
    expected = rates * grid.widths_s
    samplers = tuple(Sampler.of(world, layout, expected, seed) for layout in layouts)
    rows, slots = [], []
    for sampler in samplers:
        layout = sampler.layout
        ceiling = float(sampler.mean.max())
        dtype = np.uint16 if ceiling + 12 * ceiling**0.5 + 100 < np.iinfo(np.uint16).max else np.uint32
        scraped = np.empty((len(layout.tiers), layout.rows, len(grid)), dtype=dtype)
        summed = np.empty((len(layout.tiers), layout.class_rows, len(grid) // slot_bins), dtype=np.int32)
        for number in range(-(-len(grid) // BLOCK_BINS)):
            classes = sampler.block(number)
            first = number * BLOCK_BINS
            scraped[:, :, first : first + BLOCK_BINS] = layout.scraped(classes)
            put_slots(summed, classes, first, slot_bins)
        rows.append(scraped)
        slots.append(summed)
    return Baseline(rates, samplers, tuple(rows), tuple(slots), slot_bins)


def put_slots(out: Array, classes: Array, first: int, slot_bins: int) -> None:
    """Write the sums over slots of one block's classes, which begins at bin `first`, into `out` `[..., slots]`."""
    full = classes.shape[-1] // slot_bins
    sums = classes[..., : full * slot_bins].reshape(*classes.shape[:-1], full, slot_bins).sum(axis=-1)
    out[..., first // slot_bins : first // slot_bins + full] = sums
