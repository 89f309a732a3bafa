"""What a world's routes can be expected to deliver at best, from what their components suffer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from workbench.alerts.vocabulary import matching_routes
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.policy import EventsIndicator
from workbench.scenario.schema.world import ErrorEffect, FailureMode, World
from workbench.units import DAY_S
from workbench.world.failures.arrivals import triggered_a_day
from workbench.world.failures.definition import of_mode
from workbench.world.impact import ErrorsHappen
from workbench.world.network.graph import Graph

DAYS_S = 7 * 86_400.0
WORKING_DAYS = 5


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The expected share of good events of some routes, if every incident is noticed the moment it begins."""

    share: float
    """Over all routes, weighted by their traffic."""
    worst_route: str
    worst: float
    factors: tuple[tuple[str, float], ...]
    """What the worst route's share is the product of: its own usual failures, then what each component that it calls leaves."""


def ceiling(indicator: EventsIndicator, world: World) -> Ceiling | None:
    """Of an indicator; None if it covers no route.

    In series availabilities multiply; caches, fallbacks, quorums, retries and shares of requests lessen what a route loses with a
    component, several calls of it add to it. A component's is 1 - its usual errors - sum over its failure modes of (mean time that
    an incident lasts / mean time between two) x mean share of requests that fail. An incident lasts until it ends by itself or
    until people, called in its first second, have mitigated it: E[min(duration, acknowledge + mitigate)], the latter both means.
    """
    routes = matching_routes(indicator.routes, world.routes)
    weights = {name: float(world.routes[name].share) for name in routes}
    if not sum(weights.values()):
        return None
    known = {name: component(name, indicator, world) for name in world.components}
    own = {name: 1 - _share_of(world.routes[name].codes.items(), indicator) for name in routes}
    for mode in world.failure_modes.values():
        definition = of_mode(world, mode)
        for name in routes:
            if not definition.components and name in definition.routes:
                own[name] *= max(0.0, 1 - _lost(mode, indicator, world))
    graph = Graph(world)
    kept = {
        name: {called: graph.kept(name, called, 1 - known[called]) for called in world.reached(name) if known[called] < 1}
        for name in routes
    }
    shares = {name: own[name] * math.prod(kept[name].values()) for name in routes}
    worst = min(routes, key=lambda name: shares[name])
    factors = [(called, share) for called, share in kept[worst].items() if share < 1]
    if own[worst] < 1:
        factors.insert(0, ("its usual failures", own[worst]))
    total = sum(shares[name] * weights[name] for name in routes) / sum(weights.values())
    return Ceiling(total, worst, shares[worst], tuple(factors))


def component(name: str, indicator: EventsIndicator, world: World) -> float:
    """Expected share of calls that a component lets succeed, of those that the indicator covers; failures not bad are successes."""
    part = world.components[name]
    usual = float(part.errors) if is_bad(part.error_code, indicator) else 0.0
    lost = usual + sum(_lost(mode, indicator, world) for mode in _suffered(world, name))
    delivery = world.delivery
    weight = sum(delivery.components.values())
    if name in delivery.components and weight and delivery.deployments_a_day:
        every = DAYS_S / (WORKING_DAYS * delivery.deployments_a_day * delivery.components[name] / weight)
        lasting = mean_below(delivery.failure_duration, _reaction(world))
        lost += float(delivery.failure_rate) * lasting / every * _failing(delivery.failure, indicator)
    return max(0.0, 1 - lost)


def _suffered(world: World, name: str) -> Iterator[FailureMode]:
    """Failure modes in which the component fails."""
    return (mode for mode in world.failure_modes.values() if name in of_mode(world, mode).components)


def _lost(mode: FailureMode, indicator: EventsIndicator, world: World) -> float:
    """Expected share of the indicator's requests that a failure mode fails where it strikes."""
    definition = of_mode(world, mode)
    a_second = 1 / mode.every if mode.every is not None else triggered_a_day(world, mode) / DAY_S
    law = Lognormal.model_construct(median=definition.duration.median_s, sigma=definition.duration.sigma)
    failing = sum(
        _failing_of(act.ratio, definition.spread, act.codes, indicator) for act in definition.acts if isinstance(act, ErrorsHappen)
    )
    return mean_below(law, _reaction(world)) * a_second * failing * definition.hosts * _touched(mode.tiers, indicator, world)


def _reaction(world: World) -> float:
    return mean(world.people.acknowledge) + mean(world.people.mitigate)


def mean(duration: Lognormal) -> float:
    """Seconds: median x exp(sigma^2 / 2)."""
    return duration.median * math.exp(duration.sigma**2 / 2)


def mean_below(duration: Lognormal, limit: float) -> float:
    """E[min(X, limit)] of a lognormal X.

    median x exp(s^2 / 2) x P(Z < z - s) + limit x P(Z > z), with z = ln(limit / median) / s.
    """
    if duration.sigma == 0:
        return min(duration.median, limit)
    z = math.log(limit / duration.median) / duration.sigma
    return mean(duration) * _normal(z - duration.sigma) + limit * (1 - _normal(z))


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _failing(effect: ErrorEffect, indicator: EventsIndicator) -> float:
    """Mean share of requests that fail with a code that the indicator calls bad."""
    codes = tuple((code, float(share)) for code, share in effect.codes.items())
    return _failing_of(float(effect.ratio_median), effect.ratio_sigma, codes, indicator)


def _failing_of(ratio: float, spread: float, codes: Iterable[tuple[str, float]], indicator: EventsIndicator) -> float:
    law = Lognormal.model_construct(median=ratio, sigma=spread)
    bad = sum(share for code, share in codes if is_bad(code, indicator))
    return (mean_below(law, 1.0) if ratio > 0 else 0.0) * bad


def _share_of(codes: Iterable[tuple[str, Decimal]], indicator: EventsIndicator) -> float:
    return float(sum((share for code, share in codes if is_bad(code, indicator)), Decimal(0)))


def is_bad(code: str, indicator: EventsIndicator) -> bool:
    """Whether an answer counts as bad."""
    return any(_fits(code, one) for one in indicator.bad_codes) and not any(_fits(code, one) for one in indicator.exclude_codes)


def _fits(code: str, pattern: str) -> bool:
    return code == pattern or (pattern.endswith("..") and code[0] == pattern[0])


def _touched(tiers: tuple[str, ...], indicator: EventsIndicator, world: World) -> float:
    """The share of the indicator's traffic whose tiers a failure touches."""
    covered = set(indicator.tiers or world.tiers)
    hit = covered & set(tiers or world.tiers)
    of_all = sum(world.tiers[name].traffic_share for name in covered if name in world.tiers)
    return float(sum(world.tiers[name].traffic_share for name in hit if name in world.tiers) / of_all) if of_all else 0.0
