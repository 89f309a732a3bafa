"""Where the expressions of rules have elements: by bounds where these decide, by the exact evaluator elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.promql.ast import Expr, Selector
from workbench.promql.bounds import Batch, leaves, shape
from workbench.promql.counters import Counters
from workbench.promql.evaluate import Evaluator
from workbench.promql.set_bounds import SetBounds
from workbench.promql.splitting import by_group
from workbench.promql.vector import BoolArray, Labels
from workbench.promql.windows import IntArray
from workbench.telemetry.series import Series


@dataclass(frozen=True, eq=False, slots=True)
class Presence:
    """Elements of one expression, and at which instants they are there."""

    elements: Mapping[Labels, BoolArray]
    """[T] each. An element that is nowhere may be missing."""
    failed: BoolArray | None = None
    """[T]: where Prometheus fails the query, so that nothing is known of any element; None: nowhere."""


_ONE: Labels = ()


@dataclass(slots=True)
class _Together:
    """Expressions over counters of one array of time stamps."""

    series: dict[Series, int] = field(default_factory=dict)
    sets: dict[Selector, tuple[int, ...]] = field(default_factory=dict)
    exprs: list[int] = field(default_factory=list)
    counters: Counters | None = None
    batches: list[tuple[Batch, list[int]]] = field(default_factory=list)


class Conditions:
    """The presence of many expressions at blocks of instants that follow each other."""

    def __init__(self, evaluator: Evaluator, exprs: Sequence[Expr]) -> None:
        self._evaluator = evaluator
        self._whole = tuple(exprs)
        self._parts = tuple(_parts(expr, evaluator) for expr in exprs)
        self._exprs = tuple(part for parts in self._parts for _, part in parts)
        groups: dict[int, _Together] = {}
        for index, expr in enumerate(self._exprs):
            self._place(index, expr, groups)
        self._groups = tuple(group for group in groups.values() if group.exprs)
        for group in self._groups:
            self._prepare(group)

    def forget(self, after_ms: int) -> None:
        """Samples later than this have been rewritten."""
        self._evaluator.forget(after_ms)
        for group in self._groups:
            if group.counters is not None:
                group.counters.forget(int(group.counters.times.until(np.array([after_ms]))[0]))

    def present(self, instants_ms: IntArray) -> list[Presence]:
        """For each expression, in order."""
        out: list[Presence | None] = [None] * len(self._exprs)
        for group in self._groups:
            self._bounded(group, instants_ms, out)
        bounded = iter(out)
        return [
            self._put_together(expr, [(labels, next(bounded)) for labels, _ in parts], instants_ms)
            for expr, parts in zip(self._whole, self._parts, strict=True)
        ]

    def _put_together(self, expr: Expr, parts: Sequence[tuple[Labels | None, Presence | None]], instants_ms: IntArray) -> Presence:
        """The presence of an expression out of those of its parts, or of the whole where bounds say nothing of one."""
        elements: dict[Labels, BoolArray] = {}
        for labels, presence in parts:
            if presence is None:
                return self._exact(expr, instants_ms)
            if labels is None:
                return presence
            if _ONE in presence.elements:
                elements[labels] = presence.elements[_ONE]
        return Presence(elements)

    def _place(self, index: int, expr: Expr, groups: dict[int, _Together]) -> None:
        """Put an expression to the counters that it needs, if bounds exist for it: all scraped together, all different."""
        found = leaves(expr)
        if not found:
            return
        selected = {leaf.selector: self._evaluator.selected(leaf.selector) for leaf in found}
        series = [one for some in selected.values() for one in some]
        distinct = all(len({one.key.labels for one in some}) == len(some) > 0 for some in selected.values())
        if not distinct or len({id(one.times) for one in series}) != 1:
            return
        group = groups.setdefault(id(series[0].times), _Together())
        for one in series:
            group.series.setdefault(one, len(group.series))
        for selector, some in selected.items():
            group.sets.setdefault(selector, tuple(group.series[one] for one in some))
        group.exprs.append(index)

    def _prepare(self, group: _Together) -> None:
        series = tuple(group.series)
        group.counters = Counters(self._evaluator.times(series[0]), [one.values for one in series], tuple(group.sets.values()))
        self._evaluator.lend(series, group.counters)
        alike: dict[Expr, list[int]] = {}
        for index in group.exprs:
            alike.setdefault(shape(self._exprs[index]), []).append(index)
        number = {selector: at for at, selector in enumerate(group.sets)}
        group.batches = [
            (Batch([self._exprs[index] for index in indices], number.__getitem__), indices) for indices in alike.values()
        ]

    def _bounded(self, group: _Together, instants_ms: IntArray, out: list[Presence | None]) -> None:
        counters = group.counters
        assert counters is not None  # noqa: S101 - made by _prepare
        needed = int(counters.times.until(instants_ms[-1:])[0])
        counters.grow(needed)
        if counters.trusted < needed:
            return
        largest = max(len(rows) for rows in group.sets.values())
        sums = SetBounds(counters, instants_ms, self._evaluator.dialect, largest)
        for batch, indices in group.batches:
            bounds = batch.bounds(sums)
            if bounds.maybe is not None and not bounds.maybe.any():
                for index in indices:
                    out[index] = Presence({})
                continue
            every = (len(indices), len(instants_ms))
            maybe = np.broadcast_to(True if bounds.maybe is None else bounds.maybe, every)
            sure = np.broadcast_to(True if bounds.sure is None else bounds.sure, every)
            for row, index in enumerate(indices):
                out[index] = self._decided(index, instants_ms, sure[row], maybe[row])

    def _decided(self, index: int, instants_ms: IntArray, sure: BoolArray, maybe: BoolArray) -> Presence:
        open_at = np.flatnonzero(maybe & ~sure)
        if not open_at.size:
            return Presence({_ONE: sure} if sure.any() else {})
        found = sure.copy()
        exact = self._exact(self._exprs[index], instants_ms[open_at])
        # One element without labels on each side of every operator: nothing that could fail.
        found[open_at] = exact.elements.get(_ONE, False)
        return Presence({_ONE: found})

    def _exact(self, expr: Expr, instants_ms: IntArray) -> Presence:
        vector = self._evaluator.at(expr, instants_ms)
        return Presence(dict(zip(vector.labels, vector.present, strict=True)), vector.failed)


def _parts(expr: Expr, evaluator: Evaluator) -> tuple[tuple[Labels | None, Expr], ...]:
    """The expression itself, or the condition of each of its groups with the group's labels."""
    groups = by_group(expr, evaluator)
    if not groups or not leaves(groups[0][1]):
        return ((None, expr),)
    return groups
