"""Processes besides requests that indicators measure."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from workbench.scenario.schema.base import Document, Lognormal, PositiveDuration, Share, Whole


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
    security_scan_every: PositiveDuration = 86_400.0
    security_scan_success: Share = Decimal("0.97")
    vulnerability_every: PositiveDuration = 432_000.0
    vulnerability_fix: Lognormal = Lognormal(median="12h", sigma=0.6)
    media_processing: Lognormal = Lognormal(median="8s", sigma=0.7)
