"""A promise above what the components behind it can give.

A request needs all components that its route calls, so their availabilities multiply: 99.95 % x 99.9 % x 99.99 % x 99.5 % is 99.34
%, and no care in the application makes 99.95 % of it. Needs a world: each component's availability follows from its failure modes
(how often, how long, what share of requests), with people called in the first second of every incident; retries and fallbacks are
not in it. It is an expectation over many months, and single months do better.

Promise less, call less, make the weakest component redundant, or shorten its incidents.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.availability import Ceiling, ceiling
from workbench.lint.subject import Subject
from workbench.scenario.schema.policy import EventsIndicator
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "slo/composite-ceiling"
NEEDS = ("world",)
DIGITS = 6


def check(subject: Subject) -> Iterator[Problem]:
    """Objectives and promises above the ceiling of the routes that they cover."""
    world = subject.world
    if world is None:
        return
    for name, slo in subject.policy.slos.items():
        if isinstance(slo.indicator, EventsIndicator):
            yield from _above(f"objective {name}", slo.target, ceiling(slo.indicator, world), format_path(("slos", name, "target")))
    for tier, sla in subject.policy.slas.items():
        if tier in world.tiers:
            everything = EventsIndicator(kind="events", tiers=(tier,))
            path = format_path(("slas", tier, "availability"))
            yield from _above(f"the promise to tier {tier}", sla.availability, ceiling(everything, world), path)


def _above(what: str, target: Decimal, found: Ceiling | None, path: str) -> Iterator[Problem]:
    if found is None or found.share >= float(target):
        return
    shown = " x ".join(f"{name} {_share(share)}" for name, share in found.factors)
    yield Problem(
        NAME,
        f"{what} of {format_share(target)} is out of reach: what it needs gives {_share(found.share)} at best; worst "
        f"{found.worst_route}: "
        f"{shown} = {_share(found.worst)}",
        severity=Severity.WARNING,
        path=path,
        found=format_share(target),
        allowed=f"at most {_share(found.share)}",
    )


def _share(share: float) -> str:
    return format_share(Decimal(f"{share:.{DIGITS}f}"))
