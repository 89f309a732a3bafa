"""One component: its servers, how its calls fare, what it calls."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor

import simpy

from workbench.scenario.schema.components import Component
from workbench.world.each.calls import Step, Work
from workbench.world.each.condition import Asker, Situation
from workbench.world.each.draws import Codes, Draw, Law, drawn, lognormals, uniforms
from workbench.world.each.shedding import Shedder
from workbench.world.each.station import Station


class Part:
    """A component at work. `serve` is one call of it."""

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        spec: Component,
        askers: Sequence[Asker],
        seed: int,
        *,
        service: Law | None = None,
        keep_waits: bool = False,
    ) -> None:
        """`service` replaces the law of its service times."""
        self.name, self.spec = name, spec
        self.calls: tuple[Step, ...] = ()
        self.replicas = spec.replicas
        self.arrived = 0
        """Calls that reached it."""
        self.failed = 0
        """Calls that failed in the component itself, those refused or dropped not among them."""
        self._env, self.askers = env, tuple(askers)
        self._capacity = 1.0
        self._draw: Draw = uniforms(seed, "each", "component", name)
        self.station: Station | None = None
        if spec.service is not None:
            law = spec.service
            self._service = (
                drawn(service, seed, "each", "service", name) if service else lognormals(law, seed, "each", "service", name)
            )
            self.station = Station(env, self.servers, limit=spec.queue.limit, max_wait_s=spec.queue.max_wait, keep_waits=keep_waits)
        self.shedder = Shedder(env, self, uniforms(seed, "each", "shedding", name)) if spec.shedding and self.station else None
        self._usual = Codes([(spec.error_code, 1.0)])
        self._slow = [1.0] * len(self.askers)
        self.hits = 1.0
        """Factor on the hit rates of what is cached here."""
        self._fails = [float(spec.errors)] * len(self.askers)
        self._codes: list[Codes] = [self._usual] * len(self.askers)

    @property
    def servers(self) -> int:
        """Servers that there are now."""
        return floor(self.replicas * self.spec.concurrency * self._capacity + 1e-9)

    def enter(self, now: Situation) -> None:
        """Be in a condition from now on."""
        for index, asker in enumerate(self.askers):
            condition = now.parts.get((self.name, asker))
            usual = float(self.spec.errors)
            self._slow[index] = condition.slow if condition else 1.0
            self._fails[index], self._codes[index] = usual, self._usual
            failing = condition.failing if condition else None
            if failing is not None and failing.share > 0:
                # Incidents fail some of the calls that do not fail anyway.
                shares = {code: share * (1 - usual) for code, share in failing.codes.items()}
                shares[self.spec.error_code] = shares.get(self.spec.error_code, 0.0) + usual
                self._fails[index] = failing.share * (1 - usual) + usual
                self._codes[index] = Codes(sorted(shares.items()))
        self.hits = now.hits.get(self.name, 1.0)
        self._capacity = now.capacity.get(self.name, 1.0)
        self.resize()

    def resize(self) -> None:
        """Have as many servers as replicas and capacity say."""
        if self.station is not None:
            self.station.resize(self.servers)

    def mean_service_s(self) -> float:
        """Mean time that a call occupies a server if it does not hold it any longer, in the condition of now."""
        law = self.spec.service
        if law is None:
            return 0.0
        return law.median * exp(law.sigma**2 / 2) * sum(self._slow) / len(self._slow)

    def serve(self, asker: int) -> Work:
        """One call: wait for a server, occupy it, call others in turn."""
        self.arrived += 1
        station = self.station
        if station is not None:
            if self.shedder is not None and self.shedder.refuses(asker):
                station.offered += 1
                station.shed += 1
                return self.shedder.code
            got = station.start()
            if got is not True and (got is False or not (yield got)):
                return self.spec.queue.code
            yield simpy.Timeout(self._env, self._service() * self._slow[asker])
            if not self.spec.holds:
                station.release()
        outcome = ""
        fails = self._fails[asker]
        if fails and self._draw() < fails:
            self.failed += 1
            outcome = self._codes[asker].at(self._draw())
        else:
            for call in self.calls:
                outcome = yield from call(asker)
                if outcome:
                    break
        if station is not None and self.spec.holds:
            station.release()
        return outcome
