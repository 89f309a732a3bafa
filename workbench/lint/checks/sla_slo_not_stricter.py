"""A promise to customers that no objective guards.

An objective should be stricter than what a tier was promised: the difference is the room to react before credits are due. Where
the strictest availability objective over all routes of a tier is no stricter than its SLA, the team can meet every objective of
its own and still pay.

Raise the objective, add one for the tier (`tiers: [premium]`), or promise less.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.vocabulary import matching_routes
from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number
from workbench.lint.subject import Subject
from workbench.scenario.schema.policy import EventsIndicator, Slo
from workbench.scenario.schema.world import World
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "sla/slo-not-stricter"


def check(subject: Subject) -> Iterator[Problem]:
    """Tiers whose promise is as strict as, or stricter than, every objective that covers them whole."""
    for tier, sla in subject.policy.slas.items():
        covering = {name: slo for name, slo in subject.policy.slos.items() if covers(slo, tier, subject.world)}
        if not covering:
            yield Problem(
                NAME,
                f"tier {tier} was promised {format_share(sla.availability)}, and no availability objective covers all its requests",
                severity=Severity.INFO,
                path=format_path(("slas", tier, "availability")),
                found=format_share(sla.availability),
                allowed="an objective of kind events over all routes that covers the tier",
            )
            continue
        name, slo = max(covering.items(), key=lambda item: item[1].target)
        if slo.target > sla.availability:
            continue
        relation = "is no stricter than" if slo.target == sla.availability else "is looser than"
        yield Problem(
            NAME,
            f"objective {name} {relation} what tier {tier} was promised: it allows {number(1 - slo.target)} errors, "
            f"the promise {number(1 - sla.availability)}",
            severity=Severity.WARNING,
            path=format_path(("slos", name, "target")),
            found=format_share(slo.target),
            allowed=f"a target above {format_share(sla.availability)} for tier {tier}",
        )


def covers(slo: Slo, tier: str, world: World | None) -> bool:
    """Whether an availability objective counts every request of the tier."""
    indicator = slo.indicator
    if not isinstance(indicator, EventsIndicator) or (indicator.tiers and tier not in indicator.tiers):
        return False
    if world is not None:
        return len(matching_routes(indicator.routes, world.routes)) == len(world.routes)
    return any(pattern in ("*", "/*") for pattern in indicator.routes)
