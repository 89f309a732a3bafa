"""A short window that is not about a twelfth of the long one.

The short window ends an alert soon after the burning stops. A twelfth of the long one (5m for 1h, 30m for 6h) is what everybody
uses. Much shorter, the alert flaps with every quiet minute; much longer, it goes on for that long after the incident. A remark
only: 0.6 to 1.4 times a twelfth passes, because windows are rounded.

Take long / 12, unless you measured something better: shortening is what `workbench run` can try for you.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import rules_in_use
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import number_text
from workbench.lint.rules.groups import burns
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/short-window"
USUAL = 12
LOW, HIGH = 0.6, 1.4


def check(subject: Subject) -> Iterator[Problem]:
    """Rules whose windows stand in an unusual relation."""
    for watch in rules_in_use(subject.policy):
        name, rule = watch.rule_name, watch.rule
        if not _usual(rule.long, rule.short):
            yield Problem(
                NAME,
                f"alert {name}: {_sum(rule.long, rule.short)}",
                severity=Severity.INFO,
                path=watch.path("short"),
                found=format_duration(rule.short),
                allowed=format_duration(rule.long / USUAL),
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same for pairs of windows."""
    for burn in burns(rules):
        if burn.short_ms != burn.long_ms and not _usual(burn.long_ms, burn.short_ms):
            long, short = burn.long_ms / 1000, burn.short_ms / 1000
            yield burn.view.problem(
                NAME,
                f"{burn.view.title}: {_sum(long, short)}",
                severity=Severity.INFO,
                at=burn.pair.short.comparison,
                allowed=format_duration(long / USUAL),
            )


def _usual(long: float, short: float) -> bool:
    return LOW <= short * USUAL / long <= HIGH


def _sum(long: float, short: float) -> str:
    return (
        f"the short window is {format_duration(long)} / {format_duration(short)} = {number_text(long / short, 3)} times "
        "shorter than the "
        f"long one, not about {USUAL}"
    )
