"""What differs between Prometheus versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LOOKBACK_MS = 300_000
"""How old the newest sample may be for an instant selector."""


class VersionedProfile(Protocol):
    """The part of a profile that decides what an expression means."""

    @property
    def prometheus(self) -> str:
        """The version, `2.42`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The version-dependent rules, by the versions that changed them (prometheus/prometheus, promql/functions.go and engine.go)."""

    left_open: bool
    """From 3.0 the left edge of a range or lookback is outside."""
    clamps_last: bool
    """From 2.51 the distance to a counter's zero limits the left stretch after the 1.1-spacings rule, before 2.51 ahead of it."""
    compensates: bool
    """From 2.54 `sum` and `avg` carry the rounding error along (Kahan, Neumaier)."""
    ignores_small_deltas: bool
    """From 2.49 `histogram_quantile` ignores relative differences of neighbouring buckets below 1e-12."""

    @classmethod
    def of(cls, profile: VersionedProfile) -> Dialect:
        """The rules of a profile's version; raises ValueError for a version that is no `major.minor`."""
        major, minor, *_ = (int(part) for part in f"{profile.prometheus}.0".split("."))
        version = (major, minor)
        return cls(version >= (3, 0), version >= (2, 51), version >= (2, 54), version >= (2, 49))
