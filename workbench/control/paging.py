"""Who is woken for what: from alert transitions to pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.alerts.burn_rules import pages as pages_on_call
from workbench.alerts.engine import Transition
from workbench.commands import Page
from workbench.scenario.schema.policy import Policy


def pages(policy: Policy, transitions: Sequence[Transition], routes_of_slo: Mapping[str, tuple[str, ...]]) -> tuple[Page, ...]:
    """One page for each alert that starts to fire and whose rule pages; in the order of the transitions."""
    out = []
    for transition in transitions:
        labels = dict(transition.labels)
        if transition.state != "firing" or not pages_on_call(policy, transition.alert, labels):
            continue
        slo = labels.get("slo", "")
        out.append(
            Page(
                at_s=transition.at_s,
                alert=transition.alert,
                labels=transition.labels,
                severity=labels.get("severity", ""),
                routes=routes_of_slo.get(slo, ()),
            )
        )
    return tuple(out)
