"""A cap that cuts off the upper steps of a credit schedule.

A schedule that pays 30 % below 96 % availability, under a cap of 20 %, never pays 30 %. Customers read the step, the invoice
follows the cap. Seen in a public agreement.

Raise the cap to the highest step, or drop the steps above the cap.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "sla/cap-below-top-step"


def check(subject: Subject) -> Iterator[Problem]:
    """Tiers whose cap is below their highest credit."""
    for tier, sla in subject.policy.slas.items():
        highest = max((step.credit for step in sla.credits), default=None)
        if highest is not None and sla.credit_cap < highest:
            lost = [step for step in sla.credits if step.credit > sla.credit_cap]
            yield Problem(
                NAME,
                f"tier {tier} is promised {format_share(highest)} below {format_share(lost[-1].below)}, and the cap of "
                f"{format_share(sla.credit_cap)} takes {format_share(highest - sla.credit_cap)} of the fee away again",
                severity=Severity.WARNING,
                path=format_path(("slas", tier, "credit_cap")),
                found=format_share(sla.credit_cap),
                allowed=f"{format_share(highest)} or more",
            )
