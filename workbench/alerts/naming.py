"""Which labels the series and alerts of a rule have, and what its annotations say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from workbench.alerts.gotemplate.functions import Query
from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.templates import Template, compile_template
from workbench.promql.vector import BoolArray, Labels, Vector
from workbench.promql.windows import IntArray

Queries = Callable[[int], Query]
"""What templates may ask at an evaluation."""

Rows = dict[Labels, BoolArray]
"""Which alerts a rule has, and where their element is there: [T]."""


def rule_labels(group: RuleGroup, own: Labels) -> dict[str, str]:
    """The labels that a rule sets: the group's, under its own (also an empty one, which takes a label away)."""
    return {**dict(group.labels), **dict(own)}


class Naming:
    """Labels and annotations of one alerting rule."""

    def __init__(self, group: RuleGroup, rule: AlertRule) -> None:
        self.texts = rule_labels(group, rule.labels)
        self._labels = {name: compile_template(text, rule.name) for name, text in self.texts.items()}
        self._annotations = {name: compile_template(text, rule.name) for name, text in rule.annotations}
        self._known: dict[Labels, Labels] = {}

    @property
    def fixed(self) -> Mapping[str, str]:
        """Labels that always have the same text."""
        return {name: one.literal for name, one in self._labels.items() if one.literal is not None}

    @property
    def needs_value(self) -> bool:
        """Whether the labels depend on the value of the element or on the time."""
        return any(one.needs_value for one in self._labels.values())

    @property
    def queries(self) -> bool:
        """Whether the labels may ask for other expressions."""
        return any(one.literal is None and re.search(r"\bquery\b", self.texts[name]) for name, one in self._labels.items())

    def rows(self, elements: Mapping[Labels, BoolArray]) -> tuple[Rows, BoolArray | None]:
        """The alerts of elements, by labels alone; and where two of them are the same alert, so that the rule fails: [T]."""
        rows: Rows = {}
        twice: BoolArray | None = None
        for labels, present in elements.items():
            if labels not in self._known:
                self._known[labels] = self._expanded(labels, 0.0, 0.0, None)
            twice = _add(rows, self._known[labels], present, twice)
        return rows, twice

    def rows_by_value(self, vector: Vector, instants_ms: IntArray, query: Queries) -> tuple[Rows, BoolArray | None]:
        """The same where the labels depend on the value: one alert for each text that comes out."""
        rows: Rows = {}
        twice: BoolArray | None = None
        for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True):
            mine: Rows = {}
            for at in np.flatnonzero(present).tolist():
                at_ms = int(instants_ms[at])
                named = self._expanded(labels, float(values[at]), at_ms / 1000.0, query(at_ms))
                mine.setdefault(named, np.zeros(len(instants_ms), bool))[at] = True
            for named, here in mine.items():
                twice = _add(rows, named, here, twice)
        return rows, twice

    def alert_of(self, labels: Labels, value: float, at_s: float, query: Query) -> Labels:
        """The labels of the alert of one element."""
        return self._expanded(labels, value, at_s, query)

    def annotations(self, labels: Labels, value: float, at_s: float, query: Query) -> Labels:
        """What the annotations say of one element."""
        return tuple((name, one.render(dict(labels), value, at_s, query)) for name, one in self._annotations.items())

    def written(self, alert: str, labels: Labels) -> Labels:
        """The labels of an alert in `ALERTS`: a rule's label whose template came out empty has the template's text there."""
        return tuple(sorted({**self.texts, **dict(labels), "alertname": alert}.items()))

    def _expanded(self, labels: Labels, value: float, at_s: float, query: Query | None) -> Labels:
        given = dict(labels)
        ours = {name: _text(one, given, value, at_s, query) for name, one in self._labels.items()}
        merged = {**given, **ours}
        return tuple(sorted((k, v) for k, v in merged.items() if v and k not in {"__name__", "alertname"}))


def _text(template: Template, labels: Mapping[str, str], value: float, at_s: float, query: Query | None) -> str:
    return template.literal if template.literal is not None else template.render(labels, value, at_s, query)


def _add(rows: Rows, named: Labels, present: BoolArray, twice: BoolArray | None) -> BoolArray | None:
    if named not in rows:
        rows[named] = present
        return twice
    both = rows[named] & present
    rows[named] = rows[named] | present
    if not both.any():
        return twice
    return both if twice is None else twice | both
