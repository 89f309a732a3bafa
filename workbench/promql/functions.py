"""Functions of an instant vector, element by element (promql/functions.go); all drop the metric name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.promql import go_math as go
from workbench.promql import go_trigonometry as trigonometry
from workbench.promql.vector import BoolArray, Scalar, Vector, either, merged, without_name
from workbench.promql.windows import IntArray
from workbench.telemetry.series import FloatArray

_DAY_S = 86_400

SIMPLE: dict[str, Callable[[FloatArray], FloatArray]] = {
    "abs": np.abs,
    "acos": trigonometry.acos,
    "acosh": trigonometry.acosh,
    "asin": trigonometry.asin,
    "asinh": trigonometry.asinh,
    "atan": trigonometry.atan,
    "atanh": trigonometry.atanh,
    "ceil": np.ceil,
    "cos": trigonometry.cos,
    "cosh": trigonometry.cosh,
    "deg": lambda v: v * 180 / np.pi,
    "exp": go.exp,
    "floor": np.floor,
    "ln": go.log,
    "log10": go.log10,
    "log2": go.log2,
    "rad": lambda v: v * np.pi / 180,
    "sgn": lambda v: np.where(v < 0, -1.0, np.where(v > 0, 1.0, v)),
    "sin": trigonometry.sin,
    "sinh": trigonometry.sinh,
    "sqrt": np.sqrt,
    "tan": trigonometry.tan,
    "tanh": trigonometry.tanh,
}
"""Functions of one number."""

DATES: dict[str, Callable[[IntArray], IntArray]] = {
    "day_of_month": lambda s: _since(_days(s), "M") + 1,
    "day_of_week": lambda s: (s // _DAY_S + 4) % 7,
    "day_of_year": lambda s: _since(_days(s), "Y") + 1,
    "days_in_month": lambda s: _days_in_month(_days(s)),
    "hour": lambda s: s // 3600 % 24,
    "minute": lambda s: s // 60 % 60,
    "month": lambda s: _days(s).astype("M8[M]").astype(np.int64) % 12 + 1,
    "year": lambda s: _days(s).astype("M8[Y]").astype(np.int64) + 1970,
}
"""Functions of a time, in seconds of Unix time; UTC."""


def of_elements(function: str, given: Vector) -> Vector:
    """A function of one number, of every element."""
    with np.errstate(all="ignore"):
        return _named(given, SIMPLE[function](given.values), given.present)


def clamped(given: Vector, lowest: Scalar | None, highest: Scalar | None) -> Vector:
    """`clamp`, `clamp_min`, `clamp_max`: nothing where the bounds are the wrong way round."""
    values, present = given.values, given.present
    failed = given.failed
    if highest is not None:
        values = _go_min(highest.values, values)
        failed = either(failed, highest.failed)
    if lowest is not None:
        values = _go_max(lowest.values, values)
        failed = either(failed, lowest.failed)
    if lowest is not None and highest is not None:
        present = present & ~(highest.values < lowest.values)
    return _named(given, values, present, failed)


def rounded(given: Vector, nearest: Scalar | None) -> Vector:
    """`round`: to a multiple, ties upwards."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / (np.ones(1) if nearest is None else nearest.values)
        values = np.floor(given.values * inverse + 0.5) / inverse
    return _named(given, values, given.present, None if nearest is None else nearest.failed)


def dates(function: str, given: Vector) -> Vector:
    """A function of a time, of every element."""
    return _named(given, of_times(function, given.values), given.present)


def of_times(function: str, seconds: FloatArray) -> FloatArray:
    """A function of times in seconds."""
    # Go's conversion of what is no whole number of 64 bits is not defined; far years are cut off.
    whole = np.clip(np.nan_to_num(seconds, nan=-1e15), -1e15, 1e15).astype(np.int64)
    found: FloatArray = DATES[function](whole).astype(np.float64)
    return found


def scalar_of(given: Vector) -> Scalar:
    """`scalar`: the value of the only element, NaN where there is none or there are several."""
    alone = given.present.sum(axis=0) == 1
    if not given.labels:
        return Scalar(np.full(alone.shape, np.nan), given.failed)
    value = given.values[given.present.argmax(axis=0), np.arange(len(alone))]
    return Scalar(np.where(alone, value, np.nan), given.failed)


def histories(rows: Sequence[BoolArray], instants: int) -> BoolArray:
    """Where none of the rows is present: [T]."""
    found = np.ones(instants, bool)
    for row in rows:
        found &= ~row
    return found


def _named(given: Vector, values: FloatArray, present: BoolArray, failed: BoolArray | None = None) -> Vector:
    return merged([without_name(labels) for labels in given.labels], values, present, either(given.failed, failed))


def _go_min(bound: FloatArray, values: FloatArray) -> FloatArray:
    """math.Min: an infinite bound wins over NaN, -0 is less than 0."""
    least = np.minimum(bound, values)
    least = np.where((bound == -np.inf) | (values == -np.inf), -np.inf, least)
    return np.where((bound == 0) & (values == 0) & (np.signbit(bound) | np.signbit(values)), -0.0, least)


def _go_max(bound: FloatArray, values: FloatArray) -> FloatArray:
    most = np.maximum(bound, values)
    most = np.where((bound == np.inf) | (values == np.inf), np.inf, most)
    return np.where((bound == 0) & (values == 0) & ~(np.signbit(bound) & np.signbit(values)), 0.0, most)


def _days(seconds: IntArray) -> np.ndarray:
    return (seconds // _DAY_S).astype("M8[D]")


def _since(days: np.ndarray, unit: str) -> IntArray:
    begin: IntArray = (days - days.astype(f"M8[{unit}]").astype("M8[D]")).astype(np.int64)
    return begin


def _days_in_month(days: np.ndarray) -> IntArray:
    month = days.astype("M8[M]")
    length: IntArray = ((month + 1).astype("M8[D]") - month.astype("M8[D]")).astype(np.int64)
    return length
