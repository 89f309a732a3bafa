"""What orders elements by value: `topk`, `bottomk`, `quantile`, `count_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.promql.ast import Aggregate, Text
from workbench.promql.dialect import Dialect
from workbench.promql.vector import BoolArray, Labels, Vector, dropped, either, kept
from workbench.promql.windows import IntArray
from workbench.telemetry.series import FloatArray

_LARGEST_INT = 2.0**63


def quantile_of(share: FloatArray, values: FloatArray, there: BoolArray) -> FloatArray:
    """The quantile of the elements along the first axis at each instant (quantile in promql/quantile.go).

    `share` has shape [T]; `values` and `there` [n, T]. NaN counts as less than everything; it is NaN where nothing is there.
    """
    nan = there & np.isnan(values)
    # What is not there goes to the end as infinity, which no index reaches.
    ordered = np.sort(np.where(there & ~nan, values, np.inf), axis=0)
    count, lowest = there.sum(axis=0), nan.sum(axis=0)
    with np.errstate(all="ignore"):
        rank = share * (count - 1.0)
        floor = np.floor(rank)
        usable = (count > 0) & (share >= 0) & (share <= 1)
        low = np.where(usable, np.maximum(floor, 0), 0).astype(np.int64)
        high = np.minimum(np.maximum(count - 1, 0), low + 1)
        weight = rank - floor
        found = _at(ordered, low, lowest) * (1 - weight) + _at(ordered, high, lowest) * weight
    found = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, found))
    return np.where(np.isnan(share) | (count == 0), np.nan, found)


def _at(ordered: FloatArray, index: IntArray, lowest: IntArray) -> FloatArray:
    """The element at an index when the NaNs come first."""
    position = np.maximum(index - lowest, 0)
    return np.where(index < lowest, np.nan, ordered[position, np.arange(ordered.shape[1])])


def ranked(
    operator: str, given: Vector, groups: Sequence[list[int]], number: FloatArray, failed: BoolArray | None, dialect: Dialect
) -> Vector:
    """The elements of each group that `topk` or `bottomk` keeps; `number` [T] is how many."""
    there = given.present.any(axis=0)
    with np.errstate(invalid="ignore"):
        overflows = ~((number >= -_LARGEST_INT) & (number < _LARGEST_INT))
        if dialect.late_parameters:
            # Looked at only where there is an element, and not at all if it is less than one.
            overflows &= there & ~(number < 1)
    k = np.where(overflows | np.isnan(number), 0, np.clip(np.nan_to_num(number), -1, len(given.labels))).astype(np.int64)
    present = np.zeros(given.present.shape, bool)
    for rows in groups:
        present[rows] = _kept(operator == "topk", given.values[rows], given.present[rows], k, dialect)
    return Vector(given.labels, given.values, present, either(failed, overflows) if overflows.any() else failed)


def _kept(largest: bool, values: FloatArray, there: BoolArray, k: IntArray, dialect: Dialect) -> BoolArray:
    """Which of the elements [n, T] of one group stay."""
    # Small is better; NaN comes last, what is not there after it.
    key = np.where(np.isnan(values), np.inf, -values if largest else values)
    tier = np.where(there, np.isnan(values).astype(np.int8), np.int8(2))
    order = np.lexsort((key, tier), axis=0)
    rank = np.empty(order.shape, np.int64)
    np.put_along_axis(rank, order, np.arange(len(order))[:, None], axis=0)
    kept_ones: BoolArray = there & (rank < k)
    # Where the first that goes equals the last that stays, the heap decides.
    columns = np.arange(values.shape[1])
    inside = (k >= 1) & (k < there.sum(axis=0))
    last, first_out = np.clip(k - 1, 0, len(order) - 1), np.clip(k, 0, len(order) - 1)
    last, first_out = order[last, columns], order[first_out, columns]
    equal = (key[last, columns] == key[first_out, columns]) & (tier[last, columns] == tier[first_out, columns])
    tied = np.flatnonzero(inside & equal)
    if tied.size:
        kept_ones[:, tied] = _by_heap(key[:, tied], tier[:, tied], k[tied], dialect)
    return kept_ones


def _by_heap(key: FloatArray, tier: FloatArray, k: IntArray, dialect: Dialect) -> BoolArray:
    """The choice of the real heap, once for every pattern of order."""
    out = np.zeros(key.shape, bool)
    known: dict[tuple[bytes, int], BoolArray] = {}
    for column in range(key.shape[1]):
        _, dense = np.unique(np.array([tier[:, column], key[:, column]]), axis=1, return_inverse=True)
        dense = np.where(tier[:, column] == 2, -1, np.where(tier[:, column] == 1, -2, dense.reshape(-1)))
        pattern = (dense.tobytes(), int(k[column]))
        if pattern not in known:
            stays = np.zeros(len(dense), bool)
            stays[_Heap(dense.tolist(), int(k[column]), dialect).kept()] = True
            known[pattern] = stays
        out[:, column] = known[pattern]
    return out


class _Heap:
    """The heap of `topk` and `bottomk`, its root the worst element kept (container/heap and vectorByValueHeap).

    Elements are numbers, small is better; -2 stands for NaN, the worst, -1 for an element that is not there.
    """

    def __init__(self, elements: list[int], k: int, dialect: Dialect) -> None:
        self._elements = elements
        self._k = k
        self._keeps_root = dialect.keeps_heap_root
        self._heap: list[int] = []

    def kept(self) -> list[int]:
        for index, element in enumerate(self._elements):
            if element != -1:
                self._offer(index)
        return self._heap

    def _offer(self, index: int) -> None:
        heap, k = self._heap, self._k
        if not heap or len(heap) < k:
            self._push(index)
            return
        root, new = self._elements[heap[0]], self._elements[index]
        better = new != -2 and (root == -2 or new < root)
        if self._keeps_root:
            if better:
                heap[0] = index
                self._down(0, len(heap))
        elif better or root == -2:
            if k == 1:
                heap[0] = index
                return
            last = len(heap) - 1
            heap[0], heap[last] = heap[last], heap[0]
            self._down(0, last)
            heap.pop()
            self._push(index)

    def _less(self, i: int, j: int) -> bool:
        """Whether i belongs nearer to the root than j."""
        one, other = self._elements[self._heap[i]], self._elements[self._heap[j]]
        return one == -2 or (other != -2 and one > other)

    def _push(self, index: int) -> None:
        heap = self._heap
        heap.append(index)
        at = len(heap) - 1
        while at > 0:
            parent = (at - 1) // 2
            if not self._less(at, parent):
                return
            heap[at], heap[parent] = heap[parent], heap[at]
            at = parent

    def _down(self, at: int, size: int) -> None:
        heap = self._heap
        while (child := 2 * at + 1) < size:
            if child + 1 < size and self._less(child + 1, child):
                child += 1
            if not self._less(child, at):
                return
            heap[at], heap[child] = heap[child], heap[at]
            at = child


def count_values(expr: Aggregate, given: Vector) -> Vector:
    """How many elements of each group have each value, which becomes a label."""
    label = expr.parameter.value if isinstance(expr.parameter, Text) else ""
    grouped: Callable[[Labels], Labels] = (
        (lambda labels: dropped(labels, expr.labels)) if expr.without else (lambda labels: kept(labels, (*expr.labels, label)))
    )
    counts: dict[Labels, FloatArray] = {}
    for labels, values, present in zip(given.labels, given.values, given.present, strict=True):
        own = tuple(pair for pair in labels if pair[0] != label)
        # Bits tell NaN from numbers, and the two zeros apart.
        bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
        for value in np.unique(bits[present]):
            text = formatted(float(np.array(value).view(np.float64)))
            key = grouped(tuple(sorted((*own, (label, text)))))
            here = present & (bits == value)
            counts[key] = counts[key] + here if key in counts else here.astype(np.float64)
    values = np.array(list(counts.values())).reshape(len(counts), given.values.shape[1])
    return Vector(tuple(counts), values, values > 0, given.failed)


def formatted(value: float) -> str:
    """A number as strconv.FormatFloat(value, 'f', -1, 64) writes it."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(np.format_float_positional(value, unique=True, trim="-"))
