"""Who is woken for what: from alert transitions to pages and tickets."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.alerts.engine import Transition
from workbench.alerts.subjects import SEVERITY_LABELS, Subjects
from workbench.alerts.subjects import pages as pages_on_call
from workbench.commands import Page, Ticket
from workbench.scenario.schema.policy import Policy


def pages(policy: Policy, transitions: Sequence[Transition], subjects: Subjects) -> tuple[Page, ...]:
    """One page for each alert that starts to fire and that pages; in the order of the transitions."""
    out = []
    for transition in transitions:
        labels = dict(transition.labels)
        if transition.state != "firing" or not pages_on_call(policy, transition.alert, labels):
            continue
        out.append(
            Page(
                at_s=transition.at_s,
                alert=transition.alert,
                labels=transition.labels,
                severity=next((labels[name] for name in SEVERITY_LABELS if name in labels), ""),
                routes=subjects.routes_of(transition.alert, transition.labels),
            )
        )
    return tuple(out)


def tickets(policy: Policy, transitions: Sequence[Transition], subjects: Subjects) -> tuple[Ticket, ...]:
    """One ticket for each alert that starts to fire and pages nobody; in the order of the transitions."""
    return tuple(
        Ticket(transition.at_s, transition.alert, transition.labels, subjects.routes_of(transition.alert, transition.labels))
        for transition in transitions
        if transition.state == "firing" and not pages_on_call(policy, transition.alert, dict(transition.labels))
    )
