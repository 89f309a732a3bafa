"""What the teams change: deployments, configuration, launches, experiments, maintenance; and what a bad change does."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import (
    MOST_NAMED,
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
    broken_rule,
)
from workbench.scenario.schema.failures import ErrorEffect
from workbench.scenario.schema.traffic import RoutePath, Weekday
from workbench.scenario.schema.zones import LocalTime, Recurrence, Zone

Level = Literal["elite", "high", "medium", "low"]
WORKING_DAYS = ("mon", "tue", "wed", "thu", "fri")


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """What a level of delivery performance means for a simulation."""

    per_working_day: float
    change_failure_rate: Decimal


LEVELS: dict[str, LevelFigures] = {
    "elite": LevelFigures(3.0, Decimal("0.05")),
    "high": LevelFigures(0.45, Decimal("0.20")),
    "medium": LevelFigures(0.1, Decimal("0.10")),
    "low": LevelFigures(0.02, Decimal("0.40")),
}
"""DORA, Accelerate State of DevOps 2024: change failure rates 5, 20, 10 and 40 %; deployments on demand (several a day), daily to
weekly, weekly to monthly, monthly to half-yearly: the geometric middle of each range in working days, three a day for elite."""


class Profile(Document):
    """When in the week changes begin."""

    hours: Annotated[tuple[Annotated[Number, Field(ge=0)], ...], Field(min_length=24, max_length=24)] | None = None
    """Relative rate at each local hour 0..23, instead of from_hour and to_hour."""
    weekdays: dict[Weekday, Annotated[Number, Field(ge=0, le=100)]] = {}
    """Rate of each weekday, 1 being that of a working day; not stated: 1 from mon to fri, 0 on sat and sun."""
    from_hour: Annotated[Number, Field(ge=0, lt=24)] = 9.0
    to_hour: Annotated[Number, Field(gt=0, le=24)] = 17.0

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise broken_rule("to_hour must be later than from_hour (9 if not stated)", "to_hour")
        if self.hours is not None and not any(self.hours):
            raise broken_rule("at least one hour must be more than 0", "hours")
        return self

    def weekday(self, day: Weekday) -> float:
        """Rate of a weekday as a multiple of a working day's."""
        return self.weekdays.get(day, 1.0 if day in WORKING_DAYS else 0.0)


class ConfigurationChanges(Profile):
    """Changes of configuration: they restart nothing, take hold at once, and have rates of their own."""

    per_working_day: Annotated[Number, Field(ge=0, le=200)]
    change_failure_rate: Share
    components: dict[Name, Positive] = {}
    """Which component is configured, by weight; not stated: as deployments."""
    failure: ErrorEffect | None = None
    """What a bad one does; not stated: as a bad deployment."""
    failure_duration: Lognormal | None = None
    rollback: Lognormal | None = None
    """How long taking one back takes once somebody works on it; not stated: as for deployments."""


class Launch(Document):
    """A feature becomes available."""

    at: LocalTime
    """In the scenario's time zone."""
    feature: Name
    routes: tuple[RoutePath, ...] = ()
    """Where it brings traffic; none named means all."""
    traffic_factor: Annotated[Number, Field(ge=1, le=100)] = 1.0
    """Traffic of these routes right after the launch, as a multiple of the usual traffic."""
    fades: PositiveDuration = 172_800.0
    """Time after which 1/e of the additional traffic is left."""
    tried_in_7d: Share = Decimal("0.2")
    """Share of the users who try it within 7 days."""
    kept_at_30d: Share = Decimal("0.6")
    """Share of those who still use it 30 days after they tried it."""


class Experiment(Document):
    """A share of the traffic meets a variant; it ends by itself, or when somebody finds that it is bad."""

    at: LocalTime
    """In the scenario's time zone."""
    lasts: PositiveDuration = 604_800.0
    component: Name
    share: Share = Decimal("0.1")
    """Of the traffic."""
    chance_bad: Share = Decimal("0.1")
    failure: ErrorEffect | None = None
    """What a bad variant does to its share; not stated: as a bad deployment."""


class Maintenance(Document):
    """Planned work at recurring times."""

    description: Text = ""
    starts: LocalTime
    """Start of the first window, wall-clock time in `timezone`."""
    rule: Recurrence | None = None
    """RRULE of RFC 5545, such as `FREQ=MONTHLY;BYDAY=1SU`; not stated: once. Wall-clock times: 02:00 stays 02:00 in summer."""
    timezone: Zone | None = None
    """Not stated: the scenario's."""
    lasts: PositiveDuration
    """Elapsed time, also where the clocks change within it."""
    effect: Literal["down", "read-only", "nothing"] = "down"
    """down: every request of the routes fails. read-only: those of `routes`, which name what writes, fail. nothing: nobody
    notices."""
    components: tuple[Name, ...] = ()
    """Routes that need one of these are touched."""
    routes: tuple[RoutePath, ...] = ()
    code: StatusCode = "503"
    """How refused requests are answered."""

    @model_validator(mode="after")
    def _touches_something(self) -> Self:
        if self.effect == "read-only" and not self.routes:
            raise broken_rule("read-only needs routes: those that write", "effect")
        if self.effect == "down" and not (self.routes or self.components):
            raise broken_rule("nothing says what is down: name components or routes", "effect")
        return self


class Delivery(Profile):
    """Deployments and other changes, and what a bad one does."""

    level: Level | None = None
    """Delivery performance by DORA 2024; gives the two rates below where they are not stated."""
    per_working_day: Annotated[Number, Field(ge=0, le=200)] | None = None
    """Required without `level`."""
    components: dict[Name, Positive]
    """Which component is deployed, by weight."""
    roll_out: PositiveDuration = 600.0
    change_failure_rate: Share | None = None
    """Share of deployments that are bad. Required without `level`."""
    failure: ErrorEffect
    """What a bad deployment does to the routes that call the component."""
    failure_duration: Lognormal
    """How long a bad deployment stays bad when no page leads to a rollback."""
    rollback: Lognormal | None = None
    """How long a rollback takes once somebody works on it; not stated: as any mitigation (`people.mitigate`)."""
    restarts_counters: Flag = True
    """A deployment restarts the process: counters that it exports begin again at 0."""
    configuration: ConfigurationChanges | None = None
    launches: Annotated[dict[Name, Launch], Field(max_length=MOST_NAMED)] = {}
    experiments: Annotated[dict[Name, Experiment], Field(max_length=MOST_NAMED)] = {}
    maintenance: Annotated[dict[Name, Maintenance], Field(max_length=MOST_NAMED)] = {}

    @model_validator(mode="after")
    def _rates_known(self) -> Self:
        if self.level is None:
            for name in ("per_working_day", "change_failure_rate"):
                if getattr(self, name) is None:
                    raise broken_rule(f"state {name}, or a level such as elite", name)
        return self

    @property
    def deployments_a_day(self) -> float:
        """Deployments on a working day: as stated, else the level's."""
        return self.per_working_day if self.per_working_day is not None else LEVELS[self.level or "elite"].per_working_day

    @property
    def failure_rate(self) -> Decimal:
        """Share of deployments that are bad: as stated, else the level's."""
        stated = self.change_failure_rate
        return stated if stated is not None else LEVELS[self.level or "elite"].change_failure_rate
