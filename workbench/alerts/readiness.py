"""What a policy says of alerts that cannot be made into rules: found before a run, with the path of each part."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.alerts.burn_rules import BurnRule, alternatives, burn_rules, rule_names
from workbench.alerts.queries import counts_in, parsed, selectors
from workbench.errors import BadInput, Problem
from workbench.promql.selection import select
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.policy import Policy, QueryIndicator, Slo
from workbench.scenario.tree import format_path
from workbench.telemetry.series import Telemetry

_NOTHING = Telemetry.of((), horizon_s=0.0, scrape_interval_s=15.0)
_QUERIES = ("errors", "good", "total", "ratio")


def require_ready(policy: Policy) -> None:
    """Raises BadInput with everything that keeps the policy from being made into rules."""
    problems = tuple(dict.fromkeys(rule_problems(policy)))
    if problems:
        raise BadInput(problems)


def rule_problems(policy: Policy) -> Iterator[Problem]:
    """Queries that are no PromQL or not evaluated, names that are no rule, guards without events, alternatives that disagree."""
    names = rule_names(policy)
    for name, slo in policy.slos.items():
        for index, used in enumerate(slo.alerts or ()):
            if used not in names:
                yield Problem(
                    "alerts/unknown-rule",
                    "there is no such rule, neither the policy's own nor the preset's",
                    path=format_path(("slos", name, "alerts", index)),
                    found=used,
                    allowed=listed(names),
                    nearest=nearest(used, names),
                )
        broken = list(_query_problems(name, slo))
        yield from broken
        if not broken:
            rules = burn_rules(policy, name)
            yield from _guard_problems(name, slo, rules)
            yield from _disagreements(rules)


def _query_problems(name: str, slo: Slo) -> Iterator[Problem]:
    if not isinstance(slo.indicator, QueryIndicator):
        return
    for key in _QUERIES:
        query = getattr(slo.indicator, key)
        if query is None:
            continue
        try:
            parsed(query)
            for selector in selectors(query):
                select(_NOTHING, selector)  # compiles its regular expressions
        except BadInput as error:
            for problem in error.problems:
                path = format_path(("slos", name, "indicator", key))
                yield Problem(
                    problem.check, problem.message, path=path, found=problem.found, allowed=problem.allowed, nearest=problem.nearest
                )


def _guard_problems(name: str, slo: Slo, rules: tuple[BurnRule, ...]) -> Iterator[Problem]:
    """Guards count events; a query must then be a sum of rates, or of increases."""
    indicator = slo.indicator
    if not isinstance(indicator, QueryIndicator):
        return
    for rule in rules:
        needed = {
            "total": (rule.min_events or rule.min_events_short) is not None,
            ("errors" if indicator.errors else "good"): rule.min_failures is not None,
        }
        for key, wanted in needed.items():
            query = getattr(indicator, key)
            if wanted and (query is None or counts_in(query) is None):
                yield Problem(
                    "alerts/uncounted",
                    f"rule {rule.name} asks for a number of events, and this query of {name} does not count any",
                    path=format_path(("slos", name, "indicator", key if query is not None else "ratio")),
                    found=query or "no such query",
                    allowed="a sum of rate(...[{{.window}}]), or of increase(...[{{.window}}])",
                )


def _disagreements(rules: tuple[BurnRule, ...]) -> Iterator[Problem]:
    """Rules of one alert must agree in everything that an alert has once."""
    for first, *others in alternatives(rules):
        for other in others:
            for key in ("severity", "page", "for_", "keep_firing_for"):
                one, two = getattr(first.rule, key), getattr(other.rule, key)
                if one != two:
                    stated = other if not other.from_preset else first
                    yield Problem(
                        "alerts/alternatives",
                        f"{first.name} and {other.name} make one alert, {first.alert}, and must agree in {key.rstrip('_')}",
                        path=format_path(("burn_rate_alerts", stated.name)),
                        found=f"{one} and {two}",
                        allowed="the same in both, or another `alert` for one of them",
                    )
