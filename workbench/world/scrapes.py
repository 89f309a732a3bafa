"""Scrapes that are not taken.

A scrape that fails leaves no sample, and the first one that fails after a good one ends every series of its target with a stale
marker, as Prometheus does. While a run goes on every missing scrape has one, which looks the same to every query; what is handed
over at the end has no sample there.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import STALE, Array, FloatArray, Series
from workbench.world.effects import ActiveEffect
from workbench.world.failures.strength import strength_in_bins
from workbench.world.grid import Grid
from workbench.world.impact import Impact, ScrapesMissing

_STALE_BITS = np.array([STALE]).view(np.uint64)[0]


def loses_scrapes(impact: Impact) -> bool:
    """Whether scrapes may be missing while an incident lasts."""
    return any(isinstance(act, ScrapesMissing) for act in impact.acts)


def missing(route: str, effects: Iterable[ActiveEffect], grid: Grid, low: int, high: int, seed: int) -> Array:
    """Which scrapes of bins [low, high) of a route's counters fail, `[high - low]` booleans."""
    out = np.zeros(high - low, bool)
    for effect in effects:
        if route not in effect.routes or not effect.overlaps(low, high):
            continue
        begin, end = max(low, effect.first), high if effect.last is None else min(high, effect.last)
        # Drawn from the incident's first bin on: what is known of a scrape does not depend on how many follow it.
        drawn = stream(seed, "scrapes", effect.id).random(end - effect.first)[begin - effect.first :]
        start_s = grid.start_of(effect.first)
        strong = strength_in_bins(effect.impact.shape, grid, begin, end, start_s, seed=seed, incident=effect.id)
        for act in effect.impact.acts:
            if isinstance(act, ScrapesMissing):
                out[begin - low : end - low] |= drawn < act.share * strong
    return out


def mark_stale(values: FloatArray, where: Array) -> None:
    """Put the stale marker into samples `[..., bins]`; assigning the number would lose the marker's own bits on some machines."""
    values.view(np.uint64)[..., where] = _STALE_BITS


def left_out(series: Iterable[Series], lost: Array) -> list[Series]:
    """Series on one time array without the samples that are missing, but for the marker that begins each gap."""
    first = lost & ~np.concatenate([[False], lost[:-1]])
    kept = ~lost | first
    shared: dict[int, FloatArray] = {}
    out = []
    for one in series:
        times = shared.setdefault(id(one.times), one.times[kept])
        out.append(Series(one.key, times, one.values[kept]))
    return out
