"""The world: how things behave. Nothing here is a choice of the team's."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import (
    MOST_NAMED,
    ApiVersion,
    Document,
    Name,
    PositiveDuration,
    Share,
    Text,
    broken_rule,
)
from workbench.scenario.schema.components import Component, Route, called
from workbench.scenario.schema.delivery import Delivery
from workbench.scenario.schema.failures import Effect, ErrorEffect, FailureMode, LatencyEffect
from workbench.scenario.schema.incidents import MOST_STATED, IncidentList, Scripted
from workbench.scenario.schema.people import People
from workbench.scenario.schema.platform import Platform
from workbench.scenario.schema.traffic import WEEKDAYS, RoutePath, Surge, Traffic, Weekday, WorldTier

__all__ = [
    "WEEKDAYS", "Component", "Delivery", "Effect", "ErrorEffect", "FailureMode", "Histogram", "LatencyEffect", "People", "Platform",
    "Route", "RoutePath", "Surge", "Traffic", "Weekday", "World", "WorldTier",
]  # fmt: skip


class Histogram(Document):
    """Buckets of `http_request_duration_seconds`."""

    bounds: Annotated[tuple[PositiveDuration, ...], Field(min_length=2, max_length=60)]
    """Upper bounds, ascending; +Inf is added."""
    body_step: PositiveDuration = 300.0
    """Bounds that hold most of a route's requests are kept this often, the others at every scrape."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for i, (lower, upper) in enumerate(itertools.pairwise(self.bounds), start=1):
            if upper <= lower:
                raise broken_rule("bounds must be strictly ascending", "bounds", i)
        return self


class World(Document):
    """How the simulated system and the people around it behave."""

    apiVersion: ApiVersion  # noqa: N815 - the field's own spelling
    kind: Literal["World"]
    name: Name
    description: Text = ""
    tiers: Annotated[dict[Name, WorldTier], Field(min_length=1, max_length=MOST_NAMED)]
    components: Annotated[dict[Name, Component], Field(min_length=1, max_length=MOST_NAMED)]
    traffic: Traffic
    routes: Annotated[dict[RoutePath, Route], Field(min_length=1, max_length=MOST_NAMED)]
    histogram: Histogram
    regions: Annotated[dict[Name, Share], Field(max_length=MOST_NAMED)] = {}
    """Share of the hosts in each region; adds up to 100 %."""
    failure_modes: Annotated[dict[Name, FailureMode], Field(max_length=MOST_NAMED)] = {}
    change_fraction: Annotated[Share, Field(lt=1)] = Decimal("0.6")
    """Share of incidents that changes cause; modes with `arrival: changes` and no `probability` happen so often that it holds."""
    incidents: Annotated[tuple[Scripted, ...], Field(max_length=MOST_STATED)] = ()
    """Incidents at stated times: mappings, or sentences such as `day 12, 14:05, 15 % errors for 10 min`."""
    incidents_from: IncidentList | None = None
    """A list of real incidents that happen in this world too."""
    delivery: Delivery
    people: People
    platform: Platform = Platform()

    def reached(self, route: str) -> tuple[str, ...]:
        """Components that a route's requests can reach, directly or through others, in the order of first mention."""
        out: dict[str, None] = {}
        waiting = list(called(self.routes[route].calls))
        while waiting:
            name = waiting.pop(0)
            if name not in out and name in self.components:
                out[name] = None
                waiting += called(self.components[name].calls)
        return tuple(out)
