"""Calendar months without a time zone.

Credits are settled by calendar month, and a month begins at midnight somewhere. Where the scenario states no time zone, UTC is
taken: an outage in the first hours of a month in Zurich counts for the month before. Looks where a scenario gives the clock.

State `timezone` in the clock, UTC if that is what the agreement says.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path

NAME = "sla/calendar-without-timezone"
NEEDS = ("clock",)


def check(subject: Subject) -> Iterator[Problem]:
    """Scenarios with promises and no stated time zone."""
    if subject.clock is None or "timezone" in subject.clock.model_fields_set:
        return
    for tier in subject.policy.slas:
        yield Problem(
            NAME,
            f"the credits of tier {tier} are settled by calendar month, and the clock states no time zone: months begin at "
            "midnight UTC",
            severity=Severity.INFO,
            path=format_path(("slas", tier)),
            allowed="timezone in the clock of the scenario",
        )
        return
