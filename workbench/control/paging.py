"""Who is woken for what: from alert transitions to pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.alerts.engine import Transition
from workbench.commands import Page
from workbench.scenario.schema.policy import Policy


def pages(policy: Policy, transitions: Sequence[Transition], routes_of_slo: Mapping[str, tuple[str, ...]]) -> tuple[Page, ...]:
    """One page for each alert that starts to fire and whose rule pages; in the order of the transitions."""
    out = []
    for transition in transitions:
        rule = policy.burn_rate_alerts.get(transition.alert)
        if transition.state != "firing" or rule is None or not rule.page:
            continue
        slo = dict(transition.labels).get("slo", "")
        out.append(
            Page(
                at_s=transition.at_s,
                alert=transition.alert,
                labels=transition.labels,
                severity=rule.severity,
                routes=routes_of_slo.get(slo, ()),
            )
        )
    return tuple(out)
