"""Those who answer pages: acknowledge, look for the incident behind the page, mitigate it."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from workbench.commands import Page
from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.world.live import Live, behind
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

    def __init__(self, env: simpy.Environment, world: World, seed: int, open_incidents: list[Live]) -> None:
        self.env = env
        self._people = world.people
        self._seed = seed
        self._open = open_incidents
        self._pages: list[_PageState] = []
        self._idle_pages = 0

    def page(self, command: Page) -> None:
        """A page reaches the on-call."""
        state = _PageState(command, self._on_call(command.at_s))
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

    def _respond(self, state: _PageState) -> Process:
        people = self._people
        found = behind(self._open, state.command.routes)
        if found is not None:
            found.paged_at_s = found.paged_at_s if found.paged_at_s is not None else float(self.env.now)
            found.pages += 1
            rng = stream(self._seed, "acknowledge", found.planned.id, found.pages)
        else:
            self._idle_pages += 1
            rng = stream(self._seed, "acknowledge", "no incident", self._idle_pages)
        delay = _draw(people.acknowledge, rng.standard_normal())
        if delay > people.escalate_after:
            state.escalated = True
            state.engineer = self._on_call(state.command.at_s + people.shift)
            delay = people.escalate_after + _draw(people.acknowledge, rng.standard_normal())
        yield self.env.timeout(delay)
        state.acknowledged_at_s = float(self.env.now)
        if found is None or found.handled or found.end_s is not None:
            found = behind(self._open, state.command.routes) or found
        if found is None:
            return
        state.incident = found.planned.id
        # Whoever is at it goes on until nothing that nobody works on touches these routes.
        while found is not None and found.end_s is None and not found.handled:
            found.handled = True
            if found.acknowledged_at_s is None:
                found.acknowledged_at_s = float(self.env.now)
            # How long the fix takes belongs to the incident, not to the page: another policy meets the same incident.
            rng = stream(self._seed, "mitigate", found.planned.id)
            yield self.env.timeout(_draw(people.mitigate, rng.standard_normal()))
            if found.end_s is None:
                found.mitigated_at_s = float(self.env.now)
                found.mitigation.succeed()
                yield found.ended
            found = behind(self._open, state.command.routes)

    def _on_call(self, at_s: float) -> str:
        people = self._people
        return f"engineer-{int(at_s // people.shift) % people.engineers + 1}"


def _draw(law: Lognormal, z: float) -> float:
    return law.median * math.exp(law.sigma * z)
