"""An objective for the whole that its parts, each just meeting its own, do not reach.

Where login may fail 1 in 10,000 and upload 1 in 1,000, the path over both cannot be promised at 99.95 %: everybody meets the
objective, and the whole misses it. For a user who needs every step the parts multiply (99.99 % x 99.9 % x 99.9 % x 99.95 % is
99.74 %); by requests it is their mean, weighted with traffic. Parts without an objective count as perfect. Needs a world, for
routes and their traffic.

Tighten the parts, or promise less for the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from workbench.alerts.vocabulary import matching_routes
from workbench.errors import Problem, Severity
from workbench.lint.subject import Subject
from workbench.scenario.schema.policy import EventsIndicator, Slo
from workbench.scenario.schema.world import World
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "slo/parts-in-series"
NEEDS = ("world",)


def check(subject: Subject) -> Iterator[Problem]:
    """Objectives over routes whose stricter parts do not add up: a warning by requests, a remark in series only."""
    world = subject.world
    if world is None:
        return
    routes = {
        name: frozenset(matching_routes(slo.indicator.routes, world.routes))
        for name, slo in subject.policy.slos.items()
        if isinstance(slo.indicator, EventsIndicator)
    }
    for name, whole in routes.items():
        slo = subject.policy.slos[name]
        parts = {
            other: covered
            for other, covered in routes.items()
            if covered < whole and _alike(subject.policy.slos[other], slo) and covered
        }
        strictest = {
            route: max(
                (other for other, covered in parts.items() if route in covered), key=lambda other: subject.policy.slos[other].target
            )
            for route in whole
            if any(route in covered for covered in parts.values())
        }
        used = [other for other in parts if other in strictest.values()]
        if len(used) < 2:
            continue
        targets = {other: subject.policy.slos[other].target for other in used}
        mean = _weighted({route: targets[other] for route, other in strictest.items()}, whole, world)
        series = math.prod(targets.values())
        if series >= slo.target:
            continue
        shown = " x ".join(f"{other} {format_share(target)}" for other, target in targets.items())
        yield Problem(
            NAME,
            f"objective {name} of {format_share(slo.target)} asks for more than its parts promise: in series {shown} = "
            f"{format_share(series, 2)}, by requests {format_share(mean, 3)}",
            severity=Severity.WARNING if mean < slo.target else Severity.INFO,
            path=format_path(("slos", name, "target")),
            found=format_share(slo.target),
            allowed=f"at most {format_share(mean, 3)}, or stricter parts",
        )


def _alike(part: Slo, whole: Slo) -> bool:
    """Whether two objectives count the same kind of events of the same tiers."""
    one, other = part.indicator, whole.indicator
    if not isinstance(one, EventsIndicator) or not isinstance(other, EventsIndicator):
        return False
    return set(one.tiers) == set(other.tiers) and set(one.bad_codes) == set(other.bad_codes)


def _weighted(targets: dict[str, Decimal], whole: frozenset[str], world: World) -> Decimal:
    traffic = sum((world.routes[route].share for route in whole), Decimal(0))
    return sum((world.routes[route].share * targets.get(route, Decimal(1)) for route in whole), Decimal(0)) / traffic
