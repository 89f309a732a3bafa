"""The policy: what the team has chosen. It names routes, tiers and codes; it never reaches into a world."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    CODES_PATTERN,
    MOST_GLOBS,
    MOST_NAMED,
    ApiVersion,
    Document,
    Duration,
    Flag,
    Money,
    Name,
    Positive,
    PositiveDuration,
    Share,
    Text,
    broken_rule,
    matching,
)

CodePattern = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    matching(CODES_PATTERN, "a status code is a number from 100 to 599, a class of codes is written 5.."),
    WithJsonSchema({"type": ["string", "integer"], "pattern": CODES_PATTERN, "minimum": 100, "maximum": 599}),
]
"""A status code or a class: `503`, `5..`."""

Globs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=MOST_GLOBS)]


class EventsIndicator(Document):
    """Good events are requests that are not answered with a bad code."""

    kind: Literal["events"]
    routes: Globs = ("*",)
    """Globs: `/api/v1/auth/*`, `*`."""
    tiers: tuple[Name, ...] = ()
    """None named means all."""
    bad_codes: Annotated[tuple[CodePattern, ...], Field(min_length=1)] = ("5..",)
    exclude_codes: tuple[CodePattern, ...] = ()
    """Requests that do not count at all, neither good nor bad: `4..`."""


class LatencyIndicator(Document):
    """Good events are requests answered within the threshold, whatever their status code."""

    kind: Literal["latency"]
    routes: Globs = ("*",)
    tiers: tuple[Name, ...] = ()
    threshold: PositiveDuration
    """Must be a bound of the histogram."""


Indicator = Annotated[EventsIndicator | LatencyIndicator, Field(discriminator="kind")]


class Slo(Document):
    """One objective over one indicator."""

    description: Text = ""
    owner: Text = ""
    consequence: Text = ""
    indicator: Indicator
    target: Share
    window: PositiveDuration | Literal["history"] = 2_592_000.0
    """Rolling window of the budget; `history` takes the length of what is measured."""
    alerts: tuple[Name, ...] | None = None
    """Names of burn-rate rules; all of them if left out, none if empty."""

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if not 0 < self.target < 1:
            raise broken_rule("the target of a budgeted objective must lie between 0% and 100%, both excluded", "target")
        return self


class BurnRateRule(Document):
    """A two-window burn-rate alert: both windows must burn faster than `factor` times the sustainable rate."""

    long: PositiveDuration
    short: PositiveDuration
    factor: Positive
    for_: Annotated[Duration, Field(alias="for")] = 0.0
    keep_firing_for: Duration = 0.0
    severity: Name
    page: Flag = False
    """Whether it wakes the on-call."""
    budget_share: Share | None = None
    """The share of the budget that the author believes it stands for; the linter compares it with factor x long / window."""
    summary: Text = ""

    @model_validator(mode="after")
    def _short_is_shorter(self) -> Self:
        if self.short >= self.long:
            raise broken_rule("short must be shorter than long", "short")
        return self


class CreditStep(Document):
    """Below this availability (and at or above the next lower step) this share of the fee is paid back."""

    below: Share
    credit: Share


class Sla(Document):
    """What one tier was promised, what it costs and what a breach pays."""

    audience: Text = ""
    availability: Share
    price: Money
    """A month, for each user."""
    support: Text = ""
    credits: tuple[CreditStep, ...] = ()
    """From the highest bound down."""
    credit_cap: Share = Decimal(1)
    """Of the month's fee."""

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        for i, (upper, lower) in enumerate(itertools.pairwise(self.credits), start=1):
            if lower.below >= upper.below or lower.credit <= upper.credit:
                raise broken_rule("credits must go from the highest bound down, each lower bound paying more", "credits", i)
        if self.credits and self.credits[0].below > self.availability:
            raise broken_rule("a credit must not be paid above the promised availability", "credits", 0, "below")
        return self


class Scoring(Document):
    """How alerts are judged against the ground truth."""

    grace: Literal["longest-window"] | Duration = "longest-window"
    """A firing is true if it starts between an incident's start and its end plus this time."""
    significant_share: Share = Decimal("0.02")
    """Recall counts incidents that spend at least this share of the budget."""


class BudgetLevels(Document):
    """Shares of the budget at which the status changes; at or over counts."""

    caution: Share = Decimal("0.5")
    warning: Share = Decimal("0.75")
    critical: Share = Decimal("0.9")
    exceeded: Share = Decimal(1)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.caution < self.warning < self.critical < self.exceeded:
            raise broken_rule("levels must ascend: caution < warning < critical < exceeded")
        return self


class Policy(Document):
    """What the team has chosen."""

    apiVersion: ApiVersion  # noqa: N815 - the field's own spelling
    kind: Literal["Policy"]
    name: Name
    description: Text = ""
    slos: Annotated[dict[Name, Slo], Field(min_length=1, max_length=MOST_NAMED)]
    burn_rate_alerts: Annotated[dict[Name, BurnRateRule], Field(max_length=MOST_NAMED)] = {}
    budget_levels: BudgetLevels = BudgetLevels()
    slas: Annotated[dict[Name, Sla], Field(max_length=MOST_NAMED)] = {}
    """By tier."""
    scoring: Scoring = Scoring()
