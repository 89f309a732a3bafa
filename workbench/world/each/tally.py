"""What the users of one cell of a route got: answers by code and by latency, as they are counted while they come."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.telemetry.series import Array, FloatArray


class Tally:
    """Counters of one cell of one route, since the start."""

    __slots__ = ("_bounds", "_success", "answers", "begun", "buckets", "good", "retries", "seconds")

    def __init__(self, codes: Sequence[str], bounds: Sequence[float]) -> None:
        """The first of `codes` is the success code. `bounds` are upper bounds of buckets, without infinity."""
        self._bounds, self._success = bounds, codes[0]
        self.answers = dict.fromkeys(codes, 0)
        """Requests answered, by code."""
        self.buckets = [0] * (len(bounds) + 1)
        """Requests answered, by latency; not cumulative."""
        self.good = [0] * (len(bounds) + 1)
        """Those with the success code alone."""
        self.seconds = 0.0
        """Sum of the latencies."""
        self.begun = 0
        """Requests sent, retries included."""
        self.retries = 0
        """Requests sent because an earlier one failed."""

    def add(self, code: str, latency_s: float) -> None:
        """One request is answered, or its client has left."""
        self.answers[code] = self.answers.get(code, 0) + 1
        bucket = bisect_left(self._bounds, latency_s)
        self.buckets[bucket] += 1
        if code == self._success:
            self.good[bucket] += 1
        self.seconds += latency_s

    def read(self) -> tuple[float, ...]:
        """Everything in one row: begun, retries, seconds, answers, buckets, good."""
        return (self.begun, self.retries, self.seconds, *self.answers.values(), *self.buckets, *self.good)


@dataclass(frozen=True)
class RouteTrack:
    """What the requests of one route came to. Counts are those of each bin, not running sums."""

    cells: tuple[tuple[str, str], ...]
    """(tier, segment); the segment is empty where the tier has none."""
    codes: tuple[str, ...]
    """`success_code` first."""
    bounds: tuple[float, ...]
    begun: Array
    """Requests sent, retries included, `[cells, bins]`."""
    retries: Array
    """Of these, sent because an earlier one had failed, `[cells, bins]`."""
    seconds: FloatArray
    """Sum of latencies, `[cells, bins]`."""
    answers: Array
    """Requests answered by code, `[cells, codes, bins]`."""
    buckets: Array
    """Requests answered by latency, `[cells, bounds + 1, bins]`."""
    good: Array
    """Those with the success code, `[cells, bounds + 1, bins]`."""

    @property
    def answered(self) -> Array:
        """Requests answered, `[cells, bins]`."""
        out: Array = self.answers.sum(axis=1)
        return out


def route_track(
    cells: tuple[tuple[str, str], ...], codes: tuple[str, ...], bounds: tuple[float, ...], rows: FloatArray
) -> RouteTrack:
    """From what was read at each scrape, `[cells, bins + 1, columns]` with the start first."""
    each = rows[:, 1:] - rows[:, :-1]
    counts = each.round().astype("int64")
    answers, buckets = 3 + len(codes), len(bounds) + 1

    def block(low: int, high: int) -> Array:
        out: Array = counts[:, :, low:high].transpose(0, 2, 1)
        return out

    return RouteTrack(
        cells=cells,
        codes=codes,
        bounds=bounds,
        begun=counts[:, :, 0],
        retries=counts[:, :, 1],
        seconds=each[:, :, 2],
        answers=block(3, answers),
        buckets=block(answers, answers + buckets),
        good=block(answers + buckets, answers + 2 * buckets),
    )
