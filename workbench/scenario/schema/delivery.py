"""Deployments and what a bad one does."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import Document, Flag, Lognormal, Name, Number, Positive, PositiveDuration, Share, broken_rule
from workbench.scenario.schema.failures import ErrorEffect


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
