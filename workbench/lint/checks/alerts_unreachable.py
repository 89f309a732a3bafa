"""A burn-rate alert that can never fire.

The alert compares the error ratio with factor x (1 - target). A ratio never exceeds 1, so at or above 1 the comparison is never
true: with a target of 90 % and a factor of 14.4 the alert waits for 144 % errors. Seen in public production rules as `> (14 *
(1-0.9))`. In rule files every comparison of something bounded (a share, `up`, a clamped value) with a constant is reckoned,
recorded ratios included; an alert that only a total outage sets off gets a warning.

Lower the factor below 1 / (1 - target), or give the objective rules of its own with `alerts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import number, watches
from workbench.lint.rules.conditions import Condition, conditions
from workbench.lint.rules.document import Rules, RuleView, alerts
from workbench.lint.rules.expressions import number_text, show_sum
from workbench.lint.subject import Subject
from workbench.promql.ast import ARITHMETIC, Aggregate, Binary, Expr, Number

NAME = "alerts/unreachable"
NEARLY = 1e-9
"""Relative: `10 * (1-0.9)` is 0.9999999999999998 in doubles, and only 100 % errors are more."""


def check(subject: Subject) -> Iterator[Problem]:
    """Rules whose threshold is an error ratio of 1 or more."""
    for watch in watches(subject.policy):
        if watch.threshold < 1:
            continue
        yield Problem(
            NAME,
            f"alert {watch.rule_name} can never fire for {watch.slo_name}: it fires at {number(watch.factor)} x "
            f"{number(watch.error_budget)} = {number(watch.threshold)}: an error ratio never exceeds 1",
            path=watch.path("factor"),
            found=number(watch.factor),
            allowed=f"a factor below 1 / {number(watch.error_budget)} = {number(1 / watch.error_budget)}",
        )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Comparisons that no value passes; an error if the alert needs them, a warning if another branch can still fire."""
    for view, _, expr in alerts(rules):
        found = conditions(expr, rules)
        never = {one.comparison for one in found if one.never_true}
        dead = is_dead(expr, never)
        for one in found:
            if looks_like_percent(one):
                continue
            if one.never_true:
                yield _never(view, one, dead=dead)
            elif one.is_ratio and one.operator == ">" and one.limit >= one.interval.high * (1 - NEARLY):
                yield view.problem(
                    NAME,
                    f"only a total outage sets off {view.title}: it fires above {show_sum(one.threshold)}, in doubles "
                    f"{one.limit!r}",
                    at=one.threshold,
                    allowed=_allowed(one),
                )


def looks_like_percent(one: Condition) -> bool:
    """Whether a ratio is compared with a bare number of percent: another check's business."""
    return one.is_ratio and one.scale == 1 and isinstance(one.threshold, Number) and 1 < one.limit <= 100


def _never(view: RuleView, one: Condition, *, dead: bool) -> Problem:
    high, low = number_text(one.interval.high), number_text(one.interval.low)
    bound = f"never exceeds {high}" if one.operator in (">", ">=", "==") else f"is never below {low}"
    what = (one.interval.why or "what it compares").rstrip(",")
    if one.is_ratio and one.interval.high != 1:
        what = f"{number_text(one.scale)} x an error ratio"
    elif one.is_ratio:
        what = "an error ratio"
    fires = "it fires at" if one.operator in (">", ">=") else f"it waits for {one.operator}"
    message = f"{view.title} can never fire: " if dead else f"a part of {view.title} can never be true: "
    return view.problem(
        NAME,
        f"{message}{fires} {show_sum(one.threshold)}: {what} {bound}",
        at=one.threshold,
        severity=Severity.ERROR if dead else Severity.WARNING,
        allowed=_allowed(one),
    )


def _allowed(one: Condition) -> str | None:
    if one.factor is not None and one.budget is not None and one.budget > 0:
        return f"a factor below 1 / {number_text(one.budget)} = {number_text(1 / one.budget)}"
    return None


def is_dead(expr: Expr, never: set[Binary]) -> bool:
    """Whether an expression has no element, given comparisons that never pass."""
    match expr:
        case Binary("and", left, right):
            return is_dead(left, never) or is_dead(right, never)
        case Binary("or", left, right):
            return is_dead(left, never) and is_dead(right, never)
        case Binary("unless", left, _):
            return is_dead(left, never)
        case Binary(operator, left, right) if operator in ARITHMETIC:
            return is_dead(left, never) or is_dead(right, never)
        case Binary():
            return expr in never
        case Aggregate():
            return is_dead(expr.argument, never)
        case _:
            return False
