"""The lower part of the latency histograms, kept every few minutes, and the sum of all latencies.

Given how many requests of a slot lie in the body, their split into its buckets is multinomial. A slot in which a slowdown was
active or a counter restarted is drawn bin by bin, so the split is exact there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.layout import RouteLayout
from workbench.world.plan import LatencyRises


def body_series(exports: Exports, step_s: float, seed: int) -> Iterator[Series]:
    """Buckets below each route's tail, and `_sum`, every `step_s` seconds."""
    grid = exports.grid
    per_slot = max(1, round(step_s / grid.step_s))
    last_bins = np.arange(per_slot - 1, len(grid), per_slot)
    times = grid.times[last_bins]
    for index, layout in enumerate(exports.layouts):
        restarts = exports.restarts[layout.route]
        factors = _factors(exports.effects, layout, len(grid))
        for t, tier in enumerate(layout.tiers):
            labels = {"route": layout.route, "tier": tier}
            rng = stream(seed, "histogram body", layout.route, tier)
            if layout.classes.body_bounds:
                body = exports.increments(index, t, layout.first_bucket)
                split = _split(body, layout, per_slot, len(last_bins), factors, restarts, rng)
                running = _running(split, restarts, per_slot)
                for b, bound in enumerate(layout.classes.body_bounds):
                    yield Series(
                        SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, running[b]
                    )
            seconds = _seconds(exports, index, t, layout)
            total = np.cumsum(seconds)
            for first in restarts:
                total[first:] -= total[first] - seconds[first]
            yield Series(SeriesKey.of("http_request_duration_seconds_sum", labels), times, np.maximum(total, 0.0)[last_bins])


def _factors(effects: Sequence[ActiveEffect], layout: RouteLayout, bins: int) -> dict[int, float]:
    """Latency factor of every bin in which a slowdown was active: the product over all of them."""
    out: dict[int, float] = {}
    for effect in effects:
        if isinstance(effect.impact, LatencyRises) and layout.route in effect.routes:
            for k in range(effect.first, bins if effect.last is None else effect.last):
                out[k] = out.get(k, 1.0) * effect.impact.factor
    return out


def _split(
    body: Array,
    layout: RouteLayout,
    per_slot: int,
    slots: int,
    factors: dict[int, float],
    restarts: Sequence[int],
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Requests up to each body bound in each slot `[bounds, slots]`, and those of them before a restart inside the slot."""
    shares = layout.classes.body_shares()
    in_slots = body[: slots * per_slot].reshape(slots, per_slot)
    special = sorted({k // per_slot for k in (*factors, *restarts) if k // per_slot < slots})
    whole = rng.multinomial(in_slots.sum(axis=1), shares)
    before = np.zeros_like(whole)
    cut = {k // per_slot: k % per_slot for k in restarts}
    for slot in special:
        parts = np.stack(
            [
                rng.multinomial(
                    in_slots[slot, j],
                    shares if (slot * per_slot + j) not in factors else layout.classes.body_shares(factors[slot * per_slot + j]),
                )
                for j in range(per_slot)
            ]
        )
        whole[slot] = parts.sum(axis=0)
        before[slot] = parts[: cut.get(slot, 0)].sum(axis=0)
    return np.cumsum(whole, axis=1).T[:-1], np.cumsum(before, axis=1).T[:-1]


def _running(split: tuple[Array, Array], restarts: Sequence[int], per_slot: int) -> Array:
    """Cumulative counters `[bounds, slots]` that begin again at 0 at each restart."""
    counts, before = split
    total = np.cumsum(counts, axis=1)
    base = np.zeros_like(total)
    for first in restarts:
        slot = first // per_slot
        if slot < counts.shape[1]:
            base[:, slot:] = (total[:, slot] - counts[:, slot] + before[:, slot])[:, None]
    return (total - base).astype(np.int32)


def _seconds(exports: Exports, index: int, tier: int, layout: RouteLayout) -> FloatArray:
    """Seconds spent by the requests of each bin: counts of each class at the class's mean latency."""
    means = layout.classes.class_means()
    out = np.zeros(len(exports.grid))
    below: Array | int = 0
    for c in range(layout.classes.count):
        upto = exports.increments(index, tier, layout.first_bucket + c)
        out += (upto - below) * means[c]
        below = upto
    return out
