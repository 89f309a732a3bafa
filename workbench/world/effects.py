"""Overlays: what incidents do to the baseline, and how commands reach the world. Outside of `world` only `run` may import this.

An error incident thins the good answers (a thinned Poisson stream is Poisson again: exact); a slowdown moves requests between
latency classes. Draws are keyed by effect, route and block of bins and always made for the whole block, so that a part drawn
again comes out the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array
from workbench.world.layout import RouteLayout
from workbench.world.plan import ErrorsHappen, Impact, LatencyRises
from workbench.world.requests import classes_of_rows, rows_of_classes

BLOCK_BINS = 240
"""Draws of an effect are keyed by blocks of this many bins."""


@dataclass
class ActiveEffect:
    """One incident's effect on the bins from `first` up to `last` (not included; None while it lasts)."""

    id: str
    impact: Impact
    routes: frozenset[str]
    tiers: frozenset[str]
    first: int
    last: int | None = None

    def overlaps(self, low: int, high: int) -> bool:
        """Whether it touches any bin of [low, high)."""
        return self.first < high and (self.last is None or self.last > low)


def overlay(counts: Array, layout: RouteLayout, effects: list[ActiveEffect], low: int, high: int, seed: int) -> Array:
    """Counts of one route in the bins [low, high) with every effect applied, `[tiers, rows, high - low]`, int32.

    `counts` is the route's baseline over the whole run. Where effects overlap, each works on what the earlier ones left.
    """
    out = counts[:, :, low:high].astype(np.int32)
    touching = sorted(
        (effect for effect in effects if layout.route in effect.routes and effect.overlaps(low, high)),
        key=lambda effect: (effect.first, effect.id),
    )
    if not touching:
        return out
    for block in range(low // BLOCK_BINS, (high - 1) // BLOCK_BINS + 1):
        begin, end = block * BLOCK_BINS, min((block + 1) * BLOCK_BINS, counts.shape[2])
        inside = [effect for effect in effects if layout.route in effect.routes and effect.overlaps(begin, end)]
        inside.sort(key=lambda effect: (effect.first, effect.id))
        classes = classes_of_rows(counts[:, :, begin:end], layout)
        for effect in inside:
            at = max(begin, effect.first)
            until = end if effect.last is None else min(end, effect.last)
            tiers = np.flatnonzero([tier in effect.tiers for tier in layout.tiers])
            drawn = _apply(
                effect, classes[tiers][:, :, at - begin :], layout, stream(seed, "effect", effect.id, layout.route, block)
            )
            classes[tiers, :, at - begin : until - begin] = drawn[:, :, : until - at]
        rows = rows_of_classes(classes, layout)
        first, last = max(low, begin), min(high, end)
        out[:, :, first - low : last - low] = rows[:, :, first - begin : last - begin]
    return out


def _apply(effect: ActiveEffect, classes: Array, layout: RouteLayout, rng: np.random.Generator) -> Array:
    if isinstance(effect.impact, ErrorsHappen):
        return _fail(classes, effect.impact, layout, rng)
    return _slow(classes, effect.impact, layout, rng)


def _fail(classes: Array, impact: ErrorsHappen, layout: RouteLayout, rng: np.random.Generator) -> Array:
    """Each request that would have been answered below 500 fails with probability `ratio`."""
    out = classes.copy()
    answered = [*range(layout.classes.count)]
    answered += [layout.classes.count + i for i, code in enumerate(layout.others) if not code.startswith("5")]
    failing = rng.binomial(out[:, answered], impact.ratio)
    out[:, answered] -= failing.astype(out.dtype)
    left = failing.sum(axis=1)
    share_left = 1.0
    for number, (code, share) in enumerate(impact.codes):
        taken = left if number == len(impact.codes) - 1 else rng.binomial(left, min(1.0, share / share_left))
        out[:, layout.classes.count + layout.others.index(code)] += taken.astype(out.dtype)
        left = left - taken
        share_left -= share
    return out


def _slow(classes: Array, impact: LatencyRises, layout: RouteLayout, rng: np.random.Generator) -> Array:
    """Each good answer moves to the class in which its longer latency lies."""
    out = classes.copy()
    good = layout.classes.count
    moves = layout.classes.moves(impact.factor)
    moved = np.zeros((classes.shape[0], good, classes.shape[2]), dtype=np.int64)
    for index in range(good):
        if moves[index, index] == 1.0:
            moved[:, index] += classes[:, index]
            continue
        target = np.flatnonzero(moves[index] > 0)
        drawn = rng.multinomial(classes[:, index], moves[index, target] / moves[index, target].sum())
        moved[:, target] += np.moveaxis(drawn, -1, 1)
    out[:, :good] = moved.astype(out.dtype)
    return out
