"""What the engine says of one objective over one period: counts, budget, burn rates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class BudgetStatus(StrEnum):
    """How much of the budget is gone; a level is reached *at or over* its share."""

    HEALTHY = "HEALTHY"
    CAUTION = "CAUTION"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    EXCEEDED = "EXCEEDED"
    UNKNOWN = "UNKNOWN"
    """Nothing was measured."""


@dataclass(frozen=True, slots=True)
class BudgetAccount:
    """The error budget of one objective.

    Shares refer to the whole window: `consumed_share = bad ratio x (elapsed / window) / (1 - target)`, so a quiet first week of a
    30-day window leaves the rest unspent. Where nothing was measured the shares are None.
    """

    window_s: float
    total_s: Decimal
    """The budget as time: window x (1 - target), exactly (2592 s for 99.9 % over 30 days)."""
    elapsed_s: float
    consumed_share: float | None
    """0 is untouched, 1 is all of it; may exceed 1."""
    consumed_s: float | None
    remaining_s: float | None
    """May be negative."""
    rate: float | None
    """Mean burn rate so far: budget spent against time elapsed."""
    status: BudgetStatus
    projected_exhaustion_s: float | None
    """When the budget ends at the mean rate so far, seconds from the start; None if it outlasts the window."""


@dataclass(frozen=True, slots=True)
class BurnRate:
    """How fast the budget burns over one window that ends at the end of the run."""

    window_s: float
    burn_rate: float | None
    """A multiple of the sustainable rate; None if the window holds no events."""
    threshold: float
    severity: str
    exceeded: bool
    projected_exhaustion_s: float | None
    """Seconds from the end of the run until the rest of the budget is gone at this rate; None at rate 0."""


@dataclass(frozen=True, slots=True)
class SloResult:
    """One objective, measured over the run."""

    name: str
    description: str
    kind: str
    """`events`, `latency` or `query`."""
    routes: tuple[str, ...]
    """The routes of the telemetry that it covers, sorted."""
    target: Decimal
    good: int
    total: int
    sli: float | None
    """good / total; None if nothing was measured."""
    met: bool | None
    unknown_events: int
    """Events whose outcome the history does not say; they are in neither good nor total."""
    budget: BudgetAccount
    burn_rates: tuple[BurnRate, ...]
    """Over 1 h, 6 h, 24 h and 72 h."""
    daily_met: tuple[bool | None, ...]
    """For each calendar day of the run: was the day's SLI at or over the target? None without events, and
    for a day of which the run holds less than half while it holds more of others."""
    slice_s: float | None = None
    """Length of the slices that `good`, `total` and `unknown_events` count instead of events; None: they count events."""
