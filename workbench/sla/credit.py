"""Service credits, as values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from workbench.units import Money


@dataclass(frozen=True, slots=True)
class TierCredit:
    """What one tier was promised in one month, what it got, and what is paid back."""

    tier: str
    promised: Decimal
    good: int
    total: int
    availability: float | None
    """Request-weighted, measured on the tier's own requests; None without requests."""
    breached: bool | None
    credit_share: Decimal
    """Of the fee, after the cap."""
    users: int
    fee: Money
    """Of all users of the tier, for the month."""
    credit: Money
    calculation: str
    """The arithmetic in one sentence."""
