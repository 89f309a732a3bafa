"""Factors made for 30 days on an objective over another period.

The factors of the SRE workbook stand for 2, 5, 10 and 10 % of the budget of 30 days. Left as they are over 7 days, the same 14.4
lets 8.57 % go before its long window trips, and 3 over a day 42.86 %; over 90 days they page for 0.67 %.

Scale them: factor = share x window / long; or state `budget_share` in place of the factor. Where the share is stated and wrong,
that is `alerts/budget-share`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number, objectives, rules_by_window
from workbench.lint.subject import Subject
from workbench.units import DAY_S, HOUR_S, format_duration, format_share

NAME = "alerts/factor-not-scaled"
OF_30_DAYS = {
    (HOUR_S, Decimal("14.4")): Decimal("0.02"),
    (6 * HOUR_S, Decimal(6)): Decimal("0.05"),
    (24 * HOUR_S, Decimal(3)): Decimal("0.1"),
    (72 * HOUR_S, Decimal(1)): Decimal("0.1"),
}
"""Long window and factor of the workbook, and the share that they stand for."""
NEAR = (27 * DAY_S, 32 * DAY_S)
"""Four weeks and any month: near enough to 30 days."""


def check(subject: Subject) -> Iterator[Problem]:
    """Unscaled rules without a stated share."""
    for alike in rules_by_window(subject.policy):
        watch = alike[0]
        window = float(watch.slo.window)
        meant = OF_30_DAYS.get((int(watch.rule.long), watch.factor))
        if meant is None or watch.rule.budget_share is not None or NEAR[0] <= window <= NEAR[1]:
            continue
        length = Decimal(str(window))
        spent = watch.factor * Decimal(str(watch.rule.long)) / length
        yield Problem(
            NAME,
            f"alert {watch.rule_name} has the factor of 30d, the budget of {objectives(alike)} is for {format_duration(window)}: "
            f"{number(watch.factor)} x {format_duration(watch.rule.long)} / {format_duration(window)} = {format_share(spent, 2)}, "
            f"not {format_share(meant)}",
            severity=Severity.WARNING,
            path=watch.path("factor"),
            found=number(watch.factor),
            allowed=f"{number(meant * length / Decimal(str(watch.rule.long)), 4)} for {format_duration(window)}",
        )
