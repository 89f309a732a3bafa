"""A burn-rate alert that can never fire.

The alert compares the error ratio with factor x (1 - target). A ratio never exceeds 1, so at or above 1 the comparison is never
true: with a target of 90 % and a factor of 14.4 the alert waits for 144 % errors. Seen in public production rules.

Lower the factor below 1 / (1 - target), or give the objective its own rules with `alerts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.burn_rates import number, watches
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.world import World
from workbench.scenario.tree import format_path

NAME = "alerts/unreachable"


def check(policy: Policy, world: World | None) -> Iterator[Problem]:  # noqa: ARG001 - every check has this signature
    """Rules whose threshold is an error ratio of 1 or more."""
    for watch in watches(policy):
        if watch.threshold < 1:
            continue
        yield Problem(
            NAME,
            f"alert {watch.rule_name} can never fire for {watch.slo_name}: it fires at {number(watch.factor)} x "
            f"{number(watch.error_budget)} = {number(watch.threshold)}: an error ratio never exceeds 1",
            path=format_path(("burn_rate_alerts", watch.rule_name, "factor")),
            found=number(watch.factor),
            allowed=f"a factor below 1 / {number(watch.error_budget)} = {number(1 / watch.error_budget)}",
        )
