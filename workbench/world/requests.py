"""The baseline: every request of the run as it usually is, drawn once for each (seed, world), whatever the policy.

Counts of a Poisson stream split by independent marks are independent Poisson counts, so each class of requests (good
answers by latency class, other answers by code) is drawn on its own: exact in distribution, no multinomial needed. Rare
classes are drawn as a few events and placed in time, which costs by the event and not by the bin.

Draws are keyed by route and block of bins, so that any block can be drawn again and need not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, RouteCourse
from workbench.world.layout import RouteLayout
from workbench.world.poisson import place, poisson

BLOCK_BINS = 5760
"""Bins of one block: a day at 15 s, long enough for what a block costs beside its bins."""
_SPARSE_MEAN = 0.35
"""Below this mean a bin, placing events is cheaper than drawing every bin."""
_MOST_ABOVE_EXPECTED = 4
"""A cell may get so many times the requests that are usual before its counters need 64 bits."""


@dataclass(frozen=True)
class Sampler:
    """Draws the classes of one route, block by block."""

    layout: RouteLayout
    usual: RouteCourse
    seed: int

    @property
    def bins(self) -> int:
        """Number of bins of the run."""
        return int(self.usual.requests.shape[1])

    def means(self, first: int, last: int) -> FloatArray:
        """Expected requests of each class in bins [first, last), `[cells, class_rows, bins]`."""
        requests, which = self.usual.requests[:, first:last], self.usual.which[:, first:last]
        marks = np.array([answer.marks for answer in self.usual.answers])
        out = np.empty((len(requests), marks.shape[1], requests.shape[1]))
        for row, of_cell in enumerate(which):
            if (of_cell == of_cell[0]).all():
                np.multiply.outer(marks[of_cell[0]], requests[row], out=out[row])
            else:
                np.multiply(marks.T.take(of_cell, axis=1), requests[row], out=out[row])
        return out

    def block(self, number: int) -> Array:
        """All classes of one block, `[cells, class_rows, bins of the block]`, int32; the same at every call."""
        first = number * BLOCK_BINS
        rng = stream(self.seed, "requests", self.layout.route, number)
        means = self.means(first, min(first + BLOCK_BINS, self.bins))
        shape = means.shape
        means = means.reshape(-1, shape[2])
        frequent = means.mean(axis=1) >= _SPARSE_MEAN
        out = np.zeros(means.shape, dtype=np.int32)
        out[frequent] = poisson(rng, means[frequent])
        rare = np.zeros((len(means) - int(frequent.sum()), shape[2]), dtype=np.int32)
        place(rng, means[~frequent], rare)
        out[~frequent] = rare
        return out.reshape(shape)

    @cached_property
    def upto(self) -> FloatArray:
        """Share of each other code within each kept bound by answer, `[answers, others, kept]`."""
        return np.array([upto_kept(answer, self.layout) for answer in self.usual.answers])

    @cached_property
    def certain(self) -> Array | None:
        """Which other codes come within each kept bound, `[others, kept]` booleans, if that is certain and always the same."""
        first = self.upto[0]
        return first == 1.0 if (((first == 0) | (first == 1)).all() and (self.upto == first).all()) else None

    def within(self, number: int, classes: Array) -> Array:
        """Other answers of a block that came within each kept bound, by code: `[cells, others, kept, bins]`, int32."""
        first, good = number * BLOCK_BINS, self.layout.classes.count
        if self.certain is not None:
            return classes[:, good:, None] * self.certain[:, :, None].astype(np.int32)
        which = self.usual.which[:, first : first + classes.shape[2]]
        rng = stream(self.seed, "other latencies", self.layout.route, number)
        return split_others(rng, classes[:, good:], self.upto, which)

    def within_all(self, classes: Array) -> Array:
        """Other answers that came within each kept bound where that is certain, over all codes: `[cells, kept, bins]`, int32."""
        assert self.certain is not None  # noqa: S101 - asked for only then
        others = classes[:, self.layout.classes.count :]
        out = np.empty((len(others), len(self.layout.kept), classes.shape[2]), np.int32)
        before, summed = None, np.zeros((len(others), classes.shape[2]), np.int32)
        for kept, codes in enumerate(self.certain.T):
            if before is None or (codes != before).any():
                before, summed = codes, others[:, codes].sum(axis=1, dtype=np.int32)
            out[:, kept] = summed
        return out


def upto_kept(answer: Answer, layout: RouteLayout) -> FloatArray:
    """Share of each other code that comes within each kept bound, `[others, kept]`."""
    shares: FloatArray = np.minimum(np.cumsum(answer.other_classes, axis=1)[:, list(layout.kept)], 1.0)
    # Shares that add up to 1 but for rounding are certain, which needs no draw.
    return np.where(shares > 1 - 1e-12, 1.0, shares)


def split_others(rng: np.random.Generator, counts: Array, upto: FloatArray, which: Array) -> Array:
    """How many of `counts` `[cells, others, bins]` came within each kept bound, `[cells, others, kept, bins]`, int32.

    `upto` `[answers, others, kept]` are the shares within each bound, `which` `[cells, bins]` the answer that held.
    """
    cells, others, bins = counts.shape
    out = np.empty((cells, others, upto.shape[2], bins), dtype=np.int32)
    for code in range(others):
        below = np.zeros((cells, bins), dtype=np.int32)
        for kept in range(upto.shape[2]):
            shares = upto[:, code, kept]
            before = upto[:, code, kept - 1] if kept else np.zeros(len(shares))
            conditional = np.where(before < 1, (shares - before) / np.where(before < 1, 1 - before, 1.0), 1.0).clip(0.0, 1.0)
            left = counts[:, code] - below
            if (conditional == 1.0).all():
                below = counts[:, code]
            elif conditional.any() and left.any():
                share = conditional[0] if len(conditional) == 1 else conditional.take(which)
                below = below + rng.binomial(left, share).astype(np.int32)
            out[:, code, kept] = below
    return out


@dataclass(frozen=True)
class Baseline:
    """Counts of every bin of one route before anything goes wrong."""

    sampler: Sampler
    values: Array
    """What would be scraped, cumulative, `[cells, rows, bins]`, int32 or, where that is too small, int64."""
    slots: Array
    """Classes summed over slots of `slot_bins`, `[cells, class_rows, slots]`, int32."""
    late_slots: Array
    """Other answers within each kept bound, by code, summed over slots, `[cells, others, kept, slots]`, int32."""
    slot_bins: int


def draw_baseline(layout: RouteLayout, usual: RouteCourse, *, seed: int, slot_bins: int) -> Baseline:
    """Draw the whole run's requests of one route.

    `slot_bins` must divide a block; a last slot that is not full is left out.
    """
    if BLOCK_BINS % slot_bins:
        raise ValueError(f"slots of {slot_bins} bins do not divide a block of {BLOCK_BINS}")
    sampler = Sampler(layout, usual, seed)
    bins, cells, kept = sampler.bins, len(layout.cells), len(layout.kept)
    most = _MOST_ABOVE_EXPECTED * float(usual.requests.sum(axis=1).max(initial=0.0)) + 1000
    kind = np.int32 if most < np.iinfo(np.int32).max else np.int64
    values = np.empty((cells, layout.rows, bins), dtype=kind)
    slots = np.empty((cells, layout.class_rows, bins // slot_bins), dtype=np.int32)
    late = np.empty((cells, len(layout.others), kept, bins // slot_bins), dtype=np.int32)
    carry = np.zeros((cells, layout.rows, 1), dtype=kind)
    for number in range(-(-bins // BLOCK_BINS)):
        classes = sampler.block(number)
        first = number * BLOCK_BINS
        out = values[:, :, first : first + BLOCK_BINS]
        if sampler.certain is None:
            within = sampler.within(number, classes)
            put_slots(late, within, first, slot_bins)
            rows = layout.scraped(classes, within.sum(axis=1, dtype=np.int32))
        else:
            rows = layout.scraped(classes, sampler.within_all(classes))
        # Without a conversion a running sum costs a quarter.
        np.cumsum(rows.astype(kind, copy=False), axis=2, out=out)
        out += carry
        carry = out[:, :, -1:].copy()
        put_slots(slots, classes, first, slot_bins)
    if sampler.certain is not None:
        late = slots[:, layout.classes.count :, None] * sampler.certain[:, :, None].astype(np.int32)
    return Baseline(sampler, values, slots, late, slot_bins)


def put_slots(out: Array, classes: Array, first: int, slot_bins: int) -> None:
    """Write the sums over slots of one block's classes, which begins at bin `first`, into `out` `[..., slots]`."""
    full = classes.shape[-1] // slot_bins
    if full:
        edges = np.arange(0, full * slot_bins, slot_bins)
        sums = np.add.reduceat(classes[..., : full * slot_bins], edges, axis=-1)
        out[..., first // slot_bins : first // slot_bins + full] = sums
