"""A comparison with NaN.

NaN equals nothing, itself included: `x == NaN` is never true, and `x != NaN` always is. Every other comparison with it is false
too.

To find NaN write `x != x`; to drop it `x == x`, or `x >= 0` where negative values cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import value
from workbench.promql.ast import COMPARISONS, Binary

NAME = "promql/nan-comparison"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Comparisons with a constant that is NaN."""
    for view in rules.readable:
        for node in view.nodes:
            if not isinstance(node, Binary) or node.operator not in COMPARISONS:
                continue
            constants = [one for side in (node.left, node.right) if (one := value(side)) is not None]
            if any(math.isnan(one) for one in constants):
                always = node.operator == "!="
                yield view.problem(
                    NAME,
                    f"{view.title}: `{node.operator} NaN` is {'always' if always else 'never'} true: NaN equals nothing, "
                    "itself included",
                    at=node,
                    severity=Severity.WARNING if always else Severity.ERROR,
                    allowed="x != x to find NaN, x == x to drop it",
                )
