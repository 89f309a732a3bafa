"""Binary operators between scalars and vectors, and which elements of two vectors belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.promql.ast import ARITHMETIC, COMPARISONS, Binary, Matching
from workbench.promql.dialect import Dialect
from workbench.promql.go_math import power
from workbench.promql.go_trigonometry import atan2
from workbench.promql.vector import BoolArray, Labels, Scalar, Vector, dropped, either, kept, merged, without_name
from workbench.telemetry.series import FloatArray

_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": power,
    "atan2": atan2,
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def compute(operator: str, left: FloatArray, right: FloatArray) -> Any:
    """Element by element: numbers for arithmetic, truths for comparisons; IEEE throughout."""
    with np.errstate(all="ignore"):
        return _COMPUTE[operator](left, right)


def of_scalars(operator: str, left: Scalar, right: Scalar) -> Scalar:
    """Two scalars; a comparison gives 0 or 1."""
    number: FloatArray = np.asarray(compute(operator, left.values, right.values), dtype=np.float64)
    return Scalar(number, either(left.failed, right.failed))


def _keeps_name(expr: Binary, dialect: Dialect) -> bool:
    """Whether the elements of an operator keep their name, `bool` aside."""
    return expr.operator not in ARITHMETIC or (expr.operator == "atan2" and not dialect.atan2_drops_name)


def with_scalar(expr: Binary, vector: Vector, scalar: Scalar, dialect: Dialect, *, scalar_left: bool) -> Vector:
    """A vector and a scalar."""
    number = scalar.values[None, :]
    result = compute(expr.operator, *((number, vector.values) if scalar_left else (vector.values, number)))
    failed = either(vector.failed, scalar.failed)
    if expr.operator in COMPARISONS and not expr.returns_bool:
        return Vector(vector.labels, vector.values, vector.present & result, failed)
    if _keeps_name(expr, dialect) and not expr.returns_bool:
        return Vector(vector.labels, result.astype(np.float64), vector.present, failed)
    return merged([without_name(labels) for labels in vector.labels], result.astype(np.float64), vector.present, failed)


def with_vector(expr: Binary, left: Vector, right: Vector, dialect: Dialect) -> Vector:
    """Two vectors, element by matching element."""
    failed = either(left.failed, right.failed)
    match expr.operator:
        case "and" | "unless":
            there = _covered(left, right, expr.matching)
            return Vector(left.labels, left.values, left.present & (there if expr.operator == "and" else ~there), failed)
        case "or":
            present = right.present & ~_covered(right, left, expr.matching)
            return merged(
                [*left.labels, *right.labels],
                np.concatenate([left.values, right.values]),
                np.concatenate([left.present, present]),
                failed,
            )
        case _:
            return _pairwise(expr, left, right, failed, dialect)


def signature(labels: Labels, matching: Matching) -> Labels:
    """What two elements must have in common to belong together."""
    return kept(labels, matching.labels) if matching.on else dropped(labels, matching.labels)


def _covered(one: Vector, other: Vector, matching: Matching) -> BoolArray:
    """Where the other vector has an element with the signature of each row of the first: [n, T]."""
    found: dict[Labels, BoolArray] = {}
    for labels, present in zip(other.labels, other.present, strict=True):
        key = signature(labels, matching)
        found[key] = found[key] | present if key in found else present
    out = np.zeros(one.present.shape, bool)
    for row, labels in enumerate(one.labels):
        there = found.get(signature(labels, matching))
        if there is not None:
            out[row] = there
    return out


def _pairwise(expr: Binary, left: Vector, right: Vector, failed: BoolArray | None, dialect: Dialect) -> Vector:
    """Arithmetic and comparisons (VectorBinop in promql/engine.go), which also says in which order matching fails."""
    matching = expr.matching
    many, one = (right, left) if matching.many == "right" else (left, right)
    partners, ambiguous = _by_signature(one, matching)
    # Where one side is empty nothing is matched, so nothing fails.
    ambiguous &= many.present.any(axis=0) & one.present.any(axis=0)
    labels: list[Labels] = []
    values: list[FloatArray] = []
    present: list[BoolArray] = []
    taken: dict[Labels, BoolArray] = {}
    for row, own in enumerate(many.labels):
        key = signature(own, matching)
        for partner in partners.get(key, ()):
            both = many.present[row] & one.present[partner]
            pair = (many.values[row], one.values[partner])
            result = compute(expr.operator, *(pair[::-1] if matching.many == "right" else pair))
            if expr.operator in COMPARISONS and not expr.returns_bool:
                # A filter keeps the value of the left side; what it drops cannot be a second match.
                values.append(left.values[partner if matching.many == "right" else row])
                both = both & result
            else:
                values.append(result.astype(np.float64))
            if matching.many is None:
                if key in taken:
                    ambiguous |= taken[key] & both
                    taken[key] = taken[key] | both
                else:
                    taken[key] = both
            present.append(both)
            labels.append(_result_labels(expr, own, one.labels[partner], dialect))
    instants = left.values.shape[1]
    failed = either(failed, ambiguous) if ambiguous.any() else failed
    shape = (len(labels), instants)
    return merged(labels, np.array(values).reshape(shape), np.array(present, bool).reshape(shape), failed)


def _by_signature(one: Vector, matching: Matching) -> tuple[dict[Labels, list[int]], BoolArray]:
    """Rows of the "one" side, and where two of one signature are present at once: [T]."""
    rows: dict[Labels, list[int]] = {}
    twice = np.zeros(one.present.shape[1], bool)
    for row, labels in enumerate(one.labels):
        alike = rows.setdefault(signature(labels, matching), [])
        for earlier in alike:
            twice |= one.present[earlier] & one.present[row]
        alike.append(row)
    return rows, twice


def _result_labels(expr: Binary, own: Labels, partner: Labels, dialect: Dialect) -> Labels:
    """ResultMetric in promql/engine.go: arithmetic drops the name first, `bool` last."""
    matching = expr.matching
    labels = own if _keeps_name(expr, dialect) else without_name(own)
    if matching.many is None:
        labels = kept(labels, matching.labels) if matching.on else tuple(pair for pair in labels if pair[0] not in matching.labels)
    if matching.include:
        given = dict(partner)
        result = {name: value for name, value in labels if name not in matching.include}
        result |= {name: given[name] for name in matching.include if name in given}
        labels = tuple(sorted(result.items()))
    return without_name(labels) if expr.returns_bool else labels
