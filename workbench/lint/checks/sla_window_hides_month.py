"""An objective over so long a window that a month can break the promise inside it.

Agreements are settled by calendar month. The budget of 90 days may all be spent in one of its three months: met at 99.9 %, that
month may have been at 99.7 %. The objective was met, the credits are due.

Give the tier an objective over 28 or 30 days, or make it stricter: 1 - target below (1 - promise) x month / window.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number
from workbench.lint.checks.sla_slo_not_stricter import covers
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import DAY_S, format_duration, format_share

NAME = "sla/window-hides-month"
MONTH_S = 30 * DAY_S


def check(subject: Subject) -> Iterator[Problem]:
    """Tiers guarded only by objectives whose budget, spent in one month, breaks the promise."""
    for tier, sla in subject.policy.slas.items():
        stricter = {
            name: slo
            for name, slo in subject.policy.slos.items()
            if covers(slo, tier, subject.world) and slo.target > sla.availability and slo.window != "history"
        }
        worst = {name: (1 - slo.target) * max(Decimal(1), Decimal(str(slo.window)) / MONTH_S) for name, slo in stricter.items()}
        if not worst or min(worst.values()) <= 1 - sla.availability:
            continue
        name = min(worst, key=lambda one: worst[one])
        slo = stricter[name]
        window = format_duration(float(slo.window))
        yield Problem(
            NAME,
            f"objective {name} over {window} does not see a bad month of tier {tier}: its whole budget in 30d is "
            f"{number(1 - slo.target)} x "
            f"{window} / 30d = {number(worst[name])} errors, the promise allows {number(1 - sla.availability)}",
            severity=Severity.WARNING,
            path=format_path(("slos", name, "window")),
            found=window,
            allowed=(
                f"at most 30d, or a target above {format_share(1 - (1 - sla.availability) * MONTH_S / Decimal(str(slo.window)), 4)}"
            ),
        )
