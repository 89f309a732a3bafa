"""Tickets: alerts that page nobody, worked on one after the other in working hours."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from workbench.commands import Ticket
from workbench.rng import stream
from workbench.scenario.schema.world import World
from workbench.world.live import Live, behind
from workbench.world.truth import TicketRecord
from workbench.world.working_time import WorkingTime

Process = Generator[simpy.Event, Any, None]


@dataclass
class _State:
    command: Ticket
    begun_at_s: float | None = None
    done_at_s: float | None = None
    incident: str | None = None


class TicketDesk:
    """Takes tickets and works them off. An alert whose ticket is not done yet opens no second one."""

    def __init__(
        self, env: simpy.Environment, world: World, *, start: dt.datetime, horizon_s: float, seed: int, open_incidents: list[Live]
    ) -> None:
        self.env = env
        self._tickets = world.people.tickets
        self._seed = seed
        self._open_incidents = open_incidents
        self._states: list[_State] = []
        self._waiting: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        self._count: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        if self._tickets is not None:
            self._hours = WorkingTime(self._tickets.hours, start, horizon_s)
            self._hands = simpy.Resource(env, self._tickets.engineers)

    def ticket(self, command: Ticket) -> None:
        """An alert that pages nobody has fired."""
        key = (command.alert, command.labels)
        if self._tickets is None or key in self._waiting:
            return
        self._waiting.add(key)
        self._count[key] = self._count.get(key, 0) + 1
        state = _State(command)
        self._states.append(state)
        self.env.process(self._work(state, self._count[key]))

    def records(self) -> tuple[TicketRecord, ...]:
        """Every ticket, in the order in which they came."""
        return tuple(
            TicketRecord(one.command.at_s, one.command.alert, one.command.labels, one.begun_at_s, one.done_at_s, one.incident)
            for one in self._states
        )

    def _work(self, state: _State, number: int) -> Process:
        tickets = self._tickets
        assert tickets is not None  # noqa: S101 - else there is no ticket
        command = state.command
        rng = stream(self._seed, "ticket", command.alert, repr(command.labels), number)
        pick_up, work = (law.median * math.exp(law.sigma * float(rng.standard_normal())) for law in (tickets.pick_up, tickets.work))
        yield from self._until(self._hours.one_after(float(self.env.now), pick_up))
        with self._hands.request() as hand:
            yield hand
            yield from self._until(self._hours.next_open(float(self.env.now)))
            state.begun_at_s = float(self.env.now)
            yield from self._until(self._hours.one_after(state.begun_at_s, work))
        state.done_at_s = float(self.env.now)
        self._waiting.discard((command.alert, command.labels))
        found = behind(self._open_incidents, command.routes)
        if found is not None and not found.handled and found.end_s is None:
            found.handled = True
            state.incident = found.planned.id
            found.mitigated_at_s = float(self.env.now)
            found.mitigation.succeed()

    def _until(self, at_s: float) -> Process:
        if math.isinf(at_s):
            yield self.env.event()  # never
        elif at_s > self.env.now:
            yield self.env.timeout(at_s - self.env.now)
