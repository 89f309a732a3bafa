"""What an incident does to the parts of the world, as values. The failure library makes them; load, effects and requests read them.

Every act is stated at full strength; `Shape` says how strong it is at each moment of the incident.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Process = Literal["backup", "corruption", "certificate", "consistency", "scan"]
"""Processes of the platform that a failure can break."""


@dataclass(frozen=True, slots=True)
class ErrorsHappen:
    """A share of the calls of a component (or of the requests of the routes, where the incident names no component) fails."""

    ratio: float
    codes: tuple[tuple[str, float], ...]
    """Sorted; shares add up to 1."""
    of_requests: bool = False
    """Of the routes' requests even where the incident names components: all that a request needs lies in the same lost region, so
    what several components lose does not add up."""

    def __str__(self) -> str:
        """`errors 12.3 %`."""
        return f"errors {self.ratio * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class LatencyRises:
    """Every service time of the component is multiplied; of a component without one, the routes' own latency."""

    factor: float

    def __str__(self) -> str:
        """`latency x 4.0`."""
        return f"latency x {self.factor:.3g}"


@dataclass(frozen=True, slots=True)
class CapacityFalls:
    """A share of the component's servers is gone."""

    share: float

    def __str__(self) -> str:
        """`capacity -40 %`."""
        return f"capacity -{self.share * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class CacheCools:
    """Hit rates of calls cached in the component are multiplied by `factor` (0: every look-up misses)."""

    factor: float

    def __str__(self) -> str:
        """`cache hits x 0`."""
        return f"cache hits x {self.factor:.3g}"


@dataclass(frozen=True, slots=True)
class TrafficRises:
    """More requests arrive on the routes than usual: `factor` times.

    Those beyond the usual ones are answered by `codes` (refused log-ins), or like all others where none are given.
    """

    factor: float
    codes: tuple[tuple[str, float], ...] = ()
    """Sorted; shares add up to 1."""

    def __str__(self) -> str:
        """`traffic x 3`."""
        return f"traffic x {self.factor:.3g}"


@dataclass(frozen=True, slots=True)
class ScrapesMissing:
    """Scrapes are not taken (share 1) or some of them are lost. Users notice nothing."""

    share: float = 1.0

    def __str__(self) -> str:
        """`scrapes missing`."""
        return "scrapes missing" if self.share >= 1 else f"scrapes missing {self.share * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class MetricBreaks:
    """What a platform process measures goes wrong: failed backups, corrupt data. Users may notice nothing."""

    process: Process
    share: float = 1.0

    def __str__(self) -> str:
        """`backup fails`."""
        return f"{self.process} fails" if self.share >= 1 else f"{self.process} fails {self.share * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class MemoryGrows:
    """A share of the component's memory is taken beside what it usually uses."""

    share: float

    def __str__(self) -> str:
        """`memory +50 %`."""
        return f"memory +{self.share * 100:.3g} %"


Act = ErrorsHappen | LatencyRises | CapacityFalls | CacheCools | TrafficRises | ScrapesMissing | MetricBreaks | MemoryGrows


@dataclass(frozen=True, slots=True)
class Shape:
    """How strong an incident is in the course of it; 1 is the full strength of its acts."""

    kind: Literal["step", "ramp", "spike", "flapping", "intermittent"] = "step"
    rise_s: float = 0.0
    """ramp: time to full strength, 0 the whole natural duration; spike: time constant of its decay."""
    period_s: float = 0.0
    """flapping: length of one on and off; intermittent: mean length of them, each exponential. It begins on."""
    duty: float = 0.5
    """flapping, intermittent: share of the time at full strength."""


@dataclass(frozen=True, slots=True)
class Impact:
    """All that one incident does."""

    acts: tuple[Act, ...]
    shape: Shape = field(default_factory=Shape)

    def __str__(self) -> str:
        """`errors 12.3 %, latency x 4`."""
        return ", ".join(str(act) for act in self.acts)

    def at(self, strength: float) -> tuple[Act, ...]:
        """The acts at a strength 0..1, in their order; those that do nothing at 0 are left out there."""
        return tuple(scaled(act, strength) for act in self.acts) if strength > 0 else ()


def scaled(act: Act, share: float) -> Act:
    """The act at part of its strength, or on a share of the hosts: what it takes or adds is multiplied by `share`.

    For a ratio on a share of the hosts this is exact, where load is balanced evenly; a factor on service times keeps the mean.
    """
    if share == 1:
        return act
    match act:
        case ErrorsHappen(ratio=ratio):
            return replace(act, ratio=ratio * share)
        case LatencyRises(factor=factor) | TrafficRises(factor=factor):
            return replace(act, factor=1 + (factor - 1) * share)
        case CacheCools(factor=factor):
            return CacheCools(1 - (1 - factor) * share)
        case CapacityFalls() | ScrapesMissing() | MetricBreaks() | MemoryGrows():
            return replace(act, share=act.share * share)
