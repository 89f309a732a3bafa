"""Errors and total that are the same, or errors that are never counted.

A query for errors that is the query for the total makes the ratio 1, whatever happens. Bad codes that `exclude_codes` takes out
again leave no bad event at all. Both are slips of copying, and both load without complaint.

Select the failures in the first query: `code=~"5.."`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.queries import queries
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import is_rate, walk
from workbench.lint.rules.ranges import bare
from workbench.lint.subject import Subject
from workbench.promql.ast import Aggregate, Binary, Expr
from workbench.scenario.schema.policy import EventsIndicator
from workbench.scenario.tree import format_path

NAME = "slo/errors-equal-total"


def check(subject: Subject) -> Iterator[Problem]:
    """Queries that are the same, and bad codes that are excluded."""
    totals = {query.slo: query for query in queries(subject.policy) if query.field == "total"}
    for query in queries(subject.policy):
        total = totals.get(query.slo)
        if query.field in ("errors", "good") and total is not None and total.expr == query.expr:
            what = "error" if query.field == "errors" else "success"
            yield Problem(
                NAME,
                f"objective {query.slo}: the queries for {query.field} and total are the same, so the {what} ratio is always 1",
                path=format_path(("slos", query.slo, "indicator", query.field)),
                allowed="a selector for a part of the total",
            )
        elif query.field == "ratio" and any(_is_itself(node) for node in walk(query.expr)):
            yield Problem(
                NAME,
                f"objective {query.slo}: what is divided is the same on both sides, so the error ratio is always 1",
                path=format_path(("slos", query.slo, "indicator", "ratio")),
            )
    for name, slo in subject.policy.slos.items():
        if isinstance(slo.indicator, EventsIndicator):
            excluded = slo.indicator.exclude_codes
            if all(
                any(code == one or (one.endswith("..") and code[0] == one[0]) for one in excluded)
                for code in slo.indicator.bad_codes
            ):
                yield Problem(
                    NAME,
                    f"objective {name} has no bad events: exclude_codes takes out all of its bad codes",
                    path=format_path(("slos", name, "indicator", "exclude_codes")),
                    allowed="codes that are not among bad_codes",
                )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Divisions of a rate by itself."""
    for view in rules.readable:
        for node in view.nodes:
            if _is_itself(node):
                yield view.problem(
                    NAME,
                    f"{view.title} divides a rate by itself: the ratio is always 1",
                    at=node,
                    severity=Severity.ERROR,
                    allowed="a selector for a part of the total",
                )


def _is_itself(node: Expr) -> bool:
    if not isinstance(node, Binary) or node.operator != "/":
        return False
    part, whole = bare(node.left), bare(node.right)
    same = isinstance(node.left, Aggregate) == isinstance(node.right, Aggregate)
    return same and part == whole and any(is_rate(one) for one in walk(part))
