"""What an alert rule watches: objectives, their routes and tiers, and how far back it looks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.alerts.burn_rules import pages as pages_on_call
from workbench.alerts.coverage import covered_routes
from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.vocabulary import SIMULATED, Vocabulary
from workbench.scenario.schema.policy import Policy, Slo
from workbench.units import HOUR_S, parse_duration
from workbench.world.truth import Incident

_RANGE = re.compile(r"\[([0-9a-z.]+)(?::[0-9a-z.]*)?\]")


@dataclass(frozen=True, slots=True)
class Watch:
    """One alert, with all rules of its name put together."""

    alert: str
    severity: str
    """Of its first rule; empty without such a label."""
    slos: tuple[str, ...]
    """Objectives that its rules name in the label `slo`, sorted; all of the policy's where a rule names none."""
    page: bool
    """Whether it wakes the on-call."""
    grace_s: float
    """How long after an incident's end a firing still counts as its detection."""

    def slos_of(self, labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        """The objectives of one of its episodes: the one that its labels name, or all of the alert's."""
        named = dict(labels).get("slo")
        return (named,) if named in self.slos else self.slos


def watches(policy: Policy, groups: Iterable[RuleGroup]) -> tuple[Watch, ...]:
    """Every alert of the groups, by name."""
    by_name: dict[str, list[AlertRule]] = {}
    for group in groups:
        for rule in group.alerts:
            by_name.setdefault(rule.name, []).append(rule)
    return tuple(_watch(policy, name, rules) for name, rules in sorted(by_name.items()))


def _watch(policy: Policy, name: str, rules: list[AlertRule]) -> Watch:
    slos: set[str] = set()
    for rule in rules:
        named = dict(rule.labels).get("slo")
        slos |= {named} if named in policy.slos else set(policy.slos)
    labels = dict(rules[0].labels)
    grace = policy.scoring.grace
    return Watch(
        alert=name,
        severity=labels.get("severity", ""),
        slos=tuple(sorted(slos)),
        page=any(pages(policy, rule) for rule in rules),
        grace_s=max(longest_window_s(rule) for rule in rules) if grace == "longest-window" else grace,
    )


def pages(policy: Policy, rule: AlertRule) -> bool:
    """Whether a rule wakes the on-call: its label `page`, or the policy's rule of its name, or else of its severity, says so."""
    return pages_on_call(policy, rule.name, dict(rule.labels))


def longest_window_s(rule: AlertRule) -> float:
    """The longest range that the rule's expression looks at; an hour if it shows none (recording rules hide theirs)."""
    found = [parse_duration(text) for text in _RANGE.findall(rule.expr) if re.fullmatch(r"(?:\d+(?:ms|[smhdw]))+", text)]
    return max(found, default=float(HOUR_S))


def touches(incident: Incident, slo: Slo, vocabulary: Vocabulary = SIMULATED, *, has_routes: bool) -> bool:
    """Whether an incident touches a route (and, where both name tiers, a tier) that the objective covers.

    Without routes in the telemetry (`has_routes` false) every incident touches everything.
    """
    wanted = slo.indicator.tiers
    if wanted and incident.tiers and not set(wanted) & set(incident.tiers):
        return False
    return not has_routes or bool(covered_routes(slo.indicator, incident.routes, vocabulary))
