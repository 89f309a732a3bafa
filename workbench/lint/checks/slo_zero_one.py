"""A target in the wrong unit: 0.999 where 99.9 % is meant, or 99.9 where 0.999 is.

`0.999%` leaves a budget of 99 %: nothing ever burns. In rules, `14.4 * (1 - 99.9)` is negative, and every error ratio is above it:
the alert fires always. An objective recorded as `vector(99.9)` makes every budget computed from it negative.

In policies write percent, `99.9%`; in PromQL a ratio, `0.999`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.alerts.rules import RecordingRule
from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import exact, formula, number_text
from workbench.lint.subject import Subject
from workbench.promql.ast import Binary, Expr, Number
from workbench.scenario.tree import format_path
from workbench.units import format_share

NAME = "slo/zero-one"
HIGHEST = Decimal("0.01")


def check(subject: Subject) -> Iterator[Problem]:
    """Targets of at most 1 %."""
    for name, slo in subject.policy.slos.items():
        if slo.target <= HIGHEST:
            yield Problem(
                NAME,
                f"objective {name} is met when only {format_share(slo.target)} of its events are good: "
                f"{number(slo.target * 100)} looks "
                f"like a ratio, in percent it is {format_share(slo.target * 100)}",
                path=format_path(("slos", name, "target")),
                found=format_share(slo.target),
                allowed=format_share(slo.target * 100),
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """`1 - 99.9`, and objectives recorded in percent under a name that says ratio."""
    for view, expr in rules.understood:
        for node in view.nodes:
            if (meant := meant_ratio(node)) is not None:
                yield view.problem(
                    NAME,
                    f"{view.title}: {formula(node)} = {number_text(exact(node))} is no error budget: the target is in percent",
                    at=node,
                    severity=Severity.ERROR,
                    allowed=f"1 - {number_text(meant)}",
                )
        constant = exact(expr)
        if isinstance(view.rule, RecordingRule) and constant is not None and constant > 1 and _says_ratio(view.rule.record):
            yield view.problem(
                NAME,
                f"{view.title} says ratio and records {number_text(constant)}",
                at="expr",
                severity=Severity.ERROR,
                allowed=number_text(constant / 100),
            )


def _says_ratio(name: str) -> bool:
    return "ratio" in name and ("objective" in name or "error_budget" in name)


def meant_ratio(node: Expr) -> float | None:
    """0.999 for `1 - 99.9`; None for anything else."""
    if not (isinstance(node, Binary) and node.operator == "-" and isinstance(node.left, Number) and isinstance(node.right, Number)):
        return None
    return node.right.value / 100 if node.left.value == 1 and 1 < node.right.value <= 100 else None
