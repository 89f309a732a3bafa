"""Rule groups as a Prometheus rule file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup
from workbench.interop.yaml_text import document
from workbench.units import format_duration


def rule_file(groups: Sequence[RuleGroup]) -> str:
    """YAML text that `promtool check rules` and a Prometheus server (2.42 or later) load; nothing is left out."""
    return document({"groups": [_group(group) for group in groups]})


def prometheus_rule(groups: Sequence[RuleGroup], name: str, namespace: str = "", labels: Mapping[str, str] | None = None) -> str:
    """The same groups as a `PrometheusRule` resource of the Prometheus operator (`monitoring.coreos.com/v1`)."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    return document(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata,
            "spec": {"groups": [_group(group) for group in groups]},
        }
    )


def _group(group: RuleGroup) -> dict[str, Any]:
    out: dict[str, Any] = {"name": group.name}
    if group.interval_s is not None:
        out["interval"] = format_duration(group.interval_s)
    if group.query_offset_s:
        out["query_offset"] = format_duration(group.query_offset_s)
    if group.limit:
        out["limit"] = group.limit
    if group.labels:
        out["labels"] = dict(group.labels)
    out["rules"] = [_rule(rule) for rule in group.rules]
    return out


def _rule(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, RecordingRule):
        recorded: dict[str, Any] = {"record": rule.record, "expr": rule.expr}
        return {**recorded, "labels": dict(rule.labels)} if rule.labels else recorded
    return _alert(rule)


def _alert(rule: AlertRule) -> dict[str, Any]:
    out: dict[str, Any] = {"alert": rule.name, "expr": rule.expr}
    if rule.for_s:
        out["for"] = format_duration(rule.for_s)
    if rule.keep_firing_for_s:
        out["keep_firing_for"] = format_duration(rule.keep_firing_for_s)
    if rule.labels:
        out["labels"] = dict(rule.labels)
    if rule.annotations:
        out["annotations"] = dict(rule.annotations)
    return out
