"""Which burn-rate rules an objective has: those of the policy's preset and its own, scaled to the objective's window.

The policy's own rules are added to the preset's; one of the same name replaces the preset's and takes over the name of its alert.
Several rules that share an alert are alternatives: any of them fires it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from workbench.alerts.preset_registry import preset_of
from workbench.scenario.schema.policy import BurnRateRule, Policy, Slo
from workbench.units import DAY_S

USUAL_WINDOW_S = 30.0 * DAY_S
"""What `window: history` counts as where nothing is measured yet."""


@dataclass(frozen=True, slots=True)
class BurnRule:
    """One rule of one objective, with everything that follows from the objective filled in."""

    name: str
    alert: str
    """Name of its alert."""
    together: str
    """Rules for which this is the same make one alert."""
    rule: BurnRateRule
    factor: Decimal
    budget_share: Fraction
    """Share of the budget that is gone when the long window trips: factor x long / window."""
    min_events: int | None
    min_events_short: int | None
    min_failures: int | None
    from_preset: bool


def window_of(slo: Slo, history_s: float | None) -> float:
    """The objective's window in seconds; `history_s` is the length of what is measured."""
    return (USUAL_WINDOW_S if history_s is None else history_s) if slo.window == "history" else slo.window


def burn_rules(policy: Policy, slo_name: str, history_s: float | None = None) -> tuple[BurnRule, ...]:
    """The rules of one objective: its `alerts` in that order, or all, the preset's first and the policy's own by name.

    Names that are no rule are left out: `readiness` reports them.
    """
    slo = policy.slos[slo_name]
    window_s = window_of(slo, history_s)
    known = _known(policy, window_s)
    used = known if slo.alerts is None else slo.alerts
    own_name = slo.sloth.alert if policy.alert_preset == "sloth" and slo.sloth is not None else ""
    return tuple(_filled(name, known[name], slo, window_s, own_name) for name in used if name in known)


@dataclass(frozen=True, slots=True)
class _Stated:
    """A rule before it meets an objective."""

    rule: BurnRateRule
    alert: str
    together: str
    from_preset: bool


def _known(policy: Policy, window_s: float) -> Mapping[str, _Stated]:
    """Every rule by name: the preset's in its order, then the policy's own."""
    preset = preset_of(policy)
    known: dict[str, _Stated] = {}
    if preset is not None:
        for name, rule in preset.rows(window_s).items():
            together = rule.alert or name
            known[name] = _Stated(rule, preset.alert or together, together, from_preset=True)
    for name in sorted(policy.burn_rate_alerts):
        rule = policy.burn_rate_alerts[name]
        if rule.alert is None and name in known:
            known[name] = _Stated(rule, known[name].alert, known[name].together, from_preset=False)
        else:
            known[name] = _Stated(rule, rule.alert or name, rule.alert or name, from_preset=False)
    return known


def rule_names(policy: Policy) -> tuple[str, ...]:
    """Every name that an objective's `alerts` may hold."""
    return tuple(_known(policy, USUAL_WINDOW_S))


def alternatives(rules: tuple[BurnRule, ...]) -> Iterator[tuple[BurnRule, ...]]:
    """The rules put together by alert, in the order of the first of each."""
    by_alert: dict[str, list[BurnRule]] = {}
    for rule in rules:
        by_alert.setdefault(rule.together, []).append(rule)
    return (tuple(group) for group in by_alert.values())


def pages(policy: Policy, alert: str, labels: Mapping[str, str]) -> bool:
    """Whether an alert wakes the on-call.

    Its label `page` says so; or else the rules that its name, objective and severity point to; or else any rule that pages with its
    severity.
    """
    if "page" in labels:
        return labels["page"] == "true"
    severities = {labels[name] for name in ("severity", "sloth_severity") if name in labels}
    named = labels.get("slo", "")
    everything = [rule for name in policy.slos for rule in burn_rules(policy, name)]
    candidates = burn_rules(policy, named) if named in policy.slos else everything
    mine = [rule for rule in candidates if rule.alert == alert] or [rule for rule in everything if rule.alert == alert]
    if mine:
        return any(rule.rule.page for rule in mine if not severities or rule.rule.severity in severities)
    return any(rule.rule.page and rule.rule.severity in severities for rule in everything)


def events_that_hide_one_failure(factor: Decimal, target: Decimal, compare: str) -> int:
    """The fewest events of which one failure does not burn fast enough: 1 / (factor x (1 - target)), rounded up.

    70 for 14.4 and 99.9 %. With `>=` a failure that burns at exactly the factor counts, so it takes one more.
    """
    exact = 1 / (Fraction(factor) * Fraction(1 - target))
    return math.floor(exact) + 1 if compare == ">=" else math.ceil(exact)


def _filled(name: str, stated: _Stated, slo: Slo, window_s: float, own_name: str) -> BurnRule:
    """`own_name` is what the objective calls the preset's alerts."""
    rule = stated.rule
    factor = rule.factor_for(window_s)
    events, failures = rule.min_events, rule.min_failures
    if events is None and rule.min_events_short is None and failures is None:
        if slo.low_traffic == "min-events":
            events = events_that_hide_one_failure(factor, slo.target, rule.compare)
        elif slo.low_traffic == "min-failures":
            failures = 2
    return BurnRule(
        name=name,
        alert=own_name if own_name and (stated.from_preset or stated.together in ("page", "ticket")) else stated.alert,
        together=stated.together,
        rule=rule,
        factor=factor,
        budget_share=Fraction(factor) * Fraction(rule.long) / Fraction(window_s),
        min_events=events,
        min_events_short=rule.min_events_short,
        min_failures=failures,
        from_preset=stated.from_preset,
    )
