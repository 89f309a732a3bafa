"""Every code that a route's requests can be answered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from workbench.scenario.schema.components import CallSpec
from workbench.scenario.schema.world import World
from workbench.world.each.calls import BREAKER_CODE, TIMEOUT_CODE


def answer_codes(world: World, path: str, known: Sequence[str]) -> tuple[str, ...]:
    """The success code, then all others, sorted. `known` are those of the route's layout: usual ones, and those of failures."""
    route = world.routes[path]
    others = {*known, *route.codes, TIMEOUT_CODE, *_of_calls(route.calls)}
    for name in world.reached(path):
        part = world.components[name]
        others |= {*_of_calls(part.calls)}
        if part.errors:
            others.add(part.error_code)
        if part.service is not None and (part.queue.limit is not None or part.queue.max_wait is not None):
            others.add(part.queue.code)
        if part.shedding is not None:
            others.add(part.shedding.code)
    return (route.success_code, *sorted(others - {route.success_code}))


def all_answer_codes(world: World, known: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Those of every route, by its path."""
    return {path: answer_codes(world, path, known[path]) for path in sorted(world.routes)}


def _of_calls(calls: Sequence[CallSpec]) -> Iterator[str]:
    for call in calls:
        if call.breaker is not None:
            yield BREAKER_CODE
        yield from _of_calls(call.parallel)
