"""A ratio in which every series is divided by itself.

Without `on` or `ignoring`, division pairs elements whose labels are all the same. In `x{status="success"} / x` only the series
with `status="success"` find a partner, and it is themselves: the result is 1, whatever happens. The same with `sum by (status)` on
both sides. The failures are never looked at.

Sum away the label on both sides: `sum(rate(x{status="success"}[5m])) / sum(rate(x[5m]))`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import metric
from workbench.promql.ast import Aggregate, Binary, Call, Expr, Matching, Range, Selector

NAME = "promql/always-one"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Divisions of a part by a whole that still tell the parts apart."""
    for view in rules.readable:
        for node in view.nodes:
            if isinstance(node, Binary) and node.operator == "/" and node.matching == Matching() and _is_one(node.left, node.right):
                yield view.problem(
                    NAME,
                    f"{view.title}: this ratio is always 1: without `on` or `ignoring` each series is divided by itself",
                    at=node,
                    severity=Severity.ERROR,
                    allowed="sum(...) / sum(...), or `ignoring` with group_left",
                )


def _is_one(part: Expr, whole: Expr) -> bool:
    """Whether the same operations lead to selectors of one metric, where more matchers of the part tell series apart."""
    kept: frozenset[str] | None = None
    """Labels that tell elements apart; None: all of them."""
    while True:
        if isinstance(part, Aggregate) and isinstance(whole, Aggregate):
            if (part.operator, part.labels, part.without) != (whole.operator, whole.labels, whole.without):
                return False
            labels = frozenset(part.labels)
            if part.without:
                return False
            kept = labels if kept is None else kept & labels
            part, whole = part.argument, whole.argument
        elif isinstance(part, Call) and isinstance(whole, Call) and part.function == whole.function:
            if len(part.arguments) != 1 or len(whole.arguments) != 1:
                return False
            part, whole = part.arguments[0], whole.arguments[0]
        elif isinstance(part, Range) and isinstance(whole, Range) and part.window_ms == whole.window_ms:
            part, whole = part.selector, whole.selector
        else:
            break
    if not isinstance(part, Selector) or not isinstance(whole, Selector) or not metric(part) or metric(part) != metric(whole):
        return False
    more = set(part.matchers) - set(whole.matchers)
    if not more or set(whole.matchers) - set(part.matchers):
        return False
    return all(kept is None or matcher.label in kept for matcher in more)
