"""A query with a fixed range beside `{{.window}}`.

Every rule puts its own window in the place of `{{.window}}`. A range that is written out stays what it is: with errors over `[5m]`
and a total over `[{{.window}}]`, the six-hour ratio compares five minutes of errors with six hours of requests.

Write `[{{.window}}]` in every range.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.queries import queries, with_window
from workbench.lint.rules.expressions import windows
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_duration

NAME = "slo/window-template"


def check(subject: Subject) -> Iterator[Problem]:
    """Ranges that are the same whatever the window."""
    for query in queries(subject.policy):
        other = with_window(query.text, "2h")
        if other is None:
            continue
        fixed = [one for one, two in zip(windows(query.expr), windows(other), strict=False) if one == two]
        for window in dict.fromkeys(fixed):
            shown = format_duration(window / 1000)
            yield Problem(
                NAME,
                f"objective {query.slo}: the range [{shown}] in {query.field} stays {shown} in every rule",
                severity=Severity.WARNING,
                path=format_path(("slos", query.slo, "indicator", query.field)),
                allowed="[{{.window}}]",
            )
