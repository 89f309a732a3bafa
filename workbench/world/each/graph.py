"""From what a user wrote of components and calls to processes that make these calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import simpy

from workbench.scenario.schema.components import CallSpec
from workbench.scenario.schema.world import World
from workbench.world.each.breaker import BreakerState, Budget
from workbench.world.each.calls import (
    Step,
    in_parallel,
    with_breaker,
    with_cache,
    with_fallback,
    with_pool,
    with_retries,
    with_share,
    with_timeout,
    with_times,
)
from workbench.world.each.condition import Asker, Situation
from workbench.world.each.draws import Law, uniforms
from workbench.world.each.part import Part
from workbench.world.each.station import Station


@dataclass
class Graph:
    """Every component at work, and the calls between them."""

    parts: dict[str, Part]
    routes: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    """The calls of each route's requests, one after the other."""
    breakers: dict[str, BreakerState] = field(default_factory=dict)
    """By `caller > callee`."""
    budgets: dict[str, Budget] = field(default_factory=dict)
    """Of retrying callers, likewise."""
    pools: dict[str, Station] = field(default_factory=dict)
    """Likewise."""

    def enter(self, now: Situation) -> None:
        """A bin begins: conditions change, breakers and budgets look back at the interval that is over."""
        self.look()
        self.apply(now)

    def look(self) -> None:
        """A scrape interval is over."""
        for breaker in self.breakers.values():
            breaker.look()
        for budget in self.budgets.values():
            budget.look()

    def apply(self, now: Situation) -> None:
        """Conditions change."""
        for part in self.parts.values():
            part.enter(now)


def graph(
    env: simpy.Environment, world: World, askers: Sequence[Asker], seed: int, *, services: Mapping[str, Law], keep_waits: bool
) -> Graph:
    """All components and routes of a world. `services` replaces laws of service times."""
    out = Graph(
        {
            name: Part(env, name, spec, askers, seed, service=services.get(name), keep_waits=keep_waits)
            for name, spec in sorted(world.components.items())
        }
    )
    for name, part in out.parts.items():
        part.calls = _steps(env, out, name, part.spec.calls, seed)
    for path, route in sorted(world.routes.items()):
        out.routes[path] = _steps(env, out, path, route.calls, seed)
    return out


def _steps(env: simpy.Environment, out: Graph, caller: str, calls: Sequence[CallSpec], seed: int) -> tuple[Step, ...]:
    return tuple(_step(env, out, caller, f"{caller} > {number}", call, seed) for number, call in enumerate(calls, start=1))


def _step(env: simpy.Environment, out: Graph, caller: str, place: str, call: CallSpec, seed: int) -> Step:
    """One call with all that surrounds it, from the inside to the outside. `place` names its streams."""
    if call.component is not None:
        step: Step = out.parts[call.component].serve
    else:
        inner = [_step(env, out, caller, f"{place}.{number}", one, seed) for number, one in enumerate(call.parallel, start=1)]
        step = in_parallel(env, inner, call.need or len(inner))
    name = f"{caller} > {call.component or place}"
    name = name if name not in out.breakers | out.budgets | out.pools else place
    if call.timeout is not None:
        step = with_timeout(env, step, call.timeout)
    if call.pool is not None:
        out.pools[name] = Station(env, call.pool)
        step = with_pool(step, out.pools[name])
    if call.breaker is not None:
        out.breakers[name] = BreakerState(env, call.breaker)
        step = with_breaker(step, out.breakers[name])
    if call.retries is not None:
        share = call.retries.budget
        out.budgets[name] = Budget(None if share is None else float(share))
        step = with_retries(env, step, call.retries, out.budgets[name], uniforms(seed, "each", "jitter", place))
    if call.cache is not None:
        step = _cached(out, place, call, step, seed)
    if call.fallback is not None:
        step = with_fallback(step, None if call.fallback == "none" else out.parts[call.fallback].serve)
    if call.times > 1:
        step = with_times(step, call.times)
    if call.share < 1:
        step = with_share(step, float(call.share), uniforms(seed, "each", "share", place))
    return step


def _cached(out: Graph, place: str, call: CallSpec, step: Step, seed: int) -> Step:
    assert call.cache is not None  # noqa: S101 - the caller looked
    cache, rate = out.parts[call.cache.component], float(call.cache.hit_rate)
    return with_cache(step, cache.serve, lambda: rate * cache.hits, uniforms(seed, "each", "cache", place))
