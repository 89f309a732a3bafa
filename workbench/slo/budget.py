"""Error budgets and burn rates from counts, compared exactly.

    consumed share = bad ratio x (elapsed / window) / (1 - target)
    burn rate      = bad ratio / (1 - target)

Comparisons with targets, levels and thresholds are made on exact fractions (`1 - Decimal("0.999")` is one thousandth, in binary it
is not); floats appear only in the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from workbench.scenario.schema.policy import BudgetLevels
from workbench.slo.account import BudgetAccount, BudgetStatus, BurnRate
from workbench.units import DAY_S, HOUR_S

Count = int | float
"""Events; a float where a history counts estimates."""


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """A row of the reference system's table of burn rates."""

    window_s: float
    threshold: str
    """A decimal; the burn rate must be over it."""
    severity: str


BURN_WINDOWS = (
    BurnWindow(HOUR_S, "14.4", "critical"),
    BurnWindow(6 * HOUR_S, "6", "warning"),
    BurnWindow(DAY_S, "3", "info"),
    BurnWindow(3 * DAY_S, "1", "notice"),
)


def exact(seconds: float) -> Decimal:
    """The decimal that a float is written as: 0.1 is one tenth."""
    return Decimal(repr(float(seconds)))


def total_budget_s(window_s: float, target: Decimal) -> Decimal:
    """The budget as time, exactly: 2592 s for 99.9 % over 30 d, 1296 s for 99.95 %."""
    return exact(window_s) * (1 - target)


def burn(bad: Count, known: Count, target: Decimal) -> Fraction | None:
    """Bad ratio over the tolerated ratio, exactly; None without events."""
    if known <= 0:
        return None
    return Fraction(bad) / Fraction(known) / Fraction(1 - target)


def meets(bad: Count, known: Count, target: Decimal) -> bool | None:
    """Whether good / known >= target, exactly; None without events."""
    if known <= 0:
        return None
    return Fraction(bad) <= Fraction(known) * Fraction(1 - target)


def spent_share(bad: Count, known: Count, *, period_s: float, window_s: float, target: Decimal) -> Fraction | None:
    """Share of a window's budget that `bad` events spend in a period of `known` events; None without events.

    The traffic of the period stands for that of the whole window: the window's budget is a share of known x window / period.
    """
    rate = burn(bad, known, target)
    return None if rate is None else rate * Fraction(exact(period_s)) / Fraction(exact(window_s))


def status_of(consumed: Fraction | None, levels: BudgetLevels) -> BudgetStatus:
    """The level that the consumed share is at or over."""
    if consumed is None:
        return BudgetStatus.UNKNOWN
    status = BudgetStatus.HEALTHY
    for level, reached in (
        (levels.caution, BudgetStatus.CAUTION),
        (levels.warning, BudgetStatus.WARNING),
        (levels.critical, BudgetStatus.CRITICAL),
        (levels.exceeded, BudgetStatus.EXCEEDED),
    ):
        if consumed >= Fraction(level):
            status = reached
    return status


def account(bad: Count, known: Count, *, target: Decimal, window_s: float, elapsed_s: float, levels: BudgetLevels) -> BudgetAccount:
    """The account after `elapsed_s` of a run.

    Args:
        bad: Bad events of the last `min(elapsed_s, window_s)` seconds.
        known: Good and bad events of the same period.
        target: The objective, between 0 and 1.
        window_s: Length of the budget's rolling window.
        elapsed_s: From the start of the run; beyond the window only its last `window_s` count.
        levels: Shares at which the status changes.
    """
    total_s = total_budget_s(window_s, target)
    period_s = min(elapsed_s, window_s)
    consumed = spent_share(bad, known, period_s=period_s, window_s=window_s, target=target)
    rate = burn(bad, known, target)
    exhaustion_s: float | None = None
    if rate is not None and rate >= 1:
        exhaustion_s = float(Fraction(exact(elapsed_s)) - Fraction(exact(period_s)) + Fraction(exact(window_s)) / rate)
    return BudgetAccount(
        window_s=window_s,
        total_s=total_s,
        elapsed_s=elapsed_s,
        consumed_share=None if consumed is None else float(consumed),
        consumed_s=None if consumed is None else float(consumed * Fraction(total_s)),
        remaining_s=None if consumed is None else float((1 - consumed) * Fraction(total_s)),
        rate=None if rate is None else float(rate),
        status=status_of(consumed, levels),
        projected_exhaustion_s=exhaustion_s,
    )


def burn_rate(row: BurnWindow, bad: Count, known: Count, *, target: Decimal, budget: BudgetAccount) -> BurnRate:
    """The burn rate of one window, from the events in it; over the threshold, strictly, is exceeded."""
    rate = burn(bad, known, target)
    left_s: float | None = None
    if rate and budget.consumed_share is not None:
        left_s = max(0.0, 1 - budget.consumed_share) * budget.window_s / float(rate)
    return BurnRate(
        window_s=row.window_s,
        burn_rate=None if rate is None else float(rate),
        threshold=float(row.threshold),
        severity=row.severity,
        exceeded=rate is not None and rate > Fraction(row.threshold),
        projected_exhaustion_s=left_s,
    )
