"""A quantile compared with more than the highest bucket.

When the quantile lies in the bucket `+Inf`, the result is the highest finite bound. It never exceeds that bound, so a threshold at
or above it is never crossed, however slow the answers are. Needs a world, whose histogram says the bounds.

Lower the threshold below the highest bound, add buckets, or count slow requests: `1 - rate(x_bucket{le="1"}[5m]) /
rate(x_count[5m])`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.conditions import conditions
from workbench.lint.rules.document import Rules, alerts
from workbench.lint.rules.expressions import metric, number_text, selectors, show_sum
from workbench.promql.ast import Call

NAME = "promql/quantile-beyond-buckets"
NEEDS = ("world",)
SIMULATED = "http_request_duration_seconds_bucket"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Thresholds at or above the highest finite bound of the world's histogram."""
    if rules.world is None:
        return
    highest = max(rules.world.histogram.bounds)
    for view, _, expr in alerts(rules):
        for one in conditions(expr, rules):
            quantity = one.quantity
            if not isinstance(quantity, Call) or quantity.function != "histogram_quantile" or one.operator not in (">", ">="):
                continue
            names = {metric(selector) for selector in selectors(quantity)}
            if names == {SIMULATED} and (one.limit >= highest if one.operator == ">" else one.limit > highest):
                yield view.problem(
                    NAME,
                    f"{view.title} can never fire: it fires above {show_sum(one.threshold)}s, and the highest bucket ends at "
                    f"{number_text(highest)}s: a quantile never exceeds it",
                    at=one.comparison,
                    severity=Severity.ERROR,
                    allowed=f"less than {number_text(highest)}",
                )
