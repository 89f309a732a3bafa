"""Load shedding and autoscaling: what a component does about its own load."""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import ceil
from typing import TYPE_CHECKING, Any

import simpy

from workbench.scenario.schema.components import Autoscaler
from workbench.world.each.draws import Draw

if TYPE_CHECKING:
    from workbench.world.each.part import Part

LOOK_S = 1.0
"""How often shedding looks at what is offered."""
_KEPT = 0.8
"""Weight of what it knew before."""


class Shedder:
    """Refuses just so many calls that the others keep the servers busy for the share `above` of the time.

    What is offered is measured every second, by tier, as calls times the mean time that calls keep a server, and smoothed
    over about five of them.
    """

    def __init__(self, env: simpy.Environment, part: Part, draw: Draw) -> None:
        spec = part.spec.shedding
        assert spec is not None  # noqa: S101 - the component makes one only if it sheds
        self.code = spec.code
        self._env, self._part, self._draw = env, part, draw
        self._above = float(spec.above)
        self._tier = [tier for _, tier in part.askers]
        tiers = list(dict.fromkeys(self._tier))
        named = [tier for tier in spec.tiers if tier in tiers]
        rest = [tier for tier in tiers if tier not in named]
        self._order = [[tier] for tier in named] + ([rest] if rest else [])
        self._offered = dict.fromkeys(tiers, 0)
        self._load = dict.fromkeys(tiers, 0.0)
        self._refused = dict.fromkeys(tiers, 0.0)
        env.process(self._look())

    def refuses(self, asker: int) -> bool:
        """Whether the next call on behalf of an asker is refused."""
        tier = self._tier[asker]
        self._offered[tier] += 1
        share = self._refused[tier]
        return share > 0 and self._draw() < share

    def _look(self) -> Generator[simpy.Event, Any, None]:
        station = self._part.station
        assert station is not None  # noqa: S101 - only what has servers sheds
        seen = held_s = served = 0.0
        before = station.read()
        while True:
            yield self._env.timeout(LOOK_S)
            now = station.read()
            seen = _KEPT * seen + (1 - _KEPT)
            held_s = _KEPT * held_s + now.busy_s - before.busy_s
            served = _KEPT * served + now.served - before.served
            before = now
            for tier, calls in self._offered.items():
                self._load[tier] = _KEPT * self._load[tier] + (1 - _KEPT) * calls / LOOK_S
                self._offered[tier] = 0
            each = held_s / served if served >= 1 else self._part.mean_service_s()
            excess = sum(self._load.values()) / seen * each - self._above * self._part.servers
            for group in self._order:
                load = sum(self._load[tier] for tier in group) / seen * each
                share = min(1.0, max(0.0, excess / load)) if load > 0 else 0.0
                for tier in group:
                    self._refused[tier] = share
                excess -= share * load


def scale(env: simpy.Environment, part: Part, spec: Autoscaler, sessions: Callable[[], float]) -> Generator[simpy.Event, Any, None]:
    """The autoscaler of one component, for ever. `sessions` are the active ones now.

    New replicas serve after the delay. It scales in at once, but only after it has wanted fewer for as long as the cool-down.
    """
    station = part.station
    assert station is not None  # noqa: S101 - only what has servers is scaled
    part.replicas = min(max(part.replicas, spec.min), spec.max)
    part.resize()
    coming = part.replicas
    lower_since: float | None = None
    before = station.read()
    while True:
        yield env.timeout(spec.every)
        now = station.read()
        if spec.metric == "sessions":
            wanted_now = spec.min + spec.step * int(sessions() // spec.target)
        else:
            there = now.server_s - before.server_s
            load = (now.busy_s - before.busy_s) / there if there else 1.0
            wanted_now = ceil(part.replicas * load / spec.target - 1e-9)
        before = now
        wanted = min(max(wanted_now, spec.min), spec.max)
        if wanted > coming:
            env.process(_add(env, part, wanted - coming, spec.delay))
            coming, lower_since = wanted, None
        elif wanted < coming:
            lower_since = env.now if lower_since is None else lower_since
            if env.now - lower_since >= spec.cool_down:
                part.replicas -= coming - wanted
                part.resize()
                coming, lower_since = wanted, None
        else:
            lower_since = None


def _add(env: simpy.Environment, part: Part, replicas: int, delay_s: float) -> Generator[simpy.Event, Any, None]:
    yield env.timeout(delay_s)
    part.replicas += replicas
    part.resize()
