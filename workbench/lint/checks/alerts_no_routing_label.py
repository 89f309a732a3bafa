"""An alert without a label that says whom it is for.

Alertmanager routes by labels. Without `severity` (or `team`, `service`, ...) of its own, an alert goes wherever the default route
leads, which is mostly a channel that nobody reads at night. Labels of the group count.

Add `labels: {severity: ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules, alerts

NAME = "alerts/no-routing-label"
ROUTING = re.compile(
    r"sever|prio|page|route|routing|team|owner|notify|channel|receiver|urgency|level|tier|escalat|alert_?group|opsgenie|pager",
    re.IGNORECASE,
)
HEARTBEATS = re.compile(r"watchdog|dead_?man|heartbeat|inhibitor", re.IGNORECASE)


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Alerts without labels: a warning; without one that looks like routing: a remark."""
    for view, rule, _ in alerts(rules):
        if HEARTBEATS.search(rule.name) or any(ROUTING.search(name) for name in view.labels):
            continue
        has = f"has only {', '.join(view.labels)}" if view.labels else "has no labels"
        yield view.problem(
            NAME,
            f"{view.title} {has}: nothing says where it goes",
            at="labels",
            severity=Severity.INFO if view.labels else Severity.WARNING,
            allowed="a label such as severity",
        )
