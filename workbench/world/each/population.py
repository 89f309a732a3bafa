"""Users who wait for an answer before they ask again: slow minutes carry fewer requests."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import floor
from typing import Any

import simpy

from workbench.world.course import RouteCondition
from workbench.world.each.draws import Draw
from workbench.world.each.users import Users
from workbench.world.layout import RouteLayout
from workbench.world.network.answers import Network


class Population:
    """The users of one cell of one route. Each thinks for an exponential time, asks, waits for the answer, and so on."""

    def __init__(self, env: simpy.Environment, users: Users, think_s: float, usual_s: float, draw: Draw) -> None:
        """`usual_s` is how long an answer usually takes; `draw` gives exponential numbers of mean 1."""
        self._env, self._users, self._think_s, self._draw = env, users, think_s, draw
        self._cycle_s = think_s + usual_s
        self._there = 0
        self._wanted = 0

    def resize(self, rate: float, u: float) -> None:
        """Be so many that they send `rate` requests a second while answers take their usual time; `u` is uniform in [0, 1).

        Who is one too many leaves when he would ask again.
        """
        self._wanted = floor(rate * self._cycle_s + u)
        for _ in range(self._wanted - self._there):
            self._there += 1
            self._env.process(self._user())

    def _user(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield simpy.Timeout(self._env, self._think_s * self._draw())
            if self._there > self._wanted:
                self._there -= 1
                return
            done = simpy.Event(self._env)
            self._users.send(done=done)
            yield done


def usual_times(network: Network, layouts: Sequence[RouteLayout]) -> dict[str, float]:
    """How long answers of each route take on average when nothing is wrong and nobody waits, seconds."""
    return {one.route: network.answer(one.route, RouteCondition(), one.others).mean_s for one in layouts}
