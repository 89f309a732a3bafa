"""Overlays: what incidents do to the baseline. Outside of `world` only `run` may import this.

An error incident thins the good answers (a thinned Poisson stream is Poisson again: exact); a slowdown moves requests
between latency classes. Draws are keyed by effect, route and block of bins and always made for the whole block, so that a
part drawn again comes out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array
from workbench.world.layout import RouteLayout
from workbench.world.plan import ErrorsHappen, Impact, LatencyRises

PIECE_BINS = 240
"""Draws of an effect are keyed by pieces of this many bins; a piece never crosses a block of the baseline."""


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


def overlay(classes: Array, begin: int, layout: RouteLayout, effects: Sequence[ActiveEffect], seed: int) -> Array:
    """The classes of one piece with every effect applied, `[tiers, class_rows, bins]`, int32.

    `classes` are the baseline's for the whole piece that begins at bin `begin`. Where effects overlap, each works on what
    the earlier ones left.
    """
    out = classes.copy()
    end = begin + classes.shape[-1]
    touching = [effect for effect in effects if layout.route in effect.routes and effect.overlaps(begin, end)]
    for effect in sorted(touching, key=lambda effect: (effect.first, effect.id)):
        at = max(begin, effect.first)
        until = end if effect.last is None else min(end, effect.last)
        tiers = np.flatnonzero([tier in effect.tiers for tier in layout.tiers])
        rng = stream(seed, "effect", effect.id, layout.route, begin)
        drawn = _apply(effect.impact, out[tiers][:, :, at - begin :], layout, rng)
        out[tiers, :, at - begin : until - begin] = drawn[:, :, : until - at]
    return out


def _apply(impact: Impact, classes: Array, layout: RouteLayout, rng: np.random.Generator) -> Array:
    if isinstance(impact, ErrorsHappen):
        return _fail(classes, impact, layout, rng)
    return _slow(classes, impact, layout, rng)


def _fail(classes: Array, impact: ErrorsHappen, layout: RouteLayout, rng: np.random.Generator) -> Array:
    """Each request that would have been answered below 500 fails with probability `ratio`."""
    out = classes.copy()
    good = layout.classes.count
    answered = [*range(good), *(good + i for i, code in enumerate(layout.others) if not code.startswith("5"))]
    failing = rng.binomial(out[:, answered], impact.ratio)
    out[:, answered] -= failing.astype(out.dtype)
    left = failing.sum(axis=1)
    share_left = 1.0
    for code, share in impact.codes[:-1]:
        taken = rng.binomial(left, min(1.0, share / share_left))
        out[:, good + layout.others.index(code)] += taken.astype(out.dtype)
        left = left - taken
        share_left -= share
    out[:, good + layout.others.index(impact.codes[-1][0])] += left.astype(out.dtype)
    return out


def _slow(classes: Array, impact: LatencyRises, layout: RouteLayout, rng: np.random.Generator) -> Array:
    """Each good answer moves to the class in which its longer latency lies."""
    out = classes.copy()
    good = layout.classes.count
    moves = layout.classes.moves(impact.factor)
    moved = np.zeros((classes.shape[0], good, classes.shape[2]), dtype=np.int64)
    for index in range(good):
        target = np.flatnonzero(moves[index] > 0)
        if len(target) == 1 or not classes[:, index].any():
            moved[:, target[-1]] += classes[:, index]
            continue
        shares = moves[index, target]
        drawn = rng.multinomial(classes[:, index], shares / shares.sum())
        moved[:, target] += np.moveaxis(drawn, -1, 1)
    out[:, :good] = moved.astype(out.dtype)
    return out
