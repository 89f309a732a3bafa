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
from workbench.lint.burn_rates import Watch, number, objectives, rules_by_window
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import number_text, value
from workbench.lint.rules.groups import burns
from workbench.lint.subject import Subject
from workbench.units import DAY_S, format_duration, format_share

NAME = "alerts/budget-share"

TOLERANCE = Decimal("0.05")
"""Relative: people write 2 % for 1.94 % (a month of 31 days), and mean it."""
PERIOD = "slo:time_period:days"
"""The series in which rule generators record the length of the budget."""
USUAL_DAYS = 30.0


def check(subject: Subject) -> Iterator[Problem]:
    """Rules whose stated share is off, and rules that spend the whole budget before they fire; once for each length of budget."""
    for alike in rules_by_window(subject.policy):
        watch = alike[0]
        long, window = Decimal(str(watch.rule.long)), Decimal(str(watch.slo.window))
        spent = watch.factor * long / window
        sum_shown = (
            f"{number(watch.factor)} x {format_duration(watch.rule.long)} / {format_duration(float(window))} "
            f"= {format_share(spent, 2)} of the budget of {objectives(alike)}"
        )
        stated = watch.rule.budget_share
        if spent >= 1:
            yield _finding(watch, "factor", f"alert {watch.rule_name} fires when the budget is gone: {sum_shown}", None, None)
        elif stated is not None and abs(spent - stated) > TOLERANCE * stated:
            wanted = f"a factor of {number(stated * window / long, 4)} for {format_duration(float(window))}"
            message = f"alert {watch.rule_name} does not stand for {format_share(stated)}: {sum_shown}"
            yield _finding(watch, "budget_share", message, format_share(stated), f"{format_share(spent, 2)}, or {wanted}")


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Pairs of windows that fire when the budget is gone; the period is that which the files record, or 30 days."""
    for burn in burns(rules):
        days = _period_days(rules)
        if burn.factor is None or burn.factor * burn.long_ms < days * DAY_S * 1000:
            continue
        spent = float(burn.factor) * burn.long_ms / (days * DAY_S * 1000)
        long = format_duration(burn.long_ms / 1000)
        yield burn.view.problem(
            NAME,
            f"{burn.view.title} fires when the budget is gone: {number_text(burn.factor)} x {long} / {number_text(days)}d = "
            f"{format_share(spent, 2)} of it",
            at=burn.pair.long.threshold,
            allowed=f"a factor below {number_text(days * DAY_S * 1000 / burn.long_ms)}",
        )


def _period_days(rules: Rules) -> float:
    found = {constant for view in rules.recorded(PERIOD) if view.expr is not None and (constant := value(view.expr)) is not None}
    return found.pop() if len(found) == 1 else USUAL_DAYS


def _finding(watch: Watch, key: str, message: str, found: str | None, allowed: str | None) -> Problem:
    return Problem(NAME, message, severity=Severity.WARNING, path=watch.path(key), found=found, allowed=allowed)
