"""Two sides whose labels can never be the same.

`/`, `and`, `unless` pair elements with equal labels unless `on` or `ignoring` says otherwise. `sum by (job) (..) / sum(..)` has a
job on one side and none on the other: nothing pairs, the result is empty, the alert never fires and no error is shown. Labels are
known here where an aggregation (or a recording rule of the same files) names them.

Aggregate both sides by the same labels, or say `on (...)` with `group_left`.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import value
from workbench.lint.rules.labels import labels_of
from workbench.promql.ast import Binary, is_scalar

NAME = "promql/labels-never-match"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Operators between different known sets of labels."""
    for view in rules.readable:
        for node in view.nodes:
            if not isinstance(node, Binary) or node.operator == "or" or any(is_scalar(side) for side in (node.left, node.right)):
                continue
            left, right = labels_of(node.left, rules), labels_of(node.right, rules)
            if left is None or right is None or value(node.right) is not None:
                continue
            named = frozenset(node.matching.labels)
            apart = (left & named) ^ (right & named) if node.matching.on else (left - named) ^ (right - named)
            if apart:
                only = "left" if apart & left else "right"
                yield view.problem(
                    NAME,
                    f"{view.title}: the sides of `{node.operator}` have different labels, ({', '.join(sorted(left))}) and "
                    f"({', '.join(sorted(right))}): {', '.join(sorted(apart))} stands only on the {only}, so nothing pairs",
                    at=node,
                    allowed="the same labels on both sides, or on (...)",
                )
