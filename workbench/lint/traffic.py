"""How many requests a world sends where an objective looks, and how many failures its alerts need there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from workbench.alerts.vocabulary import matching_routes
from workbench.lint.burn_rates import Watch, watches
from workbench.scenario.schema.policy import EventsIndicator, Indicator, LatencyIndicator, Policy
from workbench.scenario.schema.world import World


@dataclass(frozen=True, slots=True)
class Needed:
    """How many failures set off one alert of one objective at a world's mean traffic."""

    slo: str
    alert: str
    page: bool
    long_s: float
    short_s: float
    events_long: Decimal
    """Requests in the long window."""
    events_short: Decimal
    failures_long: int | None
    """The smallest number of failures over the threshold in that many requests; None: not even all of them are."""
    failures_short: int | None


def failures_needed(policy: Policy, world: World) -> Iterator[Needed]:
    """One row for each alert of each objective whose traffic the world knows, in the order of the policy."""
    for watch in watches(policy):
        rps = events_per_second(watch.slo.indicator, world)
        if rps is None:
            continue
        long, short = rps * Decimal(str(watch.rule.long)), rps * Decimal(str(watch.rule.short))
        yield Needed(
            watch.slo_name,
            watch.rule_name,
            watch.rule.page,
            watch.rule.long,
            watch.rule.short,
            long,
            short,
            failures_over(watch.threshold, long),
            failures_over(watch.threshold, short),
        )


def failures_over(threshold: Decimal, events: Decimal) -> int | None:
    """The smallest whole number of failures whose share of `events` is more than the threshold; None if there is none."""
    needed = math.floor(threshold * events) + 1
    return needed if needed <= events or (events < 1 and threshold < 1) else None


def events_per_second(indicator: Indicator, world: World) -> Decimal | None:
    """Mean requests a second of the routes and tiers that the indicator covers; None for a query of the user's own."""
    if not isinstance(indicator, EventsIndicator | LatencyIndicator):
        return None
    routes = matching_routes(indicator.routes, world.routes)
    of_routes = sum((world.routes[route].share for route in routes), Decimal(0))
    tiers = set(indicator.tiers or world.tiers)
    of_tiers = sum((tier.traffic_share for name, tier in world.tiers.items() if name in tiers), Decimal(0))
    return Decimal(str(world.traffic.mean_rps)) * of_routes * of_tiers


def busiest_factor(world: World) -> Decimal:
    """Traffic of the busiest hour of the week as a multiple of the mean, surges included."""
    hours, days = world.traffic.hours, world.traffic.weekdays
    hour = max(hours) * len(hours) / sum(hours)
    day = max(days.values()) * len(days) / sum(days.values())
    surge = max((surge.factor for surge in world.traffic.surges), default=1.0)
    return Decimal(str(hour * day * surge))


def per_long_window(watch: Watch, world: World) -> Decimal | None:
    """Mean requests in an alert's long window."""
    rps = events_per_second(watch.slo.indicator, world)
    return None if rps is None else rps * Decimal(str(watch.rule.long))
