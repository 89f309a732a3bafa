"""Bins that are alike: the same level of every station, the same number of servers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.telemetry.series import Array


class Keys:
    """Numbers bins so that those with equal numbers are alike."""

    def __init__(self, bins: int, levels: int) -> None:
        self.number: Array = np.zeros(bins, np.intp)
        """Number of each bin, `[bins]`, below `count`."""
        self.count = 1
        self._levels = levels
        self._added: dict[int, tuple[list[int], list[int]]] = {}
        """Level and servers of each key, by station."""

    def add(self, station: int, level: Array, servers: int | Array) -> None:
        """Tell bins apart by one more station; `level` is `[bins]` and below the number of levels."""
        if isinstance(servers, int):
            different = [servers]
            code = level
        else:
            different = np.flatnonzero(np.bincount(np.maximum(servers, 0))).tolist()
            place = np.zeros(different[-1] + 1, np.int64)
            place[different] = np.arange(len(different)) * self._levels
            code = level + place[np.maximum(servers, 0)]
        radix = self._levels * len(different)
        raw = self.number * np.int64(radix) + code
        seen = np.zeros(self.count * radix, bool)
        seen[raw] = True
        found = np.flatnonzero(seen)
        lookup = np.zeros(len(seen), np.intp)
        lookup[found] = np.arange(len(found))
        self.number = lookup.take(raw)
        before, rest = (found // radix).tolist(), (found % radix).tolist()
        self._added = {
            at: ([levels[old] for old in before], [counts[old] for old in before]) for at, (levels, counts) in self._added.items()
        }
        self._added[station] = [one % self._levels for one in rest], [different[one // self._levels] for one in rest]
        self.count = len(found)

    def of(self, station: int) -> tuple[list[int], list[int]] | None:
        """Level and servers of each key at one station; None where they tell nothing apart."""
        return self._added.get(station)

    def stations(self, key: int) -> Iterator[tuple[int, int, int]]:
        """(station, level, servers) of one key."""
        for at, (level, servers) in self._added.items():
            yield at, level[key], servers[key]
