"""How components fail: what an incident does, how often, how long."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import (
    Document,
    Lognormal,
    Name,
    Number,
    PositiveDuration,
    Share,
    StatusCode,
    Text,
    broken_rule,
)
from workbench.units import format_share


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
