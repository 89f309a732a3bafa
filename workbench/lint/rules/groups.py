"""Burn-rate pairs of rule files, gathered by the ratio that they watch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from workbench.lint.rules.conditions import Condition, Pair, and_parts, pairs
from workbench.lint.rules.document import Rules, RuleView, alerts
from workbench.lint.rules.expressions import metric, selectors
from workbench.promql.ast import Expr

Key = frozenset[tuple[str, frozenset[tuple[str, str, str]]]]
_WINDOW_SUFFIX = re.compile(r"_?\d+(ms|[smhdw])$")
_PAGES = re.compile(r"page|critical|crit|p1|sev-?[12]$|high|urgent", re.IGNORECASE)
_TICKETS = re.compile(r"ticket|warn|info|notice|slack|low|medium|p[345]|sev-?[345]$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Burn:
    """One pair of windows of one alert."""

    view: RuleView
    pair: Pair
    for_s: float

    @property
    def factor(self) -> Fraction | None:
        """The burn rate of the long window's threshold, where it is written as one."""
        return self.pair.long.factor

    @property
    def long_ms(self) -> int:
        """The long window."""
        return self.pair.long.window_ms or 0

    @property
    def short_ms(self) -> int:
        """The short window."""
        return self.pair.short.window_ms or 0

    @property
    def guarded(self) -> bool:
        """Whether more than the two windows stands in its `and`: a guard for few events."""
        return len(list(and_parts(self.pair.joined))) > 2

    @property
    def threshold(self) -> float:
        """As an error ratio."""
        return self.pair.long.limit / float(self.pair.long.scale)

    @property
    def pages(self) -> bool | None:
        """Whether its labels say that it wakes somebody; None if they do not say."""
        return pages(self.view)


def pages(view: RuleView) -> bool | None:
    """Whether a rule's labels say that it wakes somebody; None if they do not say."""
    for name in ("sloth_severity", "severity"):
        found = view.labels.get(name, "")
        if _PAGES.search(found):
            return True
        if _TICKETS.search(found):
            return False
    return None


def burns(rules: Rules) -> list[Burn]:
    """Every pair of every alert, in the order of the files."""
    known = rules.memo.get("burns")
    if not isinstance(known, list):
        known = rules.memo["burns"] = [
            Burn(view, pair, rule.for_s) for view, rule, expr in alerts(rules) for pair in pairs(expr, rules)
        ]
    return known


def burning(rules: Rules) -> list[list[Burn]]:
    """The same by the ratio that they watch."""
    out: dict[Key, list[Burn]] = {}
    for burn in burns(rules):
        out.setdefault(key_of(burn.pair.long.quantity), []).append(burn)
    return list(out.values())


def key_of(expr: Expr) -> Key:
    """What is measured, whatever the window: names and matchers of all selectors, without what says a window."""
    return frozenset(
        (
            _WINDOW_SUFFIX.sub("", metric(selector)),
            frozenset(
                (m.label, str(m.kind), m.text) for m in selector.matchers if m.label != "__name__" and "window" not in m.label
            ),
        )
        for selector in selectors(expr)
    )


def same_measure(one: Condition, other: Condition) -> bool:
    """Whether two conditions look at the same ratio."""
    return key_of(one.quantity) == key_of(other.quantity)
