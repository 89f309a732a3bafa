"""What differs between Prometheus versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from workbench.promql.signatures import version_of

LOOKBACK_MS = 300_000
"""How old the newest sample may be for an instant selector."""


class VersionedProfile(Protocol):
    """The part of a profile that decides what an expression means."""

    @property
    def prometheus(self) -> str:
        """The version, `2.42`."""

    @property
    def evaluation_interval_s(self) -> float:
        """The step of a subquery that names none."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The version-dependent rules, by the versions that changed them (prometheus/prometheus, promql/functions.go and engine.go)."""

    left_open: bool
    """From 3.0 the left edge of a range, a lookback or a subquery is outside."""
    clamps_last: bool
    """From 2.51 the distance to a counter's zero limits the left stretch after the 1.1-spacings rule, before 2.51 ahead of it."""
    compensates_sum: bool
    """From 2.54 `sum` carries the rounding error along (Kahan, Neumaier)."""
    compensates_avg: bool
    """From 2.55 `avg` and `avg_over_time` divide a compensated sum; before, `avg_over_time` compensates a running mean."""
    forgets_at_infinity: bool
    """From 2.55 a compensated sum that becomes infinite forgets the error carried so far."""
    ignores_small_deltas: bool
    """From 2.49 `histogram_quantile` ignores relative differences of neighbouring buckets below 1e-12."""
    keeps_heap_root: bool
    """From 2.53 `topk` and `bottomk` overwrite the root of their heap, before that they take it out and put the new element in: it
    decides which of equal elements stay."""
    late_parameters: bool
    """From 3.5 the parameter of `topk` and `bottomk` fails the query only where there is an element."""
    dots_take_newlines: bool
    """From 3.0 the dot of a regular expression matches a newline."""
    infinity_has_no_spread: bool
    """From 3.0 `stddev` and `stdvar` of a first element that is not finite are NaN."""

    absent_counts_matchers: bool
    """Before 2.53 (2.42 has it so) `absent` looks at an equality matcher even after another matcher of the same label."""
    atan2_drops_name: bool
    """Before 2.53 (2.42 has it so) `atan2` keeps the metric name."""

    @classmethod
    def of(cls, profile: VersionedProfile) -> Dialect:
        """The rules of a profile's version; raises ValueError for a version that is no `major.minor`."""
        version = version_of(profile.prometheus)
        return cls(
            left_open=version >= (3, 0),
            clamps_last=version >= (2, 51),
            compensates_sum=version >= (2, 54),
            compensates_avg=version >= (2, 55),
            forgets_at_infinity=version >= (2, 55),
            ignores_small_deltas=version >= (2, 49),
            keeps_heap_root=version >= (2, 53),
            late_parameters=version >= (3, 5),
            dots_take_newlines=version >= (3, 0),
            infinity_has_no_spread=version >= (3, 0),
            absent_counts_matchers=version >= (2, 43),
            atan2_drops_name=version >= (2, 43),
        )
