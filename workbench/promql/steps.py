"""Subqueries: an expression at every step, evaluated once for all the windows that see the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.promql.ast import Expr, Selector, Subquery, children
from workbench.promql.vector import Labels, Scalar, Vector, either
from workbench.promql.windows import IntArray

if TYPE_CHECKING:
    from workbench.promql.evaluate import Evaluator
    from workbench.promql.moment import Moment

_BLOCK = 8192
_REMEMBERED = 64
"""Subqueries whose steps are kept for the next block."""


@dataclass(frozen=True, eq=False, slots=True)
class _Known:
    steps_ms: IntArray
    rows: Vector
    clashes: bool


class Steps:
    """The values of inner expressions at their steps, kept from block to block.

    A step's value does not depend on who asks, unless the inner expression looks ahead of the step (a negative offset, `@`): then
    every evaluation gets steps of its own.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._known: dict[tuple[Expr, int], _Known] = {}

    def forget(self, after_ms: int) -> None:
        """Samples later than this have been rewritten."""
        for key, known in list(self._known.items()):
            keep = known.steps_ms <= after_ms
            self._known[key] = _Known(known.steps_ms[keep], _columns(known.rows, keep), known.clashes)

    def windowed(self, moment: Moment, function: str, window: Subquery, scalars: Sequence[Scalar]) -> Vector:
        """A function of a subquery at the instants of a block; names and failures are left to the caller."""
        from workbench.promql.ranges import Ranges  # noqa: PLC0415 - ranges and subqueries need each other

        step_ms = window.step_ms or self._evaluator.interval_ms
        right_ms, latest_ms = moment.looked_at(window.offset_ms, window.at_ms)
        ahead = latest_ms is not None and bool(np.any(right_ms > latest_ms))
        if not ahead and not looks_ahead(window.expr) and not self._lags(window.expr):
            found = self._rows(window.expr, step_ms, self._union(right_ms, window.window_ms, step_ms), moment)
            if not found.clashes:
                return Ranges(moment).of_rows(function, window, found.rows, found.steps_ms, scalars)
        return self._one_by_one(moment, function, window, step_ms, right_ms, scalars)

    def _first_and_last(self, right_ms: IntArray, window_ms: int, step_ms: int) -> tuple[IntArray, IntArray]:
        """The first and last multiple of the step in each window: [T]."""
        left_ms = right_ms - window_ms
        first = left_ms // step_ms + 1 if self._evaluator.dialect.left_open else -(-left_ms // step_ms)
        return first, right_ms // step_ms

    def _union(self, right_ms: IntArray, window_ms: int, step_ms: int) -> IntArray:
        """Every step that any window holds, ascending."""
        first, last = self._first_and_last(right_ms, window_ms, step_ms)
        some = last >= first
        if not some.any():
            return np.zeros(0, np.int64)
        first, last = first[some], last[some]
        order = np.argsort(first, kind="stable")
        first, last = first[order], np.maximum.accumulate(last[order])
        begins = np.flatnonzero(np.concatenate([[True], first[1:] > last[:-1] + 1]))
        ends = np.concatenate([begins[1:] - 1, [len(last) - 1]])
        return np.concatenate([np.arange(first[a], last[b] + 1) for a, b in zip(begins, ends, strict=True)]) * step_ms

    def _rows(self, expr: Expr, step_ms: int, steps_ms: IntArray, moment: Moment) -> _Known:
        """The elements of an expression at the steps, from the last block where it had them."""
        key = (expr, step_ms)
        known = self._known.get(key)
        missing = np.ones(len(steps_ms), bool) if known is None else ~np.isin(steps_ms, known.steps_ms, assume_unique=True)
        fresh, clashes = self._fresh(expr, steps_ms[missing])
        if known is not None and not missing.all():
            kept = np.isin(known.steps_ms, steps_ms, assume_unique=True)
            fresh = _interleaved(_columns(known.rows, kept), fresh, missing)
            clashes |= known.clashes
        found = _Known(steps_ms, fresh, clashes)
        if self._settled(expr) and not moment.in_subquery:
            if len(self._known) >= _REMEMBERED and key not in self._known:
                self._known.pop(next(iter(self._known)))
            self._known[key] = found
        return found

    def _fresh(self, expr: Expr, steps_ms: IntArray) -> tuple[Vector, bool]:
        from workbench.promql.evaluate import joined  # noqa: PLC0415 - the evaluator and its subqueries need each other
        from workbench.promql.moment import Moment  # noqa: PLC0415 - the evaluator and its subqueries need each other

        parts, clashes = [], False
        for start in range(0, max(1, len(steps_ms)), _BLOCK):
            moment = Moment(self._evaluator, steps_ms[start : start + _BLOCK], in_subquery=True)
            part = moment.vector(expr)
            clashes |= moment.may_clash
            parts.append(part)
        return joined(parts), clashes

    def _settled(self, expr: Expr) -> bool:
        if isinstance(expr, Selector):
            return self._evaluator.settled(expr)
        return all(self._settled(child) for child in children(expr))

    def _lags(self, expr: Expr) -> bool:
        """Whether a step sees less in the evaluation at its own time than in later ones."""
        if isinstance(expr, Selector):
            return any(self._evaluator.behind_ms(one) for one in self._evaluator.selected(expr))
        return any(self._lags(child) for child in children(expr))

    def _one_by_one(
        self, moment: Moment, function: str, window: Subquery, step_ms: int, right_ms: IntArray, scalars: Sequence[Scalar]
    ) -> Vector:
        """Every evaluation with steps of its own, as Prometheus does it."""
        from workbench.promql.evaluate import joined  # noqa: PLC0415 - the evaluator and its subqueries need each other
        from workbench.promql.moment import Moment  # noqa: PLC0415 - the evaluator and its subqueries need each other
        from workbench.promql.ranges import Ranges  # noqa: PLC0415 - the evaluator and its subqueries need each other

        first, last = self._first_and_last(right_ms, window.window_ms, step_ms)
        parts = []
        for at, instant_ms in enumerate(moment.instants_ms.tolist()):
            evaluation_ms = instant_ms if moment.evaluation_ms is None else moment.evaluation_ms
            steps_ms = np.arange(first[at], last[at] + 1, dtype=np.int64) * step_ms
            inner = Moment(self._evaluator, steps_ms, evaluation_ms=evaluation_ms, in_subquery=True)
            rows = inner.vector(window.expr)
            alone = Moment(
                self._evaluator,
                moment.instants_ms[at : at + 1],
                evaluation_ms=moment.evaluation_ms,
                in_subquery=moment.in_subquery,
            )
            own = [Scalar(scalar.values[at : at + 1]) for scalar in scalars]
            part = Ranges(alone).of_rows(function, window, rows, steps_ms, own)
            parts.append(
                Vector(part.labels, part.values, part.present, either(part.failed, np.ones(1, bool) if inner.clashes else None))
            )
        return joined(parts)


