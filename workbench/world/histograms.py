"""Latency histograms with all their buckets, and the sum of all latencies, kept every few minutes.

How many requests of a slot lie in each class is known; where inside of it they lie is multinomial, with the shares of the answers
that held in the slot; in bins that are not as usual that is drawn bin by bin. Deployments begin on slots, so no slot holds a
restart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey, le_label
from workbench.world.course import RouteCourse
from workbench.world.disturbed import PIECE_BINS, Disturbed
from workbench.world.exports import Exports
from workbench.world.layout import RouteLayout
from workbench.world.requests import BLOCK_BINS, Baseline


def histogram_series(exports: Exports, baselines: Sequence[Baseline], seed: int) -> Iterator[Series]:
    """Buckets that are not kept at every scrape, and `_sum`; the time of a slot is that of its last scrape."""
    for index, (layout, baseline) in enumerate(zip(exports.layouts, baselines, strict=True)):
        width = baseline.slot_bins
        times = exports.grid.times[width - 1 :: width]
        lost = exports.lost(index)
        there = slice(None) if lost is None else ~lost[width - 1 :: width]
        times = times[there]
        restarts = [first // width for first in exports.restarts(index)]
        slots = _Slots(layout, baseline, exports.disturbed(index), seed)
        for row, cell in enumerate(layout.cells):
            labels = layout.labels(cell)
            buckets, seconds = slots.of_cell(row)
            kept = [len(layout.classes.body_bounds) + c for c in layout.kept]
            for b, bound in enumerate(layout.classes.bounds):
                if b not in kept:
                    values = _running(buckets[b], restarts)
                    yield Series(
                        SeriesKey.of("http_request_duration_seconds_bucket", labels, le=le_label(bound)), times, values[there]
                    )
            yield Series(SeriesKey.of("http_request_duration_seconds_sum", labels), times, _running(seconds, restarts)[there])


@dataclass(frozen=True)
class _Usual:
    """What the usual answers say of one cell: each the same in all slots, or slot by slot along the first axis."""

    body: FloatArray
    """How class 0 splits, `[body]` or `[slots, body]`."""
    means_s: FloatArray
    """Mean latency of each class row, `[class_rows]` or `[slots, class_rows]`."""
    late: FloatArray
    """Latency class of each other code, `[others, classes]` or `[slots, others, classes]`."""

    def at(self, slot: int) -> _Usual:
        """The same for one slot alone."""
        if self.body.ndim == 1:
            return self
        inside = slice(slot, slot + 1)
        return _Usual(self.body[inside], self.means_s[inside], self.late[inside] if self.late.ndim == 3 else self.late)


class _Slots:
    """The requests of each slot of one route, from their classes to all buckets."""

    def __init__(self, layout: RouteLayout, baseline: Baseline, disturbed: Disturbed, seed: int) -> None:
        self._layout, self._baseline, self._disturbed, self._seed = layout, baseline, disturbed, seed
        self._count = baseline.slots.shape[-1]
        self._classes, self._late = baseline.slots, baseline.late_slots
        self._touched = self._without_disturbed()
        self._last: tuple[int, _Usual] | None = None
        """The cell whose shares were found last, and those."""

    def of_cell(self, row: int) -> tuple[Array, FloatArray]:
        """Requests of each slot up to each bound, `[bounds, slots]`, and the seconds they took, `[slots]`."""
        tier, segment = self._layout.cells[row]
        names = (self._layout.route, tier, *((segment,) if segment else ()))
        course = self._baseline.sampler.usual
        if self._last is not None and _alike(course, self._last[0], row):
            usual = self._last[1]
        else:
            usual = _usual(course, row, self._count, self._baseline.slot_bins)
            self._last = row, usual
        # Drawn from the baseline first, which is the same under every policy, and again only where something happened.
        fine, seconds = self._split(self._baseline.slots[row], self._baseline.late_slots[row], usual, names)
        for slot in self._touched:
            classes = self._classes[row, :, slot : slot + 1]
            if classes.any():
                late = self._late[row, :, :, slot : slot + 1]
                again, again_s = self._split(classes, late, usual.at(slot), (*names, slot))
                fine[:, slot], seconds[slot] = again[:, 0], again_s[0]
            else:
                fine[:, slot], seconds[slot] = 0, 0.0
        self._add_disturbed(row, names, fine, seconds)
        return np.cumsum(fine, axis=0)[:-1], seconds

    def _split(self, classes: Array, late: Array, usual: _Usual, names: tuple[str | int, ...]) -> tuple[Array, FloatArray]:
        """Requests in each bucket, `[bounds + 1, slots]`, and their seconds, `[slots]`."""
        count, first = self._layout.classes.count, len(self._layout.classes.body_bounds)
        placed = classes[:count] + self._placed(classes, late, usual, names)
        fine = np.empty((first + count, classes.shape[1]), dtype=np.int64)
        fine[: first + 1] = (
            stream(self._seed, "histogram body", *names).multinomial(placed[0], usual.body).T if first else placed[:1]
        )
        fine[first + 1 :] = placed[1:]
        seconds = usual.means_s @ classes if usual.means_s.ndim == 1 else np.einsum("cs,sc->s", classes, usual.means_s)
        return fine, seconds

    def _without_disturbed(self) -> list[int]:
        """Take disturbed bins out of the baseline's slots; returns the slots that had any."""
        width = self._baseline.slot_bins
        bins = np.array(
            [
                n * PIECE_BINS + k
                for n, one in sorted(self._disturbed.pieces.items())
                for k in np.flatnonzero(one.disturbed).tolist()
            ],
            np.int64,
        )
        bins = bins[bins < self._count * width]
        if not len(bins):
            return []
        self._classes, self._late = self._classes.copy(), self._late.copy()
        slots, counts = np.unique(bins // width, return_counts=True)
        whole = slots[counts == width]
        self._classes[:, :, whole] = 0
        self._late[..., whole] = 0
        partly = np.isin(bins // width, slots[counts < width])
        for block in np.unique(bins[partly] // BLOCK_BINS).tolist():
            inside = bins[partly & (bins // BLOCK_BINS == block)]
            classes = self._baseline.sampler.block(block)
            within = self._baseline.sampler.within(block, classes)
            for one in inside.tolist():
                self._classes[:, :, one // width] -= classes[:, :, one - block * BLOCK_BINS]
                self._late[..., one // width] -= within[..., one - block * BLOCK_BINS]
        out: list[int] = slots.tolist()
        return out

    def _placed(self, classes: Array, late: Array, usual: _Usual, names: tuple[str | int, ...]) -> Array:
        """Other answers by latency class, `[classes, slots]`: those within each kept bound are known."""
        good, slots = self._layout.classes.count, classes.shape[1]
        out = np.zeros((good, slots), dtype=np.int64)
        edges = [0, *(kept + 1 for kept in self._layout.kept), good]
        for code in range(len(self._layout.others)):
            upto = np.concatenate([np.zeros((1, slots), np.int64), late[code], classes[None, good + code]])
            for group, (begin, end) in enumerate(itertools.pairwise(edges)):
                counts = upto[group + 1] - upto[group]
                shares = usual.late[..., code, begin:end]
                if not counts.any():
                    continue
                if end - begin == 1 or (shares.ndim == 1 and np.count_nonzero(shares) == 1):
                    out[begin + (int(np.argmax(shares)) if shares.ndim == 1 else 0)] += counts
                    continue
                total = shares.sum(axis=-1, keepdims=True)
                shares = np.where(total > 0, shares / np.where(total > 0, total, 1.0), np.eye(end - begin)[0])
                rng = stream(self._seed, "histogram of other answers", *names, self._layout.others[code], group)
                out[begin:end] += rng.multinomial(counts, shares).T
        return out

    def _add_disturbed(self, row: int, names: tuple[str, ...], fine: Array, seconds: FloatArray) -> None:
        """Add the requests of disturbed bins, each split by the answer that held in it."""
        width, classes = self._baseline.slot_bins, self._layout.classes
        for number, piece in sorted(self._disturbed.pieces.items()):
            bins = np.flatnonzero(piece.disturbed)
            slots = (number * PIECE_BINS + bins) // width
            bins, slots = bins[slots < self._count], slots[slots < self._count]
            if not len(bins):
                continue
            which = piece.which[row, bins]
            good = piece.classes[row][: classes.count, bins]
            placed = good + piece.late[row][:, bins]
            shares = np.array([answer.body for answer in piece.answers])[which]
            rng = stream(self._seed, "histogram body", *names, "piece", number)
            split = rng.multinomial(placed[0], shares / shares.sum(axis=1, keepdims=True))
            means = np.array([answer.class_means_s for answer in piece.answers])[which]
            added = np.concatenate([split.T, placed[1:]])
            for slot in np.unique(slots).tolist():
                fine[:, slot] += added[:, slots == slot].sum(axis=1)
            np.add.at(seconds, slots, np.einsum("cb,bc->b", good, means) + piece.late_s[row, bins])


def _usual(course: RouteCourse, row: int, slots: int, width: int) -> _Usual:
    """Shares and means of one cell, weighted with the requests to which each answer was given.

    Given their number in a slot, the requests of a class are spread over its parts as the sum of their expected numbers is.
    """
    which = course.which[row]
    if len(course.answers) == 1 or (which == which[0]).all():
        one = course.answers[int(which[0])]
        return _Usual(one.body / one.body.sum(), np.concatenate([one.class_means_s, one.other_means_s]), one.other_classes)
    used, which = np.unique(which[: slots * width], return_inverse=True)
    answers, number = [course.answers[index] for index in used.tolist()], len(used)
    at = np.repeat(np.arange(slots) * number, width) + which
    weight: FloatArray = np.bincount(at, weights=course.requests[row, : slots * width], minlength=slots * number).astype(np.float64)
    weight = weight.reshape(slots, number)
    marks = np.array([answer.marks for answer in answers])
    good = len(answers[0].class_means_s)
    late = np.array([answer.other_classes for answer in answers])
    # The body holds good answers and others.
    inside = marks[:, 0] + (marks[:, good:] * late[:, :, 0]).sum(axis=1)
    means = np.array([np.concatenate([answer.class_means_s, answer.other_means_s]) for answer in answers])
    same = bool((late == late[0]).all())
    parts = [(inside, np.array([answer.body for answer in answers]))]
    parts += [(marks[:, c], means[:, c, None]) for c in range(means.shape[1])]
    parts += [] if same else [(marks[:, good + code], late[:, code]) for code in range(late.shape[1])]
    body, *rest = _mixed(weight, parts)
    own, spread = rest[: means.shape[1]], rest[means.shape[1] :]
    return _Usual(
        body / body.sum(axis=1, keepdims=True), np.concatenate(own, axis=1), late[0] if same else np.stack(spread, axis=1)
    )


def _mixed(weight: FloatArray, parts: Sequence[tuple[FloatArray, FloatArray]]) -> list[FloatArray]:
    """Mean of each part, `[slots, k]`, from weights `[slots, answers]`; the first answer's where nothing has weight.

    A part is its marks `[answers]` and its values `[answers, k]`. All are found by one product of matrices.
    """
    totals = weight @ np.stack([marks for marks, _ in parts], axis=1)
    sums = weight @ np.concatenate([marks[:, None] * values for marks, values in parts], axis=1)
    out, begin = [], 0
    for number, (_, values) in enumerate(parts):
        total = totals[:, number, None]
        part = sums[:, begin : begin + values.shape[1]]
        out.append(np.where(total > 0, part / np.where(total > 0, total, 1.0), values[0]))
        begin += values.shape[1]
    return out


def _alike(course: RouteCourse, row: int, other: int) -> bool:
    """Whether two cells have the same answers and requests in proportion, so that shares within slots are the same."""
    if not np.array_equal(course.which[row], course.which[other]):
        return False
    one, two = course.requests[row], course.requests[other]
    scale = two.sum() / one.sum() if one.sum() > 0 else 0.0
    return bool(scale > 0 and np.abs(one * scale - two).max() <= 1e-9 * two.max())


def _running(counts: Array, restarts: Sequence[int]) -> Array:
    """A cumulative counter `[slots]` that begins again at 0 in each restarted slot; whole numbers stay whole."""
    total: Array = np.cumsum(counts)
    out = total.copy() if restarts else total
    for slot in restarts:
        if slot < counts.shape[-1]:
            out[slot:] = total[slot:] - (total[slot] - counts[slot])
    return out
