"""Conditions over groups, taken apart: what alerts by `sum by (job) (rate(...))` is one condition for each job.

Only where every aggregation has the same labels and every operator matches by them: then no element of one group ever meets one of
another, and the condition of a group is the one whose selectors name its labels, without grouping.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.promql.ast import Aggregate, Binary, Call, Expr, Matcher, Matching, MatchKind, Negate, Range, Selector, is_scalar
from workbench.promql.evaluate import Evaluator
from workbench.promql.vector import Labels, kept


def by_group(expr: Expr, evaluator: Evaluator) -> tuple[tuple[Labels, Expr], ...] | None:
    """The labels of each group that may have an element, and its condition; None for an expression that is not of this form."""
    leaves = _leaves(expr)
    if not leaves:
        return None
    names = leaves[0].labels
    if not names or "__name__" in names or any(leaf.labels != names for leaf in leaves) or not _meets_by(expr, names):
        return None
    groups: dict[Labels, set[int]] = {}
    for number, leaf in enumerate(leaves):
        series = evaluator.selected(_selector(leaf))
        if len({one.key.labels for one in series}) < len(series):
            return None
        for one in series:
            groups.setdefault(kept(one.key.labels, names), set()).add(number)
    # What lacks one side has no element, unless it is the side that takes elements away.
    whole = [group for group, found in groups.items() if len(found) == len(leaves)]
    if len(whole) < len(groups) and _takes_away(expr):
        return None
    return tuple((group, _of_group(expr, {name: dict(group).get(name, "") for name in names})) for group in whole)


def _leaves(expr: Expr) -> list[Aggregate]:
    """The grouped sums of rates, in order; empty if the expression is made of anything else."""
    match expr:
        case Aggregate("sum", Call("rate" | "increase", (Range(),)), without=False):
            return [expr]
        case Negate(argument):
            return _leaves(argument)
        case Binary(operator, left, right) if operator != "or":
            sides = [_leaves(side) for side in (left, right) if not is_scalar(side)]
            return [] if not all(sides) else [leaf for side in sides for leaf in side]
        case _:
            return []


def _meets_by(expr: Expr, names: tuple[str, ...]) -> bool:
    match expr:
        case Binary(left=left, right=right, matching=matching):
            plain = matching in {Matching(), Matching(names, on=True)} or is_scalar(left) or is_scalar(right)
            return plain and _meets_by(left, names) and _meets_by(right, names)
        case Negate(argument):
            return _meets_by(argument, names)
        case _:
            return True


def _takes_away(expr: Expr) -> bool:
    match expr:
        case Binary(operator, left, right):
            return operator == "unless" or _takes_away(left) or _takes_away(right)
        case Negate(argument):
            return _takes_away(argument)
        case _:
            return False


def _selector(leaf: Aggregate) -> Selector:
    match leaf.argument:
        case Call(_, (Range(selector, _),)):
            return selector
        case _:
            raise TypeError("only sums of rates are leaves")


def _of_group(expr: Expr, values: dict[str, str]) -> Expr:
    match expr:
        case Aggregate(operator, Call(function, (Range(selector, window_ms),))):
            own = [Matcher(name, MatchKind.EQUAL, value) for name, value in values.items()]
            matchers = tuple(sorted([*selector.matchers, *own], key=lambda matcher: matcher.label))
            return Aggregate(operator, Call(function, (Range(replace(selector, matchers=matchers), window_ms),)))
        case Negate(argument):
            return Negate(_of_group(argument, values))
        case Binary(left=left, right=right):
            return replace(expr, left=_of_group(left, values), right=_of_group(right, values), matching=Matching())
        case _:
            return expr
