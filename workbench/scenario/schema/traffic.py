"""How many requests arrive: shapes over the day, the week and the year, growth, surges, bots, what varies, retries."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.audience import (
    WEEKDAYS,
    Audience,
    Closed,
    Hours,
    RoutePath,
    Segment,
    Weekday,
    Weights,
    WorldTier,
    every_weekday,
)
from workbench.scenario.schema.base import (
    CODES_PATTERN,
    MOST_NAMED,
    Document,
    Duration,
    Name,
    Number,
    Positive,
    PositiveDuration,
    Share,
    StatusCode,
    broken_rule,
    matching,
)
from workbench.scenario.schema.components import Retries
from workbench.scenario.schema.moment import Moment
from workbench.scenario.schema.zones import Zone
from workbench.scenario.traffic_presets import PRESETS, PresetName

__all__ = [
    "WEEKDAYS",
    "Audience",
    "Bot",
    "Bursts",
    "ClientRetries",
    "Closed",
    "Event",
    "RoutePath",
    "Segment",
    "Surge",
    "Traffic",
    "Variability",
    "Weekday",
    "WorldTier",
]  # fmt: skip

Hour = Annotated[Number, Field(ge=0, lt=24)]


class Surge(Document):
    """A recurring peak: a premiere, a campaign mail."""

    weekday: Weekday
    at_hour: Hour
    """Time of the peak's middle in the scenario's time zone, in hours."""
    half_width: PositiveDuration
    """The surge has the shape of a bell; this is its standard deviation."""
    factor: Annotated[Number, Field(ge=1, le=100)]
    """Traffic at the middle, as a multiple of the usual traffic at that hour."""


class Event(Document):
    """Something dated that changes traffic: a launch, a promotion, a public holiday. It rises, stays and fades."""

    at: Moment
    """When it begins to rise: `day 12, 14:05`, `2026-04-12T18:00` (both local) or `after 36h`."""
    rise: Duration = 600.0
    """How long traffic takes to reach `factor`, in a straight line."""
    lasts: Duration = 3600.0
    """At its full height."""
    fades: Duration = 1800.0
    """Then it fades: 37 % (1/e) of it is left after this time; 0s is at once."""
    factor: Annotated[Number, Field(ge=0, le=100)]
    """Traffic at its height, as a multiple of the usual traffic; below 1 it is a holiday."""
    remains: Annotated[Number, Field(ge=0, le=100)] = 1.0
    """Factor to which it fades, for good: a launch that wins new users."""
    routes: Annotated[tuple[RoutePath, ...], Field(max_length=MOST_NAMED)] = ()
    """None named: all."""
    tiers: Annotated[tuple[Name, ...], Field(max_length=MOST_NAMED)] = ()
    """None named: all."""


class Bursts(Document):
    """On and off at random, both lasting exponentially long."""

    every: PositiveDuration
    """Mean time from the beginning of one burst to that of the next."""
    lasts: PositiveDuration
    """Mean length of a burst."""

    @model_validator(mode="after")
    def _pauses(self) -> Self:
        if self.lasts >= self.every:
            raise broken_rule("a burst must be shorter than the time to the next one (every)", "lasts")
        return self


class Bot(Document):
    """A machine that sends requests: a crawler, a poller, an integration. Its requests carry its name in the label `segment`."""

    tier: Name
    """To which tier its requests count."""
    mean_rps: Positive
    """Mean requests a second over the whole run, on top of `traffic.mean_rps`."""
    from_hour: Hour = 0.0
    to_hour: Annotated[Number, Field(gt=0, le=24)] = 24.0
    """It works between these local hours, over midnight if `from_hour` is the later one."""
    timezone: Zone | None = None
    """Of those hours. Not stated: the scenario's."""
    bursts: Bursts | None = None
    """Not stated: it sends steadily."""
    routes: Weights = {}
    """Relative weights of the routes it asks for. None stated: as users do."""
    codes: Annotated[dict[StatusCode, Share], Field(max_length=20)] = {}
    """Share of its requests answered so however well the system is, such as 404 for addresses that are gone. The rest fare as those
    of users."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.from_hour == self.to_hour:
            raise broken_rule("from_hour and to_hour are the same: the bot would never work", "to_hour")
        if self.routes and not any(self.routes.values()):
            raise broken_rule("at least one route needs a weight above 0", "routes")
        if sum(self.codes.values(), Decimal(0)) > 1:
            raise broken_rule("the shares of the codes add up to more than 100%", "codes")
        return self


class Variability(Document):
    """Traffic that varies more than chance: the rate itself wanders about its usual value and remembers where it was.

    The rate is multiplied by a lognormal factor of mean 1, the exponential of an Ornstein-Uhlenbeck process.
    """

    spread: Annotated[Number, Field(ge=0, le=5)]
    """Standard deviation of the factor; 0.2 is 20 % up or down. 0 is pure chance (Poisson)."""
    memory: PositiveDuration = 300.0
    """After this time the correlation of the factor's logarithm is down to 37 %."""
    common: Share = Decimal(1)
    """How much of it all routes have in common (share of the variance of the logarithm); the rest is each route's own."""


