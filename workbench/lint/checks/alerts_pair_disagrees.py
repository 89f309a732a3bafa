"""Two windows of one alert that do not ask the same question.

The long and the short window of a pair are one ratio at two lengths, held to one threshold. Another threshold, or another
selector, on one side is mostly a slip while copying: the alert then fires where one window burns, or never, because two different
things rarely fail together.

Write both sides alike but for the window.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import show_sum
from workbench.lint.rules.groups import burns, same_measure

NAME = "alerts/pair-disagrees"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Pairs with different thresholds or different selectors."""
    for burn in burns(rules):
        long, short = burn.pair.long, burn.pair.short
        if not same_measure(long, short):
            yield burn.view.problem(NAME, f"the two windows of {burn.view.title} measure different things", at=short.quantity)
        elif abs(long.limit / float(long.scale) - short.limit / float(short.scale)) > 1e-9 * abs(burn.threshold):
            yield burn.view.problem(
                NAME,
                f"the two windows of {burn.view.title} have different thresholds: {show_sum(long.threshold)} and "
                f"{show_sum(short.threshold)}",
                at=short.threshold,
            )
