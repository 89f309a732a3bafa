"""Percent compared with a ratio.

An error ratio lies between 0 and 1. Compared with `> 5` for 5 % it never fires; a ratio multiplied by 100 and compared with
`14.4 * 0.001` fires at 0.0144 %. Both sides must be in the same unit.

Write 0.05 for 5 %, or multiply the ratio by 100 and compare with 5.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.checks.alerts_unreachable import is_dead, looks_like_percent
from workbench.lint.rules.conditions import conditions
from workbench.lint.rules.document import Rules, alerts
from workbench.lint.rules.expressions import number_text, show_sum

NAME = "promql/percent-or-ratio"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Ratios held to a number of percent, and percentages held to factor x budget."""
    for view, _, expr in alerts(rules):
        found = conditions(expr, rules)
        dead = is_dead(expr, {one.comparison for one in found if one.never_true})
        for one in found:
            if looks_like_percent(one):
                never = one.operator in (">", ">=", "==")
                what = view.title if dead or not never else f"a part of {view.title}"
                yield view.problem(
                    NAME,
                    f"{what} {'can never fire' if never else 'always fires'}: it compares an error ratio, which never "
                    "exceeds 1, "
                    f"with {number_text(one.limit)}; {number_text(one.limit)}% is {number_text(one.limit / 100)}",
                    at=one.comparison,
                    severity=Severity.ERROR if dead or not never else Severity.WARNING,
                    allowed=number_text(one.limit / 100),
                )
            elif one.is_ratio and one.scale == 100 and one.factor is not None and one.budget is not None and one.budget <= 0.1:
                yield view.problem(
                    NAME,
                    f"{view.title} compares percent with a ratio: 100 x the error ratio with {show_sum(one.threshold)}, which is "
                    f"{number_text(one.limit / 100)} of all events",
                    at=one.comparison,
                    allowed=f"100 x {number_text(one.limit)} = {number_text(100 * one.limit)}",
                )
