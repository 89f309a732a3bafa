"""A policy as Sloth's specs (`prometheus/v1`) and as `AlertWindows`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workbench.alerts.burn_rules import BurnRule
from workbench.alerts.go_format import go_duration
from workbench.alerts.sloth_rules import alert_name_of
from workbench.errors import Severity
from workbench.interop.outgoing import Outgoing, Said, outgoing, plain, rule_path
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.sloth import SlothWords
from workbench.units import DAY_S

_BUILT_IN_S = (28 * DAY_S, 30 * DAY_S)
_GOOGLE = ((300, 3600, 2), (1800, 21600, 5), (7200, 86400, 10), (21600, 259200, 10))
"""Sloth's own pairs: short and long in seconds, and percent of the budget."""
_MOST_DIGITS = 12

Pairs = dict[str, tuple[BurnRule, ...]]
"""`page` and `ticket`: two rules each, from the shorter long window on, or none."""


def specs(policy: Policy, routes: Sequence[str] | None, said: Said) -> list[dict[str, Any]]:
    """One spec for each service, in the policy's order. What Sloth cannot say is refused or warned of in `said`."""
    by_service: dict[str, dict[str, Any]] = {}
    periods: dict[float, str] = {}
    ones = outgoing(policy, routes, said)
    refuse_slices(ones, said)
    for one in ones:
        pairs = _pairs(policy, one, said)
        _warn_of_rules(policy, one, pairs, said)
        periods.setdefault(one.window_s, one.name)
        _warn_of_names(policy, one, said)
        service = one.slo.service or policy.name
        spec = by_service.setdefault(service, {"version": "prometheus/v1", "service": service, "slos": []})
        spec["slos"].append(_slo(one, pairs))
        if not _built_in(one, pairs):
            said.of_objective(f"windows are not Sloth's own for {go_duration(one.window_s)}: {_given(pairs)}", one.name)
    if len(periods) > 1:
        found = ", ".join(f"{go_duration(period_s)} ({name})" for period_s, name in periods.items())
        said.warn(f"a spec states no window, and one run of Sloth has one SLO period for all: {found}", "slos")
    elif periods and 30 * DAY_S not in periods:
        said.warn(f"a spec states no window: run Sloth with --default-slo-period={go_duration(next(iter(periods)))}", "slos")
    said.settle()
    return list(by_service.values())


def alert_windows(policy: Policy, routes: Sequence[str] | None, said: Said) -> list[dict[str, Any]]:
    """One `AlertWindows` for each window of an objective; refused if objectives of one window have other rules."""
    by_period: dict[float, tuple[str, dict[str, Any]]] = {}
    for one in outgoing(policy, routes, said):
        if one.slo.time_slices is not None:
            said.note("windows are the same for budgets of time slices", "slos", one.name, "time_slices")
        pairs = _pairs(policy, one, said)
        _warn_of_rules(policy, one, pairs, said)
        if any(len(rules) not in (0, 2) for rules in pairs.values()):
            continue  # refused
        if not pairs["page"] or not pairs["ticket"]:
            said.of_objective("objectives without pages or without tickets have no windows to write", one.name)
            continue
        body = {"sloPeriod": go_duration(one.window_s)} | {severity: _severity(rules) for severity, rules in pairs.items()}
        first, written = by_period.setdefault(one.window_s, (one.name, body))
        if written != body:
            said.refuse(f"{one.name} and {first} have the same window and other rules; AlertWindows hold one set a period", "slos")
    if not by_period:
        said.refuse("no objective has two pages and two tickets", "slos")
    said.settle()
    return [
        {"apiVersion": "sloth.slok.dev/v1", "kind": "AlertWindows", "spec": body}
        for _, body in (by_period[p] for p in sorted(by_period))
    ]


def _pairs(policy: Policy, one: Outgoing, said: Said) -> Pairs:
    """The rules by severity; refused unless there are two or none of each."""
    pairs: Pairs = {"page": (), "ticket": ()}
    for severity, pages in (("page", True), ("ticket", False)):
        rules = sorted((rule for rule in one.rules if rule.rule.page is pages), key=lambda rule: (rule.rule.long, rule.name))
        if len(rules) not in (0, 2):
            names = ", ".join(rule.name for rule in rules)
            what = "rules that page" if pages else "rules that do not page"
            said.refuse(
                f"{severity}s have two pairs of windows, quick and slow; {one.name} has {len(rules)} {what}: {names}",
                "slos",
                one.name,
            )
        elif rules and rules[0].rule.severity != rules[1].rule.severity:
            said.warn(
                f"both {severity}s have one severity; that of {rules[0].name} is written", *rule_path(policy, one.name, rules[1])
            )
        pairs[severity] = tuple(rules)
    return pairs


