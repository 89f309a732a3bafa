"""The world: how things behave. Nothing here is a choice of the team's."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    MOST_NAMED,
    ROUTE_PATTERN,
    ApiVersion,
    Document,
    Flag,
    Lognormal,
    Name,
    Number,
    Positive,
    PositiveDuration,
    Share,
    StatusCode,
    Text,
    Whole,
    broken_rule,
    matching,
)
from workbench.units import format_share

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


class Component(Document):
    """A part that routes call and that can fail."""

    description: Text = ""
    critical: Flag = True


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
    timeout: PositiveDuration = 10.0
    """Requests that get no answer are given up after this time (codes 499 and 504)."""

    @model_validator(mode="after")
    def _all_weekdays(self) -> Self:
        missing = [day for day in WEEKDAYS if day not in self.weekdays]
        if missing:
            raise broken_rule(f"every weekday needs a factor; missing: {', '.join(missing)}", "weekdays")
        return self


class Route(Document):
    """One HTTP route: how much of the traffic, what it needs, how fast, how it usually answers."""

    share: Share
    """Share of all requests; the routes' shares add up to 100 %."""
    calls: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Components that a request needs, the one that serves it first."""
    latency: Lognormal
    codes: dict[StatusCode, Share]
    """Usual share of each answer besides `success_code`, which gets the rest."""
    success_code: StatusCode = "200"
    journey: Name | None = None
    """The critical user journey that this route is a step of."""

    @model_validator(mode="after")
    def _codes_fit(self) -> Self:
        if sum(self.codes.values(), Decimal(0)) >= 1:
            raise broken_rule("the shares of the codes must leave something for success_code", "codes")
        if self.success_code in self.codes:
            raise broken_rule(
                f"success code {self.success_code} gets the rest and must not be listed in codes", "codes", self.success_code
            )
        return self


class ErrorEffect(Document):
    """Requests fail."""

    kind: Literal["errors"]
    ratio_median: Share
    """Half of the incidents fail less than this share of the requests."""
    ratio_sigma: Annotated[Number, Field(ge=0, le=5)] = 0.7
    """Of the logarithm; a draw is cut at 100 %."""
    codes: dict[StatusCode, Share]
    """How failed requests are answered; adds up to 100 %."""

    @model_validator(mode="after")
    def _codes_add_up(self) -> Self:
        total = sum(self.codes.values(), Decimal(0))
        if total != 1:
            raise broken_rule(f"the shares of the codes must add up to 100%; they add up to {format_share(total)}", "codes")
        return self


class LatencyEffect(Document):
    """Requests get slower: every latency is multiplied."""

    kind: Literal["latency"]
    factor_median: Annotated[Number, Field(gt=1, le=1000)]
    factor_sigma: Annotated[Number, Field(ge=0, le=5)] = 0.4
    """Of the logarithm of (factor - 1)."""


Effect = Annotated[ErrorEffect | LatencyEffect, Field(discriminator="kind")]


class FailureMode(Document):
    """A way in which a component fails, how often, and for how long if nobody acts."""

    description: Text = ""
    component: Name
    every: PositiveDuration
    """Mean time between two incidents of this mode, over the whole week."""
    weibull_shape: Annotated[Number, Field(ge=0.3, le=5)] = 0.8
    """Of the gaps: below 1 incidents come in clusters, 1 is Poisson."""
    duration: Lognormal
    """Natural duration, when no page leads to a mitigation."""
    effect: Effect
    tiers: tuple[Name, ...] = ()
    """Tiers that it touches; none named means all."""
    business_hours_factor: Annotated[Number, Field(ge=1, le=100)] = 1.0
    """How much more often it happens on working days between 08:00 and 20:00."""


class Delivery(Document):
    """Deployments, and what a bad one does."""

    per_working_day: Annotated[Number, Field(ge=0, le=200)]
    from_hour: Annotated[Number, Field(ge=0, lt=24)] = 9.0
    to_hour: Annotated[Number, Field(gt=0, le=24)] = 17.0
    components: dict[Name, Positive]
    """Which component is deployed, by weight."""
    roll_out: PositiveDuration = 600.0
    change_failure_rate: Share
    failure: ErrorEffect
    """What a bad deployment does to the routes that call the component."""
    failure_duration: Lognormal
    """How long a bad deployment stays bad when no page leads to a rollback."""
    restarts_counters: Flag = True
    """A deployment restarts the process: counters that it exports begin again at 0."""

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise broken_rule("to_hour must be later than from_hour (9 if not stated)", "to_hour")
        return self


class People(Document):
    """One on-call rotation and its reactions."""

    engineers: Annotated[Whole, Field(ge=1, le=100)] = 5
    shift: PositiveDuration = 604_800.0
    acknowledge: Lognormal
    """From page to acknowledgement."""
    mitigate: Lognormal
    """From acknowledgement to mitigation."""
    escalate_after: PositiveDuration = 900.0
    """An unacknowledged page goes to the next engineer after this time."""


class Platform(Document):
    """Processes that the reference queries ask for besides requests."""

    consistency_check_every: PositiveDuration = 3600.0
    consistency_check_success: Share = Decimal("0.9999")
    backup_every: PositiveDuration = 86_400.0
    backup_success: Share = Decimal(1)
    corruption_share: Share = Decimal("0.000002")
    """Of data operations."""
    certificate_days: Annotated[Whole, Field(ge=1)] = 90
    certificate_renew_at_days: Annotated[Whole, Field(ge=0)] = 35
    security_scan_every: PositiveDuration = 86_400.0
    security_scan_success: Share = Decimal("0.97")
    vulnerability_every: PositiveDuration = 432_000.0
    vulnerability_fix: Lognormal = Lognormal(median="12h", sigma=0.6)
    media_processing: Lognormal = Lognormal(median="8s", sigma=0.7)


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
    failure_modes: Annotated[dict[Name, FailureMode], Field(max_length=MOST_NAMED)] = {}
    delivery: Delivery
    people: People
    platform: Platform = Platform()
