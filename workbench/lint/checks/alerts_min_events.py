"""A guard for few events that the traffic never passes, or that guards nothing.

`min_events` keeps an alert quiet while its long window holds fewer requests. Set higher than the busiest hours of the week bring,
it keeps the alert quiet for ever; set lower than 1 / (factor x (1 - target)), a single failure still sets the alert off while the
guard lets it pass. Needs a world.

Choose a number between the two: 1 / (factor x (1 - target)) and what an ordinary window holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number, watches
from workbench.lint.subject import Subject
from workbench.lint.traffic import busiest_factor, per_long_window
from workbench.units import format_duration

NAME = "alerts/min-events"
NEEDS = ("world",)


def check(subject: Subject) -> Iterator[Problem]:
    """Guards above the traffic, and guards below one failure."""
    if subject.world is None:
        return
    peak = busiest_factor(subject.world)
    for watch in watches(subject.policy):
        least, events = watch.burn.min_events, per_long_window(watch, subject.world)
        if least is None or events is None or watch.threshold >= 1:
            continue
        long, path = format_duration(watch.rule.long), watch.path("min_events")
        needed = math.floor(1 / watch.threshold) + 1
        if events * peak < least:
            yield Problem(
                NAME,
                f"alert {watch.rule_name} of {watch.slo_name} stays quiet for ever: it asks for {least} events in {long}, and the "
                f"busiest bring about {number(events, 3)} x {number(peak, 3)} = {number(events * peak, 3)}",
                path=path,
                found=str(least),
                allowed=f"between {needed} and about {math.floor(events)}",
            )
        elif least < needed and watch.burn.min_failures is None:
            yield Problem(
                NAME,
                f"the guard of alert {watch.rule_name} does not keep out a single failure of {watch.slo_name}: 1 of {least} "
                "is more "
                f"than {number(watch.factor)} x {number(watch.error_budget)} = {number(watch.threshold)}",
                severity=Severity.WARNING,
                path=path,
                found=str(least),
                allowed=f"{needed} events or more",
            )
