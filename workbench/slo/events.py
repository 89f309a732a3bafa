"""Good, bad and unknown events over time: what every indicator comes down to, and all that the rest of the engine looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.telemetry.series import Array, FloatArray

Contribution = tuple[FloatArray, Array | None, Array | None, Array | None]
"""`(times, bad, known, all)`: events behind each sample; None is none."""


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Events of one indicator, cumulative over time.

    `bad[i]`, `known[i]` and `everything[i]` count the events scraped up to and including `times[i - 1]`; index 0 is 0. `known`
    are the good and the bad; `everything` adds those whose outcome the telemetry does not say.
    """

    routes: tuple[str, ...]
    """Routes of the telemetry that the indicator covers, sorted."""
    times: FloatArray
    """n instants, strictly increasing, seconds."""
    bad: Array
    """n + 1, int64 or float64."""
    known: Array
    everything: Array

    def up_to(self, at_s: Any) -> Any:
        """Index into the cumulative columns of what was scraped at or before `at_s` (a number or an array)."""
        return np.searchsorted(self.times, at_s, side="right")

    def between(self, after_s: Any, until_s: Any) -> tuple[Any, Any]:
        """Bad and known events scraped in `(after_s, until_s]`; numbers or arrays."""
        first, last = self.up_to(after_s), self.up_to(until_s)
        return self.bad[last] - self.bad[first], self.known[last] - self.known[first]

    def around(self, start_s: float, end_s: float) -> tuple[Any, Any]:
        """Bad and known events from the last scrape at or before `start_s` to the first at or after `end_s`.

        The smallest span of scrapes that holds everything that happened between the two instants.
        """
        first = self.up_to(start_s)
        last = max(first, min(int(np.searchsorted(self.times, end_s, side="left")) + 1, len(self.times)))
        return self.bad[last] - self.bad[first], self.known[last] - self.known[first]


def gather(routes: tuple[str, ...], parts: list[Contribution]) -> EventCounts:
    """Add up contributions, whatever times they stand on."""
    grids: dict[int, FloatArray] = {id(part[0]): part[0] for part in parts}
    if not grids:
        nothing = np.zeros(1, dtype=np.int64)
        return EventCounts(routes, np.zeros(0), nothing, nothing, nothing)
    times = next(iter(grids.values())) if len(grids) == 1 else np.unique(np.concatenate(list(grids.values())))
    index = {key: None if grid is times else np.searchsorted(times, grid) for key, grid in grids.items()}

    def column(which: int) -> Array:
        return _column(len(times), [(index[id(part[0])], part[which]) for part in parts])

    known = column(2)
    all_known = all(part[2] is part[3] for part in parts)
    return EventCounts(routes, times, column(1), known, known if all_known else column(3))


def _column(length: int, parts: list[tuple[Array | None, Array | None]]) -> Array:
    """The cumulative sum of the contributions, with a leading 0."""
    present = [(index, values) for index, values in parts if values is not None]
    kind = np.float64 if any(values.dtype.kind == "f" for _, values in present) else np.int64
    out: Array = np.zeros(length + 1, dtype=kind)
    for index, values in present:
        if index is None:
            out[1:] += values
        else:
            out[1 + index] += values
    np.cumsum(out, out=out)
    return out
