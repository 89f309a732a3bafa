"""The evaluator as rules have it: beside the telemetry it reads what rules have written.

A rule that is evaluated at T sees what was written before it: by rules of an earlier place up to and including T, by itself and
by later ones up to the evaluation before T.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from workbench.promql.ast import Aggregate, Binary, Call, Expr, Matcher, Matching, Negate, Number, Range, Selector
from workbench.promql.dialect import LOOKBACK_MS, VersionedProfile
from workbench.promql.evaluate import Evaluator
from workbench.promql.recorded import Recordings, Samples, Writer
from workbench.promql.vector import Vector
from workbench.promql.windows import IntArray, Times
from workbench.telemetry.series import FloatArray, Series, Telemetry

_KNOWN = (Aggregate, Binary, Call, Matcher, Matching, Negate, Number, Range, Selector)


class RuleReader(Evaluator):
    """Evaluates expressions as one rule after the other."""

    def __init__(self, telemetry: Telemetry, profile: VersionedProfile, recordings: Recordings) -> None:
        super().__init__(telemetry, profile)
        self.recordings = recordings
        self._view: _View | None = None

    def whole(self, expr: Expr, instants_ms: IntArray, writer: Writer) -> Vector:
        """The elements at many evaluations at once.

        Right only if all that the rule reads was written by rules of an earlier place whose query offset is not larger.
        """
        return self._seen(expr, instants_ms, writer, _View(self.recordings))

    def single(self, expr: Expr, at_ms: int, writer: Writer) -> Vector:
        """The elements at one evaluation, which sees exactly what was written before it."""
        view = _View(self.recordings, writer, at_ms, reach_ms(expr))
        return self._seen(expr, np.array([at_ms], np.int64), writer, view)

    def selected(self, selector: Selector) -> tuple[Series, ...]:
        """The series of a selector: scraped ones, and those that rules wrote."""
        found = super().selected(selector)
        written = self._view.series(selector) if self._view is not None else ()
        return tuple(sorted([*found, *written], key=lambda one: one.key)) if written else found

    def times(self, series: Series) -> Times:
        """Time stamps of a series."""
        known = self._view.times.get(id(series.times)) if self._view is not None else None
        return super().times(series) if known is None else known

    def _seen(self, expr: Expr, instants_ms: IntArray, writer: Writer, view: _View) -> Vector:
        self._view = view
        try:
            return self.evaluate(expr, (instants_ms - writer.offset_ms) / 1000.0)
        finally:
            self._view = None


class _View:
    """What rules have written, as far as one evaluation sees it; lives as long as that."""

    def __init__(self, recordings: Recordings, reader: Writer | None = None, at_ms: int = 0, reach_ms: int | None = None) -> None:
        self._recordings = recordings
        self._reader = reader
        self._at_ms = at_ms
        self._reach_ms = reach_ms
        self._known: dict[Selector, tuple[Series, ...]] = {}
        self._stamps: dict[tuple[int, int, int], FloatArray] = {}
        self.times: dict[int, Times] = {}
        """By the identity of the `times` of a series, which this view keeps alive."""

    def series(self, selector: Selector) -> tuple[Series, ...]:
        """The written series of a selector."""
        if selector not in self._known:
            found = []
            for key in self._recordings.matching(selector):
                samples = self._recordings.samples(key)
                begin, end = self._part(samples)
                if begin < end:
                    stamps = samples.stamps_ms[begin:end]
                    found.append(Series(key, self._shared(stamps), samples.values[begin:end]))
            self._known[selector] = tuple(found)
        return self._known[selector]

    def _part(self, samples: Samples) -> tuple[int, int]:
        """The samples that the evaluation may see: from one index to before another."""
        if self._reader is None:
            return 0, len(samples.at_ms)
        begin = int(np.searchsorted(samples.at_ms, self._at_ms, "left"))
        end = int(np.searchsorted(samples.at_ms, self._at_ms, "right"))
        earlier = np.broadcast_to(samples.places, samples.at_ms.shape)[begin:end] < self._reader.place
        end = begin + int(np.count_nonzero(earlier))
        if self._reach_ms is None:
            return 0, end
        oldest = self._at_ms - self._reader.offset_ms - self._reach_ms
        return int(np.searchsorted(samples.stamps_ms, oldest, "left")), end

    def _shared(self, stamps_ms: IntArray) -> FloatArray:
        """Stamps in seconds; one array for all series that have the same ones without a gap."""
        first, last, count = int(stamps_ms[0]), int(stamps_ms[-1]), len(stamps_ms)
        times = Times(stamps_ms)
        key = (first, last, count)
        # Equal ends, equal count and a single step make equal stamps.
        if times.step_ms and key in self._stamps:
            return self._stamps[key]
        seconds: FloatArray = stamps_ms / 1000.0
        if times.step_ms:
            self._stamps[key] = seconds
        else:
            self._stamps[(-1, -1, len(self._stamps))] = seconds
        self.times[id(seconds)] = times
        return seconds


def reach_ms(expr: Expr) -> int | None:
    """How far back from the instant an expression may read; None if that cannot be said."""
    if type(expr) not in _KNOWN:
        return None
    match expr:
        case Selector(offset_ms=offset):
            return max(0, offset) + LOOKBACK_MS
        case Range(Selector(offset_ms=offset), window):
            return max(0, offset) + window
    inner = [reach_ms(child) for child in children(expr)]
    return None if None in inner else max((one for one in inner if one is not None), default=0)


def children(expr: Any) -> list[Any]:
    """The parts of an expression that are expressions or their options, whatever its kind."""
    found: list[Any] = []
    for one in fields(expr):
        value = getattr(expr, one.name)
        found += [part for part in (value if isinstance(value, tuple) else (value,)) if is_dataclass(part)]
    return found


def selectors(expr: Any) -> tuple[Selector, ...]:
    """Every selector in an expression, once, in order."""
    found: dict[Selector, None] = {}
    pending = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, Selector):
            found[node] = None
        else:
            pending += reversed(children(node))
    return tuple(found)
