"""The evaluator as rules have it: beside the telemetry it reads what rules have written.

A rule that is evaluated at T sees what was written before it: by rules of an earlier place up to and including T, by itself and
by later ones up to the evaluation before T.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from workbench.promql.ast import Expr, Range, Selector, Subquery, children
from workbench.promql.dialect import LOOKBACK_MS, VersionedProfile
from workbench.promql.evaluate import Evaluator
from workbench.promql.recorded import Recordings, Samples, Writer
from workbench.promql.vector import Vector
from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import FloatArray, Series, Telemetry


class CannotTakeBlocks(Exception):
    """Some rules that write one series are seen up to the instant, others not: only single evaluations are right."""


class RuleReader(Evaluator):
    """Evaluates expressions as one rule after the other."""

    def __init__(
        self, telemetry: Telemetry, profile: VersionedProfile, recordings: Recordings, may_be_written: Callable[[Selector], bool]
    ) -> None:
        """`may_be_written` says whether any rule could ever write a series that a selector finds."""
        super().__init__(telemetry, profile)
        self.recordings = recordings
        self._may_be_written = may_be_written
        self._view: _View | None = None

    def whole(self, expr: Expr, instants_ms: IntArray, writer: Writer) -> Vector:
        """The elements at many evaluations at once, of a rule that reads nothing of which it is part itself.

        All that the rule reads must be written already, through the last of the instants. Raises CannotTakeBlocks.
        """
        return self._seen(expr, instants_ms, writer, _View(self.recordings, writer))

    def single(self, expr: Expr, at_ms: int, writer: Writer) -> Vector:
        """The elements at one evaluation, which sees exactly what was written before it, whatever stands written already."""
        view = _View(self.recordings, writer, at_ms, reach_ms(expr, self.interval_ms))
        return self._seen(expr, np.array([at_ms], np.int64), writer, view)

    def selected(self, selector: Selector) -> tuple[Series, ...]:
        """The series of a selector: scraped ones, and those that rules wrote."""
        found = super().selected(selector)
        if self._view is None or not self._may_be_written(selector):
            return found
        written = self._view.series(selector, newlines=self.dialect.dots_take_newlines)
        return tuple(sorted([*found, *written], key=_by_labels)) if written else found

    def times(self, series: Series) -> Times:
        """Time stamps of a series."""
        known = self._view.times.get(id(series.times)) if self._view is not None else None
        return super().times(series) if known is None else known

    def settled(self, selector: Selector) -> bool:
        """Rules do not all see the same of what rules write, so that is not kept."""
        return not self._may_be_written(selector)

    def behind_ms(self, series: Series) -> int:
        """What a later rule wrote is seen only from the next evaluation on."""
        return 0 if self._view is None else self._view.behind_ms.get(id(series.times), 0)

    def _seen(self, expr: Expr, instants_ms: IntArray, writer: Writer, view: _View) -> Vector:
        self._view = view
        try:
            return self.at(expr, instants_ms - writer.offset_ms)
        finally:
            self._view = None


class _View:
    """What rules have written, as far as one evaluation, or a block of them, sees it; lives as long as that."""

    def __init__(self, recordings: Recordings, reader: Writer, at_ms: int | None = None, reach_ms: int | None = None) -> None:
        self._recordings = recordings
        self._reader = reader
        self._at_ms = at_ms
        self._reach_ms = reach_ms
        self._known: dict[Selector, tuple[Series, ...]] = {}
        self._shared: dict[tuple[int, int, int, int], FloatArray] = {}
        self._kept: list[FloatArray] = []
        self.times: dict[int, Times] = {}
        """By the identity of the `times` of a series, which this view keeps alive; so is the next."""
        self.behind_ms: dict[int, int] = {}

    def series(self, selector: Selector, *, newlines: bool) -> tuple[Series, ...]:
        """The written series of a selector, whose offset and `@` do not matter."""
        still = replace(selector, offset_ms=0, at_ms=None)
        if still not in self._known:
            found = []
            for key in self._recordings.matching(still, newlines=newlines):
                samples = self._recordings.samples(key)
                begin, end = (0, len(samples.at_ms)) if self._at_ms is None else self._until(samples, self._at_ms)
                if begin < end:
                    times = self._times(samples.stamps_ms[begin:end], self._behind(samples) if self._at_ms is None else 0)
                    found.append(Series(key, times, samples.values[begin:end]))
            self._known[still] = tuple(found)
        return self._known[still]

    def _until(self, samples: Samples, at_ms: int) -> tuple[int, int]:
        """The samples that a single evaluation may see, from one index to before another."""
        begin, end = np.searchsorted(samples.at_ms, [at_ms, at_ms + 1]).tolist()
        earlier = np.broadcast_to(samples.places, samples.at_ms.shape)[begin:end] < self._reader.place
        end = begin + int(np.count_nonzero(earlier))
        if self._reach_ms is None:
            return 0, end
        return int(np.searchsorted(samples.stamps_ms, at_ms - self._reader.offset_ms - self._reach_ms)), end

    def _behind(self, samples: Samples) -> int:
        """How far behind the instant of the query the newest sample is that can be there: 1 ms stands for "the one before"."""
        found = {
            max(0, writer.offset_ms - self._reader.offset_ms + (writer.place >= self._reader.place)) for writer in samples.writers
        }
        if len(found) > 1:
            raise CannotTakeBlocks
        return found.pop()

    def _times(self, stamps_ms: IntArray, behind_ms: int) -> FloatArray:
        """Stamps in seconds; one array for all series that have the same ones without a gap and are seen alike."""
        times = Times(stamps_ms)
        # Equal ends, an equal count and a single step make equal stamps.
        key = (int(stamps_ms[0]), int(stamps_ms[-1]), len(stamps_ms), behind_ms)
        if times.step_ms and key in self._shared:
            return self._shared[key]
        seconds: FloatArray = stamps_ms / 1000.0
        self._kept.append(seconds)
        if times.step_ms:
            self._shared[key] = seconds
        self.times[id(seconds)] = times
        self.behind_ms[id(seconds)] = behind_ms
        return seconds


def reach_ms(expr: Expr, interval_ms: int) -> int | None:
    """How far back from the instant an expression may read; None if that cannot be said."""
    match expr:
        case Selector(at_ms=int()) | Subquery(at_ms=int()):
            return None
        case Selector(offset_ms=offset):
            return max(0, offset) + LOOKBACK_MS
        case Range(selector, window):
            inner = reach_ms(selector, interval_ms)
            return None if inner is None else inner + window
        case Subquery(expr=argument):
            inner = reach_ms(argument, interval_ms)
            return None if inner is None else inner + max(0, expr.offset_ms) + expr.window_ms + (expr.step_ms or interval_ms)
    longest = 0
    for child in children(expr):
        inner = reach_ms(child, interval_ms)
        if inner is None:
            return None
        longest = max(longest, inner)
    return longest


def selectors(expr: Expr) -> tuple[Selector, ...]:
    """Every selector in an expression, once, in order."""
    found: dict[Selector, None] = {}
    pending = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, Selector):
            found[node] = None
        pending += reversed(children(node))
    return tuple(found)


def _by_labels(series: Series) -> list[tuple[str, str]]:
    return sorted((("__name__", series.key.name), *series.key.labels))
