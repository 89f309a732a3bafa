"""An objective whose period is shorter than the window of its alert.

An alert over three days on the budget of one day measures what the budget has long forgotten: it fires for errors that no longer
count, and goes on firing after the budget is whole again.

Lengthen the period, or choose alerts with shorter windows for this objective (`alerts`).
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import watches
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_duration

NAME = "slo/window-shorter-than-alert"


def check(subject: Subject) -> Iterator[Problem]:
    """Objectives shorter than a long window."""
    for watch in watches(subject.policy):
        window = watch.slo.window
        if window != "history" and window < watch.rule.long:
            yield Problem(
                NAME,
                f"the budget of {watch.slo_name} is for {format_duration(window)}, alert {watch.rule_name} looks back "
                f"{format_duration(watch.rule.long)}: {format_duration(watch.rule.long - window)} of it no longer count",
                severity=Severity.WARNING,
                path=format_path(("slos", watch.slo_name, "window")),
                found=format_duration(window),
                allowed=f"{format_duration(watch.rule.long)} or more",
            )
