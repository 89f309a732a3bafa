"""A history fetched from a live Prometheus, in chunks that survive an interruption.

Raw samples come from instant queries with a range selector, `metric[6h]`, at the end of each chunk: exact values and exact times of
scrapes, and the one thing that is lost is stale markers, which the API never shows. Expressions come from `query_range`, whose
steps are the scrapes; where an element is gone at a step, that is known, and a stale marker says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import BadInput, Problem, Severity
from workbench.telemetry.complaints import listed, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.fetch_chunks import Found, read_chunk, samples_in, write_chunk
from workbench.telemetry.instants import LATEST_S
from workbench.telemetry.prometheus_api import Client, TooMuch
from workbench.telemetry.series import STALE, FloatArray, SeriesKey

MAX_POINTS = 10_000
"""Of one series in one `query_range`; a server refuses more than 11,000."""
SMALLEST_CHUNK_MS = 60_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to fetch: a selector of raw samples, or an expression by steps."""

    text: str
    name: str | None = None
    """What an expression's elements are called that have no name."""
    step_ms: int | None = None
    """None: raw samples."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fetched, from when until when."""

    wanted: tuple[Wanted, ...]
    start_ms: int
    end_ms: int
    chunk_ms: int
    max_samples: int

    def chunks(self, wanted: Wanted) -> list[tuple[int, int]]:
        """First and last instant of each chunk, both included; steps begin at the start of the whole."""
        if wanted.step_ms is None:
            edges = list(range(self.start_ms, self.end_ms + 1, self.chunk_ms))
            return [(a, min(a + self.chunk_ms, self.end_ms + 1) - 1) for a in edges]
        width = min(MAX_POINTS, max(1, self.chunk_ms // wanted.step_ms)) * wanted.step_ms
        return [(a, min(a + width - wanted.step_ms, self.end_ms)) for a in range(self.start_ms, self.end_ms + 1, width)]

    def digest(self) -> str:
        """Names the chunks of this plan; how many samples are allowed does not change them."""
        parts = [[(one.text, one.name, one.step_ms) for one in self.wanted], self.start_ms, self.end_ms, self.chunk_ms]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


@dataclass
class Fetch:
    """Fetches the chunks of a plan into a folder and knows those that are there already."""

    client: Client
    plan: Plan
    folder: Path
    """Of this fetch alone."""
    warnings: dict[str, None] = field(default_factory=dict)
    histograms: int = 0
    samples: int = 0

    def run(self, progress: Callable[[float], None]) -> tuple[Problem, ...]:
        """Fetch what is missing; raises BadInput where the server, or the number of samples, does not allow it."""
        wanted = self.plan.wanted
        due = [(which, at, span) for which in range(len(wanted)) for at, span in enumerate(self.plan.chunks(wanted[which]))]
        for done, (which, at, span) in enumerate(due):
            path = self._path(which, at)
            if path.exists():
                self.samples += samples_in(path)
            else:
                found = self._chunk(wanted[which], *span)
                self.samples += sum(len(times) for times, _ in found.values())
                write_chunk(path, found)
            self._check_size(done, len(due))
            progress((done + 1) / len(due))
        return tuple(self._findings())

    def found(self) -> Iterator[Found]:
        """Everything fetched, chunk after chunk; of a series that two selectors found, the first one's samples alone."""
        owners: dict[SeriesKey, int] = {}
        last: dict[SeriesKey, int] = {}
        longest = max(len(self.plan.chunks(one)) for one in self.plan.wanted)
        for at in range(longest):
            for which, one in enumerate(self.plan.wanted):
                if at >= len(self.plan.chunks(one)):
                    continue
                chunk = read_chunk(self._path(which, at))
                mine = {key: pair for key, pair in chunk.items() if owners.setdefault(key, which) == which}
                yield mine if one.step_ms is None else _with_ends(mine, last, one.step_ms, self.plan.chunks(one)[at])

    def _path(self, which: int, at: int) -> Path:
        return self.folder / f"{which:03}-{at:06}.parquet"

    def _check_size(self, done: int, due: int) -> None:
        if self.samples > self.plan.max_samples:
            message = (
                f"more than {self.plan.max_samples:,} samples after {done + 1:,} of {due:,} chunks; "
                "what is fetched is kept, and the same command with a larger --max-samples goes on from there"
            )
            raise BadInput(Problem("fetch/too-many", message, file=self.client.url, allowed="--max-samples, or fewer series"))

    def _chunk(self, wanted: Wanted, first: int, last: int) -> Found:
        """The samples of one chunk; halves it where the server finds it too large."""
        try:
            result, warnings = self._ask(wanted, first, last)
        except TooMuch as error:
            step = wanted.step_ms or 1
            half = first + (last - first) // 2 // step * step
            if last - first < max(SMALLEST_CHUNK_MS, step) or half >= last:
                message = f"even {max(1, (last - first) // 1000)} s are too much for one answer: {error}"
                problem = Problem(
                    "fetch/too-much", message, file=self.client.url, found=quoted(wanted.text), allowed="fewer series"
                )
                raise BadInput(problem) from error
            return _joined(self._chunk(wanted, first, half), self._chunk(wanted, half + step, last))
        self.warnings.update(dict.fromkeys(warnings))
        return self._read(wanted, result, first, last)

    def _ask(self, wanted: Wanted, first: int, last: int) -> tuple[list[Any], tuple[str, ...]]:
        if wanted.step_ms is not None:
            span = {"start": _seconds(first), "end": _seconds(last), "step": _seconds(wanted.step_ms)}
            return self.client.ask("query_range", {"query": wanted.text, **span})
        # Prometheus 2 includes the left edge of a range and 3 does not; what lies outside the chunk is cut off below.
        query = f"{wanted.text}[{last - first + 1}ms]"
        return self.client.ask("query", {"query": query, "time": _seconds(last)})

    def _read(self, wanted: Wanted, result: list[Any], first: int, last: int) -> Found:
        found: Found = {}
        for one in result:
            try:
                labels, times, values = _series_of(one)
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                message = "the answer is no list of series with times and values"
                raise BadInput(Problem("fetch/answer", message, file=self.client.url, found=quoted(str(one)[:60]))) from None
            self.histograms += bool(one.get("histograms"))
            if wanted.step_ms is None:
                name = labels.pop("__name__", "")
            else:
                name = wanted.name or labels.get("__name__", "")
                labels.pop("__name__", None)
            inside = (times >= first) & (times <= last)
            if not inside.any():
                continue
            if not name:
                message = "the elements of the expression have no name"
                allowed = f"--query NAME={wanted.text[:60]}"
                raise BadInput(Problem("fetch/no-name", message, found=quoted(wanted.text), allowed=allowed))
            key = SeriesKey.of(name, labels)
            if key in found:
                message = "two elements of the expression are the same series under this name"
                raise BadInput(
                    Problem("fetch/same-series", message, found=quoted(str(key)), allowed="another NAME for each --query")
                )
            found[key] = (times[inside], values[inside])
        return found

    def _findings(self) -> Iterator[Problem]:
        url = self.client.url
        if any(one.step_ms is None for one in self.plan.wanted):
            message = (
                "the API shows no stale markers, so where a series ended between two scrapes the replay sees its last sample for "
                "five minutes more; rates are not touched by that"
            )
            yield Problem("fetch/stale", message, Severity.INFO, url)
        if any(one.step_ms is not None for one in self.plan.wanted):
            message = "the steps of an expression are its scrapes; what happened between two of them is not in the history"
            yield Problem("fetch/steps", message, Severity.INFO, url)
        if self.histograms:
            message = f"native histograms are not read: {self.histograms:,} series hold some"
            yield Problem("fetch/native-histograms", message, Severity.WARNING, url)
        if self.warnings:
            message = f"the server warns: {listed(list(self.warnings), 5)}"
            yield Problem("fetch/warnings", message, Severity.WARNING, url)


def _series_of(one: Any) -> tuple[dict[str, str], IntArray, FloatArray]:
    """Labels, times and values of one series of an answer; raises what Python raises for anything else."""
    labels = dict(one["metric"])
    if not all(isinstance(part, str) for pair in labels.items() for part in pair):
        raise TypeError
    pairs = one.get("values") or []
    times = np.array([pair[0] for pair in pairs], np.float64)
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError
    return labels, np.rint(times * 1000).astype(np.int64), np.array([float(pair[1]) for pair in pairs], np.float64)


def _seconds(milliseconds: int) -> str:
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole}.{rest:03}" if rest else str(whole)


def _joined(one: Found, other: Found) -> Found:
    out = dict(one)
    for key, (times, values) in other.items():
        if key in out:
            times, values = np.concatenate([out[key][0], times]), np.concatenate([out[key][1], values])  # noqa: PLW2901 - joined
        out[key] = (times, values)
    return out


def _with_ends(found: Found, last: dict[SeriesKey, int], step_ms: int, span: tuple[int, int]) -> Found:
    """A stale marker at the first step at which a series that was there is gone; `last` is carried from chunk to chunk."""
    out: Found = {}
    for key in {**found, **last}:
        times, values = found.get(key, (np.empty(0, np.int64), np.empty(0)))
        before = np.array([last[key]] if key in last else [], np.int64)
        whole = np.concatenate([before, times])
        gone = whole[:-1][np.diff(whole) > step_ms] + step_ms
        ends_at = int(whole[-1]) + step_ms
        if ends_at <= span[1]:
            gone = np.append(gone, ends_at)
            last.pop(key, None)
        else:
            last[key] = int(whole[-1])
        if len(gone):
            times, values = np.concatenate([times, gone]), np.concatenate([values, np.full(len(gone), STALE)])
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        if len(times):
            out[key] = (times, values)
    return out


def checked_span(start_ms: int, end_ms: int) -> tuple[int, int]:
    """Both; raises BadInput for a span that is none."""
    if not 0 <= start_ms < end_ms <= LATEST_S * 1000:
        raise BadInput(
            Problem("fetch/span", "the end must lie after the start", found=f"{_seconds(start_ms)} to {_seconds(end_ms)}")
        )
    return start_ms, end_ms
