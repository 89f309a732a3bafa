"""Latency histograms with all their buckets, and the sum of all latencies, kept every few minutes.

How many requests of a slot lie in the body is known; its split into the body's buckets is multinomial. Slots in which a
slowdown was active are split bin by bin, so the split is exact there too. Deployments begin on slots, so no slot holds a restart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.effects import ActiveEffect
from workbench.world.exports import Exports
from workbench.world.impact import LatencyRises
from workbench.world.requests import BLOCK_BINS, Baseline, put_slots


def histogram_series(exports: Exports, baseline: Baseline, seed: int) -> Iterator[Series]:
    """Buckets that are not kept at every scrape, and `_sum`; the time of a slot is that of its last scrape."""
    grid, width = exports.grid, baseline.slot_bins
    times = grid.times[width - 1 :: width]
    for index, layout in enumerate(exports.layouts):
        classes = baseline.slots[index].copy()
        for block, touched in sorted(exports.touched[index].items()):
            put_slots(classes, touched.final, block * BLOCK_BINS, width)
        restarts = [first // width for first in exports.restarts[layout.route]]
        buckets = layout.buckets(classes)
        upto = _running(buckets, restarts)
        body = _body(exports, baseline, index, buckets[:, 0], seed)
        seconds = np.einsum("tcs,c->ts", classes[:, : layout.classes.count], layout.classes.class_means())
        seconds += classes[:, layout.classes.count :].sum(axis=1) * layout.classes.class_means()[0]
        total = _running(seconds[:, None], restarts)[:, 0]
        for t, tier in enumerate(layout.tiers):
            labels = {"route": layout.route, "tier": tier}
            below = _running(body[t], restarts)
            for b, bound in enumerate(layout.classes.body_bounds):
                values = below[b].astype(np.int64)
                yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, values)
            for c, bound in enumerate(layout.classes.tail_bounds):
                if c not in layout.kept:
                    values = upto[t, c].astype(np.int64)
                    yield Series(SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, values)
            yield Series(SeriesKey.of("http_request_duration_seconds_sum", labels), times, total[t])


def _body(exports: Exports, baseline: Baseline, index: int, counts: Array, seed: int) -> list[Array]:
    """Requests up to each body bound in each slot, `[bounds, slots]`, one for each tier. `counts` is `[tiers, slots]`."""
    layout, width = exports.layouts[index], baseline.slot_bins
    usual = layout.classes.body_shares()
    undisturbed = layout.buckets(baseline.slots[index])[:, 0]
    out = []
    for t, tier in enumerate(layout.tiers):
        factors = _factors(exports.effects, layout.route, tier, len(exports.grid))
        slowed = {factor: layout.classes.body_shares(factor) for factor in sorted(set(factors.values()))}
        rng = stream(seed, "histogram body", layout.route, tier)
        # Drawn from the baseline first, which is the same under every policy, and again only where something happened.
        split = rng.multinomial(undisturbed[t], usual)
        for changed in np.flatnonzero(counts[t] != undisturbed[t]).tolist():
            again = stream(seed, "histogram body", layout.route, tier, changed)
            split[changed] = again.multinomial(counts[t, changed], usual)
        for slot in sorted({k // width for k in factors if k // width < counts.shape[1]}):
            block, offset = divmod(slot * width, BLOCK_BINS)
            inside = layout.buckets(exports.touched[index][block].final[t, :, offset : offset + width])[0]
            shares = [slowed.get(factors.get(slot * width + j, 1.0), usual) for j in range(width)]
            own = stream(seed, "histogram body", layout.route, tier, slot)
            split[slot] = own.multinomial(inside, np.array(shares)).sum(axis=0)
        out.append(np.cumsum(split, axis=1).T[:-1])
    return out


def _factors(effects: Sequence[ActiveEffect], route: str, tier: str, bins: int) -> dict[int, float]:
    """Latency factor of every bin in which a slowdown was active for a tier of a route: the product over all of them."""
    out: dict[int, float] = {}
    for effect in effects:
        factor = math.prod(act.factor for act in effect.impact.acts if isinstance(act, LatencyRises))
        if factor != 1 and route in effect.routes and tier in effect.tiers:
            for k in range(effect.first, bins if effect.last is None else min(bins, effect.last)):
                out[k] = out.get(k, 1.0) * factor
    return out


def _running(counts: Array, restarts: Sequence[int]) -> FloatArray:
    """Cumulative counters over the last axis of `[..., slots]` that begin again at 0 in each restarted slot."""
    total: FloatArray = np.cumsum(counts, axis=-1, dtype=np.float64)
    out = total.copy()
    for slot in restarts:
        if slot < counts.shape[-1]:
            out[..., slot:] = total[..., slot:] - (total[..., slot] - counts[..., slot])[..., None]
    return out
