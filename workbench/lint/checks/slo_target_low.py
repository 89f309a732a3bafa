"""An objective below 90 %.

At 90 % a total outage burns only ten times too fast: the page at 14.4 can never fire, the one at 6 needs 60 % errors. Objectives
that low are mostly a share of something else (requests under a threshold, adopted features), for which burn-rate alerts are the
wrong tool.

Raise the target, or watch it without burn-rate alerts (`alerts: []`), which silences this.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import by_objective, number
from workbench.lint.subject import Subject
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "slo/target-low"
LOWEST = Decimal("0.9")


def check(subject: Subject) -> Iterator[Problem]:
    """Objectives with alerts and a target below 90 %."""
    for watches in by_objective(subject.policy):
        slo, name = watches[0].slo, watches[0].slo_name
        if Decimal("0.01") < slo.target < LOWEST:
            yield Problem(
                NAME,
                f"objective {name} of {format_share(slo.target)} is too low for burn-rate alerts: a total outage burns 1 / "
                f"{number(1 - slo.target)} = {number(1 / (1 - slo.target), 3)} times too fast, and no factor above that ever fires",
                severity=Severity.WARNING,
                path=format_path(("slos", name, "target")),
                found=format_share(slo.target),
                allowed=f"{format_share(LOWEST)} or more",
            )
