"""Rule files to views with places.

As much as can be understood is looked at: a rule that cannot be read is a problem, and the others are still linted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from workbench.alerts.durations import parse_prometheus_duration
from workbench.alerts.rule_files import read_rule_files
from workbench.alerts.rule_sources import MAX_BYTES, RESOURCES, GroupsNode, rule_sources
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.errors import BadInput, Problem, Severity
from workbench.lint.rules.document import RuleView
from workbench.promql.ast import Expr
from workbench.promql.parse import parse
from workbench.scenario.source import read_bytes
from workbench.scenario.tree import ListNode, MapNode, ScalarNode

_GROUPS = re.compile(rb"^(?:\A\xef\xbb\xbf)?groups\s*:", re.MULTILINE)
_RESOURCE = re.compile(
    rb"^(?:\A\xef\xbb\xbf)?\s*(?:-\s+)?kind\s*:\s*[\"']?(?:" + b"|".join(kind.encode() for kind in RESOURCES) + rb")\b",
    re.MULTILINE,
)
_UNREADABLE = ("file/", "yaml/", "rules/files", "rules/template")
"""Beginnings of the checks of problems after which nothing is known of a file."""


@dataclass(frozen=True, eq=False)
class RuleDocument:
    """Files of rules as far as they can be read."""

    views: tuple[RuleView, ...]
    problems: tuple[Problem, ...]
    lines: dict[str, tuple[str, ...]]
    """By file."""


def is_rule_file(path: Path) -> bool:
    """Whether a path leads to rules: a folder, a file with groups at its top, a PrometheusRule resource, a list of them."""
    if path.is_dir():
        return True
    raw = read_bytes(path, MAX_BYTES)
    if isinstance(raw, Problem):
        return False
    return _GROUPS.search(raw) is not None or _RESOURCE.search(raw) is not None


def read_rules(paths: Iterable[Path]) -> RuleDocument:
    """Rule files and PrometheusRule resources, and folders of them; raises BadInput for what is no YAML or has to be rendered."""
    wanted = tuple(paths)
    found = rule_sources(wanted)
    broken = [problem for problem in found.problems if problem.severity is Severity.ERROR and problem.check.startswith(_UNREADABLE)]
    if broken:
        raise BadInput(broken)
    try:
        structure: tuple[Problem, ...] = read_rule_files(wanted).findings
    except BadInput as error:
        structure = error.problems
    lines = {given.file: _lines(given.file) for given in found.groups}
    views: list[RuleView] = []
    problems = [problem for problem in structure if not problem.check.startswith("promql/")]
    for given in found.groups:
        for view, of_expr in _views(given, lines[given.file]):
            views.append(view)
            problems += [_of_rule(view, one) for one in of_expr]
    return RuleDocument(tuple(views), tuple(problems), lines)


def _lines(file: str) -> tuple[str, ...]:
    raw = read_bytes(Path(file), MAX_BYTES)
    return tuple(raw.decode("utf-8", "replace").splitlines()) if isinstance(raw, bytes) else ()


def _views(given: GroupsNode, lines: tuple[str, ...]) -> Iterator[tuple[RuleView, tuple[Problem, ...]]]:
    for index, group in enumerate(given.node.items if isinstance(given.node, ListNode) else ()):
        if not isinstance(group, MapNode):
            continue
        shell = RuleGroup(
            name=_text(group, "name"),
            rules=(),
            interval_s=_seconds(group, "interval") or None,
            labels=_pairs(group, "labels"),
            file=given.file,
        )
        listed = group.get("rules")
        for number, node in enumerate(listed.items if isinstance(listed, ListNode) else ()):
            if isinstance(node, MapNode) and _text(node, "expr").strip():
                expr, problems = _parsed(_text(node, "expr"))
                yield RuleView(_rule(node), shell, node, f"{given.path}[{index}].rules[{number}]", expr, lines), problems


def _rule(node: MapNode) -> AlertRule | RecordingRule:
    text, labels = _text(node, "expr"), _pairs(node, "labels")
    if alert := _text(node, "alert"):
        return AlertRule(alert, text, _seconds(node, "for"), _seconds(node, "keep_firing_for"), labels, _pairs(node, "annotations"))
    return RecordingRule(_text(node, "record"), text, labels)


@lru_cache(maxsize=10_000)
def _parsed(text: str) -> tuple[Expr | None, tuple[Problem, ...]]:
    try:
        return parse(text), ()
    except BadInput as error:
        return None, error.problems


def _of_rule(view: RuleView, one: Problem) -> Problem:
    """A problem of an expression: an error if it is not PromQL; a remark if Prometheus knows the form and only we do not."""
    is_error = one.check == "promql/syntax"
    message = f"{view.title}: {one.message}" if is_error else f"{view.title} is not looked at: {one.message}"
    placed = view.problem(one.check, message, severity=Severity.ERROR if is_error else Severity.INFO)
    return replace(placed, found=one.found, nearest=one.nearest)


def _text(node: MapNode, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, ScalarNode) else ""


def _seconds(node: MapNode, key: str) -> float:
    try:
        return parse_prometheus_duration(_text(node, key))
    except ValueError:
        return 0.0


def _pairs(node: MapNode, key: str) -> tuple[tuple[str, str], ...]:
    found = node.get(key)
    if not isinstance(found, MapNode):
        return ()
    return tuple(sorted((name, entry.node.text) for name, entry in found.entries.items() if isinstance(entry.node, ScalarNode)))
