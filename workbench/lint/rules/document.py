"""Rules with their places: what checks of rule files look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup
from workbench.errors import Problem, Severity
from workbench.lint.rules.expressions import metric, walk
from workbench.lint.rules.texts import find
from workbench.promql.ast import Expr, MatchKind, Selector
from workbench.scenario.schema.world import World
from workbench.scenario.tree import MapNode, Node, Place, ScalarNode, shorten, show


@dataclass(frozen=True, eq=False)
class RuleView:
    """One rule as written."""

    rule: AlertRule | RecordingRule
    group: RuleGroup
    node: MapNode
    path: str
    """`groups[0].rules[3]`."""
    expr: Expr | None
    """None if the expression is not PromQL, or has a form that is not covered."""
    lines: tuple[str, ...] = field(default=(), repr=False)
    """Of the file."""

    @property
    def name(self) -> str:
        """Of the alert, or of the series that is recorded."""
        return self.rule.name if isinstance(self.rule, AlertRule) else self.rule.record

    @property
    def title(self) -> str:
        """`alert HighErrors`, `rule job:errors:rate5m`."""
        return f"alert {self.name}" if isinstance(self.rule, AlertRule) else f"rule {self.name}"

    @property
    def labels(self) -> dict[str, str]:
        """The rule's own labels, over those of its group."""
        return {**dict(self.group.labels), **dict(self.rule.labels)}

    @cached_property
    def nodes(self) -> tuple[Expr, ...]:
        """The expression and everything below it, parents first."""
        return () if self.expr is None else tuple(walk(self.expr))

    def problem(
        self,
        check: str,
        message: str,
        *,
        at: Expr | str = "expr",
        severity: Severity = Severity.WARNING,
        allowed: str | None = None,
        nearest: str | None = None,
    ) -> Problem:
        """A finding at a part of the expression, or at what stands under a key (`for`, `labels.severity`)."""
        if isinstance(at, str):
            node, place = self._under(at)
            return Problem(
                check,
                message,
                severity,
                place.file,
                place.line,
                place.column,
                f"{self.path}.{at}",
                show(node) if node is not None else None,
                allowed,
                nearest,
            )
        given = self.node.get("expr")
        found = find(self.rule.expr, at)
        if not isinstance(given, ScalarNode):
            return self.problem(check, message, severity=severity, allowed=allowed, nearest=nearest)
        place = given.place
        if found is not None:
            place = place_within(given, found[0], self.lines)
        text = self.rule.expr[slice(*found)] if found else self.rule.expr
        return Problem(
            check,
            message,
            severity,
            place.file,
            place.line,
            place.column,
            f"{self.path}.expr",
            shorten(text.strip()),
            allowed,
            nearest,
        )

    def _under(self, key: str) -> tuple[Node | None, Place]:
        """What stands under a key, and where; the rule's name if the key is not there."""
        node: Node = self.node
        place = self.node.place
        for part in key.split("."):
            entry = node.entries.get(part) if isinstance(node, MapNode) else None
            if entry is None:
                named = self.node.get("alert") or self.node.get("record")
                return None, place if node is not self.node else named.place if named else place
            node, place = entry.node, entry.key_place
        return node, node.place if isinstance(node, ScalarNode) and node.text else place


@dataclass(frozen=True, eq=False)
class Rules:
    """All rules of some files, and what is known of the world that they will watch."""

    views: tuple[RuleView, ...]
    scrape_interval_s: float | None = None
    """None: not known."""
    evaluation_interval_s: float | None = None
    """Of groups without an interval of their own; None: not known."""
    world: World | None = None
    memo: dict[object, object] = field(default_factory=dict, repr=False)
    """What helpers have worked out already."""

    @cached_property
    def alerts(self) -> tuple[RuleView, ...]:
        """Alerting rules whose expression is understood."""
        return tuple(view for view in self.views if isinstance(view.rule, AlertRule) and view.expr is not None)

    @cached_property
    def readable(self) -> tuple[RuleView, ...]:
        """All rules whose expression is understood."""
        return tuple(view for view in self.views if view.expr is not None)

    @cached_property
    def understood(self) -> tuple[tuple[RuleView, Expr], ...]:
        """All rules whose expression is understood, with it."""
        return tuple((view, view.expr) for view in self.views if view.expr is not None)

    @cached_property
    def _recorded(self) -> dict[str, list[RuleView]]:
        found: dict[str, list[RuleView]] = {}
        for view in self.views:
            if isinstance(view.rule, RecordingRule):
                found.setdefault(view.rule.record, []).append(view)
        return found

    def recorded(self, name: str) -> list[RuleView]:
        """The rules that record a series of this name."""
        return self._recorded.get(name, [])

    def definition(self, selector: Selector) -> RuleView | None:
        """The one rule that records what a selector reads; None if there is none, or more than one."""
        found = [view for view in self.recorded(metric(selector)) if view.expr is not None and _reads(selector, view)]
        return found[0] if len(found) == 1 else None


def alerts(rules: Rules) -> Iterator[tuple[RuleView, AlertRule, Expr]]:
    """Alerting rules whose expression is understood, with both."""
    for view in rules.alerts:
        if isinstance(view.rule, AlertRule) and view.expr is not None:
            yield view, view.rule, view.expr


def _reads(selector: Selector, view: RuleView) -> bool:
    """Whether a selector may read what a rule records: its labels agree where both state them."""
    labels = view.labels
    return all(
        matcher.label not in labels or (labels[matcher.label] == matcher.text) == (matcher.kind is MatchKind.EQUAL)
        for matcher in selector.matchers
        if matcher.kind in (MatchKind.EQUAL, MatchKind.NOT_EQUAL)
    )


def place_within(node: ScalarNode, offset: int, lines: tuple[str, ...]) -> Place:
    """Where the character at `offset` of a text stands in its file, whichever way YAML writes the text.

    Both are walked together without white space: a block drops its indentation, a folded one its line ends, quotes bring escapes.
    Where they disagree the beginning of the text is the answer.
    """
    row, column = node.place.line - 1, node.place.column - 1
    if row >= len(lines):
        return node.place
    first = lines[row][column:]
    if node.plain is False and first[:1] in "|>":
        row, column = row + 1, 0
    elif first[:1] in ("'", '"'):
        column += 1
    for position, wanted in enumerate(node.text):
        if wanted.isspace():
            continue
        while row < len(lines):
            line = lines[row]
            while column < len(line) and (line[column].isspace() or (line[column] != wanted and line[column] in "\\'")):
                column += 1
                if line[column - 1] == "\\" and line[column : column + 1] in ("n", "t"):
                    column += 1
            if column < len(line):
                break
            row, column = row + 1, 0
        if row >= len(lines) or lines[row][column] != wanted:
            return node.place
        if position >= offset:
            return Place(node.place.file, row + 1, column + 1)
        column += 1
    return node.place
