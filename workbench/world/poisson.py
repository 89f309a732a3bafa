"""Poisson counts for whole arrays of means, several times faster than drawing them one by one, and exact.

Poisson(m) = Poisson(g) + Poisson(m - g), where g is m rounded down to a grid. The first part is one look-up in an alias
table (Walker 1977, Vose 1991) for the grid's mean; means move slowly in time, so the few tables in use stay in the cache. The
second part is rare and is placed as single events. A mean beyond the tables is the sum of a few that are within them.
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
_SHORT_BITS = 32 - _BITS
"""Bits of a column's threshold that decide at once; more are drawn where these are equal."""
_MOST_PARTS = 4
"""Means beyond this many tables are left to numpy, which is as fast there."""
_PIECE = 16_384
"""Means worked on together: what is needed for them stays in the cache."""
_COLUMN = np.uint32((1 << _BITS) - 1)
_ONE = np.int32(1)


def poisson(rng: np.random.Generator, means: FloatArray) -> Array:
    """Independent Poisson counts with the given means (non-negative, any shape); int32 of the same shape.

    Rows (along all axes but the last) whose largest mean is beyond the tables are drawn as sums of several counts.
    """
    if means.ndim < 2:
        return poisson(rng, means.reshape(1, -1)).reshape(means.shape)
    rows = np.ascontiguousarray(means).reshape(-1, means.shape[-1])
    largest = rows.max(axis=1, initial=0.0)
    if largest.max(initial=0.0) <= _LARGEST:
        return _tabled(rng, rows.reshape(-1)).reshape(means.shape)
    out = np.empty(rows.shape, dtype=np.int32)
    parts = np.maximum(np.ceil(largest / _LARGEST), 1).astype(np.int64)
    for count in np.unique(parts).tolist():
        which = parts == count
        if count > _MOST_PARTS:
            out[which] = rng.poisson(rows[which])
            continue
        part = (rows[which] / count).reshape(-1)
        total = _tabled(rng, part)
        for _ in range(count - 1):
            total += _tabled(rng, part)
        out[which] = total.reshape(-1, rows.shape[1])
    return out.reshape(means.shape)


def place(rng: np.random.Generator, means: FloatArray, out: Array) -> None:
    """Add independent Poisson counts to `out` `[rows, bins]`, int32, contiguous; costs by the event, so for small `means` alike.

    Events of a Poisson process at each row's largest mean, each kept with the share that is there: a thinned process is one again.
    """
    bins = means.shape[1]
    peaks = means.max(axis=1, initial=0.0)
    row = np.repeat(np.arange(len(peaks)), rng.poisson(peaks * bins))
    at = rng.integers(0, bins, len(row))
    at += row * bins
    kept = at[rng.random(len(row)) * peaks.take(row) < means.take(at)]
    np.add.at(out.reshape(-1), kept, _ONE)


def _tabled(rng: np.random.Generator, means: FloatArray) -> Array:
    entries, beyond = tables()
    out = np.empty(len(means), dtype=np.int32)
    for begin in range(0, len(means), _PIECE):
        rest = means[begin : begin + _PIECE] * _STEPS
        size = len(rest)
        place_in = rest.astype(np.int32)
        rest -= place_in
        raw = rng.bit_generator.random_raw((size + 1) // 2).view(np.uint32)[:size]
        column = raw & _COLUMN
        place_in <<= _BITS
        place_in += column.view(np.int32)
        entry = entries.take(place_in)
        alias = entry & _COLUMN
        keeps = raw < (entry & ~_COLUMN)
        entry ^= raw
        if entry.min() <= _COLUMN:
            # The first bits of number and threshold are equal: the next ones decide.
            for tie in np.flatnonzero(entry <= _COLUMN).tolist():
                keeps[tie] = rng.random() < beyond[place_in[tie]]
        column ^= alias
        column *= keeps
        column ^= alias
        # What lies below the grid: events of a Poisson process of one grid step everywhere, each kept with the share that
        # is there. A thinned Poisson process is one again.
        candidates = rng.integers(0, size, rng.poisson(size / _STEPS))
        kept = candidates[rng.random(len(candidates)) < rest.take(candidates)]
        counts = column.view(np.int32)
        np.add.at(counts, kept, _ONE)
        out[begin : begin + size] = counts
    return out


@cache
def tables() -> tuple[Array, FloatArray]:
    """Alias tables of Poisson(0), Poisson(1/8), ... Poisson(48), flat: `[grid points * columns]`.

    Each entry of the first, uint32, is the threshold's first bits above the alias; the second has the share of the threshold's
    further bits, 0..1.
    """
    columns = 1 << _BITS
    counts = np.arange(columns)
    log_factorial = np.array([math.lgamma(k + 1) for k in range(columns)])
    means = np.arange(_LARGEST * _STEPS + 1) / _STEPS
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = np.exp(counts * np.log(means)[:, None] - means[:, None] - log_factorial)
    mass[0] = counts == 0
    mass /= mass.sum(axis=1, keepdims=True)
    kept = np.empty((len(means), columns))
    aliases = np.empty((len(means), columns), dtype=np.uint32)
    for row, masses in enumerate(mass * columns):
        kept[row], aliases[row] = _vose(masses.tolist())
    scaled = np.clip(kept, 0.0, 1.0) * (1 << _SHORT_BITS)
    # A column that is always kept is its own alias, so that it loses nothing below the last threshold that fits.
    short = np.minimum(np.floor(scaled), (1 << _SHORT_BITS) - 1)
    entries = (short.astype(np.uint32) << np.uint32(_BITS)) | aliases
    return entries.reshape(-1), np.minimum(scaled - short, 1.0).reshape(-1)


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
