"""A window too short for what is scraped or evaluated.

A rate needs two scrapes in its window. A window shorter than two scrape intervals holds one or none at some evaluations, and the
alert has no value then; one shorter than the evaluation interval leaves stretches at which nobody looks. Looks where a scenario
gives the clock.

Lengthen the short window, or scrape and evaluate more often.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import rules_in_use
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/window-too-short"
NEEDS = ("clock",)


def check(subject: Subject) -> Iterator[Problem]:
    """Windows shorter than two scrapes, or than one evaluation interval."""
    if subject.clock is None:
        return
    scrape, evaluation = subject.clock.scrape_interval, subject.clock.evaluation_interval
    for watch in rules_in_use(subject.policy):
        name, rule = watch.rule_name, watch.rule
        for key, window in (("short", rule.short), ("long", rule.long)):
            path, found = watch.path(key), format_duration(window)
            if window < 2 * scrape:
                never = window < scrape
                yield Problem(
                    NAME,
                    f"the {key} window of alert {name} {'never' if never else 'does not always'} hold{'s' * never} two scrapes: "
                    f"{found} is less than 2 x {format_duration(scrape)} = {format_duration(2 * scrape)}",
                    severity=Severity.ERROR if never else Severity.WARNING,
                    path=path,
                    found=found,
                    allowed=f"{format_duration(2 * scrape)} or more",
                )
            elif window < evaluation:
                yield Problem(
                    NAME,
                    f"alert {name} is evaluated every {format_duration(evaluation)} and looks back {found}: "
                    f"{format_duration(evaluation - window)} of every {format_duration(evaluation)} are never looked at",
                    severity=Severity.WARNING,
                    path=path,
                    found=found,
                    allowed=f"{format_duration(evaluation)} or more",
                )
