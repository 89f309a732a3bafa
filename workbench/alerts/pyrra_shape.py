"""A policy's objective in Pyrra's rules, where Pyrra can say it: counters added up, a ratio or a bucket of a histogram."""

from __future__ import annotations

from workbench.alerts.burn_rules import BurnRule, window_of
from workbench.alerts.preset_registry import all_presets
from workbench.alerts.pyrra_rules import PyrraMetric, PyrraRow, PyrraSlo, pyrra_groups
from workbench.alerts.queries import parsed, terms
from workbench.alerts.rules import RuleGroup
from workbench.alerts.sli import Sli
from workbench.promql.ast import Aggregate, MatchKind
from workbench.scenario.schema.policy import Slo


def pyrra_groups_of(
    name: str, slo: Slo, sli: Sli, rules: tuple[BurnRule, ...], history_s: float | None = None
) -> tuple[tuple[RuleGroup, ...], tuple[BurnRule, ...]]:
    """Pyrra's groups, and the rules that are left for plain ones.

    Left are the policy's own rules, rules with guards, `>=`, `keep_firing_for` or labels of their own, and all rules of an
    objective that counts slices or whose queries are more than the sum of one counter.
    """
    window_s = window_of(slo, history_s)
    known = all_presets()["pyrra"].rows(window_s)
    mine = tuple(rule for rule in rules if rule.name in known and _is_simple(rule))
    metrics = None if slo.time_slices is not None or sli.ratio else metrics_of(sli)
    if metrics is None or not mine:
        return (), rules
    total, errors, success, grouping = metrics
    labels = ({"service": slo.service} if slo.service else {}) | slo.labels
    made = PyrraSlo(
        name=name,
        target=slo.target,
        window_s=window_s,
        total=total,
        errors=errors,
        success=success,
        rows=tuple(PyrraRow(rule.rule.severity, rule.factor, rule.rule.long, rule.rule.short, rule.rule.for_) for rule in mine),
        grouping=grouping,
        labels=tuple(sorted(labels.items())),
        annotations=tuple(sorted(slo.annotations.items())),
        alert_name=mine[0].alert,
    )
    return pyrra_groups(made), tuple(rule for rule in rules if rule not in mine)


def _is_simple(rule: BurnRule) -> bool:
    stated = rule.rule
    guarded = (rule.min_events, rule.min_events_short, rule.min_failures) != (None, None, None)
    return not guarded and stated.compare == ">" and not stated.keep_firing_for and not stated.labels and not stated.annotations


def metrics_of(sli: Sli) -> tuple[PyrraMetric, PyrraMetric | None, PyrraMetric | None, tuple[str, ...]] | None:
    """Total, errors, success and what they are grouped by; None if they are more than one counter each."""
    total, part = _metric(sli.total), _metric(sli.errors or sli.good)
    if total is None or part is None or total[1] != part[1]:
        return None
    if sli.errors:
        return total[0], part[0], None, total[1]
    # Pyrra's good events are the bucket of a histogram.
    return (total[0], None, part[0], total[1]) if "le" in part[0].equal else None


def _metric(query: str) -> tuple[PyrraMetric, tuple[str, ...]] | None:
    """The one counter of a query `sum by (labels) (rate(counter[{{.window}}]))`."""
    expr, found = parsed(query), terms(query)
    if not isinstance(expr, Aggregate) or expr.without or found is None or len(found) != 1:
        return None
    (term,) = found
    names = [m.text for m in term.selector.matchers if m.label == "__name__" and m.kind is MatchKind.EQUAL]
    if term.function != "rate" or term.weight != 1 or term.selector.offset_ms or not names:
        return None
    matchers = tuple(matcher for matcher in term.selector.matchers if matcher.label != "__name__")
    return PyrraMetric(names[0], matchers), expr.labels
