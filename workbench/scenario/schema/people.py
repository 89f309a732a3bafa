"""The people who answer pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.scenario.schema.base import Document, Lognormal, PositiveDuration, Whole


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
