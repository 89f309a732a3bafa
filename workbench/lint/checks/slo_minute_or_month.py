"""An objective over minutes, where months were meant.

`m` is a minute. There is no unit for a month, because months differ: `1m` as the window of a budget is 60 seconds, and 99.9 % of
it 0.06 seconds.

Write 30d (or 28d: four weeks with the same weekdays every time).
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import HOUR_S, MINUTE_S, format_duration

NAME = "slo/minute-or-month"


def check(subject: Subject) -> Iterator[Problem]:
    """Budgets over less than an hour."""
    for name, slo in subject.policy.slos.items():
        if slo.window == "history" or slo.window >= HOUR_S:
            continue
        months = slo.window / MINUTE_S
        whole = months == int(months) and months <= 12
        yield Problem(
            NAME,
            f"the budget of {name} is for {format_duration(slo.window)}, which is {number(slo.window)} seconds"
            + (": m is a minute, not a month" if whole else ""),
            severity=Severity.WARNING,
            path=format_path(("slos", name, "window")),
            found=format_duration(slo.window),
            allowed=f"{int(months) * 30}d for {int(months)} month{'s' * (months != 1)}" if whole else "days, such as 30d",
        )
