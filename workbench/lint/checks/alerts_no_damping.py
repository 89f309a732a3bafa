"""An alert on one error ratio, with neither `for` nor a second window.

One evaluation over the threshold and the alert is there; one below and it is gone. A ratio over a few minutes crosses its
threshold many times in a bad hour, and each time somebody is told. A second window, or a `for`, asks for trouble that lasts.

Add a longer window with `and`, or `for`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.rules.conditions import pairs, singles
from workbench.lint.rules.document import Rules, alerts
from workbench.units import format_duration

NAME = "alerts/no-damping"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Alerts on single windows that fire at the first evaluation."""
    for view, rule, expr in alerts(rules):
        if rule.for_s or rule.keep_firing_for_s or pairs(expr, rules):
            continue
        found = singles(expr, rules)
        if len(found) == 1 and found[0].window_ms is not None:
            one = found[0]
            yield view.problem(
                NAME,
                f"{view.title} has neither `for` nor a second window: one evaluation of "
                f"[{format_duration((one.window_ms or 0) / 1000)}] "
                "over the threshold fires it",
                at=one.comparison,
                allowed="`for`, or a longer window beside it with `and`",
            )
