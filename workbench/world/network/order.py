"""Several at once: the time at which so many of independent, unequal things have happened, and which of them was the last needed.

How many have happened by a time is Poisson-binomial, built up member by member.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.telemetry.series import FloatArray
from workbench.world.network.density import Density


def at_least(need: int, members: Sequence[Density]) -> Density:
    """The time at which `need` of the members have happened: the k-th order statistic."""
    grid = members[0].grid
    total = float(_reached(need, [np.array(member.total) for member in members]))
    if all(member.instant for member in members):
        return Density(grid, total)
    return grid.joined(np.diff(_reached(need, [member.upto() for member in members]), axis=-1, prepend=0.0), total)


def deciding(need: int, members: Sequence[Density]) -> list[FloatArray]:
    """For each member the chance that the `need`-th to happen is due when it happens, at each time, `[grids, cells]`.

    A member decides where exactly `need` - 1 of the others have happened before.
    """
    middles = [member.upto() - member.mass / 2 for member in members]
    out = []
    for index in range(len(members)):
        others = [middle for number, middle in enumerate(middles) if number != index]
        out.append(_exactly(others, need - 1, members[index].mass)[need - 1])
    return out


def _reached(need: int, chances: Sequence[FloatArray]) -> FloatArray:
    """P(at least `need`); from the smaller of both sums, so that small chances keep their digits."""
    if need == len(chances):
        all_of_them: FloatArray = np.prod(np.array(chances), axis=0)
        return all_of_them
    counts = _exactly(chances, len(chances), chances[0])
    out: FloatArray = np.sum(counts[need:], axis=0)
    return out


def _exactly(chances: Sequence[FloatArray], most: int, like: FloatArray) -> list[FloatArray]:
    """P(exactly j have happened) for j from 0 to `most`."""
    counts = [np.ones_like(like), *(np.zeros_like(like) for _ in range(most))]
    for number, chance in enumerate(chances, start=1):
        for k in range(min(number, most), 0, -1):
            counts[k] = counts[k] * (1 - chance) + counts[k - 1] * chance
        counts[0] = counts[0] * (1 - chance)
    return counts
