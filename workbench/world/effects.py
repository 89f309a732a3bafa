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
from workbench.telemetry.series import Array, FloatArray
from workbench.world.impact import ErrorsHappen, Impact, LatencyRises
from workbench.world.layout import RouteLayout

PIECE_BINS = 20
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
    slowed = np.ones((classes.shape[0], classes.shape[-1]))
    touching = [effect for effect in effects if layout.route in effect.routes and effect.overlaps(begin, end)]
    for effect in sorted(touching, key=lambda effect: (effect.first, effect.id)):
        at = max(begin, effect.first)
        until = end if effect.last is None else min(end, effect.last)
        tiers = np.flatnonzero([tier in effect.tiers for tier in layout.tiers])
        rng = stream(seed, "effect", effect.id, layout.route, begin)
        for act in effect.impact.acts:
            if isinstance(act, ErrorsHappen):
                drawn = _fail(out[tiers][:, :, at - begin :], act, layout, rng)
            elif isinstance(act, LatencyRises):
                drawn = _slow(out[tiers][:, :, at - begin :], act, layout, rng, slowed[tiers, at - begin :])
                slowed[tiers, at - begin : until - begin] *= act.factor
            else:
                continue
            out[tiers, :, at - begin : until - begin] = drawn[:, :, : until - at]
    return out


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
        out[:, _row(layout, code)] += taken.astype(out.dtype)
        left = left - taken
        share_left -= share
    out[:, _row(layout, impact.codes[-1][0])] += left.astype(out.dtype)
    return out


def _row(layout: RouteLayout, code: str) -> int:
    """Class row of an answer; one with the success code is fast."""
    return 0 if code == layout.codes[0] else layout.classes.count + layout.others.index(code)


def _slow(classes: Array, impact: LatencyRises, layout: RouteLayout, rng: np.random.Generator, before: FloatArray) -> Array:
    """Each good answer moves to the class in which its longer latency lies.

    `before` `[tiers, bins]` is how much slower the answers already are: the law that is slowed down is not the usual one there.
    """
    out = classes.copy()
    for factor in np.unique(before):
        tier, at = np.nonzero(before == factor)
        out[tier, : layout.classes.count, at] = _moved(
            out[tier, : layout.classes.count, at], layout.classes.moves(impact.factor, float(factor)), rng
        )
    return out


def _moved(good: Array, moves: FloatArray, rng: np.random.Generator) -> Array:
    """Counts `[cells, classes]` after each class was spread over others by its row of `moves`."""
    out = np.zeros(good.shape, dtype=np.int64)
    for index in range(good.shape[1]):
        target = np.flatnonzero(moves[index] > 0)
        if len(target) == 1 or not good[:, index].any():
            out[:, target[-1]] += good[:, index]
            continue
        shares = moves[index, target]
        out[:, target] += rng.multinomial(good[:, index], shares / shares.sum())
    return out.astype(good.dtype)
