"""What a module of the failure library states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from workbench.scenario.schema.failures import WeeklyProfile
from workbench.scenario.schema.strengths import DURATIONS, DurationClass
from workbench.units import parse_duration
from workbench.world.impact import Act, Shape

Radius = Literal["component", "routes", "region", "platform"]
"""Whom a mode hits where the scenario names nobody. component: it must name some. routes: the requests of all routes. region: all
components, and the requests of all routes, on a third of the hosts. platform: nobody, only what the platform measures."""
REGION_SHARE = 1 / 3
"""Share of the hosts of a region where the scenario states none: one of three."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A lognormal law in seconds."""

    median_s: float
    sigma: float

    @classmethod
    def of(cls, kind: DurationClass) -> Duration:
        """The usual law of a kind of incident."""
        law = DURATIONS[kind]
        return cls(law.median, law.sigma)

    @classmethod
    def written(cls, median: str, sigma: float) -> Duration:
        """With the median as a user writes it: `20m`."""
        return cls(parse_duration(median), sigma)


@dataclass(frozen=True)
class Mode:
    """One failure mode of the library; its module's docstring says what it is."""

    acts: tuple[Act, ...]
    """What half of its incidents do at least, at full strength and on every host."""
    duration: Duration
    onset: str
    """When it begins, as a sentence."""
    moves: tuple[str, ...]
    """What an incident moves, as one would look for it."""
    parameters: Mapping[str, str]
    """Fields of a scenario that change what it does, with their meaning here; one for each act."""
    radius: Radius = "component"
    spread: float = 0.3
    """Sigma of the logarithm of its strength between incidents."""
    shape: Shape = field(default_factory=Shape)
    weekly: WeeklyProfile | None = None
    """When in the week it begins where the scenario does not say."""
    hosts: float = 1.0
    """Share of the hosts that it touches where the scenario does not say."""
    restarts: bool = False
    """Whether it ends in a restart of the components: their counters begin again at 0."""