class ClientRetries(Retries):
    """Clients that try again when a request fails."""

    on: Annotated[tuple[Annotated[str, matching(CODES_PATTERN, "a code or a class: 503, 5..")], ...], Field(min_length=1)] = (
        "5..",
    )
    """Answers after which they try again: status codes or classes of them."""


class Traffic(Document):
    """Requests a second over the day, the week and the year."""

    preset: PresetName | None = None
    """A kind of service that fills in what is not stated here: hours, weekdays, months, variability, sessions, retries."""
    mean_rps: Positive
    """Mean of the usual traffic over all routes and tiers and the whole run. Months, growth, events and bots come on top."""
    capacity_rps: Positive
    """What the system was built for; reports compare the peak with it."""
    hours: Hours = ()
    """Relative traffic at each local hour 0..23, joined smoothly. Needed where no preset is named."""
    weekdays: dict[Weekday, Positive] = {}
    """Relative traffic of each weekday. Needed where no preset is named."""
    months: Annotated[tuple[Positive, ...], Field(min_length=12, max_length=12)] | None = None
    """Relative traffic in the middle of January to December, joined smoothly; over the year they change `mean_rps` by nothing. Not
    stated: every month alike."""
    growth: Annotated[Number, Field(ge=-0.9, le=10)] | None = None
    """In 30 days, compounding: 0.05 is 5 % more after 30 days and 10.25 % after 60. The run begins with the usual traffic."""
    surges: tuple[Surge, ...] = ()
    events: Annotated[dict[Name, Event], Field(max_length=MOST_NAMED)] = {}
    """Launches, promotions, holidays by date. What they bring comes on top of `mean_rps`; where several act, factors multiply."""
    bots: Annotated[dict[Name, Bot], Field(max_length=50)] = {}
    variability: Variability | None = None
    """Not stated: requests arrive independently of each other (Poisson) at the usual rate."""
    requests_per_session: Positive = 12.0
    """Mean number of requests of one session."""
    session_length: PositiveDuration = 900.0
    """Mean length of a session."""
    session_sigma: Annotated[Number, Field(ge=0, le=3)] | None = None
    """Standard deviation of the logarithm of a session's length (lognormal; 0: all alike). Not stated: exponential lengths."""
    closed: Closed | None = None
    """All users wait for answers before they ask again, unless their tier or segment says otherwise. Not stated: they do not."""
    retries: ClientRetries | None = None
    """Not stated: a failed request is not tried again."""
    timeout: PositiveDuration = 10.0
    """Requests that get no answer are given up after this time (codes 499 and 504)."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, value: Any) -> Any:
        """What the preset says, where nothing is stated."""
        preset = PRESETS.get(str(value.get("preset"))) if isinstance(value, dict) else None
        return value if preset is None else {**preset, **value}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in ("hours", "weekdays"):
            if not getattr(self, name):
                raise broken_rule(f"{name} must be stated, or a preset named that brings them", name)
        every_weekday(self.weekdays)
        return self
