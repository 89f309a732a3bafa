"""What an alert is about: which objectives, routes and tiers, and whether it wakes somebody.

A label that names an objective decides. Without one, the routes and tiers to which the alert's selectors (those of the recording
rules that it reads among them) or its own labels restrict it; without any, it is about everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.alerts.burn_rules import burn_rules
from workbench.alerts.burn_rules import pages as of_policy
from workbench.alerts.coverage import covered_routes, of_selector
from workbench.alerts.expressions import Rules
from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.vocabulary import Vocabulary
from workbench.promql.ast import Matcher, MatchKind
from workbench.scenario.schema.policy import Policy

OBJECTIVE_LABELS = ("slo", "sloth_slo", "slo_name", "objective", "slo_id", "sloth_id")
"""Labels in which public tools name the objective of an alert, the first that names one of the policy's decides."""
SEVERITY_LABELS = ("severity", "sloth_severity", "priority")
PAGING_SEVERITIES = frozenset({"page", "critical", "pager"})
"""Severities that wake the on-call, where the policy says nothing else."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What alerts of one rule, or one alert, are about."""

    slos: tuple[str, ...]
    """Objectives of the policy, sorted."""
    routes: frozenset[str] | None = None
    """The routes to which it is restricted, as policies name them; None: all."""
    tiers: frozenset[str] | None = None


