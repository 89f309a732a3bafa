"""Selectors of rules that find no series: neither in the telemetry nor among what other rules write.

Such a rule is silent for ever, and nothing in Prometheus says so. What a selector asks for is compared matcher by matcher with
what is there, so that the finding names the one that fails and what is near.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from workbench.alerts.expressions import Rules, called, children, parsed
from workbench.alerts.plan import ALERTS, FOR_STATE
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import AlertRule, Rule, RuleGroup
from workbench.errors import Problem, Severity
from workbench.promql.ast import Aggregate, Binary, Call, Matcher, MatchKind, Negate, Range, Selector, is_scalar
from workbench.promql.selection import select
from workbench.promql.text import bare_selector_text, matcher_text
from workbench.scenario.names import listed, nearest
from workbench.telemetry.series import Series, Telemetry

_ALWAYS = frozenset({"absent", "absent_over_time", "vector", "time", "scalar"})
"""Functions that have an element without any series."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A selector in its place."""

    selector: Selector
    may_be_empty: bool
    """It stands where nothing is an answer: in `absent()`, beside `or`, or behind `unless`."""


def unmatched(
    groups: Sequence[RuleGroup], telemetry: Telemetry, files: RuleFiles | None = None, later: Telemetry | None = None
) -> tuple[Problem, ...]:
    """One finding for each selector of a rule that finds nothing, and one for each rule that can therefore never have an element.

    Args:
        groups: All rules, in order.
        telemetry: What the rules see.
        files: Where the rules are written, for the places of findings.
        later: Telemetry that is complete only after the run; a metric that is there alone is said to be.
    """
    return tuple(_Check(tuple(groups), telemetry, files, later).findings())


class _Check:
    def __init__(
        self, groups: tuple[RuleGroup, ...], telemetry: Telemetry, files: RuleFiles | None, later: Telemetry | None
    ) -> None:
        self._rules = Rules(groups)
        self._telemetry = telemetry
        self._files = files
        self._later = later
        self._scraped: dict[Selector, bool] = {}
        self._exprs = [parsed(rule.expr) for _, _, rule in self._rules.rules]
        self._never: set[int] = set()

    def findings(self) -> Iterator[Problem]:
        self._settle()
        for number, (group, index, rule) in enumerate(self._rules.rules):
            asked = dict.fromkeys(_asked(self._exprs[number], may_be_empty=False))
            missing = [one for one in asked if not self._scrapes(one.selector) and not self._rules.writers(one.selector)]
            for one in missing:
                yield self._of_selector(group, index, rule, one, never=number in self._never)
            if number in self._never and not missing:
                yield self._of_rule(group, index, rule, [one.selector for one in asked])

    def _settle(self) -> None:
        """Rules that never have an element; what reads only those has none either."""
        changed = True
        while changed:
            changed = False
            for number, expr in enumerate(self._exprs):
                if number not in self._never and expr is not None and self._is_empty(expr):
                    self._never.add(number)
                    changed = True

    def _scrapes(self, selector: Selector) -> bool:
        if selector not in self._scraped:
            self._scraped[selector] = bool(select(self._telemetry, selector))
        return self._scraped[selector]

    def _finds(self, selector: Selector) -> bool:
        return self._scrapes(selector) or bool(self._rules.writers(selector) - self._never)

    def _is_empty(self, expr: Any) -> bool:
        """Whether an expression can have no element at any time."""
        match expr:
            case Selector():
                return not self._finds(expr)
            case Range(selector=selector):
                return not self._finds(selector)
            case Call(function=function) if function in _ALWAYS:
                return False
            case Binary("or", left, right):
                return self._is_empty(left) and self._is_empty(right)
            case Binary("unless", left, _):
                return self._is_empty(left)
            case Call() | Aggregate() | Binary() | Negate():
                return any(self._is_empty(child) for child in children(expr) if not _scalar(child))
            case _:
                return any(self._is_empty(child) for child in children(expr))

    # Findings.

    def _of_selector(self, group: RuleGroup, index: int, rule: Rule, asked: _Asked, *, never: bool) -> Problem:
        selector = asked.selector
        why, found, allowed, near = self._reason(selector)
        severity = Severity.INFO if asked.may_be_empty else Severity.WARNING
        consequence = f"; {_can_never(rule)}" if never else ""
        name = next((m.text for m in selector.matchers if m.label == "__name__"), "")
        message = f"{_called(rule)}: {bare_selector_text(selector)} matches no series: {why}{consequence}"
        return self._problem("rules/no-series", message, severity, group, index, name, found, allowed, near)

    def _of_rule(self, group: RuleGroup, index: int, rule: Rule, asked: Sequence[Selector]) -> Problem:
        names = [
            called(self._rules.rules[number][2])
            for selector in asked
            for number in sorted(self._rules.writers(selector) & self._never)
        ]
        read = ", ".join(dict.fromkeys(names))
        message = f"{_called(rule)}: {_can_never(rule)}: it reads {read}, which never has an element"
        return self._problem("rules/never", message, Severity.WARNING, group, index, next(iter(names), ""))

    def _problem(
        self, check: str, message: str, severity: Severity, group: RuleGroup, index: int, needle: str,
        found: str | None = None, allowed: str | None = None, near: str | None = None,
    ) -> Problem:  # fmt: skip
        place = self._files.place_in(group, index, needle) if self._files is not None else None
        if place is None:
            return Problem(
                check,
                message,
                severity,
                path=f"groups.{group.name}.rules[{index}].expr",
                found=found,
                allowed=allowed,
                nearest=near,
            )
        return Problem(check, message, severity, place.file, place.line, place.column, None, found, allowed, near)

    def _reason(self, selector: Selector) -> tuple[str, str | None, str | None, str | None]:
        """Why nothing matches: words, found, allowed and nearest."""
        exact = [m.text for m in selector.matchers if m.label == "__name__" and m.kind is MatchKind.EQUAL]
        known = self._names()
        if exact and exact[0] not in known | {ALERTS, FOR_STATE}:
            if self._later is not None and exact[0] in self._later.by_name:
                return f"{exact[0]} is written only after the run, so no rule can read it", None, None, None
            close = get_close_matches(exact[0], sorted(known), n=3)
            return f"there is no metric {exact[0]}", None, ", ".join(close) or None, close[0] if close else None
        if exact and exact[0] not in self._telemetry.by_name:
            return f"{exact[0]} is what rules write, and none of them with these labels", None, None, None
        series = self._telemetry.by_name[exact[0]] if exact else self._telemetry.series
        for matcher in selector.matchers:
            if matcher.label == "__name__" and matcher.kind is MatchKind.EQUAL:
                continue
            if not any(_passes(matcher, one) for one in series):
                return _of_matcher(matcher, series, exact[0] if exact else "any metric")
        return "each matcher finds some, but no series has all of them", None, None, None

    def _names(self) -> set[str]:
        written = {result.name for some in self._rules.results for result in some}
        return {*self._telemetry.names, *(written - {ALERTS, FOR_STATE})}


