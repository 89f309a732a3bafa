"""An annotation that prints a label which the alert does not have.

After `sum by (job)` only `job` is left; `{{ $labels.instance }}` then prints nothing, and the page says "on is failing". `$labels`
holds the labels of the expression's element; those that the rule itself adds (`severity`) are not among them either.

Keep the label in the aggregation, or take it out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.alerts.rules import AlertRule
from workbench.errors import Problem
from workbench.lint.rules.document import Rules, alerts
from workbench.lint.rules.labels import labels_of
from workbench.scenario.names import listed

NAME = "rules/annotation-label"
_USED = re.compile(r"\$labels\.([A-Za-z_][A-Za-z0-9_]*)|index\s+\$labels\s+\"([A-Za-z_][A-Za-z0-9_]*)\"")


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Labels used in annotations and labels of an alert that its expression cannot have."""
    for view, rule, expr in alerts(rules):
        has = labels_of(expr, rules)
        if has is None:
            continue
        for key, name in _used(rule):
            if name in has:
                continue
            own = " (the rule adds it afterwards)" if name in view.labels else ""
            yield view.problem(
                NAME,
                f"{view.title}: {key.partition('.')[2]} prints the label {name}, which its expression does not have{own}",
                at=key,
                allowed=f"a label that is left: {listed(sorted(has))}" if has else "no label: the expression has none",
            )


def _used(rule: AlertRule) -> Iterator[tuple[str, str]]:
    """`annotations.summary` and the label that it prints, each pair once."""
    for kind, texts in (("annotations", rule.annotations), ("labels", rule.labels)):
        for key, text in texts:
            for name in dict.fromkeys(match[1] or match[2] for match in _USED.finditer(text)):
                yield f"{kind}.{key}", name