class Subjects:
    """The subjects of all alerts of some groups."""

    def __init__(self, policy: Policy | None, groups: Sequence[RuleGroup], routes: Sequence[str], vocabulary: Vocabulary) -> None:
        """`routes` are all routes of the telemetry, as policies name them."""
        self._slos = {} if policy is None else policy.slos
        self._vocabulary = vocabulary
        self._routes = tuple(routes)
        self._covered = {name: frozenset(covered_routes(slo.indicator, routes, vocabulary)) for name, slo in self._slos.items()}
        self._rules = Rules(tuple(groups))
        self._by_name: dict[str, list[Subject]] = {}
        for number, (group, _, rule) in enumerate(self._rules.rules):
            if isinstance(rule, AlertRule):
                self._by_name.setdefault(rule.name, []).append(self._of_rule(number, group, rule))

    def of_alert(self, name: str) -> Subject:
        """All rules of this name together."""
        return _together(self._by_name.get(name, [self._everything()]))

    def of_episode(self, name: str, labels: Iterable[tuple[str, str]]) -> Subject:
        """One alert with its labels."""
        return self._narrowed(self.of_alert(name), dict(labels))

    def routes_of(self, name: str, labels: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Where the on-call looks first: the routes of its objectives, or those that it is restricted to."""
        subject = self.of_episode(name, labels)
        if subject.routes is not None:
            return tuple(sorted(subject.routes))
        return tuple(sorted({route for slo in subject.slos for route in self._covered[slo]})) or self._routes

    def reach_s(self, name: str) -> float:
        """The longest way back that rules of this name look, in seconds; 0 if they look at the present only."""
        found = [
            self._rules.reach_ms(number)
            for number, (_, _, rule) in enumerate(self._rules.rules)
            if isinstance(rule, AlertRule) and rule.name == name
        ]
        return max(found, default=0) / 1000.0

    def _everything(self) -> Subject:
        return Subject(tuple(sorted(self._slos)))

    def _of_rule(self, number: int, group: RuleGroup, rule: AlertRule) -> Subject:
        labels = {**dict(group.labels), **dict(rule.labels)}
        subject = self._everything()
        if named_objective(labels, self._slos) is None:
            routes = self._restricted(number, self._vocabulary.route_label, self._routes)
            tiers = self._restricted(number, self._vocabulary.tier_label, None)
            subject = self._about(routes, tiers)
        return self._narrowed(subject, {key: text for key, text in labels.items() if "{{" not in text})

    def _narrowed(self, subject: Subject, labels: Mapping[str, str]) -> Subject:
        """What labels add: an objective's name, or a route and a tier."""
        named = named_objective(labels, self._slos)
        if named is not None:
            return Subject((named,), None, None)
        words = self._vocabulary
        route = words.named(words.route_label, labels.get(words.route_label, ""))
        tier = "" if words.tier_label is None else words.named(words.tier_label, labels.get(words.tier_label, ""))
        narrower = subject
        if route and route in self._routes and (subject.routes is None or route in subject.routes):
            narrower = replace(narrower, routes=frozenset({route}))
        if tier and (subject.tiers is None or tier in subject.tiers):
            narrower = replace(narrower, tiers=frozenset({tier}))
        return subject if narrower == subject else self._about(narrower.routes, narrower.tiers, subject.slos)

    def _about(self, routes: frozenset[str] | None, tiers: frozenset[str] | None, among: Sequence[str] | None = None) -> Subject:
        """Objectives that cover any of the routes and tiers."""
        slos = []
        for name in sorted(self._slos) if among is None else among:
            wanted = self._slos[name].indicator.tiers
            if routes is not None and not routes & self._covered[name]:
                continue
            if tiers is not None and wanted and not tiers & set(wanted):
                continue
            slos.append(name)
        return Subject(tuple(slos), routes, tiers)

    def _restricted(self, number: int, label: str | None, values: Sequence[str] | None) -> frozenset[str] | None:
        """The values of a label that any selector lets through; None if one of the selectors of requests restricts nothing."""
        if label is None:
            return None
        found: set[str] = set()
        restricts = False
        for selector in self._rules.read(number):
            mine = [matcher for matcher in selector.matchers if matcher.label == label]
            if not mine:
                if not self._writes(selector.matchers) and self._of_requests(selector.matchers):
                    return None
                continue
            restricts = True
            if values is not None:
                found.update(route for route in of_selector(selector, values, self._vocabulary) if route)
            else:
                exact = _exact_values(mine)
                if exact is None:
                    return None
                found.update(self._vocabulary.named(label, text) for text in exact)
        if not restricts or (values is not None and found == set(values)):
            return None
        return frozenset(found)

    def _writes(self, matchers: Sequence[Matcher]) -> bool:
        names = {result.name for some in self._rules.results for result in some}
        return any(m.label == "__name__" and m.text in names for m in matchers)

    def _of_requests(self, matchers: Sequence[Matcher]) -> bool:
        words = self._vocabulary
        of_requests = {words.requests, words.errors, *(words.latency + suffix for suffix in ("_bucket", "_count", "_sum"))}
        return any(m.label == "__name__" and m.text in of_requests for m in matchers)


def named_objective(labels: Mapping[str, str], slos: Iterable[str]) -> str | None:
    """The objective that labels name."""
    known = set(slos)
    for label in OBJECTIVE_LABELS:
        text = labels.get(label, "")
        if text in known:
            return text
    return None


def pages(policy: Policy | None, alert: str, labels: Mapping[str, str]) -> bool:
    """Whether an alert wakes the on-call.

    Its label `page` says so (`true`, or anything else for no); or else the policy's rules of its name or severity; or else its
    severity is one of PAGING_SEVERITIES.
    """
    if "page" in labels:
        return labels["page"] == "true"
    if policy is not None:
        if of_policy(policy, alert, labels):
            return True
        if alert in _alerts_of(policy):
            return False
    return any(labels.get(name, "").casefold() in PAGING_SEVERITIES for name in SEVERITY_LABELS)


def _alerts_of(policy: Policy) -> frozenset[str]:
    return frozenset(rule.alert for name in policy.slos for rule in burn_rules(policy, name))


def _exact_values(matchers: Sequence[Matcher]) -> set[str] | None:
    """The values that equality or an alternation of plain texts allows; None if that cannot be said."""
    out: set[str] | None = None
    for matcher in matchers:
        if matcher.kind is MatchKind.EQUAL:
            values = {matcher.text}
        elif matcher.kind is MatchKind.REGEX and all(
            part.replace("-", "").replace("_", "").isalnum() for part in matcher.text.split("|")
        ):
            values = set(matcher.text.split("|"))
        else:
            return None
        out = values if out is None else out & values
    return out


def _together(subjects: Sequence[Subject]) -> Subject:
    if len(subjects) == 1:
        return subjects[0]
    routes = None if any(one.routes is None for one in subjects) else frozenset().union(*(one.routes or () for one in subjects))
    tiers = None if any(one.tiers is None for one in subjects) else frozenset().union(*(one.tiers or () for one in subjects))
    return Subject(tuple(sorted({slo for one in subjects for slo in one.slos})), routes, tiers)
