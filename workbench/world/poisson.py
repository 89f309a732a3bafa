"""Poisson counts for whole arrays of means, several times faster than drawing them one by one, and exact.

Poisson(m) = Poisson(g) + Poisson(m - g), where g is m rounded down to a grid. The first part is one look-up in an alias
table (Walker 1977, Vose 1991) for the grid's mean; means move slowly in time, so the few tables in use stay in the cache. The
second part is rare and is placed as single events. Means beyond the tables are left to numpy.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from workbench.telemetry.series import Array, FloatArray

_STEPS = 8
"""Grid points for each unit of the mean."""
_LARGEST = 48
"""Largest mean with a table."""
_BITS = 7
"""A table has 2**_BITS columns; Poisson(48) exceeds 127 with probability 2e-21."""
_FRACTION_BITS = 64 - _BITS
_PIECE = 8192
"""Means worked on together: what is needed for them stays in the cache."""


def poisson(rng: np.random.Generator, means: FloatArray) -> Array:
    """Independent Poisson counts with the given means (non-negative, any shape); int32 of the same shape."""
    flat = np.ascontiguousarray(means).reshape(-1)
    largest = float(flat.max(initial=0.0))
    if largest > _LARGEST:
        large = flat > _LARGEST
        if large.all():
            return rng.poisson(means).astype(np.int32)
        out = np.empty(flat.shape, dtype=np.int32)
        out[large] = rng.poisson(flat[large])
        out[~large] = _tabled(rng, flat[~large])
        return out.reshape(means.shape)
    return _tabled(rng, flat).reshape(means.shape)


def _tabled(rng: np.random.Generator, means: FloatArray) -> Array:
    thresholds, aliases = tables()
    out = np.empty(len(means), dtype=np.int32)
    for begin in range(0, len(means), _PIECE):
        part = means[begin : begin + _PIECE]
        grid = (part * _STEPS).astype(np.int64)
        rest = part * _STEPS
        rest -= grid
        raw = rng.bit_generator.random_raw(len(part))
        column = (raw >> np.uint64(_FRACTION_BITS)).astype(np.int64)
        raw &= np.uint64((1 << _FRACTION_BITS) - 1)
        grid <<= _BITS
        grid += column
        counts = np.where(raw < thresholds.take(grid), column, aliases.take(grid))
        # What lies below the grid: events of a Poisson process of one grid step everywhere, each kept with the share that
        # is there. A thinned Poisson process is one again.
        candidates = rng.integers(0, len(part), rng.poisson(len(part) / _STEPS))
        kept = candidates[rng.random(len(candidates)) < rest.take(candidates)]
        counts += np.bincount(kept, minlength=len(part))
        out[begin : begin + _PIECE] = counts
    return out


@cache
def tables() -> tuple[Array, Array]:
    """Alias tables of Poisson(0), Poisson(1/8), ... Poisson(48), flat: `[grid points * columns]` thresholds and aliases."""
    columns = 1 << _BITS
    counts = np.arange(columns)
    log_factorial = np.array([math.lgamma(k + 1) for k in range(columns)])
    means = np.arange(_LARGEST * _STEPS + 1) / _STEPS
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = np.exp(counts * np.log(means)[:, None] - means[:, None] - log_factorial)
    mass[0] = counts == 0
    mass /= mass.sum(axis=1, keepdims=True)
    thresholds = np.empty((len(means), columns), dtype=np.uint64)
    aliases = np.empty((len(means), columns), dtype=np.int64)
    for row, masses in enumerate(mass * columns):
        kept, alias = _vose(masses.tolist())
        thresholds[row] = np.minimum(np.array(kept) * 2.0**_FRACTION_BITS, 2.0**_FRACTION_BITS).astype(np.uint64)
        aliases[row] = alias
    return thresholds.reshape(-1), aliases.reshape(-1)


def _vose(masses: list[float]) -> tuple[list[float], list[int]]:
    """Probability of keeping each column and where it goes otherwise; `masses` have mean 1."""
    kept, alias = [1.0] * len(masses), list(range(len(masses)))
    small = [i for i, mass in enumerate(masses) if mass < 1]
    large = [i for i, mass in enumerate(masses) if mass >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        kept[low], alias[low] = masses[low], high
        masses[high] -= 1 - masses[low]
        if masses[high] < 1:
            small.append(large.pop())
    # What is left over is 1 up to rounding; a column that is its own alias loses nothing.
    return kept, alias
