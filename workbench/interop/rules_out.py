"""A policy's rules for a real Prometheus; with `alert_preset: sloth`, exactly those that Sloth itself would generate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.preset_registry import all_presets
from workbench.alerts.rules import RuleGroup
from workbench.alerts.sloth_rules import PAIRS, Generator, alert_name_of, sloth_groups, sloth_slo_of, windows_of
from workbench.interop.outgoing import Outgoing, Said, outgoing, vocabulary_of
from workbench.scenario.schema.policy import Policy


def exported_groups(policy: Policy, routes: Sequence[str] | None, generator: Generator, said: Said) -> tuple[RuleGroup, ...]:
    """Every group, those of an objective together, in the policy's order.

    The rules of a run differ from Sloth's own in two labels (`slo`, and `severity` where none is stated) by which a run finds the
    objective of an alert; here they are left out. What Sloth cannot say (time slices, guards, `for`) comes as in a run.
    """
    groups: list[RuleGroup] = []
    for one in outgoing(policy, routes, said):
        if policy.alert_preset == "sloth" and _is_sloths(one):
            groups.extend(_sloths(policy, one, generator))
        else:
            alone = policy.model_copy(update={"slos": {one.name: one.slo}})
            groups.extend(rule_groups(alone, routes, vocabulary_of(policy), history_s=said.history_s))
    said.settle()
    return tuple(groups)


def _is_sloths(one: Outgoing) -> bool:
    """Whether Sloth can say all of the objective: its four pairs, each severity whole or not there, and nothing more."""
    names = {rule.name for rule in one.rules}
    whole = all(len(names & set(pair)) != 1 for pair in (PAIRS[:2], PAIRS[2:]))
    plain = all(
        not (rule.rule.for_ or rule.rule.keep_firing_for or rule.min_events or rule.min_events_short or rule.min_failures)
        and rule.rule.compare == ">"
        and not rule.rule.labels
        and not rule.rule.annotations
        for rule in one.rules
    )
    return one.slo.time_slices is None and names <= set(PAIRS) and whole and plain


def _sloths(policy: Policy, one: Outgoing, generator: Generator) -> tuple[RuleGroup, ...]:
    rows = {**all_presets()["sloth"].rows(one.window_s), **policy.burn_rate_alerts}
    windows = windows_of({name: rows[name] for name in PAIRS}, one.window_s)
    sli = one.sli
    errors = sli.errors or (f"({sli.total}) - ({sli.good})" if sli.good else "")
    slo = sloth_slo_of(one.name, one.slo, windows, service=policy.name, errors=errors, total=sli.total, ratio=sli.ratio)
    if not (one.slo.sloth and one.slo.sloth.alert):
        slo = replace(slo, alert_name=alert_name_of(slo.name))
    return sloth_groups(slo, generator)
