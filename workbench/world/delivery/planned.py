"""One change to the system as it would run if nobody stopped it."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.world.failures.planned import PlannedIncident


@dataclass(frozen=True)
class PlannedDeployment:
    """One change; a bad one brings its incident along."""

    id: str
    component: str
    start_s: float
    end_s: float
    restarts: tuple[str, ...]
    """Routes whose counters begin again at 0 when it starts."""
    failure: PlannedIncident | None
    kind: str = "deployment"
    """`deployment`, `configuration`, `experiment`."""
    triggers: tuple[PlannedIncident, ...] = ()
    """Incidents of failure modes that it sets off, beside being bad itself."""
