"""What follows from the call graph alone, without any time: who calls whom how often, and how many requests can succeed at best.

Time limits never run out here and nobody waits, so chances of success are ceilings.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.scenario.schema.components import called
from workbench.scenario.schema.world import World
from workbench.world.course import Condition
from workbench.world.network.density import TimeGrid
from workbench.world.network.fares import Fare, Fares
from workbench.world.network.laws import Laws


class Graph:
    """The call graph of one world, of which the references are sound."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parts = {name: part.model_copy(update={"service": None}) for name, part in world.components.items()}
        self._perfect = {name: part.model_copy(update={"errors": 0}) for name, part in self._parts.items()}
        # Nothing lasts, so nothing is ever put on this grid but what retries wait.
        self._laws = Laws(TimeGrid((1.0,), 2))

    def order(self) -> tuple[str, ...]:
        """Components, each before those that it calls; else in the order of the world."""
        callers = dict.fromkeys(self._parts, 0)
        for part in self._parts.values():
            for name in called(part.calls):
                callers[name] += 1
        out: list[str] = []
        ready = [name for name, count in callers.items() if not count]
        while ready:
            name = ready.pop(0)
            out.append(name)
            for other in called(self._parts[name].calls):
                callers[other] -= 1
                if not callers[other]:
                    ready.append(other)
        return tuple(out)

    def visits(self, path: str) -> Mapping[str, float]:
        """Calls that reach each component, and each pool of connections, for one request when nothing is wrong."""
        return self._fare(path, Fares(self._parts, self._laws, {}, frozenset())).visits

    def ceiling(self, path: str) -> float:
        """Share of a route's requests that get through its components when nothing is wrong: what `errors` leave."""
        return 1 - self._fare(path, Fares(self._parts, self._laws, {}, frozenset())).failing

    def kept(self, path: str, name: str, failing: float) -> float:
        """Share of a route's requests that get through when this share of one component's calls fails, and nothing else does.

        An upper bound where a share is a mean over time: retries help more against failures that come one by one than against as
        many in a row.
        """
        conditions = {name: Condition(failing=failing)}
        return 1 - self._fare(path, Fares(self._perfect, self._laws, conditions, frozenset())).failing

    def _fare(self, path: str, fares: Fares) -> Fare:
        return fares.series(self._world.routes[path].calls, path)
