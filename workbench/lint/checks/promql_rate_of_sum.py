"""A rate of a sum of counters.

When one of the processes behind a sum restarts, the sum drops, and `rate()` takes the drop for a reset of the whole: it counts
everything that the others have counted so far once more. The spike can be a thousand times what happened. It hides in a subquery
(`rate(sum(x)[5m:])`) and in a recording rule that sums counters first.

First `rate`, then `sum`: `sum(rate(x[5m]))`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import is_rate, metric, walk
from workbench.promql.ast import Aggregate, Expr, Range, Selector, children

NAME = "promql/rate-of-sum"
_ADDING = frozenset({"sum", "avg", "count"})


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Rates over aggregations, and over series that record one."""
    for view in rules.readable:
        for node in view.nodes:
            if not is_rate(node):
                continue
            for below in children(node):
                summed = _summed(below, rules)
                if summed:
                    yield view.problem(
                        NAME,
                        f"{view.title}: a rate of {summed} takes the restart of one process for a restart of all",
                        at=node,
                        allowed="the rate first, the sum around it",
                    )


def _summed(expr: Expr, rules: Rules) -> str | None:
    """What is summed before it is rated, in words; None if nothing is."""
    if isinstance(expr, Range):
        definition = rules.definition(expr.selector)
        if definition is not None and isinstance(definition.expr, Aggregate) and definition.expr.operator in _ADDING:
            inner = definition.expr.argument
            if isinstance(inner, Selector):
                return f"{metric(expr.selector)}, which records {definition.expr.operator}({metric(inner)}),"
        return None
    for child in children(expr):
        if isinstance(child, Aggregate) and child.operator in _ADDING and not any(is_rate(node) for node in walk(child)):
            return f"{child.operator}(...)"
    return None
