"""Incidents that have begun, and which of them an engineer finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import simpy

from workbench.world.effects import ActiveEffect
from workbench.world.plan import PlannedIncident


@dataclass
class Live:
    """An incident from its start on."""

    planned: PlannedIncident
    effect: ActiveEffect
    mitigation: simpy.Event
    """Succeeds when somebody ends it."""
    ended: simpy.Event
    handled: bool = False
    end_s: float | None = None
    paged_at_s: float | None = None
    acknowledged_at_s: float | None = None
    mitigated_at_s: float | None = None
    pages: int = 0


def behind(open_incidents: Iterable[Live], routes: Iterable[str]) -> Live | None:
    """The incident that an engineer finds first: the oldest that touches the routes and that nobody works on, else the oldest."""
    wanted = set(routes)
    touching = [live for live in open_incidents if wanted & set(live.planned.routes)]
    touching.sort(key=lambda live: (live.handled, live.planned.start_s, live.planned.id))
    return touching[0] if touching else None
