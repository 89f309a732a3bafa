"""A rule that never fired in the simulated months.

With `--months N` the world is simulated for N months, and each rule is watched. One that never fires may be well chosen for what
is rare, or may never fire at all: a target too low for its factor, a window too long, a selector that matches nothing. Months are
few for rare incidents, so this is a remark unless the rule pages.

Run the scenario and look which incidents it missed; lower the factor, or drop the rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.months import Months
from workbench.lint.rules.groups import pages
from workbench.scenario.tree import format_path

NAME = "alerts/never-fired"
NEEDS = ("months",)


def check_months(months: Months) -> Iterator[Problem]:
    """Alerts with no firing in any month."""
    span = f"in {len(months.seeds)} simulated month{'s' * (len(months.seeds) != 1)}"
    for view, firings in months.by_rule:
        if firings == 0:
            severity = Severity.WARNING if pages(view) else Severity.INFO
            yield view.problem(NAME, f"{view.title} never fired {span}", at="alert", severity=severity)
    for (slo, alert), firings in months.firings.items():
        if firings == 0 and not months.by_rule:
            others = sum(number for (other, _), number in months.firings.items() if other == slo)
            yield Problem(
                NAME,
                f"alert {alert} of {slo} never fired {span} (the other rules of {slo} {others} time{'s' * (others != 1)})",
                severity=Severity.WARNING if (slo, alert) in months.paging else Severity.INFO,
                path=format_path(("burn_rate_alerts", alert)),
            )
