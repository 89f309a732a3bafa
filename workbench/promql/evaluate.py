"""The evaluator: any covered expression at many instants at once, exactly as Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.errors import BadInput, Problem
from workbench.promql.ast import Expr, Selector, Subquery, children
from workbench.promql.counters import Counters
from workbench.promql.dialect import Dialect, VersionedProfile
from workbench.promql.moment import Moment
from workbench.promql.read import Read, SharedRates
from workbench.promql.selection import select
from workbench.promql.steps import Steps
from workbench.promql.vector import Labels, Scalar, Vector
from workbench.promql.windows import IntArray, Times, milliseconds
from workbench.telemetry.series import FloatArray, Series, Telemetry

_BLOCK = 16_384
"""Instants evaluated together: bounds memory at (series x block) and keeps temporaries in the cache."""

_LARGEST_RESULT = 1 << 28
"""Elements x instants of one result: 2 GiB of numbers."""


class Evaluator:
    """Evaluates expressions over one telemetry by the rules of one Prometheus version.

    Reads no sample later than the instant evaluated: the value arrays may be filled later, and after `forget` also rewritten,
    while the evaluator lives. The `times` arrays must be complete, unless a subclass hands out series that grow: `selected`,
    `times`, `settled` and `behind_ms` are the only doors to series.
    """

    def __init__(self, telemetry: Telemetry, profile: VersionedProfile) -> None:
        self.telemetry = telemetry
        self.dialect = Dialect.of(profile)
        self.interval_ms = round(profile.evaluation_interval_s * 1000)
        """The step of a subquery that names none."""
        self.steps = Steps(self)
        self.shared_rates: SharedRates | None = None
        """Set by a caller who evaluates many expressions at the same instants, for as long as no sample is rewritten."""
        self._selected: dict[Selector, tuple[Series, ...]] = {}
        self._times: dict[int, Times] = {}
        self._numbers: dict[int, tuple[Expr, int]] = {}
        self._different: dict[Expr, int] = {}
        self._lent: dict[Series, tuple[Counters, int]] = {}

    def evaluate(self, expr: Expr, instants: FloatArray) -> Vector:
        """The elements of an expression at instants (seconds, ascending); a scalar is one element without labels.

        Rows that are present nowhere are left out. Where Prometheus would fail the query (two elements with the same labels,
        several that match one) the instant is `failed`, and nothing is present. Raises BadInput for a result beyond memory.
        """
        return self.at(expr, milliseconds(instants))

    def at(self, expr: Expr, instants_ms: IntArray) -> Vector:
        """The same at whole milliseconds."""
        size = _BLOCK
        if len(instants_ms) > size and (longest := _longest_subquery(expr)):
            # The steps before a block are evaluated again for it, so the block is as long as they are.
            spacing = max(1, int(instants_ms[-1] - instants_ms[0]) // max(1, len(instants_ms) - 1)) if len(instants_ms) else 1
            size = max(size, min(1 << 17, longest // spacing))
        blocks = [instants_ms[at : at + size] for at in range(0, len(instants_ms), size)] or [instants_ms]
        # NaN and infinity are values like others here.
        with np.errstate(all="ignore"):
            return self._of_blocks(expr, blocks)

    def _of_blocks(self, expr: Expr, blocks: Sequence[IntArray]) -> Vector:
        read = Read(int(blocks[-1][-1]) if len(blocks[-1]) else 0)
        moments = (Moment(self, block, read=read) for block in blocks)
        return joined([self._vector(moment, expr) for moment in moments])

    @staticmethod
    def _vector(moment: Moment, expr: Expr) -> Vector:
        value = moment.value(expr)
        if isinstance(value, Scalar):
            return Vector(((),), value.values[None, :], np.ones((1, len(value.values)), bool), value.failed)
        return value

    def number(self, expr: Expr) -> int:
        """A number for every different expression, so that equal ones are found without looking at them again and again."""
        known = self._numbers.get(id(expr))
        if known is None or known[0] is not expr:
            known = (expr, self._different.setdefault(expr, len(self._different)))
            self._numbers[id(expr)] = known
        return known[1]

    def selected(self, selector: Selector) -> tuple[Series, ...]:
        """The series of a selector (its offset and `@` do not matter), looked up once."""
        still = replace(selector, offset_ms=0, at_ms=None)
        if still not in self._selected:
            self._selected[still] = select(self.telemetry, still, newlines=self.dialect.dots_take_newlines)
        return self._selected[still]

    def times(self, series: Series) -> Times:
        """Time stamps of a series; one value for all series that share theirs."""
        # The series is alive as long as the telemetry, so the identity of its array is a name.
        key = id(series.times)
        if key not in self._times:
            self._times[key] = Times(milliseconds(series.times))
        return self._times[key]

    def settled(self, selector: Selector) -> bool:  # noqa: ARG002 - a door for subclasses
        """Whether what a selector gives at an instant stays what it is once that instant has been evaluated."""
        return True

    def behind_ms(self, series: Series) -> int:  # noqa: ARG002 - a door for subclasses
        """How far behind the evaluation the newest sample of a series is that it may see."""
        return 0

    def forget(self, after_ms: int) -> None:
        """Samples later than this have been rewritten."""
        self.steps.forget(after_ms)

    def lend(self, series: Sequence[Series], counters: Counters) -> None:
        """Let `rate` take increments from running totals, where they are trusted, instead of reading whole windows."""
        for row, one in enumerate(series):
            self._lent[one] = (counters, row)

    def lent(self, series: Sequence[Series], last: int) -> tuple[Counters, list[int]] | None:
        """Totals that know all these series through sample `last`, and their rows."""
        known = [self._lent.get(one) for one in series]
        if known[0] is None or known[0][0].trusted <= last:
            return None
        rows = [one[1] for one in known if one is not None and one[0] is known[0][0]]
        return (known[0][0], rows) if len(rows) == len(series) else None


def _longest_subquery(expr: Expr) -> int:
    """The longest window of a subquery in an expression; 0 without any."""
    inside = max((_longest_subquery(child) for child in children(expr)), default=0)
    return expr.window_ms + inside if isinstance(expr, Subquery) else inside


def joined(parts: Sequence[Vector]) -> Vector:
    """Blocks of instants side by side, without rows that are present nowhere; raises BadInput for a result beyond memory."""
    rows: dict[Labels, int] = {}
    parts = [_without_failed(part) for part in parts]
    for part in parts:
        for labels, present in zip(part.labels, part.present, strict=True):
            if present.any():
                rows.setdefault(labels, len(rows))
    instants = sum(part.values.shape[1] for part in parts)
    if len(rows) * instants > _LARGEST_RESULT:
        raise BadInput(Problem("promql/size", f"an expression has {len(rows)} elements at {instants} instants, too many to hold"))
    if len(parts) == 1 and len(rows) == len(parts[0].labels):
        return parts[0]
    values, there = np.zeros((len(rows), instants)), np.zeros((len(rows), instants), bool)
    failed = np.zeros(instants, bool)
    start = 0
    for part in parts:
        end = start + part.values.shape[1]
        for labels, value, present in zip(part.labels, part.values, part.present, strict=True):
            if labels in rows:
                values[rows[labels], start:end] = value
                there[rows[labels], start:end] = present
        if part.failed is not None:
            failed[start:end] = part.failed
        start = end
    return Vector(tuple(rows), values, there, failed if failed.any() else None)


def _without_failed(vector: Vector) -> Vector:
    """Nothing is present where the query fails."""
    if vector.failed is None:
        return vector
    return replace(vector, present=vector.present & ~vector.failed)
