"""Instant vectors at many instants: the value that every expression has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.telemetry.series import FloatArray

BoolArray = npt.NDArray[np.bool_]
Labels = tuple[tuple[str, str], ...]
"""Sorted by name; `__name__` is one of them where Prometheus would keep it."""


@dataclass(frozen=True, eq=False)
class Vector:
    """Elements at T instants: row i is the element with `labels[i]`; where `present` is false there is none."""

    labels: tuple[Labels, ...]
    """n label sets, all different."""
    values: FloatArray
    """[n, T]; anything where not present."""
    present: BoolArray
    """[n, T]."""
    failed: BoolArray | None = None
    """[T]: where Prometheus fails the query (two elements with the same labels), so there is no result; None: nowhere."""


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number at T instants."""

    values: FloatArray
    """[T]."""
    failed: BoolArray | None = None
    """[T]: where Prometheus fails the query; None: nowhere."""


def nothing(instants: int) -> Vector:
    """No elements at all."""
    return Vector((), np.zeros((0, instants)), np.zeros((0, instants), bool))


def without_name(labels: Labels) -> Labels:
    """Labels as functions and arithmetic leave them."""
    return tuple(pair for pair in labels if pair[0] != "__name__")


def kept(labels: Labels, names: Sequence[str]) -> Labels:
    """Only the named labels."""
    return tuple(pair for pair in labels if pair[0] in names)


def dropped(labels: Labels, names: Sequence[str]) -> Labels:
    """All but the named labels, and not the metric name."""
    return tuple(pair for pair in labels if pair[0] not in names and pair[0] != "__name__")


def either(one: BoolArray | None, other: BoolArray | None) -> BoolArray | None:
    """Where at least one of two computations fails; None: nowhere."""
    if one is None:
        return other
    return one if other is None else one | other


def merged(labels: Sequence[Labels], values: FloatArray, present: BoolArray, failed: BoolArray | None = None) -> Vector:
    """A vector from rows of which several may have the same labels, at different instants.

    Where two of them are present at once Prometheus fails the query, and so are these instants marked.
    """
    first: dict[Labels, int] = {}
    for row, one in enumerate(labels):
        first.setdefault(one, row)
    if len(first) == len(labels):
        return Vector(tuple(labels), values, present, failed)
    rows = {one: position for position, one in enumerate(first)}
    out = np.zeros((len(rows), values.shape[1]))
    there = np.zeros(out.shape, bool)
    twice = np.zeros(values.shape[1], bool)
    for row, one in enumerate(labels):
        at = rows[one]
        twice |= there[at] & present[row]
        np.copyto(out[at], values[row], where=present[row])
        there[at] |= present[row]
    return Vector(tuple(rows), out, there, either(failed, twice) if twice.any() else failed)
