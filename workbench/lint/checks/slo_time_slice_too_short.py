"""Time slices shorter than what is scraped.

A slice is judged by the events that its scrapes show. Shorter than the scrape interval, many slices hold none and count as good:
the budget is spent by those few that caught a scrape. Looks where a scenario gives the clock.

Make the slices two scrape intervals or longer; a minute is usual.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_duration

NAME = "slo/time-slice-too-short"
NEEDS = ("clock",)


def check(subject: Subject) -> Iterator[Problem]:
    """Slices shorter than the scrape interval (an error), or than two (a warning)."""
    if subject.clock is None:
        return
    scrape = subject.clock.scrape_interval
    for name, slo in subject.policy.slos.items():
        if slo.time_slices is None or slo.time_slices.length >= 2 * scrape:
            continue
        length = slo.time_slices.length
        empty = length < scrape
        yield Problem(
            NAME,
            f"the slices of {name} are {format_duration(length)} long, scrapes come every {format_duration(scrape)}: "
            + (f"{(1 - length / scrape) * 100:.0f}% of the slices hold none" if empty else "a slice holds one or two"),
            severity=Severity.ERROR if empty else Severity.WARNING,
            path=format_path(("slos", name, "time_slices", "length")),
            found=format_duration(length),
            allowed=f"{format_duration(2 * scrape)} or more",
        )
