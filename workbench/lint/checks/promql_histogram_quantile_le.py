"""A histogram_quantile over buckets that have lost their `le`.

The quantile is read off the bounds in `le`. Summed without `by (le)`, the buckets fall into one number, and the result is no
element at all (or NaN): a panel stays empty, an alert silent. Native histograms have no `le` and are left alone.

Write `histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))`, with other labels behind `le` as needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import metric, selectors, value, walk
from workbench.promql.ast import Aggregate, Call, Expr, children

NAME = "promql/histogram-quantile-le"
_KEEP = frozenset({"topk", "bottomk", "limitk"})


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Aggregations between buckets and quantile that drop `le`."""
    for view in rules.readable:
        for node in view.nodes:
            if not isinstance(node, Call) or node.function != "histogram_quantile":
                continue
            below = [child for child in children(node) if value(child) is None]
            for aggregate in _aggregates(below[-1] if below else node):
                if not any(metric(selector).endswith("_bucket") for selector in selectors(aggregate)):
                    continue
                if ("le" in aggregate.labels) == aggregate.without:
                    clause = "without" if aggregate.without else "by"
                    written = f"{clause} ({', '.join(aggregate.labels)})" if aggregate.labels else "without any label"
                    yield view.problem(
                        NAME,
                        f"{view.title}: {aggregate.operator} {written} drops `le`, from which the quantile is read",
                        at=aggregate,
                        severity=Severity.ERROR,
                        allowed=f"{aggregate.operator} by (le)",
                    )


def _aggregates(expr: Expr) -> Iterator[Aggregate]:
    for node in walk(expr):
        if isinstance(node, Aggregate) and node.operator not in _KEEP:
            yield node
