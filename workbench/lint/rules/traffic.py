"""How many requests a world sends where the burn rates of a rule file look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from workbench.alerts.vocabulary import SIMULATED
from workbench.lint.rules.conditions import inside
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import metric, selectors, unscaled, value
from workbench.lint.rules.groups import Burn, burns
from workbench.lint.rules.ranges import bare
from workbench.lint.traffic import Needed, failures_over
from workbench.promql.ast import Binary, Expr, Matcher, MatchKind, Selector
from workbench.scenario.schema.world import World

_COUNTED = frozenset({SIMULATED.requests, f"{SIMULATED.latency}_count"})
_DEEPEST = 8


def rule_failures_needed(rules: Rules) -> Iterator[Needed]:
    """One row for each pair of windows whose requests the world knows; the objective's place is taken by the group."""
    for burn in burns(rules):
        rps = events_per_second(burn, rules)
        if rps is None:
            continue
        long, short = (rps * Decimal(window) / 1000 for window in (burn.long_ms, burn.short_ms))
        limit = Decimal(repr(burn.threshold))
        yield Needed(
            burn.view.group.name,
            burn.view.name,
            burn.pages is True,
            burn.long_ms / 1000,
            burn.short_ms / 1000,
            long,
            short,
            failures_over(limit, long),
            failures_over(limit, short),
        )


def events_per_second(burn: Burn, rules: Rules) -> Decimal | None:
    """Mean requests a second that a pair divides by; None without a world, or if they are not the world's requests."""
    world = rules.world
    whole = None if world is None else _whole(burn.pair.long.quantity, rules)
    return None if whole is None or world is None else _rps(whole, world)


def _whole(expr: Expr, rules: Rules, depth: int = 0) -> Selector | None:
    """The one selector of the total, through recorded series, multiples and complements."""
    inner = inside(unscaled(expr)[0])
    if depth > _DEEPEST:
        return None
    if isinstance(inner, Selector):
        definition = rules.definition(inner)
        return None if definition is None or definition.expr is None else _whole(definition.expr, rules, depth + 1)
    if isinstance(inner, Binary) and inner.operator == "-" and value(inner.left) == 1:
        return _whole(inner.right, rules, depth + 1)
    if isinstance(inner, Binary) and inner.operator == "/":
        found = selectors(bare(inner.right))
        return found[0] if len(found) == 1 else None
    return None


def _rps(whole: Selector, world: World) -> Decimal | None:
    if metric(whole) not in _COUNTED or any(matcher.label == SIMULATED.code_label for matcher in whole.matchers):
        return None
    routes = sum((route.share for name, route in world.routes.items() if _passes(whole, SIMULATED.route_label, name)), Decimal(0))
    tiers = sum(
        (tier.traffic_share for name, tier in world.tiers.items() if _passes(whole, SIMULATED.tier_label, name)), Decimal(0)
    )
    return Decimal(str(world.traffic.mean_rps)) * routes * tiers


def _passes(selector: Selector, label: str | None, text: str) -> bool:
    return all(_fits(matcher, text) for matcher in selector.matchers if matcher.label == label)


def _fits(matcher: Matcher, text: str) -> bool:
    if matcher.kind in (MatchKind.EQUAL, MatchKind.NOT_EQUAL):
        return (matcher.text == text) == (matcher.kind is MatchKind.EQUAL)
    try:
        found = re.fullmatch(matcher.text, text) is not None
    except re.error:
        return True
    return found == (matcher.kind is MatchKind.REGEX)
