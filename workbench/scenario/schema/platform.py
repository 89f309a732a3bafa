"""Processes besides requests that indicators measure."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import (
    Document,
    Flag,
    Lognormal,
    Name,
    Number,
    Positive,
    PositiveDuration,
    Share,
    Whole,
    broken_rule,
)
from workbench.scenario.schema.people import Hours
from workbench.scenario.schema.traffic import RoutePath
from workbench.scenario.schema.zones import LocalTime, Recurrence, Zone

Severity = Literal["critical", "high", "medium", "low"]
FIX_FACTORS: dict[Severity, float] = {"critical": 1.0, "high": 5.0, "medium": 15.0, "low": 40.0}
"""How much longer a vulnerability of each severity takes to fix than a critical one."""


class Media(Document):
    """The pipeline that works on uploads: a queue and its workers, first in, first out."""

    workers: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Not stated: as many as are needed, nothing waits."""
    bounds: Annotated[tuple[PositiveDuration, ...], Field(min_length=1, max_length=30)] = (
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
    )  # fmt: skip
    """Buckets of `media_processing_duration_seconds`, ascending."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if any(upper <= lower for lower, upper in itertools.pairwise(self.bounds)):
            raise broken_rule("bounds must be strictly ascending", "bounds")
        return self


class SupportTier(Document):
    """What a tier's customers are promised and get."""

    per_user_month: Annotated[Number, Field(ge=0, le=100)] = 0.05
    """Tickets that a user opens in 30 days when all is well."""
    respond: Lognormal = Lognormal(median="2h", sigma=0.8)
    """Support time until the first answer."""
    resolve: Lognormal = Lognormal(median="16h", sigma=0.9)
    """Support time from the first answer until it is solved."""
    around_the_clock: Flag = False
    """Whether time outside of the support hours counts too."""


class Support(Document):
    """Customers who ask for help."""

    default: SupportTier = SupportTier()
    tiers: dict[Name, SupportTier] = {}
    """Of single tiers, instead of `default`."""
    hours: Hours = Hours()
    per_failed_request: Annotated[Number, Field(ge=0, le=1)] = 0.0005
    """Further tickets for each request that failed (5xx)."""


class Web(Document):
    """Visits of pages and how they feel."""

    pages: tuple[RoutePath, ...] = ()
    """Routes whose answer a page waits for; none named means those of the journey `dashboard`."""
    visits: Share = Decimal("0.1")
    """Share of their good answers for which a browser reports."""
    render: Lognormal = Lognormal(median="900ms", sigma=0.4)
    """From the answer to the largest contentful paint."""
    interaction: Lognormal = Lognormal(median="90ms", sigma=0.6)
    """Interaction to next paint (INP)."""
    first_input: Lognormal = Lognormal(median="25ms", sigma=0.9)
    """First input delay (FID), retired in 2024 in favour of INP."""
    shift_median: Positive = 0.04
    """Cumulative layout shift (CLS), a number without a unit; lognormal."""
    shift_sigma: Annotated[Number, Field(ge=0, le=5)] = 0.9


class Satisfaction(Document):
    """Answers to "how satisfied are you", 1 to 5."""

    per_day: Annotated[Number, Field(ge=0, le=1_000_000)] = 40.0
    """Answers a day."""
    base: Annotated[Number, Field(ge=1, le=5)] = 4.4
    """Mean when all is well."""
    sigma: Annotated[Number, Field(ge=0, le=2)] = 0.7
    per_bad_percent: Annotated[Number, Field(ge=0, le=5)] = 0.5
    """What the mean loses for each percent of requests that failed in the day before."""
    window: PositiveDuration = 2_592_000.0
    """The score is the mean of the answers of this long."""


class BatchJobs(Document):
    """Jobs at fixed times that must be done in time."""

    every: PositiveDuration = 3600.0
    duration: Lognormal = Lognormal(median="12m", sigma=0.5)
    deadline: PositiveDuration = 2700.0
    """A job that takes longer is late."""
    load_exponent: Annotated[Number, Field(ge=0, le=5)] = 0.2
    """A job takes (traffic / mean traffic) ** load_exponent times as long."""


class LoadTest(Document):
    """A load test at recurring times that offers the peak, so that capacity can be judged."""

    starts: LocalTime
    rule: Recurrence | None = "FREQ=WEEKLY"
    timezone: Zone | None = None
    lasts: PositiveDuration = 900.0
    rps: Positive | None = None
    """Requests a second offered together with the users'; not stated: `traffic.capacity_rps`."""


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
    """Days left at which renewal is tried; where it fails, once a day again."""
    certificate_renewal_success: Share = Decimal(1)
    security_scan_every: PositiveDuration = 86_400.0
    security_scan_success: Share = Decimal("0.97")
    vulnerability_every: PositiveDuration = 432_000.0
    """Mean time between two vulnerabilities of one severity."""
    vulnerability_fix: Lognormal = Lognormal(median="12h", sigma=0.6)
    """Of a critical one; high takes 5 times as long, medium 15, low 40."""
    media_processing: Lognormal = Lognormal(median="8s", sigma=0.7)
    """How long a worker is busy with one upload."""
    media: Media = Media()
    support: Support = Support()
    web: Web = Web()
    satisfaction: Satisfaction = Satisfaction()
    batch: BatchJobs = BatchJobs()
    load_test: LoadTest | None = None
