"""How components fail: what an incident does, how often, how long."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from workbench.scenario.schema.base import (
    Document,
    Name,
    Number,
    PositiveDuration,
    Share,
    StatusCode,
    Text,
    broken_rule,
)
from workbench.scenario.schema.strengths import BREAKS, NEEDS_COMPONENT, LibraryMode, NaturalDuration, ShapeSpec, Strengths, Target
from workbench.scenario.schema.traffic import Weekday
from workbench.units import format_share

HOURS = 24


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


class WeeklyProfile(Document):
    """When in the week incidents begin; only the ratios count."""

    hours: Annotated[tuple[Annotated[Number, Field(ge=0)], ...], Field(min_length=HOURS, max_length=HOURS)] = (1.0,) * HOURS
    """Relative number at each local hour 0..23."""
    weekdays: dict[Weekday, Annotated[Number, Field(ge=0)]] = {}
    """Relative number on each weekday; 1 where not stated."""

    @model_validator(mode="after")
    def _something_happens(self) -> Self:
        if not any(self.hours):
            raise broken_rule("at least one hour must be more than 0", "hours")
        if len(self.weekdays) == 7 and not any(self.weekdays.values()):
            raise broken_rule("at least one weekday must be more than 0", "weekdays")
        return self


def _sloped(low: float, high: float) -> tuple[float, ...]:
    """`low` from 4 to 8, `high` from 16 to 20 o'clock, straight lines in between."""
    up = [low + (high - low) * (step + 1) / 9 for step in range(8)]
    ring = [*(low,) * 4, *up, *(high,) * 4, *reversed(up)]
    return tuple(ring[(hour - 4) % HOURS] for hour in range(HOURS))


PROFILES: dict[str, WeeklyProfile] = {
    "github": WeeklyProfile(
        hours=_sloped(1.0, 3.5),
        weekdays={"mon": 69.4, "tue": 69.4, "wed": 69.4, "thu": 69.4, "fri": 69.4, "sat": 14.5, "sun": 14.5},
    )
}
"""Known profiles by name. github: what it announced in 2022-24; 69.4 incidents a weekday against 14.5 a weekend day, 3.5 times
as many from 16 to 20 as from 04 to 08 o'clock (UTC there, local here)."""


def _profile(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in PROFILES:
        raise ValueError(f"a weekly profile has hours and weekdays, or is one of {', '.join(PROFILES)}")
    return PROFILES[value]


class FailureMode(Target, Strengths):
    """A way in which the system fails, how often, and for how long if nobody acts."""

    description: Text = ""
    library: LibraryMode | None = None
    """A mode of the failure library: it brings effect, shape, duration and codes, and each may be stated to change it."""
    effect: Effect | None = None
    """Instead of `library` and single strengths: errors or latency of varying strength."""
    spread: Annotated[Number, Field(ge=0, le=5)] | None = None
    """How much strength varies between incidents: sigma of its logarithm. Not stated: as the library's mode; 0 without one."""
    shape: ShapeSpec | None = None
    """Not stated: as the library's mode; a step without one."""
    duration: NaturalDuration | None = None
    """Natural duration, when no page leads to a mitigation: a law, or `blip` (5m, 0.9), `announced` (1h, 1.1), `provider`
    (2h, 1.6). Not stated: as the library's mode; `announced` without one."""
    every: PositiveDuration | None = None
    """Mean time between two incidents of this mode, over the whole week."""
    weibull_shape: Annotated[Number, Field(ge=0.3, le=5)] = 0.8
    """Of the gaps: below 1 incidents come in clusters, 1 is Poisson."""
    business_hours_factor: Annotated[Number, Field(ge=1, le=100)] = 1.0
    """How much more often it happens on working days between 08:00 and 20:00."""
    weekly: Annotated[WeeklyProfile, BeforeValidator(_profile, json_schema_input_type=Literal["github"] | WeeklyProfile)] | None = (
        None
    )
    """When in the week it happens, instead of `business_hours_factor`: hours and weekdays, or `github`. Not stated: as the
    library's mode; at any time without one."""
    arrival: Literal["every", "changes"] = "every"
    """every: a renewal process with the mean gap `every`. changes: deployments and configuration changes trigger it."""
    changes_of: tuple[Name, ...] = ()
    """With `arrival: changes`: components whose changes trigger it; none named means any change."""
    probability: Share | None = None
    """With `arrival: changes`: of a change to trigger it. Not stated: so that the world's `change_fraction` is met."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.effect is not None and (self.library or self.does_something or self.spread is not None):
            raise broken_rule("state either effect, or library and single strengths such as errors", "effect")
        if self.effect is None and self.library is None and not self.does_something:
            raise broken_rule("nothing says what this does: state library, a strength such as errors: 10%, or effect")
        if not self.named and not self.routes and self.library is None:
            raise broken_rule("nothing says what fails: name component, components or routes")
        if not self.named and (self.acts_on_components or self.library in NEEDS_COMPONENT):
            raise broken_rule("this happens to components: name component or components")
        if self.breaks is not None and self.library not in BREAKS:
            raise broken_rule(f"breaks belongs to one of the library's {', '.join(sorted(BREAKS))}", "breaks")
        if self.arrival == "every":
            if self.every is None:
                raise broken_rule("state every, the mean time between two incidents, or arrival: changes")
            for name in ("changes_of", "probability"):
                if name in self.model_fields_set:
                    raise broken_rule(f"{name} belongs to arrival: changes", name)
        elif self.every is not None:
            raise broken_rule("every belongs to arrival: every; changes trigger this", "every")
        if self.weekly is not None and self.business_hours_factor != 1:
            raise broken_rule("state either weekly or business_hours_factor", "weekly")
        return self