def looks_ahead(expr: Expr) -> bool:
    """Whether the value at a step may depend on later samples or on when it is asked for."""
    if isinstance(expr, Selector | Subquery) and (expr.offset_ms < 0 or expr.at_ms is not None):
        return True
    return any(looks_ahead(child) for child in children(expr))


def _columns(rows: Vector, keep: np.ndarray) -> Vector:
    failed = None if rows.failed is None else rows.failed[keep]
    return Vector(rows.labels, rows.values[:, keep], rows.present[:, keep], failed)


def _interleaved(known: Vector, fresh: Vector, missing: np.ndarray) -> Vector:
    """Known columns where nothing was missing, fresh ones where it was."""
    rows: dict[Labels, int] = {}
    for labels in (*known.labels, *fresh.labels):
        rows.setdefault(labels, len(rows))
    values, present = np.zeros((len(rows), len(missing))), np.zeros((len(rows), len(missing)), bool)
    failed = np.zeros(len(missing), bool)
    for part, where in ((known, ~missing), (fresh, missing)):
        for labels, value, there in zip(part.labels, part.values, part.present, strict=True):
            values[rows[labels], where] = value
            present[rows[labels], where] = there
        if part.failed is not None:
            failed[where] = part.failed
    return Vector(tuple(rows), values, present, failed if failed.any() else None)
