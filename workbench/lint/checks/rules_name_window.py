"""A recorded series whose name says another window than its expression.

`ratio_rate6h` that is computed over `[260m]`, or a copy of the 5m rule under the name of the 1h one: whatever reads it believes
the name. Minutes and months are the classic: `m` is a minute, and there is no unit for a month.

Make name and range agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.rules import RecordingRule
from workbench.errors import Problem
from workbench.lint.rules.conditions import named_window
from workbench.lint.rules.document import Rules
from workbench.promql.ast import Matcher, MatchKind, Range, Selector
from workbench.units import format_duration

NAME = "rules/name-window"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Recording rules with one range, and another in the name or in a label for the window."""
    for view in rules.readable:
        if not isinstance(view.rule, RecordingRule):
            continue
        labels = tuple(Matcher(name, MatchKind.EQUAL, text) for name, text in view.labels.items())
        said = named_window(Selector((Matcher("__name__", MatchKind.EQUAL, view.rule.record), *labels)))
        ranges = [node for node in view.nodes if isinstance(node, Range)]
        if said is None or not ranges or any(node.window_ms == said for node in ranges):
            continue
        found = ", ".join(sorted({f"[{format_duration(node.window_ms / 1000)}]" for node in ranges}))
        month = " (m is a minute)" if any(node.window_ms == said // 1440 for node in ranges) else ""
        yield view.problem(
            NAME,
            f"{view.title} says {format_duration(said / 1000)} in its name, but is computed over {found}{month}",
            at=ranges[0],
            allowed=f"[{format_duration(said / 1000)}]",
        )
