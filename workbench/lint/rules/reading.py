"""Rule files to views with places.

As much as can be understood is looked at: a rule that cannot be read is a problem and the others are still linted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.errors import BadInput, Problem, Severity
from workbench.lint.rules.conditions import duration_ms
from workbench.lint.rules.document import Rules, RuleView
from workbench.promql.ast import Expr
from workbench.promql.parse import parse
from workbench.scenario.source import read, read_bytes
from workbench.scenario.tree import ListNode, MapNode, Node, ScalarNode, format_path


@dataclass(frozen=True, eq=False)
class RuleDocument:
    """One file of rules as far as it can be read."""

    views: tuple[RuleView, ...]
    problems: tuple[Problem, ...]


def is_rule_file(path: Path) -> bool:
    """Whether a file holds rules: groups at its top, or a PrometheusRule resource."""
    root = read(path).root
    return isinstance(root, MapNode) and (root.get("groups") is not None or _text(root, "kind") == "PrometheusRule")


def read_rules(paths: Iterable[Path]) -> RuleDocument:
    """Rule files and PrometheusRule resources; raises BadInput for a file that is no YAML."""
    views: list[RuleView] = []
    problems: list[Problem] = []
    for path in paths:
        source = read(path)
        if source.root is None:
            raise BadInput(source.problems)
        problems += source.problems
        raw = read_bytes(path)
        lines = tuple(raw.decode("utf-8", "replace").splitlines()) if isinstance(raw, bytes) else ()
        for at, group in _groups(source.root):
            views += _rules(group, at, str(path), lines, problems)
    return RuleDocument(tuple(views), tuple(problems))


def _groups(root: Node) -> Iterator[tuple[str, MapNode]]:
    under: tuple[str, ...] = ("groups",)
    node = root.get("groups") if isinstance(root, MapNode) else None
    if node is None and isinstance(root, MapNode) and isinstance(spec := root.get("spec"), MapNode):
        under, node = ("spec", "groups"), spec.get("groups")
    for index, group in enumerate(node.items if isinstance(node, ListNode) else ()):
        if isinstance(group, MapNode):
            yield format_path((*under, index)), group


def _rules(group: MapNode, at: str, file: str, lines: tuple[str, ...], problems: list[Problem]) -> Iterator[RuleView]:
    listed = group.get("rules")
    shell = RuleGroup(
        name=_text(group, "name"),
        rules=(),
        interval_s=_seconds(group, "interval") or None,
        labels=_pairs(group, "labels"),
        file=file,
    )
    for index, node in enumerate(listed.items if isinstance(listed, ListNode) else ()):
        if not isinstance(node, MapNode) or not _text(node, "expr"):
            continue
        text = _text(node, "expr")
        rule: AlertRule | RecordingRule
        if alert := _text(node, "alert"):
            rule = AlertRule(
                alert,
                text,
                _seconds(node, "for"),
                _seconds(node, "keep_firing_for"),
                _pairs(node, "labels"),
                _pairs(node, "annotations"),
            )
        else:
            rule = RecordingRule(_text(node, "record"), text, _pairs(node, "labels"))
        path = f"{at}.rules[{index}]"
        expr, found = _parsed(text)
        view = RuleView(rule, shell, node, path, expr, lines)
        problems += [_of_rule(view, one) for one in found]
        yield view


@lru_cache(maxsize=10_000)
def _parsed(text: str) -> tuple[Expr | None, tuple[Problem, ...]]:
    try:
        return parse(text), ()
    except BadInput as error:
        return None, error.problems


def _of_rule(view: RuleView, one: Problem) -> Problem:
    """A problem of an expression: an error if it is not PromQL; a remark if Prometheus knows the form and only we do not."""
    severity = Severity.ERROR if one.check == "promql/syntax" else Severity.INFO
    return view.problem(one.check, f"{view.title} is not looked at: {one.message}", severity=severity, nearest=one.nearest)


def _text(node: MapNode, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, ScalarNode) else ""


def _seconds(node: MapNode, key: str) -> float:
    return duration_ms(_text(node, key)) / 1000


def _pairs(node: MapNode, key: str) -> tuple[tuple[str, str], ...]:
    found = node.get(key)
    if not isinstance(found, MapNode):
        return ()
    return tuple(sorted((name, entry.node.text) for name, entry in found.entries.items() if isinstance(entry.node, ScalarNode)))


def rules_of(document: RuleDocument) -> Rules:
    """What checks look at, without a world."""
    return Rules(document.views)
