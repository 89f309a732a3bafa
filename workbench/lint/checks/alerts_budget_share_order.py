"""A slower alert that stands for less of the budget than a faster one.

Long windows are there for slow burning and may let more of the budget go before they trip: 2 % in an hour, 5 % in six, 10 % in
three days. Where a longer window stands for a smaller share, it trips before the shorter one even in a steep incident, and the
shorter one never says anything first. The share is factor x long / window.

Raise the factor of the longer window, or lower that of the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import by_objective, number
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import number_text
from workbench.lint.rules.groups import burning
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/budget-share-order"


def check(subject: Subject) -> Iterator[Problem]:
    """Neighbouring windows whose factor x long does not ascend."""
    told: set[tuple[str, str]] = set()
    for watches in by_objective(subject.policy):
        ordered = sorted(watches, key=lambda watch: (watch.rule.long, -watch.factor))
        for fast, slow in pairwise(ordered):
            fast_hours, slow_hours = (one.factor * Decimal(str(one.rule.long)) / 3600 for one in (fast, slow))
            pair = (fast.rule_name, slow.rule_name)
            if slow_hours >= fast_hours or slow.rule.long == fast.rule.long or pair in told:
                continue
            told.add(pair)
            yield Problem(
                NAME,
                f"alert {slow.rule_name} stands for less of the budget than the faster {fast.rule_name}: {number(slow.factor)} x "
                f"{format_duration(slow.rule.long)} = {number(slow_hours)}h of sustainable burning, {number(fast.factor)} x "
                f"{format_duration(fast.rule.long)} = {number(fast_hours)}h",
                severity=Severity.WARNING,
                path=slow.path("factor"),
                found=number(slow.factor),
                allowed=f"a factor of {number(fast_hours * 3600 / Decimal(str(slow.rule.long)))} or more",
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same for pairs of windows over one ratio."""
    for burns in burning(rules):
        ordered = sorted((one for one in burns if one.factor is not None), key=lambda one: (one.long_ms, -(one.factor or 0)))
        for fast, slow in pairwise(ordered):
            if fast.factor is None or slow.factor is None or slow.long_ms == fast.long_ms:
                continue
            if slow.factor * slow.long_ms < fast.factor * fast.long_ms:
                yield slow.view.problem(
                    NAME,
                    f"{slow.view.title} stands for less of the budget than a faster pair of windows: {number_text(slow.factor)} x "
                    f"{format_duration(slow.long_ms / 1000)} = {number_text(slow.factor * slow.long_ms / 3_600_000)}h of "
                    "sustainable "
                    f"burning, {number_text(fast.factor)} x {format_duration(fast.long_ms / 1000)} = "
                    f"{number_text(fast.factor * fast.long_ms / 3_600_000)}h",
                    at=slow.pair.long.threshold,
                )
