"""A fallback (`or vector(0)`) on one side of a ratio only, or without its labels.

With it on the total alone, a total that disappears becomes 0: errors / 0 is infinite, and every alert fires; 0 / 0 is NaN, and
none does. On the errors alone it is common and mostly right (no error yet, so no series): a remark, because a misspelt selector
then also reads as 0 errors. Beside `sum by (job)` the fallback has no label, pairs with nothing, and adds an element that nobody
asked for.

Use it for the errors where their series may be missing, never for the total; give it labels with `0 * (total)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.queries import queries
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import is_rate, value, walk
from workbench.lint.subject import Subject
from workbench.promql.ast import Aggregate, Binary, Expr
from workbench.scenario.tree import format_path

NAME = "slo/vector-fallback"
_OF_TOTAL = "only the total falls back: when it is missing, errors / {} is {}"
_OF_ERRORS = "only the errors fall back: a selector that matches nothing reads as no errors"
_LABELS = "the fallback has no labels and pairs with none of {}"


def check(subject: Subject) -> Iterator[Problem]:
    """Queries of which one falls back, and fallbacks without labels."""
    by_slo: dict[str, dict[str, Expr]] = {}
    for query in queries(subject.policy):
        by_slo.setdefault(query.slo, {})[query.field] = query.expr
    for name, fields in by_slo.items():
        counted = fields.get("errors") or fields.get("good")
        if counted is not None and "total" in fields:
            for found in _one_sided(counted, fields["total"]):
                yield _of_policy(
                    name, "total" if found[0] is fields["total"] else "errors" if "errors" in fields else "good", *found[1:]
                )
        for field, expr in fields.items():
            for node in walk(expr):
                if isinstance(node, Binary) and node.operator == "/":
                    for found in _one_sided(node.left, node.right):
                        yield _of_policy(name, field, *found[1:])
                elif (labels := _labels_beside(node)) is not None:
                    yield _of_policy(name, field, _LABELS.format(labels), Severity.INFO)


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same in divisions."""
    for view in rules.readable:
        for node in view.nodes:
            if isinstance(node, Binary) and node.operator == "/" and any(is_rate(one) for one in walk(node)):
                for side, message, severity in _one_sided(node.left, node.right):
                    yield view.problem(NAME, f"{view.title}: {message}", at=side, severity=severity)
            elif (labels := _labels_beside(node)) is not None:
                yield view.problem(NAME, f"{view.title}: {_LABELS.format(labels)}", at=node, severity=Severity.INFO)


def _of_policy(slo: str, field: str, message: str, severity: Severity) -> Problem:
    return Problem(NAME, f"objective {slo}: {message}", severity=severity, path=format_path(("slos", slo, "indicator", field)))


def _one_sided(part: Expr, whole: Expr) -> Iterator[tuple[Expr, str, Severity]]:
    of_part, of_whole = _fallback(part), _fallback(whole)
    if of_whole is not None and of_part is None and not of_whole > 0:
        yield whole, _OF_TOTAL.format(f"{of_whole:g}", "infinite, or NaN without errors"), Severity.WARNING
    elif of_part is not None and of_whole is None:
        yield part, _OF_ERRORS, Severity.INFO


def _fallback(expr: Expr) -> float | None:
    """The constant that an expression falls back to; None if it does not."""
    while isinstance(expr, Aggregate):
        expr = expr.argument
    return value(expr.right) if isinstance(expr, Binary) and expr.operator == "or" else None


def _labels_beside(node: Expr) -> str | None:
    """The labels that a fallback lacks."""
    if not isinstance(node, Binary) or node.operator != "or" or value(node.right) is None or node.matching.on:
        return None
    left = node.left
    while isinstance(left, Binary) and left.operator in ("/", "*", "+", "-"):
        left = left.left
    return ", ".join(left.labels) if isinstance(left, Aggregate) and left.labels and not left.without else None
