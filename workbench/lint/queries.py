"""PromQL that a policy brings along, as expressions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.errors import BadInput
from workbench.promql.ast import Expr
from workbench.promql.parse import parse
from workbench.scenario.schema.policy import WINDOW, Policy, QueryIndicator

FIELDS = ("errors", "good", "total", "ratio")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one objective."""

    slo: str
    field: str
    """`errors`, `good`, `total` or `ratio`."""
    text: str
    expr: Expr
    """With a window of an hour."""


def with_window(text: str, window: str) -> Expr | None:
    """The expression over one window; None if it is not PromQL (validation's business)."""
    with contextlib.suppress(BadInput):
        return parse(WINDOW.sub(window, text))
    return None


def queries(policy: Policy) -> Iterator[Query]:
    """Every query that can be parsed, in the order of the policy."""
    for name, slo in policy.slos.items():
        if not isinstance(slo.indicator, QueryIndicator):
            continue
        for field in FIELDS:
            text = getattr(slo.indicator, field)
            expr = None if text is None else with_window(text, "1h")
            if expr is not None:
                yield Query(name, field, text, expr)
