"""Those who answer pages: acknowledge, look for the incident behind the page, mitigate it.

An engineer has attention for `incidents_at_once`; a page for something else waits until the engineer is free, and is escalated when
that takes too long. How long a fix takes belongs to the incident, how long an answer takes to the page, so another policy meets the
same people.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from workbench.commands import Page
from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.world.delivery.draw import ROLLED_BACK
from workbench.world.live import Live, behind
from workbench.world.people.engineers import Engineer, night_factor
from workbench.world.people.rotations import Rotations
from workbench.world.truth import PageRecord

Process = Generator[simpy.Event, Any, None]


@dataclass
class _PageState:
    command: Page
    engineer: str
    acknowledged_at_s: float | None = None
    escalated: bool = False
    incident: str | None = None


class Responders:
    """Everybody on call. `open_incidents` is the system's own list, read and never changed here."""

    def __init__(
        self, env: simpy.Environment, world: World, *, start: dt.datetime, horizon_s: float, seed: int, open_incidents: list[Live]
    ) -> None:
        self.env = env
        self._people = world.people
        self._start = start
        self._seed = seed
        self._open = open_incidents
        self._fixes = _fixes(world)
        self._rotations = Rotations(world, start, horizon_s)
        self._engineers: dict[str, Engineer] = {}
        self._pages: list[_PageState] = []
        self._idle_pages = 0
        self._news = env.event()
        """Succeeds, and is made anew, whenever somebody takes or leaves a piece of work."""

    def page(self, command: Page) -> None:
        """A page reaches the on-call."""
        state = _PageState(command, self._rotations.chain(command, command.at_s)[0])
        self._pages.append(state)
        self.env.process(self._respond(state))

    def records(self) -> tuple[PageRecord, ...]:
        """Every page, in the order in which they came."""
        return tuple(
            PageRecord(
                at_s=state.command.at_s,
                alert=state.command.alert,
                labels=state.command.labels,
                engineer=state.engineer,
                acknowledged_at_s=state.acknowledged_at_s,
                escalated=state.escalated,
                incident=state.incident,
            )
            for state in self._pages
        )

    # ---- processes

    def _respond(self, state: _PageState) -> Process:
        routes = state.command.routes
        found = behind(self._open, routes)
        if found is not None:
            found.paged_at_s = found.paged_at_s if found.paged_at_s is not None else float(self.env.now)
            found.pages += 1
            rng = stream(self._seed, "acknowledge", found.planned.id, found.pages)
        else:
            self._idle_pages += 1
            rng = stream(self._seed, "acknowledge", "no incident", self._idle_pages)
        begins_s = self._rotations.begins(state.command)
        if math.isinf(begins_s):
            return
        if begins_s > self.env.now:
            yield self.env.timeout(begins_s - self.env.now)
        yield from self._acknowledge(state, found, rng)
        state.acknowledged_at_s = float(self.env.now)
        engineer = self._named(state.engineer)
        if found is None or found.handled or found.end_s is not None:
            found = behind(self._open, routes) or found
        if found is None:
            yield from self._false_page(engineer)
            return
        state.incident = found.planned.id
        # Whoever is at it goes on until nothing that nobody works on touches these routes.
        while found is not None and found.end_s is None and not found.handled:
            if engineer.free:
                yield from self._mitigate(engineer, found)
                found = behind(self._open, routes)
            else:
                yield self._news | found.ended

    def _acknowledge(self, state: _PageState, found: Live | None, rng: np.random.Generator) -> Process:
        """Ask one engineer after the other until one answers; sets who did."""
        people = self._people
        asked_s = float(self.env.now)
        chain = self._rotations.chain(state.command, asked_s)
        for level, name in enumerate(chain):
            engineer = self._named(name)
            state.engineer, state.escalated = name, level > 0
            asked_s = float(self.env.now)
            delay = _draw(people.acknowledge, rng.standard_normal()) * engineer.slowness(people.fatigue, asked_s)
            delay *= night_factor(people.night, self._start, asked_s)
            until_s = asked_s + people.escalate_after if level < len(chain) - 1 else math.inf
            if asked_s + delay > until_s:
                yield self.env.timeout(people.escalate_after)
                continue
            yield self.env.timeout(delay)
            # What somebody works on already needs no attention of its own; anything else does.
            while not (engineer.free or (found is not None and found.handled)):
                if math.isinf(until_s):
                    yield self._news
                    continue
                if self.env.now >= until_s:
                    break
                yield self._news | self.env.timeout(until_s - self.env.now)
            else:
                return

    def _mitigate(self, engineer: Engineer, found: Live) -> Process:
        found.handled = True
        if found.acknowledged_at_s is None:
            found.acknowledged_at_s = float(self.env.now)
        self._takes(engineer, found.planned.id)
        # How long the fix takes belongs to the incident, not to the page: another policy meets the same incident.
        rng = stream(self._seed, "mitigate", found.planned.id)
        law = self._fixes.get(found.planned.mode, self._people.mitigate)
        lasts = _draw(law, rng.standard_normal()) * night_factor(self._people.night, self._start, float(self.env.now))
        yield self.env.timeout(lasts) | found.ended
        if found.end_s is None:
            found.mitigated_at_s = float(self.env.now)
            if not found.mitigation.triggered:
                found.mitigation.succeed()
            yield found.ended
        self._leaves(engineer, found.planned.id)

    def _false_page(self, engineer: Engineer) -> Process:
        """Nothing is behind it: that costs time, and attention for the next one."""
        engineer.false_pages_s.append(float(self.env.now))
        law = self._people.false_page
        if law is not None:
            name = f"false page {self._idle_pages} {len(engineer.false_pages_s)} of {engineer.name}"
            self._takes(engineer, name)
            yield self.env.timeout(_draw(law, stream(self._seed, name).standard_normal()))
            self._leaves(engineer, name)

    # ---- helpers

    def _named(self, name: str) -> Engineer:
        return self._engineers.setdefault(name, Engineer(name, self._people.incidents_at_once))

    def _takes(self, engineer: Engineer, work: str) -> None:
        engineer.working_on.append(work)
        self._tell()

    def _leaves(self, engineer: Engineer, work: str) -> None:
        engineer.working_on.remove(work)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, self.env.event()
        news.succeed()


def _fixes(world: World) -> dict[str, Lognormal]:
    """How long taking a bad change back takes, by mode, where it is stated."""
    laws = dict.fromkeys(ROLLED_BACK, world.delivery.rollback)
    if world.delivery.configuration is not None and world.delivery.configuration.rollback is not None:
        laws["bad configuration"] = world.delivery.configuration.rollback
    return {mode: law for mode, law in laws.items() if law is not None}


def _draw(law: Lognormal, z: float) -> float:
    return law.median * math.exp(law.sigma * z)
