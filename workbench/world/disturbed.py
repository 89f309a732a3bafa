"""Bins in which a route does not fare as usual: their requests, drawn anew from what the course expects.

Arrivals of a cell are those of the baseline, thinned where fewer are expected and added to where more are (a thinned Poisson
stream is Poisson again, and so is the sum of two: exact); the answer that holds then splits them. So errors alone change no
arrival.

Draws are made in pieces of `PIECE_BINS`, always from the piece's first bin on and bin after bin, from streams keyed by route and
piece: what comes later never changes what came before, and it does not matter in how many steps a piece is filled.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import Answer, RouteCourse
from workbench.world.layout import RouteLayout

PIECE_BINS = 20
"""Bins drawn together."""


@dataclass
class Piece:
    """One piece of one route. Arrays span the whole piece; only disturbed bins hold anything."""

    disturbed: Array
    """`[PIECE_BINS]` booleans."""
    answers: list[Answer]
    """Every answer that held in it."""
    which: Array
    """Index into `answers`, `[cells, PIECE_BINS]`."""
    expected: FloatArray
    """Requests that the course expects, `[cells, PIECE_BINS]`."""
    usual: FloatArray
    """Requests that the baseline expects, `[cells, PIECE_BINS]`."""
    drawn: Array
    """Requests that the baseline has, `[cells, PIECE_BINS]`."""
    classes: Array
    """`[cells, class_rows, PIECE_BINS]`, int32."""
    late: Array
    """Other answers by latency class, `[cells, classes.count, PIECE_BINS]`, int32."""
    late_s: FloatArray
    """Seconds that other answers took together, `[cells, PIECE_BINS]`."""


@dataclass
class Disturbed:
    """All pieces of one route in which something was not as usual."""

    layout: RouteLayout
    seed: int
    pieces: dict[int, Piece] = field(default_factory=dict)

    def forget(self, first: int) -> None:
        """Bins from `first` on are as usual again until told otherwise."""
        number, offset = divmod(first, PIECE_BINS)
        for later in [one for one in self.pieces if one > number]:
            del self.pieces[later]
        if number in self.pieces:
            self.pieces[number].disturbed[offset:] = False
            if not offset or not self.pieces[number].disturbed.any():
                del self.pieces[number]

    def draw(self, course: RouteCourse, usual: RouteCourse, low: int, high: int, disturbed: Array, drawn: Array) -> None:
        """Draw the disturbed ones of bins [low, high).

        `course` begins at bin `low` and `usual` at 0; `disturbed` `[bins]` and `drawn` `[cells, bins]`, what the baseline has,
        are of these bins.
        """
        touched = np.unique((low + np.flatnonzero(disturbed)) // PIECE_BINS).tolist()
        for number in touched:
            begin = number * PIECE_BINS
            a, b = max(low, begin), min(high, begin + PIECE_BINS)
            piece = self.pieces.get(number)
            if piece is None:
                piece = self.pieces[number] = self._empty()
            inside, outside = slice(a - begin, b - begin), slice(a - low, b - low)
            piece.disturbed[inside] = disturbed[outside]
            piece.which[:, inside] = _merged(piece.answers, course.answers, course.which[:, outside])
            piece.expected[:, inside] = course.requests[:, outside]
            piece.usual[:, inside] = usual.requests[:, a:b]
            piece.drawn[:, inside] = drawn[:, outside]
            self._fill(piece, number, b - begin)

    def _empty(self) -> Piece:
        cells, classes = len(self.layout.cells), self.layout.classes.count
        flat = (cells, PIECE_BINS)
        return Piece(
            disturbed=np.zeros(PIECE_BINS, bool),
            answers=[],
            which=np.zeros(flat, np.int32),
            expected=np.zeros(flat),
            usual=np.zeros(flat),
            drawn=np.zeros(flat, np.int64),
            classes=np.zeros((cells, self.layout.class_rows, PIECE_BINS), np.int32),
            late=np.zeros((cells, classes, PIECE_BINS), np.int32),
            late_s=np.zeros(flat),
        )

    def _fill(self, piece: Piece, number: int, upto: int) -> None:
        """Draw the piece's disturbed bins before `upto`, from its first one on."""
        names = ("disturbed", self.layout.route, number)
        good = self.layout.classes.count
        bins = np.flatnonzero(piece.disturbed[:upto])
        # Bins first, cells second: generators are used up in the order of time.
        which = piece.which[:, bins].T
        arrivals = _arrivals(self.seed, names, piece.drawn[:, bins].T, piece.usual[:, bins].T, piece.expected[:, bins].T)
        marks = np.array([answer.marks for answer in piece.answers])
        # A sum that is a rounding above 1 is no probability to numpy.
        marks = marks / np.maximum(marks.sum(axis=1, keepdims=True), 1e-300)
        split = stream(self.seed, *names, "answers").multinomial(arrivals, marks[which])
        piece.classes[:, :, bins] = split.transpose(1, 2, 0)
        late = np.zeros((*which.shape, good), np.int32)
        late_s = np.zeros(which.shape)
        rng: np.random.Generator | None = None
        for code in range(len(self.layout.others)):
            counts = split[:, :, good + code]
            shares = np.array([answer.other_classes[code] for answer in piece.answers])
            late_s += counts * np.array([answer.other_means_s[code] for answer in piece.answers])[which]
            if ((shares == 0) | (shares == 1)).all():
                late += (counts[..., None] * shares[which]).astype(np.int32)
                continue
            rng = stream(self.seed, *names, "other latencies", code)
            late += rng.multinomial(counts, shares[which] / shares[which].sum(axis=-1, keepdims=True)).astype(np.int32)
        piece.late[:, :, bins] = late.transpose(1, 2, 0)
        piece.late_s[:, bins] = late_s.T

    def rows(self, number: int) -> Array:
        """What of a piece is scraped, `[cells, rows, PIECE_BINS]`; means something in disturbed bins only."""
        piece = self.pieces[number]
        within = np.cumsum(piece.late, axis=1, dtype=np.int32)[:, list(self.layout.kept)]
        return self.layout.scraped(piece.classes, within)


def _arrivals(seed: int, names: tuple[str | int, ...], drawn: Array, usual: FloatArray, expected: FloatArray) -> Array:
    """Requests of each bin and cell, `[bins, cells]`, given what the baseline has and how many were and are expected."""
    share = np.divide(expected, usual, out=np.zeros_like(expected), where=usual > 0).clip(0.0, 1.0)
    more = (expected - usual).clip(0.0)
    out = drawn
    if (share < 1).any():
        out = stream(seed, *names, "fewer").binomial(drawn, share)
    if more.any():
        out = out + stream(seed, *names, "more").poisson(more)
    return out


def _merged(known: list[Answer], answers: tuple[Answer, ...], which: Array) -> Array:
    """`which` counted in `known`, to which answers that are new are added."""
    place = {id(answer): index for index, answer in enumerate(known)}
    out = np.empty_like(which)
    for index in np.unique(which).tolist():
        answer = answers[index]
        if id(answer) not in place:
            place[id(answer)] = len(known)
            known.append(answer)
        out[which == index] = place[id(answer)]
    return out
