"""The scenario: one world, one policy, a clock, a seed and what must hold."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from workbench.scenario.schema.base import ApiVersion, Document, Duration, Name, PositiveDuration, Text


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be an IANA time zone such as UTC or Europe/Zurich") from error
    return value


class Clock(Document):
    """When the run starts, how long it is, and how often it is looked at."""

    start: dt.date
    """Midnight of this day in `timezone` is second 0."""
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    horizon: PositiveDuration = 2_592_000.0
    scrape_interval: PositiveDuration = 15.0
    evaluation_interval: PositiveDuration = 15.0
    scrape_phase: Duration = 7.0
    """Scrapes happen this long after the evaluation grid; 0s is on it."""
    prometheus: Literal["2.42", "2.53", "3.5"] = "3.5"

    @model_validator(mode="after")
    def _phase_inside(self) -> Self:
        if self.scrape_phase >= self.scrape_interval:
            raise ValueError("scrape_phase must be shorter than scrape_interval")
        if self.horizon < 2 * self.scrape_interval:
            raise ValueError("horizon must hold at least two scrapes")
        return self


class Expectation(Document):
    """A bound on one metric of the outcome."""

    metric: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./*-]+$", max_length=200)]
    """`scorecard.false_alerts`, `slo.login.budget_consumed`, `pages`."""
    at_least: float | None = None
    at_most: float | None = None
    why: Text = ""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("an expectation needs at_least or at_most")
        return self


class ScenarioFile(Document):
    """A scenario as written; `extends` is already merged when this is checked."""

    apiVersion: ApiVersion  # noqa: N815 - the field's own spelling
    kind: Literal["Scenario"]
    name: Name
    description: Text = ""
    world: Annotated[str, Field(min_length=1, max_length=500)]
    """File of the world, beside the scenario."""
    policy: Annotated[str, Field(min_length=1, max_length=500)]
    """File of the policy, beside the scenario."""
    clock: Clock
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    override: dict[Literal["world", "policy"], dict[str, Any]] = {}
    """Parts of the world or the policy that this scenario replaces, merged key by key."""
    expect: tuple[Expectation, ...] = ()
