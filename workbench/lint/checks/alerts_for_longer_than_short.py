"""A `for` longer than the short window.

The condition must hold at every evaluation for the whole of `for`. The short window is what makes it end: a pause of that length
in the errors, and waiting begins anew. Errors that come in bursts (five minutes in every ten) then never alert, however much they
cost: recall is lost. The SRE workbook advises against `for` on burn-rate alerts; where it is used, half of the short window is
customary.

Shorten `for`, or leave it out: the long window already asks for lasting trouble.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import rules_in_use
from workbench.lint.rules.document import Rules
from workbench.lint.rules.groups import burns
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/for-longer-than-short"


def check(subject: Subject) -> Iterator[Problem]:
    """Rules that wait for longer than their short window."""
    for watch in rules_in_use(subject.policy):
        name, rule = watch.rule_name, watch.rule
        if rule.for_ > rule.short:
            yield Problem(
                NAME,
                f"alert {name} {_why(rule.for_, rule.short)}",
                severity=Severity.WARNING,
                path=watch.path("for"),
                found=format_duration(rule.for_),
                allowed=f"at most {format_duration(rule.short)}",
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same for alerts made of pairs, by their longest short window."""
    longest: dict[str, tuple[float, int]] = {}
    for index, burn in enumerate(burns(rules)):
        known = longest.get(burn.view.path + (burn.view.group.file or ""), (0.0, index))
        longest[burn.view.path + (burn.view.group.file or "")] = max(known, (burn.short_ms / 1000, index))
    for short, index in longest.values():
        burn = burns(rules)[index]
        if burn.for_s > short:
            yield burn.view.problem(
                NAME, f"{burn.view.title} {_why(burn.for_s, short)}", at="for", allowed=f"at most {format_duration(short)}"
            )


def _why(for_s: float, short: float) -> str:
    return (
        f"waits for {format_duration(for_s)} while its short window is {format_duration(short)}: "
        f"bursts with pauses of {format_duration(short)} never set it off"
    )