def _given(pairs: Mapping[str, Sequence[BurnRule]]) -> str:
    """How Sloth gets the windows."""
    missing = [severity for severity, rules in pairs.items() if not rules]
    if not missing:
        return "give Sloth those of `export alertwindows`"
    pair = " and ".join(missing)
    return f"AlertWindows need two pages and two tickets, so write any windows for {pair} beside these; the spec disables {pair}"


def _warn_of_rules(policy: Policy, one: Outgoing, pairs: Pairs, said: Said) -> None:
    for rule in (rule for rules in pairs.values() for rule in rules):
        stated = rule.rule
        path = rule_path(policy, one.name, rule)
        for key, is_stated in (
            ("for", stated.for_ > 0),
            ("keep_firing_for", stated.keep_firing_for > 0),
            ("compare", stated.compare != ">"),
            ("min_events", rule.min_events is not None or rule.min_events_short is not None),
            ("min_failures", rule.min_failures is not None),
            ("summary", bool(stated.summary) and rule.name in policy.burn_rate_alerts),
            ("labels", bool(stated.labels)),
            ("annotations", bool(stated.annotations)),
        ):
            if is_stated:
                said.warn(f"{key} of rule {rule.name} is not held", *path)


def _warn_of_names(policy: Policy, one: Outgoing, said: Said) -> None:
    """Both alerts of Sloth have one name."""
    names = list(dict.fromkeys(rule.alert for rule in one.rules))
    if policy.alert_preset != "sloth" and names and not (one.slo.sloth and names == [one.slo.sloth.alert]):
        said.of_objective(f"an objective has one name for its alerts; {', '.join(names)} are not held", one.name, Severity.INFO)


def _slo(one: Outgoing, pairs: Pairs) -> dict[str, Any]:
    slo, words = one.slo, one.slo.sloth or SlothWords()
    out: dict[str, Any] = {"name": words.name or one.name, "objective": plain(slo.target * 100)}
    if slo.description:
        out["description"] = slo.description
    if labels := dict(slo.labels) | dict(words.labels):
        out["labels"] = labels
    out["sli"] = _sli(one)
    alerting: dict[str, Any] = {"name": words.alert or alert_name_of(words.name or one.name)}
    if slo.annotations:
        alerting["annotations"] = dict(slo.annotations)
    for severity, stated in (("page", words.page), ("ticket", words.ticket)):
        rules = pairs.get(severity, ())
        alert: dict[str, Any] = {} if rules else {"disable": True}
        labels = dict(stated.labels)
        if rules and slo.sloth is None and rules[0].rule.severity != severity:
            labels["severity"] = rules[0].rule.severity
        if labels:
            alert["labels"] = labels
        if stated.annotations:
            alert["annotations"] = dict(stated.annotations)
        if alert:
            alerting[f"{severity}_alert"] = alert
    return out | {"alerting": alerting}


def _sli(one: Outgoing) -> Mapping[str, Any]:
    sli = one.sli
    if sli.ratio:
        return {"raw": {"error_ratio_query": sli.ratio}}
    errors = sli.errors or f"(\n  {sli.total}\n  -\n  {sli.good}\n)"
    return {"events": {"error_query": errors, "total_query": sli.total}}


def refuse_slices(ones: Iterable[Outgoing], said: Said) -> None:
    """Budgets of time slices have no place in a format."""
    for one in ones:
        if one.slo.time_slices is not None:
            said.refuse("budgets of time slices are not held", "slos", one.name, "time_slices")


def _severity(rules: tuple[BurnRule, ...]) -> dict[str, Any]:
    return {speed: _window(rule) for speed, rule in zip(("quick", "slow"), rules, strict=True)}


def _window(rule: BurnRule) -> dict[str, Any]:
    return {
        "errorBudgetPercent": _percent(rule.budget_share),
        "shortWindow": go_duration(rule.rule.short),
        "longWindow": go_duration(rule.rule.long),
    }


def _percent(share: Fraction) -> Decimal:
    """A share in percent, to twelve decimals."""
    exact = share * 100
    return plain(round(Decimal(exact.numerator) / Decimal(exact.denominator), _MOST_DIGITS))


def _built_in(one: Outgoing, pairs: Pairs) -> bool:
    rules = [rule for rules in pairs.values() for rule in rules]
    google = dict.fromkeys(_GOOGLE) if one.window_s in _BUILT_IN_S else {}
    found = [(rule.rule.short, rule.rule.long, rule.budget_share * 100) for rule in rules]
    return not found or all(any(_close(pair, known) for known in google) for pair in found)


def _close(pair: tuple[float, float, Fraction], known: tuple[int, int, int]) -> bool:
    return (pair[0], pair[1]) == (known[0], known[1]) and abs(pair[2] - known[2]) < Fraction(1, 10**9)
