"""A policy as OpenSLO v1: an SLO for each objective, an AlertPolicy and an AlertCondition for each rule.

OpenSLO's condition has one window. The short window of a rule, and what else has no field there, stands in annotations
`workbench.dev/...` of the condition, which `workbench import` reads back; other tools look at the long window alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.alerts.burn_rules import BurnRule
from workbench.errors import Severity
from workbench.interop.imported import NAME, dns_name
from workbench.interop.openslo_alerts import KEEP_FIRING, MINIMA, PAGES, PAGING, SHORT_WINDOW
from workbench.interop.outgoing import Outgoing, Said, outgoing, plain, rule_path
from workbench.scenario.schema.policy import Policy
from workbench.units import DAY_S, HOUR_S, MINUTE_S, format_duration

_LONGEST_DESCRIPTION = 1050
API = "openslo/v1"


def documents_of(policy: Policy, routes: Sequence[str] | None, said: Said) -> list[dict[str, Any]]:
    """Conditions, alert policies, then objectives. What OpenSLO cannot say is refused or warned of in `said`."""
    alerts: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    slos = []
    names: dict[str, str] = {}
    for one in outgoing(policy, routes, said):
        refs = [_alert(policy, one, rule, alerts, said) for rule in one.rules]
        slos.append(_slo(one, refs, names, said))
    if any(rule for rule in alerts):
        said.warn(
            f"a condition has one window: the short ones stand in annotations {SHORT_WINDOW}, which other tools ignore", "slos"
        )
    said.settle()
    return [*(condition for condition, _ in alerts.values()), *(alert for _, alert in alerts.values()), *slos]


def _named(text: str, taken: dict[str, str], said: Said, path: tuple[str, ...]) -> str:
    name = dns_name(text)
    if name != text:
        said.note(f"{text} is written {name} (small letters, digits and '-') and stands in an annotation", *path)
    if taken.setdefault(name, text) != text:
        said.refuse(f"{text} and {taken[name]} would both be called {name}", *path)
    return name


def _slo(one: Outgoing, refs: list[str], names: dict[str, str], said: Said) -> dict[str, Any]:
    slo, path = one.slo, ("slos", one.name)
    metadata: dict[str, Any] = {"name": _named(one.name, names, said, path)}
    if slo.labels:
        metadata["labels"] = dict(slo.labels)
    mark = {NAME: one.name} if metadata["name"] != one.name else {}
    if slo.annotations or mark:
        metadata["annotations"] = mark | dict(slo.annotations)
    spec: dict[str, Any] = {}
    if slo.description:
        if len(slo.description) > _LONGEST_DESCRIPTION:
            said.warn(f"a description has at most {_LONGEST_DESCRIPTION} characters and is cut", *path, "description")
        spec["description"] = slo.description[:_LONGEST_DESCRIPTION]
    spec["service"] = slo.service or "unnamed"
    if not slo.service:
        said.of_objective("an SLO needs a service; `unnamed` stands there", one.name, Severity.INFO)
    spec["indicator"] = {"metadata": {"name": metadata["name"]}, "spec": {"ratioMetric": _ratio(one)}}
    window = _shorthand(one.window_s)
    if window is None:
        said.refuse("a window is a whole number of minutes, hours or days", *path, "window")
    spec["timeWindow"] = [{"duration": window, "isRolling": True}]
    objective: dict[str, Any] = {"target": plain(slo.target)}
    spec["budgetingMethod"] = "Occurrences"
    if slo.time_slices is not None:
        length = _shorthand(slo.time_slices.length)
        if length is None:
            said.refuse("a slice is a whole number of minutes, hours or days", *path, "time_slices", "length")
        spec["budgetingMethod"] = "Timeslices"
        objective |= {"timeSliceTarget": plain(slo.time_slices.target), "timeSliceWindow": length}
    spec["objectives"] = [objective]
    if refs:
        spec["alertPolicies"] = refs
    if slo.sloth is not None:
        said.warn("what Sloth's alerts are called and carry is not held", *path, "sloth")
    return {"apiVersion": API, "kind": "SLO", "metadata": metadata, "spec": spec}


def _ratio(one: Outgoing) -> dict[str, Any]:
    def metric(query: str) -> dict[str, Any]:
        return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}

    sli = one.sli
    if sli.ratio:
        return {"rawType": "failure", "raw": metric(sli.ratio)}
    part = {"bad": metric(sli.errors)} if sli.errors else {"good": metric(sli.good)}
    return {"counter": True, **part, "total": metric(sli.total)}


def _alert(
    policy: Policy, one: Outgoing, rule: BurnRule, alerts: dict[str, tuple[dict[str, Any], dict[str, Any]]], said: Said
) -> str:
    """The name of the alert policy of a rule; written once for all objectives for which its numbers are the same."""
    path = rule_path(policy, one.name, rule)
    condition = _condition(rule, said, path)
    base = dns_name(rule.name)
    name, number = base, 1
    while name in alerts and not _same(alerts[name][0], condition):
        number += 1
        name = f"{base}-{number}"
    if base != rule.name:
        condition["metadata"]["annotations"][NAME] = f"{rule.name}{name.removeprefix(base)}"
    condition["metadata"] = {"name": name} | condition["metadata"]
    alert = {
        "apiVersion": API,
        "kind": "AlertPolicy",
        "metadata": {"name": name},
        "spec": {"alertWhenBreaching": True, "alertWhenResolved": False, "conditions": [{"conditionRef": name}]},
    }
    if name not in alerts and (rule.rule.labels or rule.rule.annotations):
        said.warn(f"labels and annotations of rule {rule.name} are not held", *path)
    alerts.setdefault(name, (condition, alert))
    return name


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two conditions say the same, whatever they are called."""

    def said(condition: dict[str, Any]) -> tuple[Any, ...]:
        annotations = condition["metadata"]["annotations"]
        return condition["spec"], {key: value for key, value in annotations.items() if key != NAME}

    return said(one) == said(other)


