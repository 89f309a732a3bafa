"""A policy as Pyrra's resources: one `ServiceLevelObjective` for each objective.

Pyrra makes its own alerts, 14, 7, 2 and 1 times too fast over windows that stretch with the objective's: it takes no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.alerts.go_format import go_duration
from workbench.alerts.numbers import number_text
from workbench.alerts.preset_registry import all_presets
from workbench.alerts.pyrra_shape import metrics_of
from workbench.alerts.queries import terms
from workbench.interop.imported import dns_name
from workbench.interop.outgoing import Outgoing, Said, outgoing
from workbench.interop.pyrra_in import PREFIX
from workbench.scenario.schema.policy import Policy

_RANGE = re.compile(r"\((?P<selector>[^()]*(?:\"[^\"]*\"[^()]*)*)\[\{\{-?\s*\.window\s*-?\}\}\]")


def resources(
    policy: Policy, routes: Sequence[str] | None, said: Said, *, namespace: str = "", labels: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """One resource an objective. What Pyrra cannot say is refused or warned of in `said`."""
    out = []
    for one in outgoing(policy, routes, said):
        path = ("slos", one.name)
        if one.slo.time_slices is not None:
            said.refuse("budgets of time slices are not held", *path, "time_slices")
        metadata: dict[str, Any] = {"name": dns_name(one.name)}
        if metadata["name"] != one.name:
            said.warn(f"{one.name} is written {metadata['name']}: a resource has small letters, digits and '-'", *path)
        if namespace:
            metadata["namespace"] = namespace
        own = ({"service": one.slo.service} if one.slo.service else {}) | dict(one.slo.labels)
        handed = {f"{PREFIX}{key}": value for key, value in own.items()}
        if handed or labels:
            metadata["labels"] = dict(labels or {}) | handed
        if one.slo.annotations:
            metadata["annotations"] = {f"{PREFIX}{key}": value for key, value in one.slo.annotations.items()}
        spec: dict[str, Any] = {"target": number_text(one.slo.target * 100), "window": go_duration(one.window_s)}
        if one.slo.description:
            spec["description"] = one.slo.description
        spec["indicator"] = _indicator(one, said)
        spec |= _alerting(policy, one, said)
        if one.slo.sloth is not None:
            said.warn("what Sloth's alerts are called and carry is not held", *path, "sloth")
        out.append({"apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "metadata": metadata, "spec": spec})
    said.settle()
    return out


def _indicator(one: Outgoing, said: Said) -> dict[str, Any]:
    """The metrics without the queries that Pyrra makes of them itself."""
    if (gauge := _gauge(one)) is not None:
        return {"bool_gauge": {"metric": gauge}}
    found = None if one.sli.ratio else metrics_of(one.sli)
    if found is None:
        message = "Pyrra makes its queries itself from one counter each; these are more than the sum of one counter's rate"
        said.refuse(f"{message} (or good events that are no bucket of a histogram)", "slos", one.name, "indicator")
        return {}
    total, errors, success, grouping = found
    by = {"grouping": list(grouping)} if grouping else {}
    if errors is not None:
        return {"ratio": {"errors": {"metric": str(errors)}, "total": {"metric": str(total)}, **by}}
    return {"latency": {"success": {"metric": str(success)}, "total": {"metric": str(total)}, **by}}


def _gauge(one: Outgoing) -> str | None:
    """The gauge whose sum and count over the window are the good events and all."""
    good, total = terms(one.sli.good) if one.sli.good else None, terms(one.sli.total) if one.sli.total else None
    if not good or not total or len(good) != 1 or len(total) != 1:
        return None
    same = good[0].selector == total[0].selector and good[0].weight == total[0].weight == 1
    if not same or (good[0].function, total[0].function) != ("sum_over_time", "count_over_time") or " by " in one.sli.good:
        return None
    match = _RANGE.search(one.sli.good)
    return match["selector"].strip() if match else None


def _alerting(policy: Policy, one: Outgoing, said: Said) -> dict[str, Any]:
    """Off if there are no rules; what is not Pyrra's own is warned of."""
    pyrras = all_presets()["pyrra"].rows(one.window_s)
    if not one.rules:
        return {"alerting": {"burnrates": False, "absent": False}}
    rows = {(row.long, row.short, row.factor_for(one.window_s), row.for_) for row in pyrras.values()}
    others = [rule.name for rule in one.rules if (rule.rule.long, rule.rule.short, rule.factor, rule.rule.for_) not in rows]
    if others:
        message = f"takes no windows or factors of your own: its 14x, 7x, 2x and 1x stand for {', '.join(others)}"
        said.of_objective(message, one.name)
    elif len(one.rules) < len(rows):
        said.of_objective("generates all four of its alerts, not only those of the objective", one.name)
    guards = [rule.name for rule in one.rules if (rule.min_events, rule.min_events_short, rule.min_failures) != (None, None, None)]
    if guards:
        said.warn(f"has no guards; those of {', '.join(guards)} are not held", "slos", one.name)
    alerting: dict[str, Any] = {}
    names = {rule.alert for rule in one.rules}
    if policy.alert_preset != "pyrra":
        alerting["absent"] = False
    elif len(names) == 1 and (name := names.pop()) != "ErrorBudgetBurn":
        alerting["name"] = name
    return {"alerting": alerting} if alerting else {}
