"""A severity that is near to a usual one, and is not it.

Routing compares text: `critcal` goes to nobody, `Critical` is not `critical`. A severity is reported if it is used in no other
rule and nearly is one that is usual (or that most of the other rules use).

Linted together with a policy (`workbench lint rules.yml policy.yaml`), a severity that none of its rules has gets a remark.

Write it as the others do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules, alerts
from workbench.scenario.names import listed, nearest

NAME = "rules/severity-spelling"
USUAL = (
    "critical",
    "warning",
    "info",
    "page",
    "ticket",
    "none",
    "error",
    "notice",
    "high",
    "medium",
    "low",
    "major",
    "minor",
    "emergency",
    "alert",
)


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Rare values of `severity` that are nearly a known one."""
    counts = Counter(view.labels["severity"] for view, _, _ in alerts(rules) if "severity" in view.labels)
    often = [text for text, count in counts.items() if count > 1]
    for view, _, _ in alerts(rules):
        stated = view.labels.get("severity", "")
        if stated and rules.severities and stated not in rules.severities and "{{" not in stated:
            yield view.problem(
                NAME,
                f"{view.title} has the severity {stated}, which no rule of the policy has",
                at="labels.severity",
                severity=Severity.INFO,
                allowed=listed(rules.severities),
                nearest=nearest(stated, rules.severities),
            )
            continue
        if not stated or stated in USUAL or "{{" in stated or counts[stated] > 1:
            continue
        known = list(dict.fromkeys((*often, *USUAL)))
        near = next((one for one in known if one.casefold() == stated.casefold()), None) or _nearest(stated, known)
        if near is not None:
            yield view.problem(
                NAME,
                f"{view.title} has the severity {stated}, which nothing else has",
                at="labels.severity",
                allowed=near,
                nearest=near,
            )


def _nearest(stated: str, known: list[str]) -> str | None:
    close = get_close_matches(stated.casefold(), known, n=1, cutoff=0.8)
    return close[0] if close else None
