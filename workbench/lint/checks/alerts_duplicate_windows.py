"""Two alerts of one severity over the same windows, or a pair whose windows are the same.

Over the same windows the lower factor fires whenever the higher one does, so the other alert only says the same again. A pair of
windows of one length is one window written twice: nothing ends the alert early.

Drop one of the two, or give it windows (or a severity) of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import by_objective, number
from workbench.lint.rules.document import Rules
from workbench.lint.rules.groups import burning, burns
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/duplicate-windows"


def check(subject: Subject) -> Iterator[Problem]:
    """Rules of one objective that share long window, short window and severity."""
    told: set[tuple[str, str]] = set()
    for watches in by_objective(subject.policy):
        seen: dict[tuple[float, float, str], str] = {}
        for watch in watches:
            rule = watch.rule
            windows = (rule.long, rule.short, rule.severity)
            other = seen.setdefault(windows, watch.rule_name)
            if other == watch.rule_name or (other, watch.rule_name) in told:
                continue
            told.add((other, watch.rule_name))
            factors = f"{number(watch.factor)} and {number(next(w.factor for w in watches if w.rule_name == other))}"
            yield Problem(
                NAME,
                f"alerts {other} and {watch.rule_name} look at the same windows with the same severity: "
                f"{format_duration(rule.long)} and {format_duration(rule.short)}, with factors {factors}",
                severity=Severity.WARNING,
                path=watch.path("long"),
                found=format_duration(rule.long),
            )


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same for pairs of windows over one ratio."""
    for burn in burns(rules):
        if burn.long_ms == burn.short_ms:
            yield burn.view.problem(
                NAME,
                f"both windows of {burn.view.title} are {format_duration(burn.long_ms / 1000)} long: the second adds nothing",
                at=burn.pair.short.comparison,
                allowed="a short window of about a twelfth of the long one",
            )
    for same in burning(rules):
        seen: dict[tuple[int, int, str], str] = {}
        for burn in same:
            other = seen.setdefault((burn.long_ms, burn.short_ms, burn.view.labels.get("severity", "")), burn.view.path)
            if other != burn.view.path:
                windows = f"{format_duration(burn.long_ms / 1000)} and {format_duration(burn.short_ms / 1000)}"
                yield burn.view.problem(
                    NAME,
                    f"{burn.view.title} looks at the windows of {other} with the same severity: {windows}",
                    at=burn.pair.long.comparison,
                )
