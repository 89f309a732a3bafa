"""Who sends requests: tiers and segments, when they are there, what they ask for, whether they wait for answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    MOST_NAMED,
    ROUTE_PATTERN,
    Document,
    Name,
    Number,
    Positive,
    PositiveDuration,
    Share,
    Whole,
    broken_rule,
    matching,
)
from workbench.scenario.schema.zones import Zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RoutePath = Annotated[
    str,
    Field(max_length=200),
    matching(ROUTE_PATTERN, "a route begins with '/' and holds letters, digits and / _ . : { } -"),
    WithJsonSchema({"type": "string", "pattern": ROUTE_PATTERN, "maxLength": 200}),
]
Hours = Annotated[tuple[Positive, ...], Field(min_length=24, max_length=24)]
Weights = Annotated[dict[RoutePath, Annotated[Number, Field(ge=0)]], Field(max_length=MOST_NAMED)]


class Closed(Document):
    """Users who wait for an answer before they ask again: slow minutes carry fewer requests."""

    think_time: PositiveDuration = 20.0
    """Mean time between an answer and the same user's next request."""


class Audience(Document):
    """When some users are there and what they ask for; what is not stated is as it is one level up."""

    timezone: Zone | None = None
    """The clock that these users live by: an IANA zone such as America/New_York. Not stated: the tier's, else the scenario's."""
    hours: Hours | None = None
    """Relative traffic of these users at each local hour 0..23. Not stated: the tier's, else the traffic's."""
    weekdays: dict[Weekday, Positive] | None = None
    """Relative traffic of these users on each weekday. Not stated: the tier's, else the traffic's."""
    routes: Weights = {}
    """Factors on the routes' shares among the requests of these users; a route not named has factor 1 (or the tier's)."""
    closed: Closed | Literal[False] | None = None
    """Whether these users wait for answers; `false` if they do not although those one level up do."""

    @model_validator(mode="after")
    def _whole_week(self) -> Self:
        if self.weekdays is not None:
            every_weekday(self.weekdays)
        return self


class Segment(Audience):
    """A part of a tier's users; its requests carry the label `segment`."""

    share: Share
    """Share of the tier's requests; the shares of a tier's segments add up to 100 %."""


class WorldTier(Audience):
    """Who uses the system at this tier."""

    users: Annotated[Whole, Field(ge=0)]
    traffic_share: Share
    """Share of all requests; the tiers' shares add up to 100 %."""
    segments: Annotated[dict[Name, Segment], Field(max_length=50)] = {}
    """Parts of the tier that behave differently: a region, a client, an industry."""


def every_weekday(factors: dict[Weekday, float]) -> None:
    """Raise what a validator raises if a weekday has no factor."""
    missing = [day for day in WEEKDAYS if day not in factors]
    if missing:
        raise broken_rule(f"every weekday needs a factor; missing: {', '.join(missing)}", "weekdays")
