"""Who is on call: which rotation takes a page, whose turn it is, whom it is escalated to."""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase

from workbench.commands import Page
from workbench.scenario.schema.people import Rotation
from workbench.scenario.schema.world import World
from workbench.units import format_duration
from workbench.world.working_time import WorkingTime


class Rotations:
    """Every rotation of a world. A world that names none has one, called by nothing, that takes everything."""

    def __init__(self, world: World, start: dt.datetime, horizon_s: float) -> None:
        people = world.people
        self._levels = people.levels
        alone = {"": Rotation(engineers=people.engineers, shift=format_duration(people.shift))}
        self._rotations = dict(people.rotations) or alone
        self._hours = {name: WorkingTime(one.hours, start, horizon_s) for name, one in self._rotations.items()}
        self._serving = {path: route.serving for path, route in world.routes.items()}

    def taking(self, page: Page) -> str:
        """The first rotation that takes a page, else the last."""
        labels = {**dict(page.labels), "alertname": page.alert}
        served = {self._serving[route] for route in page.routes if route in self._serving}
        for name, rotation in self._rotations.items():
            if rotation.components and not served & set(rotation.components):
                continue
            if all(fnmatchcase(labels.get(label, ""), glob) for label, glob in rotation.labels.items()):
                return name
        return next(reversed(self._rotations))

    def begins(self, page: Page) -> float:
        """When somebody is on call for a page: its own time, or when the hours of its rotation begin."""
        name = self._covering(self.taking(page), page.at_s)
        return self._hours[name].next_open(page.at_s)

    def chain(self, page: Page, at_s: float) -> tuple[str, ...]:
        """Engineers who are asked one after the other, by name; the last one is waited for."""
        name, turn = self._covering(self.taking(page), at_s), 0
        out = []
        for _ in range(self._levels):
            out.append(self._engineer(name, at_s, turn))
            above = self._rotations[name].escalates_to
            if above is None:
                turn += 1
            else:
                name, turn = self._covering(above, at_s), 0
        return tuple(out)

    def _covering(self, name: str, at_s: float) -> str:
        """The rotation itself, or the one that stands in for it outside of its hours."""
        rotation = self._rotations[name]
        while rotation.otherwise is not None and not self._hours[name].is_open(at_s):
            name = rotation.otherwise
            rotation = self._rotations[name]
        return name

    def _engineer(self, name: str, at_s: float, turn: int) -> str:
        rotation = self._rotations[name]
        number = (int(at_s // rotation.shift) + turn) % rotation.engineers + 1
        return f"{name or 'engineer'}-{number}"
