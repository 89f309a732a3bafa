"""OpenSLO's alert policies and conditions as burn-rate rules.

A condition of OpenSLO has one window. A policy's rule has two: the short one stands in an annotation of the condition if the
workbench wrote it, and is a twelfth of the long one otherwise, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.interop import openslo_models as models
from workbench.interop.foreign import Foreign
from workbench.interop.imported import MARK, NAME, Imported, Rule, name_of
from workbench.scenario.names import nearest
from workbench.scenario.tree import Path
from workbench.units import format_duration, parse_duration

SHORT_WINDOW = f"{MARK}short-window"
PAGES = f"{MARK}page"
KEEP_FIRING = f"{MARK}keep-firing-for"
MINIMA = {f"{MARK}min-events": "min_events", f"{MARK}min-failures": "min_failures"}
"""Annotations of a condition in which the workbench keeps what OpenSLO has no field for."""
PAGING = frozenset({"page", "critical"})
"""Severities that wake somebody where nothing else is said."""

Policies = Mapping[str, tuple[Foreign, models.AlertPolicy]]
Conditions = Mapping[str, tuple[Foreign, models.Condition]]


def alert_names(
    document: Foreign, spec: models.SloSpec, policies: Policies, conditions: Conditions, window_s: float, imported: Imported
) -> list[str]:
    """Names of the rules that an objective's alert policies make; the rules are added."""
    names: list[str] = []
    for index, stated in enumerate(spec.alertPolicies):
        at: Path = ("spec", "alertPolicies", index)
        if isinstance(stated, models.AlertPolicy):
            found = (document, stated, (*at, "spec"))
        else:
            name = stated if isinstance(stated, str) else stated.alertPolicyRef
            if name not in policies:
                message = "no AlertPolicy of this name was read; its alerts are left out"
                near = nearest(name, policies)
                problem = document.warning(message + (f" (did you mean {near!r}?)" if near else ""), *at)
                imported.problems.append(problem)
                continue
            found = (*policies[name], ("spec",))
        names += _of_policy(*found, conditions, window_s, imported)
    return list(dict.fromkeys(names))


def _of_policy(
    document: Foreign, policy: models.AlertPolicy, at: Path, conditions: Conditions, window_s: float, imported: Imported
) -> list[str]:
    spec, problems = policy.spec, imported.problems
    if spec.alertWhenNoData:
        problems.append(document.warning("alertWhenNoData is not held: a rule without data does not fire", *at, "alertWhenNoData"))
    if spec.alertWhenResolved:
        problems.append(document.note("alertWhenResolved is Alertmanager's; a policy does not hold it", *at, "alertWhenResolved"))
    if spec.notificationTargets:
        problems.append(
            document.note("notificationTargets are Alertmanager's; a policy does not hold them", *at, "notificationTargets")
        )
    if not spec.alertWhenBreaching:
        problems.append(document.warning("alertWhenBreaching is false: its conditions make no alerts", *at, "alertWhenBreaching"))
        return []
    names = []
    for index, stated in enumerate(spec.conditions):
        path: Path = (*at, "conditions", index)
        if isinstance(stated, models.Condition):
            names.append(_rule(document, stated, path, window_s, imported))
        elif stated.conditionRef in conditions:
            where, condition = conditions[stated.conditionRef]
            names.append(_rule(where, condition, (), window_s, imported))
        else:
            near = nearest(stated.conditionRef, conditions)
            message = "no AlertCondition of this name was read; give its file too"
            problems.append(document.problem("import/reference", message, (*path, "conditionRef"), nearest=near))
    return names


def _rule(document: Foreign, condition: models.Condition, at: Path, window_s: float, imported: Imported) -> str:
    """The rule of one condition, added unless it is there already."""
    name = name_of(condition.metadata.own_name)
    place = document.place(*at, "metadata", "name")
    before = next((rule for rule in imported.rules if rule.name == name), None)
    if before is not None and before.place == place:
        return name
    fields = _fields(document, condition, at, window_s, imported)
    if before is None:
        imported.rules.append(Rule(name, place, fields))
    elif before.fields != fields:
        message = f"another condition of this name stands on line {before.place.line} of {before.place.file}"
        imported.problems.append(document.problem("import/duplicate", message, (*at, "metadata", "name")))
    return name


def _fields(document: Foreign, condition: models.Condition, at: Path, window_s: float, imported: Imported) -> dict[str, Any]:
    spec, body, problems = condition.spec, condition.spec.condition, imported.problems
    path: Path = (*at, "spec", "condition")
    own = condition.metadata.annotations
    if body.kind.casefold() != "burnrate":
        problems.append(document.refusal("only conditions of kind burnrate are held", *path, "kind"))
    if body.op in ("lt", "lte"):
        problems.append(document.refusal("a burn rate alerts above its threshold, not below", *path, "op"))
    if body.threshold <= 0:
        problems.append(document.refusal("a threshold must be more than 0", *path, "threshold"))
    long_s = models.seconds(body.lookbackWindow)
    short_s = long_s / 12
    try:
        stated = own.get(SHORT_WINDOW)
        if stated is not None:
            short_s = parse_duration(stated)
        else:
            shown = format_duration(short_s)
            message = f"OpenSLO has one window; a short one of {shown}, a twelfth, is added, which ends the alert sooner"
            problems.append(document.warning(message, *path, "lookbackWindow"))
        keep_s = parse_duration(own.get(KEEP_FIRING, "0s"))
    except ValueError as error:
        problems.append(document.refusal(str(error), *at, "metadata", "annotations"))
        keep_s = 0.0
    if models.CALENDAR & set(body.lookbackWindow + body.alertAfter):
        problems.append(document.warning("months, quarters and years have no fixed length; 30, 90 and 365 days are taken", *path))
    if long_s >= window_s:
        problems.append(document.warning("the lookback window is as long as the objective's own", *path, "lookbackWindow"))
    page = own.get(PAGES) == "true" if PAGES in own else spec.severity.casefold() in PAGING
    fields: dict[str, Any] = {
        "long": format_duration(long_s),
        "short": format_duration(short_s),
        "factor": body.threshold,
        "severity": name_of(spec.severity),
        "page": page,
    }
    if body.alertAfter[0] != "0":
        fields["for"] = format_duration(models.seconds(body.alertAfter))
    if keep_s:
        fields["keep_firing_for"] = format_duration(keep_s)
    if body.op == "gte":
        fields["compare"] = ">="
    for annotation, key in MINIMA.items():
        if annotation in own and own[annotation].isascii() and own[annotation].isdigit():
            fields[key] = int(own[annotation][:12])
    if spec.description:
        fields["summary"] = spec.description
    others = sorted(set(own) - {SHORT_WINDOW, PAGES, KEEP_FIRING, NAME, *MINIMA})
    if others or condition.metadata.labels:
        problems.append(document.note("labels and annotations of a condition are not held", *at, "metadata"))
    return fields
