"""Functions and aggregations: what they take, and which versions of Prometheus have them (promql/parser/functions.go)."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.promql.ast import Kind

_S, _V, _R, _T = Kind.SCALAR, Kind.VECTOR, Kind.RANGE, Kind.TEXT

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes."""

    takes: tuple[Kind, ...]
    optional: int = 0
    """How many of the last arguments may be left out."""
    repeats: bool = False
    """The last argument may come any number of times, or not at all."""
    since: Version = (0, 0)
    """The first version that has it."""
    until: Version | None = None
    """The first version that does not have it any more."""

    def kind(self, position: int) -> Kind | None:
        """The type of the argument at a position; None: there is no such argument."""
        if position < len(self.takes):
            return self.takes[position]
        return self.takes[-1] if self.repeats else None

    @property
    def fewest(self) -> int:
        """How many arguments there must be."""
        return len(self.takes) - self.optional - self.repeats

    def in_version(self, version: Version) -> bool:
        """Whether a version has the function."""
        return self.since <= version and (self.until is None or version < self.until)


_OF_VECTOR = (
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad scalar sgn sin sinh sort sort_desc "
    "sqrt tan tanh timestamp"
)
_OF_RANGE = (
    "absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time "
    "min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time"
)
_OF_DATES = "day_of_month day_of_week day_of_year days_in_month hour minute month year"
_SMOOTHING = (_R, _S, _S)

FUNCTIONS: dict[str, Signature] = {
    **{name: Signature((_V,)) for name in _OF_VECTOR.split()},
    **{name: Signature((_R,)) for name in _OF_RANGE.split()},
    **{name: Signature((_V,), optional=1) for name in _OF_DATES.split()},
    "clamp": Signature((_V, _S, _S)),
    "clamp_max": Signature((_V, _S)),
    "clamp_min": Signature((_V, _S)),
    "double_exponential_smoothing": Signature(_SMOOTHING, since=(3, 0)),
    "first_over_time": Signature((_R,), since=(3, 7)),
    "histogram_fraction": Signature((_S, _S, _V), since=(3, 4)),
    "histogram_quantile": Signature((_S, _V)),
    "holt_winters": Signature(_SMOOTHING, until=(3, 0)),
    "label_join": Signature((_V, _T, _T, _T), repeats=True),
    "label_replace": Signature((_V, _T, _T, _T, _T)),
    "mad_over_time": Signature((_R,), since=(2, 49)),
    "pi": Signature(()),
    "predict_linear": Signature((_R, _S)),
    "quantile_over_time": Signature((_S, _R)),
    "round": Signature((_V, _S), optional=1),
    "sort_by_label": Signature((_V, _T), repeats=True, since=(2, 49)),
    "sort_by_label_desc": Signature((_V, _T), repeats=True, since=(2, 49)),
    "time": Signature(()),
    "ts_of_first_over_time": Signature((_R,), since=(3, 7)),
    "ts_of_last_over_time": Signature((_R,), since=(3, 5)),
    "ts_of_max_over_time": Signature((_R,), since=(3, 5)),
    "ts_of_min_over_time": Signature((_R,), since=(3, 5)),
    "vector": Signature((_S,)),
}
"""Every function that is evaluated."""

AGGREGATIONS: dict[str, Kind | None] = {
    "avg": None,
    "bottomk": _S,
    "count": None,
    "count_values": _T,
    "group": None,
    "max": None,
    "min": None,
    "quantile": _S,
    "stddev": None,
    "stdvar": None,
    "sum": None,
    "topk": _S,
}
"""Every aggregation that is evaluated, and the type of its parameter."""

NATIVE = frozenset({"histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum"})
"""Functions that mean something only for native histograms, which telemetry here does not have."""


def version_of(prometheus: str) -> Version:
    """`2.42` as numbers; raises ValueError for anything else."""
    major, minor, *_ = (int(part) for part in f"{prometheus}.0".split("."))
    return major, minor
