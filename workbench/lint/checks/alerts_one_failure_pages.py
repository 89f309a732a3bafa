"""An alert that one single failure sets off.

When so few requests come that one of them is more than factor x (1 - target) of those in the long window, a single failure burns
fast enough: at 99.9 % and 14.4 that is so below 1 / 0.0144 = 70 requests an hour. Needs a world: its mean traffic on the routes
and tiers that the objective covers is what counts; nights are quieter still.

Lengthen the window, lower the target, watch several routes together, guard the rule with `min_events`, or add synthetic traffic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number, watches
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import show_sum
from workbench.lint.rules.groups import burns
from workbench.lint.rules.traffic import events_per_second
from workbench.lint.subject import Subject
from workbench.lint.traffic import per_long_window
from workbench.scenario.tree import format_path
from workbench.units import format_duration

NAME = "alerts/one-failure-pages"
NEEDS = ("world",)


def check(subject: Subject) -> Iterator[Problem]:
    """Rules whose long window holds too few events; a warning if the rule pages, else a remark."""
    world = subject.world
    if world is None:
        return
    for watch in watches(subject.policy):
        events, needed = per_long_window(watch, world), 1 / watch.threshold
        if (
            events is None or watch.threshold >= 1 or events >= needed or watch.guarded
        ):  # what never fires is another check's business
            continue
        long = format_duration(watch.rule.long)
        yield Problem(
            NAME,
            f"one failure sets off alert {watch.rule_name} of {watch.slo_name}: 1 of about {number(events, 3)} requests in "
            f"{long} is more than {number(watch.factor)} x {number(watch.error_budget)} = {number(watch.threshold)}",
            severity=Severity.WARNING if watch.rule.page else Severity.INFO,
            path=format_path(("slos", watch.slo_name, "indicator")),
            found=f"about {number(events, 3)} requests in {long}",
            allowed=f"{math.ceil(needed)} requests in {long} or more",
        )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Pairs of windows on the world's requests with too few of them; a warning if it pages, else a remark."""
    for burn in burns(rules):
        rps = events_per_second(burn, rules)
        if rps is None or not 0 < burn.threshold < 1:
            continue
        events, limit = rps * burn.long_ms / 1000, Decimal(repr(burn.threshold))
        if events * limit >= 1 or burn.guarded:
            continue
        long = format_duration(burn.long_ms / 1000)
        yield burn.view.problem(
            NAME,
            f"one failure sets off {burn.view.title}: 1 of about {number(events, 3)} requests in {long} is more than "
            f"{show_sum(burn.pair.long.threshold)}",
            at=burn.pair.long.comparison,
            severity=Severity.INFO if burn.pages is False else Severity.WARNING,
            allowed=f"{math.ceil(1 / limit)} requests in {long} or more",
        )
