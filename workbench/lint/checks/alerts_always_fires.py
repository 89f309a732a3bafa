"""A condition that is always true.

An error ratio is never below 0, so `>= 0` always holds, and so does every negative threshold. The alert fires as soon as there is
any sample, and says nothing.

Use `> 0` for "at all", or the threshold that was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.checks.slo_zero_one import meant_ratio
from workbench.lint.rules.conditions import conditions
from workbench.lint.rules.document import Rules, alerts
from workbench.lint.rules.expressions import is_rate, number_text, show_sum, walk
from workbench.promql.ast import Binary

NAME = "alerts/always-fires"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Comparisons of rates and ratios that every value passes."""
    for view, _, expr in alerts(rules):
        for one in conditions(expr, rules):
            if not one.always_true or not (one.is_ratio or any(is_rate(node) for node in walk(one.quantity))):
                continue
            if any(meant_ratio(node) is not None for node in walk(one.threshold)):
                continue  # a target in percent: another check's business
            bound = (
                f"never below {number_text(one.interval.low)}"
                if ">" in one.operator
                else f"never above {number_text(one.interval.high)}"
            )
            alone = one.is_ratio and isinstance(expr, Binary) and expr == one.comparison
            yield view.problem(
                NAME,
                f"{view.title}: {one.operator} {show_sum(one.threshold)} always holds, because what is compared is {bound}",
                at=one.comparison,
                severity=Severity.ERROR if alone else Severity.WARNING,
            )
