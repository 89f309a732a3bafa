"""A group that is evaluated less often than its shortest window.

Between two evaluations nobody looks. With an interval of 10m and a window of 5m half of all time is seen by no evaluation, and a
burst there sets nothing off; recorded series have holes, too, and more than 5m apart an instant selector does not find them at
all.

Shorten the interval, or lengthen the window.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import is_rate
from workbench.promql.ast import Range, children
from workbench.units import format_duration

NAME = "rules/group-interval"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Rules with a rate over less than the interval of their group; one finding a rule."""
    for view in rules.readable:
        interval = view.group.interval_s or rules.evaluation_interval_s
        if interval is None:
            continue
        ranges = [below for node in view.nodes if is_rate(node) for below in children(node) if isinstance(below, Range)]
        shortest = min(ranges, key=lambda node: node.window_ms, default=None)
        if shortest is None or shortest.window_ms >= interval * 1000:
            continue
        window = shortest.window_ms / 1000
        yield view.problem(
            NAME,
            f"{view.title} is evaluated every {format_duration(interval)} and looks back {format_duration(window)}: "
            f"{format_duration(interval - window)} of every {format_duration(interval)} are never looked at",
            at=shortest,
            allowed=f"an interval of at most {format_duration(window)}",
        )
