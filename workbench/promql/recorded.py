"""What rules have written: series that grow with every evaluation, and that a later evaluation can take back.

Every rule has a place in the order of evaluation, and its samples carry two times: the evaluation that wrote them and their stamp
(earlier by the group's query offset). All times are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.promql.ast import Selector
from workbench.promql.selection import select
from workbench.promql.vector import BoolArray, Labels
from workbench.promql.windows import IntArray
from workbench.telemetry.series import STALE, FloatArray, Series, SeriesKey, Telemetry, is_stale

_NO_TIMES: FloatArray = np.empty(0)


@dataclass(frozen=True, slots=True)
class Writer:
    """Where a rule stands: its place among all rules, and how far its group's query offset moves its samples back."""

    place: int
    offset_ms: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One series as the database holds it: [n] each; `at_ms` and `stamps_ms` ascend."""

    at_ms: IntArray
    """The evaluation that wrote the sample."""
    stamps_ms: IntArray
    values: FloatArray
    """`STALE` where the series ended."""
    places: IntArray | int
    """The place of the rule that wrote it."""
    writers: tuple[Writer, ...]
    """All rules that write the series."""


class Written:
    """What one rule has written into one series, stale markers included."""

    def __init__(self, key: SeriesKey, writer: Writer) -> None:
        self.key = key
        self.writer = writer
        self.count = 0
        self._at = np.empty(64, np.int64)
        self._values = np.empty(64)

    @property
    def at_ms(self) -> IntArray:
        """The evaluations that wrote: [n]."""
        return self._at[: self.count]

    @property
    def values(self) -> FloatArray:
        """What they wrote: [n]."""
        return self._values[: self.count]

    @property
    def live(self) -> bool:
        """Whether the last evaluation that did not fail returned the series."""
        return self.count > 0 and not is_stale(self._values[self.count - 1 : self.count])[0]

    def extend(self, at_ms: IntArray, values: FloatArray) -> None:
        """Add the samples of later evaluations."""
        end = self.count + len(at_ms)
        if end > len(self._at):
            room = max(end, 2 * len(self._at))
            self._at, self._values = np.resize(self._at, room), np.resize(self._values, room)
        self._at[self.count : end] = at_ms
        self._values[self.count : end] = values
        self.count = end

    def forget(self, after_ms: int) -> None:
        """Drop what later evaluations wrote."""
        self.count = int(np.searchsorted(self.at_ms, after_ms, "right"))

    def samples(self) -> Samples:
        """All of them, if no other rule writes the series."""
        return Samples(self.at_ms, self.at_ms - self.writer.offset_ms, self.values, self.writer.place, (self.writer,))


class _Shared:
    """One series into which several rules write.

    Like Prometheus's database it takes only samples that are later than its last one (the same sample again is no mistake).
    A sample that was refused was not returned, so that rule leaves no stale marker for it either.
    """

    def __init__(self, parts: Sequence[Written]) -> None:
        self.parts = tuple(parts)
        self._taken = [0] * len(self.parts)
        self._returned = [False] * len(self.parts)
        self._rows: list[tuple[int, int, int, float]] = []

    def samples(self) -> Samples:
        """What was accepted of all that is written so far."""
        for at, place, part, ends, value in self._fresh():
            if ends and not self._returned[part]:
                continue
            stamp = at - self.parts[part].writer.offset_ms
            accepted = not self._rows or stamp > self._rows[-1][1]
            if accepted:
                self._rows.append((at, stamp, place, value))
            same = self._rows[-1][1] == stamp and np.array_equal(self._rows[-1][3], value, equal_nan=True)
            self._returned[part] = not ends and (accepted or same)
        columns = list(zip(*self._rows, strict=True)) or [(), (), (), ()]
        at_ms, stamps_ms, places = (np.array(column, np.int64) for column in columns[:3])
        values = np.array(columns[3], np.float64)
        return Samples(at_ms, stamps_ms, values, places, tuple(part.writer for part in self.parts))

    def _fresh(self) -> list[tuple[int, int, int, bool, float]]:
        found = []
        for number, part in enumerate(self.parts):
            at_ms, values = part.at_ms[self._taken[number] :], part.values[self._taken[number] :]
            self._taken[number] = part.count
            for at, ends, value in zip(at_ms.tolist(), is_stale(values).tolist(), values.tolist(), strict=True):
                found.append((at, part.writer.place, number, ends, value))
        return sorted(found, key=lambda row: row[:3])


@dataclass(frozen=True, slots=True, eq=False)
class Writing:
    """The results of one rule at T evaluations."""

    keys: tuple[SeriesKey, ...]
    """n series, all different."""
    values: FloatArray
    """[n, T]; anything where not present."""
    present: BoolArray
    """[n, T]."""

    def at(self, some: BoolArray) -> Writing:
        """Only some of the evaluations: [T]."""
        return Writing(self.keys, self.values[:, some], self.present[:, some])


class Recordings:
    """Everything that rules have written, by series."""

    def __init__(self) -> None:
        self._parts: dict[SeriesKey, list[Written]] = {}
        self._shared: dict[SeriesKey, _Shared] = {}
        self._of_writer: dict[Writer, dict[SeriesKey, Written]] = {}
        self._keys: list[SeriesKey] = []
        self._matched: dict[Selector, tuple[int, list[SeriesKey]]] = {}

    def write(self, writer: Writer, at_ms: IntArray, results: Writing) -> None:
        """Take the results of one rule at evaluations [T] that did not fail.

        A series that the evaluation before returned, and this one does not, gets a stale marker.
        """
        if not len(at_ms):
            return
        mine = self._of_writer.setdefault(writer, {})
        for key, values, here in zip(results.keys, results.values, results.present, strict=True):
            if key not in mine and here.any():
                mine[key] = self._new(key, writer)
            if key in mine:
                _append(mine[key], at_ms, values, here)
        for part in mine.values():
            if part.live and part.at_ms[-1] < at_ms[0]:
                part.extend(at_ms[:1], np.array([STALE]))

    def forget(self, after_ms: int) -> None:
        """Drop what evaluations later than this wrote."""
        for parts in self._parts.values():
            for part in parts:
                part.forget(after_ms)
        self._shared = {key: _Shared(shared.parts) for key, shared in self._shared.items()}

    def keys(self) -> tuple[SeriesKey, ...]:
        """Every series ever written, in order."""
        return tuple(sorted(self._keys))

    def matching(self, selector: Selector, *, newlines: bool = True) -> Sequence[SeriesKey]:
        """The series of a selector, in order of their first sample."""
        seen, found = self._matched.get(selector, (0, []))
        if seen < len(self._keys):
            fresh = Telemetry.of(
                (Series(key, _NO_TIMES, _NO_TIMES) for key in self._keys[seen:]), horizon_s=0.0, scrape_interval_s=0.0
            )
            found += [one.key for one in select(fresh, selector, newlines=newlines)]
            self._matched[selector] = (len(self._keys), found)
        return found

    def samples(self, key: SeriesKey) -> Samples:
        """The samples of one series; views that the next write or `forget` may change."""
        parts = self._parts[key]
        if len(parts) == 1:
            return parts[0].samples()
        if key not in self._shared or len(self._shared[key].parts) != len(parts):
            self._shared[key] = _Shared(parts)
        return self._shared[key].samples()

    def series(self, until_ms: int) -> Iterator[Series]:
        """Every series as telemetry has them, in order of their keys, with what evaluations wrote up to an instant."""
        for key in self.keys():
            samples = self.samples(key)
            end = int(np.searchsorted(samples.at_ms, until_ms, "right"))
            if end:
                yield Series(key, samples.stamps_ms[:end] / 1000.0, samples.values[:end].copy())

    def _new(self, key: SeriesKey, writer: Writer) -> Written:
        part = Written(key, writer)
        parts = self._parts.setdefault(key, [])
        if not parts:
            self._keys.append(key)
        parts.append(part)
        return part


def recorded_key(name: str, labels: Labels) -> SeriesKey:
    """The series of a name and labels; `__name__` among them does not count, empty labels are none."""
    return SeriesKey(name, tuple(sorted((k, v) for k, v in labels if v and k != "__name__")))


def _append(part: Written, at_ms: IntArray, values: FloatArray, here: BoolArray) -> None:
    if here.all():
        part.extend(at_ms, values)
        return
    before = np.concatenate([[part.live], here[:-1]])
    some = here | before
    part.extend(at_ms[some], np.where(here[some], values[some], STALE))
