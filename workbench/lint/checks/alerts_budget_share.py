"""A burn-rate alert that stands for another share of the budget than stated.

Burning at `factor` for the whole long window spends factor x long / window of the budget: 14.4 x 1h / 30d = 2 %. The factors of
the SRE workbook (14.4, 6, 3, 1) are made for 30 days; over 7 days the same 14.4 lets 8.6 % go before the long window trips. From
100 % on, the alert fires only when nothing is left to save.

State `budget_share` and scale the factor to the window: factor = budget_share x window / long.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import Watch, number, watches
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_duration, format_share

NAME = "alerts/budget-share"

TOLERANCE = Decimal("0.05")
"""Relative: people write 2 % for 1.94 % (a month of 31 days), and mean it."""


def check(subject: Subject) -> Iterator[Problem]:
    """Rules whose stated share is off, and rules that spend the whole budget before they fire."""
    for watch in watches(subject.policy):
        if watch.slo.window == "history":  # as long as what is measured: not known here
            continue
        long, window = Decimal(str(watch.rule.long)), Decimal(str(watch.slo.window))
        spent = watch.factor * long / window
        sum_shown = (
            f"{number(watch.factor)} x {format_duration(watch.rule.long)} / {format_duration(float(window))} "
            f"= {format_share(spent, 2)} of the budget of {watch.slo_name}"
        )
        fitting = f"a factor of {{}} for {format_duration(float(window))}"
        stated = watch.rule.budget_share
        if spent >= 1:
            yield _finding(watch, "factor", f"alert {watch.rule_name} fires when the budget is gone: {sum_shown}", None, None)
        elif stated is not None and abs(spent - stated) > TOLERANCE * stated:
            wanted = fitting.format(number(stated * window / long, 4))
            message = f"alert {watch.rule_name} does not stand for {format_share(stated)}: {sum_shown}"
            yield _finding(watch, "budget_share", message, format_share(stated), f"{format_share(spent, 2)}, or {wanted}")


def _finding(watch: Watch, key: str, message: str, found: str | None, allowed: str | None) -> Problem:
    path = format_path(("burn_rate_alerts", watch.rule_name, key))
    return Problem(NAME, message, severity=Severity.WARNING, path=path, found=found, allowed=allowed)
