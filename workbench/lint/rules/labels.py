"""Which labels the elements of an expression can have: after `sum by (job)` it is `job` and nothing else."""

from __future__ import annotations

from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import value
from workbench.promql.ast import Aggregate, Binary, Call, Expr, Matching, MatchKind, Negate, Range, Selector, Subquery, is_scalar

Labels = frozenset[str]
_KEEP_LABELS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_DEEPEST = 12


def labels_of(expr: Expr, rules: Rules, depth: int = 0) -> Labels | None:
    """Names of the labels that an element can have at most, without the metric's name; None: any."""
    if depth > _DEEPEST:
        return None
    if value(expr) is not None:
        return frozenset()
    match expr:
        case Selector():
            return _recorded(expr, rules, depth)
        case Range():
            return labels_of(expr.selector, rules, depth)
        case Subquery():
            return labels_of(expr.expr, rules, depth)
        case Negate():
            return labels_of(expr.argument, rules, depth)
        case Aggregate():
            return _aggregated(expr, rules, depth)
        case Call():
            return _called(expr, rules, depth)
        case Binary():
            return _joined(expr, rules, depth)
        case _:
            return None


def _recorded(selector: Selector, rules: Rules, depth: int) -> Labels | None:
    definition = rules.definition(selector)
    if definition is None or definition.expr is None:
        return None
    below = labels_of(definition.expr, rules, depth + 1)
    return None if below is None else below | frozenset(definition.labels)


def _aggregated(expr: Aggregate, rules: Rules, depth: int) -> Labels | None:
    below = labels_of(expr.argument, rules, depth + 1)
    if expr.operator in _KEEP_LABELS:
        return below
    if expr.without:
        out = None if below is None else below - frozenset(expr.labels)
    else:
        out = frozenset(expr.labels) if below is None else below & frozenset(expr.labels)
    return None if expr.operator == "count_values" else out


def _called(expr: Call, rules: Rules, depth: int) -> Labels | None:
    if expr.function in ("absent", "absent_over_time"):
        argument = expr.arguments[0] if expr.arguments else None
        selector = argument.selector if isinstance(argument, Range) else argument
        if not isinstance(selector, Selector):
            return frozenset() if isinstance(selector, Aggregate) else None
        return frozenset(m.label for m in selector.matchers if m.kind is MatchKind.EQUAL and m.label != "__name__")
    if expr.function in ("label_replace", "label_join", "info"):
        return None
    if expr.function in ("vector", "time", "scalar"):
        return frozenset()
    of_arguments = [labels_of(argument, rules, depth + 1) for argument in expr.arguments if value(argument) is None]
    if len(of_arguments) != 1:
        return None
    found = of_arguments[0]
    return None if found is None else found - {"le"} if expr.function == "histogram_quantile" else found


def _joined(expr: Binary, rules: Rules, depth: int) -> Labels | None:
    left, right = labels_of(expr.left, rules, depth + 1), labels_of(expr.right, rules, depth + 1)
    if expr.operator in ("and", "unless"):
        return left
    if expr.operator == "or":
        return None if left is None or right is None else left | right
    if is_scalar(expr.right):
        return left
    if is_scalar(expr.left):
        return right
    matching = expr.matching
    if matching.many is not None:
        many = left if matching.many == "left" else right
        return None if many is None else many | frozenset(matching.include)
    return _one_to_one(left, right, matching)


def _one_to_one(left: Labels | None, right: Labels | None, matching: Matching) -> Labels | None:
    named = frozenset(matching.labels)
    if matching.on:
        return named if left is None else named & left
    if left is None or right is None:
        known = left if left is not None else right
        return None if known is None else known - named
    return left - named if named else left & right
