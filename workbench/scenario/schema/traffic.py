"""Who sends requests: tiers, segments, shapes over the day, the week and the year, surges, bots, retries."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    ROUTE_PATTERN,
    Document,
    Number,
    Positive,
    PositiveDuration,
    Share,
    Whole,
    broken_rule,
    matching,
)
from workbench.scenario.schema.components import Retries

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RoutePath = Annotated[
    str,
    Field(max_length=200),
    matching(ROUTE_PATTERN, "a route begins with '/' and holds letters, digits and / _ . : { } -"),
    WithJsonSchema({"type": "string", "pattern": ROUTE_PATTERN, "maxLength": 200}),
]


class WorldTier(Document):
    """Who uses the system at this tier."""

    users: Annotated[Whole, Field(ge=0)]
    traffic_share: Share
    """Share of all requests; the tiers' shares add up to 100 %."""


class Surge(Document):
    """A recurring peak: a premiere, a campaign mail."""

    weekday: Weekday
    at_hour: Annotated[Number, Field(ge=0, lt=24)]
    """Local time of the peak's middle, in hours."""
    half_width: PositiveDuration
    """The surge has the shape of a bell; this is its standard deviation."""
    factor: Annotated[Number, Field(ge=1, le=100)]
    """Traffic at the middle, as a multiple of the usual traffic at that hour."""


class Traffic(Document):
    """Requests a second over the week."""

    mean_rps: Positive
    """Mean over all routes and tiers and the whole run."""
    capacity_rps: Positive
    """What the system was built for; reports compare the peak with it."""
    hours: Annotated[tuple[Positive, ...], Field(min_length=24, max_length=24)]
    """Relative traffic at each local hour 0..23, joined smoothly."""
    weekdays: dict[Weekday, Positive]
    """Relative traffic of each weekday."""
    surges: tuple[Surge, ...] = ()
    requests_per_session: Positive = 12.0
    session_length: PositiveDuration = 900.0
    retries: Retries | None = None
    """What clients do when a request fails."""
    timeout: PositiveDuration = 10.0
    """Requests that get no answer are given up after this time (codes 499 and 504)."""

    @model_validator(mode="after")
    def _all_weekdays(self) -> Self:
        missing = [day for day in WEEKDAYS if day not in self.weekdays]
        if missing:
            raise broken_rule(f"every weekday needs a factor; missing: {', '.join(missing)}", "weekdays")
        return self
