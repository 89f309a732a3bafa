"""Two rules of one name and the same labels, with different expressions.

Alertmanager tells alerts apart by their labels. Two alerts of one name that carry the same labels are one to it: they overwrite
each other, and a resolved one closes the other. Two recording rules with the same labels write one series twice, and Prometheus
drops one of the samples. The same name with another severity is fine, and common.

Give one another name, or a label that tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.rules import AlertRule
from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules, RuleView
from workbench.lint.rules.expressions import selectors

NAME = "rules/duplicate-name"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Later rules that share name and labels with an earlier one."""
    seen: dict[tuple[str, bool, tuple[tuple[str, str], ...]], RuleView] = {}
    for view in rules.views:
        if not view.name:
            continue
        is_alert = isinstance(view.rule, AlertRule)
        first = seen.setdefault((view.name, is_alert, tuple(sorted(view.labels.items()))), view)
        if first is view:
            continue
        same = first.expr == view.expr if view.expr is not None else first.rule.expr == view.rule.expr
        if not same and not is_alert and _apart(first, view):
            continue
        where = f"{first.path} in {first.group.file}" if first.group.file != view.group.file else first.path
        what = "stands twice" if same else "has the name and labels of another with a different expression"
        yield view.problem(
            NAME,
            f"{view.title} {what}: first at {where}",
            at="alert" if is_alert else "record",
            severity=Severity.INFO if is_alert and not same and _apart(first, view) else Severity.WARNING,
            allowed="another name, or a label that tells them apart",
        )


def _apart(one: RuleView, other: RuleView) -> bool:
    """Whether their elements may well have different labels: their selectors share no series that can be seen."""
    if one.expr is None or other.expr is None:
        return True
    return set(selectors(one.expr)).isdisjoint(selectors(other.expr))
