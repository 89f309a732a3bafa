"""What an alert rule watches: objectives, their routes and tiers, and how far back it looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.alerts.coverage import covered_routes
from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.subjects import Subject, Subjects
from workbench.alerts.subjects import pages as pages_on_call
from workbench.alerts.vocabulary import SIMULATED, Vocabulary
from workbench.scenario.schema.policy import Policy, Slo
from workbench.units import HOUR_S
from workbench.world.truth import Incident

EVERYTHING = ""
"""Stands for an objective where an alert is about none of the policy's, or where there are none at all."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One alert, with all rules of its name put together."""

    alert: str
    severity: str
    """Of its first rule; empty without such a label."""
    slos: tuple[str, ...]
    """Objectives that it is about, sorted; EVERYTHING alone if it is about none of them."""
    page: bool
    """Whether it wakes the on-call."""
    grace_s: float
    """How long after an incident's end a firing still counts as its detection."""
    subject: Subject = field(default_factory=lambda: Subject(()))
    subjects: Subjects | None = field(default=None, compare=False, repr=False)

    def of(self, labels: tuple[tuple[str, str], ...]) -> Subject:
        """What one of its episodes is about: the objective or the route that its labels name, or all that the alert is about."""
        found = self.subject if self.subjects is None else self.subjects.of_episode(self.alert, labels)
        return found if found.slos else Subject((EVERYTHING,), found.routes, found.tiers)


def watches(
    policy: Policy, groups: Iterable[RuleGroup], routes: Sequence[str] = (), vocabulary: Vocabulary = SIMULATED
) -> tuple[Watch, ...]:
    """Every alert of the groups, by name. `routes` are all routes of the telemetry, as policies name them."""
    every = tuple(groups)
    subjects = Subjects(policy, every, routes, vocabulary)
    by_name: dict[str, list[AlertRule]] = {}
    for group in every:
        for rule in group.alerts:
            by_name.setdefault(rule.name, []).append(rule)
    return tuple(_watch(policy, name, rules, subjects) for name, rules in sorted(by_name.items()))


def _watch(policy: Policy, name: str, rules: list[AlertRule], subjects: Subjects) -> Watch:
    labels = dict(rules[0].labels)
    grace = policy.scoring.grace
    subject = subjects.of_alert(name)
    return Watch(
        alert=name,
        severity=labels.get("severity", ""),
        slos=subject.slos or (EVERYTHING,),
        page=any(pages(policy, rule) for rule in rules),
        grace_s=(subjects.reach_s(name) or float(HOUR_S)) if grace == "longest-window" else grace,
        subject=subject,
        subjects=subjects,
    )


def pages(policy: Policy, rule: AlertRule) -> bool:
    """Whether a rule wakes the on-call: `alerts.subjects.pages` of the labels that it sets."""
    return pages_on_call(policy, rule.name, dict(rule.labels))


def touches(incident: Incident, slo: Slo, vocabulary: Vocabulary = SIMULATED, *, has_routes: bool) -> bool:
    """Whether an incident touches a route (and, where both name tiers, a tier) that the objective covers.

    Without routes in the telemetry (`has_routes` false) every incident touches everything.
    """
    wanted = slo.indicator.tiers
    if wanted and incident.tiers and not set(wanted) & set(incident.tiers):
        return False
    return not has_routes or bool(covered_routes(slo.indicator, incident.routes, vocabulary))


def concerns(subject: Subject, incident: Incident, *, has_routes: bool) -> bool:
    """Whether an incident touches a route and a tier to which an alert is restricted."""
    if subject.routes is not None and has_routes and not subject.routes & set(incident.routes):
        return False
    return subject.tiers is None or not incident.tiers or bool(subject.tiers & set(incident.tiers))
