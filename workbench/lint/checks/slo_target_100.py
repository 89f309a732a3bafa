"""An objective of 100 %: no error budget at all.

The budget is 1 - 1 = 0, and so is every threshold made from it: `> 14.4 * (1 - 1)` is passed by one single failure in the long
window, however much traffic there is, and a burn rate computed from it divides by 0. A policy with such a target is not valid.

Choose the target that customers would notice, below 100 %; if any failure at all is news, say so with `> 0` and no burn rate.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.rules import RecordingRule
from workbench.errors import Problem, Severity
from workbench.lint.rules.conditions import conditions
from workbench.lint.rules.document import Rules, alerts
from workbench.lint.rules.expressions import exact, number_text, show_sum
from workbench.promql.ast import Binary

NAME = "slo/target-100"
OBJECTIVE = "slo:objective:ratio"
"""The series in which rule generators record the target."""


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Thresholds that are a product and 0, and objectives recorded as 1."""
    for view, _, expr in alerts(rules):
        for one in conditions(expr, rules):
            if one.is_ratio and one.limit == 0 and one.operator == ">" and isinstance(one.threshold, Binary):
                yield view.problem(
                    NAME,
                    f"{view.title} fires above {show_sum(one.threshold)}: an objective of 100 % has no budget, and one failure "
                    "is too many",
                    at=one.threshold,
                    allowed="a target below 1",
                )
    for view, expr in rules.understood:
        if isinstance(view.rule, RecordingRule) and view.rule.record == OBJECTIVE and exact(expr) == 1:
            yield view.problem(
                NAME,
                f"{view.title} is {number_text(exact(expr))}: 1 - 1 = 0 is left as the error budget, and every burn rate "
                "divides by it",
                at="expr",
                severity=Severity.ERROR,
                allowed="a target below 1",
            )