def _of_matcher(matcher: Matcher, series: Sequence[Series], metric: str) -> tuple[str, str | None, str | None, str | None]:
    values = sorted({one.key.label_map[matcher.label] for one in series if matcher.label in one.key.label_map})
    shown = matcher_text(matcher)
    if matcher.label == "__name__":
        return f"no metric has {shown}", None, None, None
    if not values:
        names = sorted({name for one in series for name, _ in one.key.labels})
        return f"{metric} has no label {matcher.label}", None, listed(names), nearest(matcher.label, names)
    parts = matcher.text.split("|") if matcher.kind is MatchKind.REGEX else [matcher.text]
    near = next((found for part in parts if (found := nearest(part, values))), None)
    return f"no {metric} has {shown}", None, listed(values), near


def _passes(matcher: Matcher, series: Series) -> bool:
    only = Telemetry.of([series], horizon_s=0.0, scrape_interval_s=0.0)
    return bool(select(only, Selector((matcher,))))


def _asked(expr: Any, *, may_be_empty: bool) -> Iterator[_Asked]:
    match expr:
        case Selector():
            yield _Asked(expr, may_be_empty)
        case Call(function=function) if function in {"absent", "absent_over_time"}:
            for child in children(expr):
                yield from _asked(child, may_be_empty=True)
        case Binary("or", left, right):
            yield from _asked(left, may_be_empty=True)
            yield from _asked(right, may_be_empty=True)
        case Binary("unless", left, right):
            yield from _asked(left, may_be_empty=may_be_empty)
            yield from _asked(right, may_be_empty=True)
        case _:
            for child in children(expr):
                yield from _asked(child, may_be_empty=may_be_empty)


def _scalar(expr: Any) -> bool:
    return is_scalar(expr) or (isinstance(expr, Call) and expr.function == "scalar")


def _called(rule: Rule) -> str:
    return f"{'alert' if isinstance(rule, AlertRule) else 'record'} {called(rule)}"


def _can_never(rule: Rule) -> str:
    return "it can never fire" if isinstance(rule, AlertRule) else "nothing is ever recorded"
