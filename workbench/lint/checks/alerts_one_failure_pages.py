"""An alert that one single failure sets off.

When so few requests come that one of them is more than factor x (1 - target) of those in the long window, a single failure burns
fast enough: at 99.9 % and 14.4 that is so below 1 / 0.0144 = 70 requests an hour. Needs a world: its mean traffic on the routes and
tiers that the objective covers is what counts; nights are quieter still.

Lengthen the window, lower the target, watch several routes together, or add synthetic traffic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from workbench.alerts.vocabulary import matching_routes
from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number, watches
from workbench.scenario.schema.policy import Indicator, Policy
from workbench.scenario.schema.world import World
from workbench.scenario.tree import format_path
from workbench.units import format_duration

NAME = "alerts/one-failure-pages"


def check(policy: Policy, world: World | None) -> Iterator[Problem]:
    """Rules whose long window holds too few events; a warning if the rule pages, else a remark."""
    if world is None:
        return
    for watch in watches(policy):
        events, needed = events_per_second(watch.slo.indicator, world) * Decimal(str(watch.rule.long)), 1 / watch.threshold
        if watch.threshold >= 1 or events >= needed:  # what never fires is another check's business
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


def events_per_second(indicator: Indicator, world: World) -> Decimal:
    """Mean requests a second of the routes and tiers that the indicator covers."""
    routes = matching_routes(indicator.routes, world.routes)
    of_routes = sum((world.routes[route].share for route in routes), Decimal(0))
    tiers = set(indicator.tiers or world.tiers)
    of_tiers = sum((tier.traffic_share for name, tier in world.tiers.items() if name in tiers), Decimal(0))
    return Decimal(str(world.traffic.mean_rps)) * of_routes * of_tiers
