"""A mean of ratios in place of a ratio of sums.

`avg_over_time(error_ratio_5m[30d])` counts a quiet night as much as the busiest hour: errors at night weigh too much, errors at
the peak too little. So does `sum_over_time / count_over_time` of a recorded ratio, and `avg` over the ratios of instances. One
failed request of two at 4 a.m. against 0 of 10,000 at noon is 25 % as a mean of ratios, and 0.01 % of all requests.

Divide sums: `sum(increase(errors[30d])) / sum(increase(total[30d]))`, from recorded rates if the window is long.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.rules import AlertRule
from workbench.errors import Problem, Severity
from workbench.lint.queries import queries
from workbench.lint.rules.conditions import interval_is_share
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import walk
from workbench.lint.rules.ranges import Ranges
from workbench.lint.subject import Subject
from workbench.promql.ast import Aggregate, Call, Expr, children
from workbench.scenario.tree import format_path

NAME = "slo/mean-of-ratios"
_OVER_TIME = frozenset({"avg_over_time", "sum_over_time"})
_WEIGHS = "it weighs every {} alike, however many requests it saw"


def check(subject: Subject) -> Iterator[Problem]:
    """Queries of indicators that average ratios."""
    nothing = Rules(())
    for query in queries(subject.policy):
        for _, what, each in _means(query.expr, nothing):
            yield Problem(
                NAME,
                f"objective {query.slo} is measured as {what} of ratios: {_WEIGHS.format(each)}",
                severity=Severity.WARNING,
                path=format_path(("slos", query.slo, "indicator", query.field)),
                allowed="a ratio of sums",
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same in rules: a warning in an alert, a remark in what is recorded."""
    for view, expr in rules.understood:
        for node, what, each in _means(expr, rules):
            severity = Severity.WARNING if isinstance(view.rule, AlertRule) else Severity.INFO
            yield view.problem(
                NAME,
                f"{view.title} takes {what} of ratios: {_WEIGHS.format(each)}",
                at=node,
                severity=severity,
                allowed="a ratio of sums",
            )


def _means(expr: Expr, rules: Rules) -> Iterator[tuple[Expr, str, str]]:
    ranges = Ranges.of_rules(rules)
    for node in walk(expr):
        if isinstance(node, Call) and node.function in _OVER_TIME:
            below = [one for child in children(node) for one in walk(child)]
            if any(interval_is_share(one, ranges, rules) for one in below):
                yield node, "the sum" if node.function == "sum_over_time" else "the mean", "stretch of time"
        elif isinstance(node, Aggregate) and node.operator == "avg" and interval_is_share(node.argument, ranges, rules):
            yield node, "the mean", "series"