def _condition(rule: BurnRule, said: Said, path: tuple[str, ...]) -> dict[str, Any]:
    stated = rule.rule
    annotations = {SHORT_WINDOW: format_duration(stated.short)}
    if stated.page is not (stated.severity.casefold() in PAGING):
        annotations[PAGES] = "true" if stated.page else "false"
    if stated.keep_firing_for:
        annotations[KEEP_FIRING] = format_duration(stated.keep_firing_for)
        said.warn(f"keep_firing_for of rule {rule.name} stands in an annotation, which other tools ignore", *path)
    for annotation, key in MINIMA.items():
        if (least := getattr(rule, key)) is not None:
            annotations[annotation] = str(least)
            said.warn(f"{key} of rule {rule.name} stands in an annotation, which other tools ignore", *path)
    if rule.min_events_short is not None:
        said.warn(f"min_events_short of rule {rule.name} is not held", *path)
    long, hold = _shorthand(stated.long), _shorthand(stated.for_) if stated.for_ else "0m"
    if long is None:
        said.refuse(f"the long window of rule {rule.name} is no whole number of minutes", *path)
    if hold is None:
        hold = _shorthand(-(-stated.for_ // MINUTE_S) * MINUTE_S)
        said.warn(f"`for` of rule {rule.name} is written in whole minutes: {hold}", *path)
    spec: dict[str, Any] = {"description": stated.summary[:_LONGEST_DESCRIPTION]} if stated.summary else {}
    spec["severity"] = stated.severity
    spec["condition"] = {
        "kind": "burnrate",
        "op": "gt" if stated.compare == ">" else "gte",
        "threshold": plain(rule.factor),
        "lookbackWindow": long,
        "alertAfter": hold,
    }
    return {"apiVersion": API, "kind": "AlertCondition", "metadata": {"annotations": annotations}, "spec": spec}


def _shorthand(seconds: float) -> str | None:
    """`5m`, `36h`, `28d`; None for what is no whole number of minutes."""
    for unit, size in (("d", DAY_S), ("h", HOUR_S), ("m", MINUTE_S)):
        if seconds > 0 and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return None
