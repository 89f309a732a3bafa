"""The scenario: one world, one policy, a clock, a seed and what must hold."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    ApiVersion,
    Document,
    Duration,
    Name,
    Number,
    PositiveDuration,
    Text,
    Whole,
    broken_rule,
    matching,
)
from workbench.scenario.schema.zones import Zone

METRIC_PATTERN = r"^[A-Za-z0-9_./*-]+$"


def _date(value: Any) -> dt.date:
    # pydantic alone would take a number for seconds since 1970
    if isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except (TypeError, ValueError) as error:
        raise ValueError("a date is written year-month-day: 2026-04-01") from error


FIRST_YEAR, LAST_YEAR = 1970, 2200
MOST_SCRAPES = 2_110_000
"""A run keeps every scrape in memory: a month of the reference takes about 0.8 GB."""


class Clock(Document):
    """When the run starts, how long it is, and how often it is looked at."""

    start: Annotated[dt.date, BeforeValidator(_date)]
    """Midnight of this day in `timezone` is second 0."""
    timezone: Zone = "UTC"
    horizon: PositiveDuration = 2_592_000.0
    scrape_interval: PositiveDuration = 15.0
    evaluation_interval: PositiveDuration = 15.0
    scrape_phase: Duration = 7.0
    """Scrapes happen this long after the evaluation grid; 0s is on it."""
    prometheus: Literal["2.42", "2.53", "3.5"] = "3.5"

    @model_validator(mode="after")
    def _phase_inside(self) -> Self:
        if self.scrape_phase >= self.scrape_interval:
            raise broken_rule("scrape_phase (7s if not stated) must be shorter than scrape_interval", "scrape_phase")
        for name in ("horizon", "scrape_interval", "evaluation_interval", "scrape_phase"):
            value = getattr(self, name) * 1000
            if abs(value - round(value)) > 1e-6:
                raise broken_rule(f"{name} must be whole milliseconds", name)
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise broken_rule(f"start must lie between {FIRST_YEAR} and {LAST_YEAR}", "start")
        if self.horizon < 2 * self.scrape_interval:
            raise broken_rule("horizon must hold at least two scrapes", "horizon")
        if self.horizon / self.scrape_interval > MOST_SCRAPES:
            raise broken_rule(f"horizon must hold at most {MOST_SCRAPES:,} scrapes; a year has that many at 15s", "horizon")
        if self.horizon / self.evaluation_interval > MOST_SCRAPES:
            raise broken_rule(f"horizon must hold at most {MOST_SCRAPES:,} evaluations", "evaluation_interval")
        return self


Fidelity = Literal["aggregate", "request"]


class Expectation(Document):
    """A bound on one metric of the outcome."""

    metric: Annotated[
        str,
        Field(max_length=200),
        matching(METRIC_PATTERN, "a metric is written like slo.login.budget_consumed"),
        WithJsonSchema({"type": "string", "pattern": METRIC_PATTERN, "maxLength": 200}),
    ]
    """`scorecard.false_alerts`, `slo.login.budget_consumed`, `pages`."""
    at_least: Number | None = None
    at_most: Number | None = None
    why: Text = ""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise broken_rule("an expectation needs at_least or at_most")
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
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 1
    fidelity: Fidelity = "aggregate"
    """aggregate: requests as counts, for months. request: each request a process of its own, for hours."""
    override: dict[Literal["world", "policy"], dict[str, Any]] = {}
    """Parts of the world or the policy that this scenario replaces, merged key by key."""
    expect: tuple[Expectation, ...] = ()
