"""Groups and rules as written to values, checked as Prometheus checks them (model/rulefmt), with the place of everything.

Text stands where Prometheus wants text, whatever YAML makes of it: a label `1` is the text "1", an expression `1` a constant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from workbench.alerts.durations import RULE, parse_prometheus_duration
from workbench.alerts.rule_sources import GroupsNode
from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup
from workbench.alerts.templates import compile_template
from workbench.errors import BadInput, Problem, Severity
from workbench.promql.parse import parse
from workbench.scenario.compose import MAX_PROBLEMS
from workbench.scenario.names import nearest
from workbench.scenario.tree import ListNode, MapNode, Node, Place, ScalarNode, shorten, show

MOST_RULES = 20_000
"""Of all files together."""

_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "rules", "labels")
_RULE_KEYS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_IGNORED_GROUP_KEYS = {"partial_response_strategy": "Thanos", "source_tenants": "Mimir"}
_VM_GROUP_KEYS = ("concurrency", "type", "params", "headers", "notifier_headers", "tenant", "eval_alignment", "debug")
_VM_RULE_KEYS = ("debug", "update_entries_limit")

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class RulePlaces:
    """Where the parts of one rule are written."""

    rule: Place
    name: Place
    expr: Place
    labels: Mapping[str, Place] = field(default_factory=dict)
    annotations: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupPlaces:
    """Where one group and its rules are written."""

    group: Place
    rules: tuple[RulePlaces, ...]


class GroupReader:
    """Reads lists of groups; `problems` holds everything found, remarks among them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._rules = 0

    def groups(self, given: GroupsNode) -> list[tuple[RuleGroup, GroupPlaces]]:
        """Every group of one rule file; only complete where no problem is an error."""
        if _is_nothing(given.node):
            self._add(given.node.place, "rules/empty", "there are no groups", path=given.path, severity=Severity.WARNING)
            return []
        out: list[tuple[RuleGroup, GroupPlaces]] = []
        seen: dict[str, Place] = {}
        for index, node in enumerate(self._items(given.node, given.path)):
            path = f"{given.path}[{index}]"
            read = self._group(node, path, given)
            if read is None:
                continue
            group, places = read
            if group.name in seen:
                message = f"two groups of one file have the name {shorten(group.name)}; first on line {seen[group.name].line}"
                self._add(places.group, "rules/duplicate-group", message, path=path)
            seen.setdefault(group.name, places.group)
            out.append(read)
        return out

    # Groups.

    def _group(self, node: Node, path: str, given: GroupsNode) -> tuple[RuleGroup, GroupPlaces] | None:
        if not isinstance(node, MapNode):
            self._add(node.place, "rules/type", "a group is a mapping", path=path, found=show(node), allowed=", ".join(_GROUP_KEYS))
            return None
        self._keys(node, path, _GROUP_KEYS, given.kind, "a group")
        name = self._text(node, "name", path)
        if not name:
            self._add(node.place, "rules/group-name", "a group needs a name", path=f"{path}.name")
        labels = self._labels(node, "labels", path, "label")
        rules: list[Rule] = []
        places: list[RulePlaces] = []
        given_rules = node.get("rules")
        for index, item in enumerate(
            [] if given_rules is None or _is_nothing(given_rules) else self._items(given_rules, f"{path}.rules")
        ):
            read = self._rule(item, f"{path}.rules[{index}]", given.kind)
            if read is not None:
                rules.append(read[0])
                places.append(read[1])
        group = RuleGroup(
            name=name,
            rules=tuple(rules),
            interval_s=self._duration(node, "interval", path) or None,
            limit=self._limit(node, path),
            query_offset_s=self._duration(node, "query_offset", path),
            labels=tuple(sorted((key, value) for key, (value, _) in labels.items())),
            file=given.source,
        )
        name_node = node.get("name")
        return group, GroupPlaces(name_node.place if name_node else node.place, tuple(places))

    def _limit(self, node: MapNode, path: str) -> int:
        given = node.get("limit")
        if given is None or _is_nothing(given):
            return 0
        if isinstance(given, ScalarNode) and isinstance(given.value, int) and not isinstance(given.value, bool):
            return max(0, given.value)
        self._add(given.place, "rules/type", "a limit is a whole number", path=f"{path}.limit", found=show(given))
        return 0

    # Rules.

    def _rule(self, node: Node, path: str, kind: str) -> tuple[Rule, RulePlaces] | None:
        if not isinstance(node, MapNode):
            self._add(node.place, "rules/type", "a rule is a mapping", path=path, found=show(node), allowed=", ".join(_RULE_KEYS))
            return None
        self._rules += 1
        if self._rules > MOST_RULES:
            self._add(node.place, "rules/size", f"there are more than {MOST_RULES:,} rules", path=path)
            raise BadInput(self.problems)
        self._keys(node, path, _RULE_KEYS, kind, "a rule")
        alert, record = self._text(node, "alert", path), self._text(node, "record", path)
        if bool(alert) == bool(record):
            message = "a rule is either an alert or a record, not both" if alert else "a rule needs either `alert` or `record`"
            self._add(node.place, "rules/alert-or-record", message, path=path)
        called = f"alert {alert}" if alert else f"record {record}" if record else "a rule without a name"
        expr = self._expression(node, path, called)
        for_s, keep_s = self._duration(node, "for", path), self._duration(node, "keep_firing_for", path)
        labels, notes = self._labels(node, "labels", path, "label"), self._labels(node, "annotations", path, "annotation")
        written = {key: node.get(key) for key in ("alert", "record", "expr")}
        places = RulePlaces(
            rule=node.place,
            name=next((one.place for key in ("alert", "record") if (one := written[key]) is not None), node.place),
            expr=one.place if (one := written["expr"]) is not None else node.place,
            labels={key: place for key, (_, place) in labels.items()},
            annotations={key: place for key, (_, place) in notes.items()},
        )
        if alert:
            for texts, what in ((labels, "label"), (notes, "annotation")):
                self._templates(texts, f"{path}.{what}s", f"{called}, {what}", alert)
            pairs = (tuple(sorted((key, value) for key, (value, _) in texts.items())) for texts in (labels, notes))
            return AlertRule(alert, expr, for_s, keep_s, *pairs), places
        self._recording(node, path, record, called, for_s, keep_s, notes)
        return RecordingRule(record, expr, tuple(sorted((key, value) for key, (value, _) in labels.items()))), places

    def _recording(
        self,
        node: MapNode,
        path: str,
        record: str,
        called: str,
        for_s: float,
        keep_s: float,
        notes: Mapping[str, tuple[str, Place]],
    ) -> None:
        """What a recording rule must not have, and what its name must be."""
        given = (("for", for_s), ("keep_firing_for", keep_s), ("annotations", notes))
        for key in (key for key, value in given if record and value):
            place = node.entries[key].key_place
            self._add(place, "rules/recording", f"{called}: a recording rule has no `{key}`", path=f"{path}.{key}")
        if not record or _METRIC.fullmatch(record):
            return
        place = node.entries["record"].node.place
        if "{" in record or "}" in record:
            message = "a record is the name of a metric; labels and selectors belong to `labels` and `expr`"
            self._add(place, "rules/record-name", message, path=f"{path}.record", found=shorten(record))
        else:
            message = "only Prometheus 3 takes this name of a metric; letters, digits, '_' and ':' are safe"
            self._add(place, "rules/record-name", message, path=f"{path}.record", found=shorten(record), severity=Severity.WARNING)

    def _expression(self, node: MapNode, path: str, called: str) -> str:
        given = node.get("expr")
        text = self._text(node, "expr", path)
        if not text.strip():
            self._add(
                given.place if given else node.place, "rules/expr", f"{called}: the expression is missing", path=f"{path}.expr"
            )
            return text
        assert given is not None  # noqa: S101 - it has a text
        try:
            parse(text)
        except BadInput as error:
            for one in error.problems:
                place = given.place
                self.problems.append(
                    replace(
                        one,
                        message=f"{called}: {one.message}",
                        file=place.file,
                        line=place.line,
                        column=place.column,
                        path=f"{path}.expr",
                    )
                )
            self._stop_if_many()
        return text

    def _templates(self, texts: Mapping[str, tuple[str, Place]], path: str, called: str, alert: str) -> None:
        for key, (text, place) in texts.items():
            try:
                for query in compile_template(text, alert).queries:
                    parse(query)
            except BadInput as error:
                for one in error.problems:
                    # A block of text begins on the line after its key, and nothing tells a block from quoted text.
                    inside = f" (line {one.line} of the text)" if "\n" in text and one.line else ""
                    self._add(
                        place, one.check, f"{called} {key}: {one.message}{inside}", path=f"{path}.{key}",
                        found=one.found, allowed=one.allowed, nearest=one.nearest,
                    )  # fmt: skip

    # Parts.

    def _items(self, node: Node, path: str) -> Iterable[Node]:
        if isinstance(node, ListNode):
            return node.items
        self._add(node.place, "rules/type", "this must be a list", path=path, found=show(node), allowed="- ...")
        return ()

    def _keys(self, node: MapNode, path: str, known: tuple[str, ...], kind: str, what: str) -> None:
        of_vm = _VM_RULE_KEYS if what == "a rule" else _VM_GROUP_KEYS
        foreign = {} if what == "a rule" else _IGNORED_GROUP_KEYS
        for key, entry in node.entries.items():
            place = entry.key_place
            if key in known:
                continue
            if key in foreign or (kind == "VMRule" and key in of_vm):
                message = f"`{key}` is for {foreign.get(key, 'VictoriaMetrics')} and changes nothing here"
                self._add(place, "rules/ignored", message, path=f"{path}.{key}", severity=Severity.INFO)
                continue
            self._add(
                place, "rules/unknown-key", f"{what} has no such key", path=f"{path}.{shorten(key)}", found=shorten(key),
                allowed=", ".join(known), nearest=nearest(key, known),
            )  # fmt: skip

    def _text(self, node: MapNode, key: str, path: str) -> str:
        given = node.get(key)
        if given is None:
            return ""
        if isinstance(given, ScalarNode):
            return "" if _is_nothing(given) else given.text
        self._add(given.place, "rules/type", f"`{key}` is text", path=f"{path}.{key}", found=show(given))
        return ""

    def _duration(self, node: MapNode, key: str, path: str) -> float:
        text = self._text(node, key, path)
        given = node.get(key)
        if given is None or (not text and _is_nothing(given)):
            return 0.0
        try:
            return parse_prometheus_duration(text)
        except ValueError as error:
            self._add(
                given.place, "rules/duration", f"`{key}`: {error}" if text else f"`{key}` is empty", path=f"{path}.{key}",
                found=show(given), allowed=RULE, nearest=f"{text}s" if text.isdecimal() and len(text) < 9 else None,
            )  # fmt: skip
            return 0.0

    def _labels(self, node: MapNode, key: str, path: str, what: str) -> dict[str, tuple[str, Place]]:
        """Names with their text and its place."""
        given = node.get(key)
        if given is None or _is_nothing(given):
            return {}
        if not isinstance(given, MapNode):
            self._add(given.place, "rules/type", f"`{key}` is a mapping of names to text", path=f"{path}.{key}", found=show(given))
            return {}
        out = {}
        for name, entry in given.entries.items():
            if not name or (name == "__name__" and what == "label"):
                self._add(
                    entry.key_place, "rules/label-name", f"this is no name of a{'n' * (what == 'annotation')} {what}",
                    path=f"{path}.{key}", found=name or "nothing",
                )  # fmt: skip
            elif not _LABEL.fullmatch(name):
                message = (
                    f"only Prometheus 3 takes this name of a{'n' * (what == 'annotation')} {what}; letters, digits and '_' are safe"
                )
                self._add(
                    entry.key_place,
                    "rules/label-name",
                    message,
                    path=f"{path}.{key}",
                    found=shorten(name),
                    severity=Severity.WARNING,
                )
            text = self._text(given, name, f"{path}.{key}")
            out[name] = (text, entry.node.place)
        return out

    def _add(
        self, place: Place, check: str, message: str, *, severity: Severity = Severity.ERROR, path: str | None = None,
        found: str | None = None, allowed: str | None = None, nearest: str | None = None,
    ) -> None:  # fmt: skip
        self.problems.append(Problem(check, message, severity, place.file, place.line, place.column, path, found, allowed, nearest))
        self._stop_if_many()

    def _stop_if_many(self) -> None:
        if sum(problem.severity is Severity.ERROR for problem in self.problems[-MAX_PROBLEMS:]) >= MAX_PROBLEMS:
            raise BadInput(self.problems)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None
