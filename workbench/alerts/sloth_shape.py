"""A policy's objective in Sloth's rules, where Sloth can say it: a page and a ticket of two pairs of windows each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from workbench.alerts.burn_rules import BurnRule, window_of
from workbench.alerts.preset_registry import all_presets
from workbench.alerts.rules import RuleGroup
from workbench.alerts.sli import Sli
from workbench.alerts.sloth_rules import AlertWindow, AlertWindows, SlothAlert, sloth_groups, sloth_slo_of
from workbench.scenario.schema.policy import BurnRateRule, Slo

_PAGE, _TICKET = ("page-quick", "page-slow"), ("ticket-quick", "ticket-slow")


def sloth_groups_of(
    name: str, slo: Slo, sli: Sli, rules: tuple[BurnRule, ...], service: str, history_s: float | None = None
) -> tuple[tuple[RuleGroup, ...], tuple[BurnRule, ...]]:
    """Sloth's groups, and the rules that are left for plain ones.

    Left are the policy's own rules, pairs of which one is not used or has what Sloth does not know (`for`, guards, `>=`,
    `keep_firing_for`, labels of its own), and all rules of an objective that counts slices. `service` is taken if the objective
    does not state its own.
    """
    known = {rule.name: rule for rule in rules if _is_simple(rule)}
    pairs = [pair for pair in (_PAGE, _TICKET) if all(one in known for one in pair)]
    if slo.time_slices is not None or not pairs:
        return (), rules
    errors = sli.errors or (f"({sli.total}) - ({sli.good})" if sli.good else "")
    stated = sloth_slo_of(
        name, slo, _windows(slo, known, history_s), service=service, errors=errors, total=sli.total, ratio=sli.ratio
    )
    made = replace(
        stated,
        page=_alert(stated.page, name, "page", enabled=_PAGE in pairs),
        ticket=_alert(stated.ticket, name, "ticket", enabled=_TICKET in pairs),
    )
    taken = {one for pair in pairs for one in pair}
    return sloth_groups(made), tuple(rule for rule in rules if rule.name not in taken)


def _windows(slo: Slo, known: dict[str, BurnRule], history_s: float | None) -> AlertWindows:
    period_s = window_of(slo, history_s)
    usual = all_presets()["sloth"].rows(period_s)
    page_quick, page_slow, ticket_quick, ticket_slow = (
        _window(known[name].rule if name in known else usual[name], period_s) for name in (*_PAGE, *_TICKET)
    )
    return AlertWindows(period_s, page_quick, page_slow, ticket_quick, ticket_slow)


def _window(rule: BurnRateRule, period_s: float) -> AlertWindow:
    """The share of the budget as stated, or as it follows from the factor."""
    if rule.factor is None and rule.budget_share is not None:
        percent = rule.budget_share * 100
    else:
        percent = rule.factor_for(period_s) * 100 * Decimal(str(rule.long)) / Decimal(str(period_s))
    return AlertWindow(percent, rule.short, rule.long)


def _alert(stated: SlothAlert, slo: str, severity: str, *, enabled: bool) -> SlothAlert:
    """With the labels by which alerts find their objective and their severity here."""
    return replace(stated, enabled=stated.enabled and enabled, labels={"severity": severity} | dict(stated.labels) | {"slo": slo})


def _is_simple(rule: BurnRule) -> bool:
    stated = rule.rule
    guarded = (rule.min_events, rule.min_events_short, rule.min_failures) != (None, None, None)
    plain = not stated.for_ and not stated.keep_firing_for and stated.compare == ">"
    return plain and not guarded and not stated.labels and not stated.annotations
