"""Samples of many series as one long column, and the series made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem
from workbench.telemetry.complaints import Complaints, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import MICROSECONDS
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, is_stale

_WHOLE = 2.0**53


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples in the order of their file: sample i is of series `keys[codes[i]]`, at `time_us[i]`, and shows `values[i]`."""

    keys: tuple[SeriesKey, ...]
    codes: npt.NDArray[np.int32]
    time_us: IntArray
    values: FloatArray
    """The stale marker where the series ended."""
    lines: IntArray | None
    said_at: Callable[[int], str]
    """The time of a sample as its file writes it."""


@dataclass
class SharedTimes:
    """Arrays of times, each kept once, so that series scraped together share theirs by identity."""

    first_us: int
    phase_s: float
    _known: dict[bytes, FloatArray] = field(default_factory=dict)

    def of(self, time_us: IntArray) -> FloatArray:
        """Seconds from the start of the history."""
        key = hashlib.blake2b(np.ascontiguousarray(time_us).tobytes(), digest_size=16).digest()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (time_us - self.first_us) / MICROSECONDS + self.phase_s
        return found


def narrowed(values: FloatArray) -> Array:
    """Whole numbers as integers, where that loses nothing: what is added up of them stays exact."""
    finite = bool(np.isfinite(values).all())
    if finite and bool((np.abs(values) < _WHOLE).all()) and bool((values == np.floor(values)).all()):
        return values.astype(np.int64)
    return values


def without_gaps(times: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """The samples that are there: an empty cell of a wide file is none."""
    unknown = is_stale(values)
    return (times[~unknown], values[~unknown]) if unknown.any() else (times, values)


def by_series(samples: Samples) -> list[tuple[SeriesKey, IntArray]]:
    """The indices of every series' samples, in the file's order; by key."""
    order = np.argsort(samples.codes, kind="stable")
    edges = np.searchsorted(samples.codes[order], np.arange(len(samples.keys) + 1))
    found = [(key, order[edges[code] : edges[code + 1]]) for code, key in enumerate(samples.keys)]
    return sorted((pair for pair in found if len(pair[1])), key=lambda pair: pair[0])


def check_samples(samples: Samples, groups: Sequence[tuple[SeriesKey, IntArray]], complaints: Complaints) -> None:
    """Complain of samples whose time repeats or runs backwards within their series."""
    for key, numbers in groups:
        steps = np.diff(samples.time_us[numbers])
        if not len(steps) or steps.min() > 0:
            continue
        for bad, check, message in (
            (numbers[1:][steps == 0], "history/duplicate-time", "two samples of one series have the same time"),
            (numbers[1:][steps < 0], "history/reversed-time", "the time is earlier than that of the sample before of this series"),
        ):

            def problem(row: int, check: str = check, message: str = message, key: SeriesKey = key) -> Problem:
                line = None if samples.lines is None else int(samples.lines[row])
                return Problem(check, message, line=line, path=quoted(str(key)), found=samples.said_at(row))

            complaints.rows(bad, problem)


def built(samples: Samples, groups: Sequence[tuple[SeriesKey, IntArray]], shared: SharedTimes) -> list[Series]:
    """One series for each key, its times in seconds from the start of the history."""
    return [Series(key, shared.of(samples.time_us[numbers]), narrowed(samples.values[numbers])) for key, numbers in groups]
