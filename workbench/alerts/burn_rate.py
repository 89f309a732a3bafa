"""Rules from objectives: burn-rate alerts as Prometheus rule groups.

For one burn-rate rule of an SLO with target 99.9 %:

    (<error ratio over long> > 14.4 * 0.001 and <error ratio over short> > 14.4 * 0.001) / 0.001

The comparison stands as the Google SRE workbook gives it (chapter 5, "Alerting on SLOs"); dividing what passes by the budget makes
`$value` the burn rate. Guards join the `and`; rules that share an alert are joined with `or`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.alerts.burn_rules import BurnRule, alternatives, burn_rules
from workbench.alerts.numbers import number_text, rounded_text
from workbench.alerts.preset_registry import preset_of
from workbench.alerts.pyrra_shape import pyrra_groups_of
from workbench.alerts.readiness import require_ready
from workbench.alerts.rules import AlertRule, RuleGroup, sorted_pairs
from workbench.alerts.sli import Sli, sli_anywhere, sli_of, window_text
from workbench.alerts.sloth_shape import sloth_groups_of
from workbench.alerts.time_slices import SlicedSli
from workbench.alerts.vocabulary import Vocabulary
from workbench.scenario.schema.policy import Policy, Slo

__all__ = ["number_text", "rule_groups", "window_text"]


def rule_groups(
    policy: Policy, routes: Sequence[str] | None, vocabulary: Vocabulary, *, history_s: float | None = None
) -> tuple[RuleGroup, ...]:
    """The groups of every SLO, sorted by name: one with an alert for each burn-rate rule, or those of the preset's tool.

    An SLO that covers none of the routes, or is limited to tiers that the telemetry does not know, gets no group.

    Args:
        policy: Objectives, preset and burn-rate rules.
        routes: All routes of the telemetry; None where they are not known: globs become regular expressions.
        vocabulary: Names in the telemetry.
        history_s: What `window: history` stands for, seconds; None takes 30 days.

    Raises:
        BadInput: with every query that is no PromQL or not evaluated, every rule that is not there, and guards that cannot be.
    """
    require_ready(policy)
    groups: list[RuleGroup] = []
    for name in sorted(policy.slos):
        slo = policy.slos[name]
        sli = sli_anywhere(slo.indicator, vocabulary) if routes is None else sli_of(slo.indicator, routes, vocabulary)
        rules = burn_rules(policy, name, history_s)
        if sli is not None and rules:
            groups.extend(_groups(policy, name, sli, rules, history_s))
    return tuple(groups)


def _groups(policy: Policy, name: str, sli: Sli, rules: tuple[BurnRule, ...], history_s: float | None) -> Iterable[RuleGroup]:
    """Rules of the preset in the shape of its tool, where that tool can say the objective; the others plainly."""
    slo, preset = policy.slos[name], preset_of(policy)
    made: tuple[RuleGroup, ...] = ()
    left = rules
    if preset is not None and preset.shape == "pyrra":
        made, left = pyrra_groups_of(name, slo, sli, rules, history_s)
    elif preset is not None and preset.shape == "sloth":
        made, left = sloth_groups_of(name, slo, sli, rules, policy.name, history_s)
    yield from made
    if left:
        yield plain_group(name, slo, sli, left)


def plain_group(name: str, slo: Slo, sli: Sli, rules: tuple[BurnRule, ...]) -> RuleGroup:
    """One group with an alert for each rule, or for all that share one; time slices bring their recording and interval."""
    if slo.time_slices is None:
        return RuleGroup(name, tuple(_alert(name, slo, sli, group) for group in alternatives(rules)))
    sliced = SlicedSli(name, slo.time_slices, sli)
    alerts = tuple(_alert(name, slo, sliced, group) for group in alternatives(rules))
    return RuleGroup(name, (sliced.recording(), *alerts), interval_s=slo.time_slices.length)


def _alert(slo_name: str, slo: Slo, sli: Sli | SlicedSli, rules: tuple[BurnRule, ...]) -> AlertRule:
    budget = number_text(1 - slo.target)
    conditions = [_condition(rule, sli, budget) for rule in rules]
    joined = conditions[0] if len(conditions) == 1 else " or ".join(f"({condition})" for condition in conditions)
    first = rules[0].rule
    return AlertRule(
        name=rules[0].alert,
        expr=f"({joined}) / {budget}",
        for_s=first.for_,
        keep_firing_for_s=first.keep_firing_for,
        labels=_labels(slo_name, slo, rules),
        annotations=_annotations(slo_name, slo, rules),
    )


def _condition(rule: BurnRule, sli: Sli | SlicedSli, budget: str) -> str:
    """Both windows burn too fast, and there is enough to say so."""
    long_s, short_s = rule.rule.long, rule.rule.short
    threshold = f"{rule.rule.compare} {number_text(rule.factor)} * {budget}"
    parts = [f"{sli.ratio_over(long_s)} {threshold}", f"{sli.ratio_over(short_s)} {threshold}"]
    guards = (
        (sli.events_over(long_s), rule.min_events),
        (sli.events_over(short_s), rule.min_events_short),
        (sli.failures_over(long_s), rule.min_failures),
    )
    both = "and ignoring (slo)" if isinstance(sli, SlicedSli) else "and"
    text = " and ".join(parts)
    for counted, least in guards:
        if least is not None:
            assert counted is not None, "readiness refuses guards of what cannot be counted"  # noqa: S101 - as the message says
            text += f" {both} {counted} >= {least}"
    return text


def _labels(slo_name: str, slo: Slo, rules: tuple[BurnRule, ...]) -> tuple[tuple[str, str], ...]:
    labels: dict[str, str] = {"service": slo.service} if slo.service else {}
    labels |= slo.labels
    for rule in rules:
        labels |= rule.rule.labels
    return sorted_pairs(labels | {"severity": rules[0].rule.severity, "slo": slo_name})


def _annotations(slo_name: str, slo: Slo, rules: tuple[BurnRule, ...]) -> tuple[tuple[str, str], ...]:
    factors = " or ".join(rounded_text(rule.factor) for rule in rules)
    summary = next((rule.rule.summary for rule in rules if rule.rule.summary), "")
    limits = " or ".join(
        f"{rounded_text(rule.factor)} over {window_text(rule.rule.long)} and {window_text(rule.rule.short)}" for rule in rules
    )
    annotations = {
        "summary": summary or f"{slo_name} burns its error budget more than {factors} times too fast",
        "description": (
            f"The error budget of {slo_name} burns at {{{{ $value | humanize }}}} times the sustainable rate; "
            f"the limit is {limits}."
        ),
    }
    annotations |= slo.annotations
    for rule in rules:
        annotations |= rule.rule.annotations
    return sorted_pairs(annotations)
