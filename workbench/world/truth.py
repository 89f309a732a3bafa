"""What really happened. Only scoring and reports may look; the engine never does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of the simulated world, or one labelled incident of a recorded history."""

    id: str
    mode: str
    """Failure mode, or `bad deployment`; the label's severity for a recorded one."""
    target: str
    """Component that failed."""
    cause: str
    """`change` or `failure`; empty for a recorded one."""
    routes: tuple[str, ...]
    """Routes it touches, sorted."""
    tiers: tuple[str, ...]
    """Tiers it touches, sorted."""
    start_s: float
    natural_end_s: float | None
    """When it would have ended by itself; None if unknown."""
    end_s: float
    """When it ended."""
    effect: str
    """`errors 12.3 %`, `latency x 4.0`."""
    paged_at_s: float | None = None
    acknowledged_at_s: float | None = None
    mitigated_at_s: float | None = None
    """None if it ended by itself."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of the simulated world."""

    id: str
    component: str
    start_s: float
    end_s: float
    """End of the roll-out."""
    bad: bool
    incident: str | None = None
    """The incident that a bad one caused."""
    kind: str = "deployment"
    """`deployment`, `configuration`, `experiment`."""
    wanted_s: float | None = None
    """When it wanted to begin; None where it began then."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page to the on-call, and what came of it."""

    at_s: float
    alert: str
    labels: tuple[tuple[str, str], ...]
    engineer: str
    acknowledged_at_s: float | None
    escalated: bool
    incident: str | None
    """The incident that the engineer found behind it."""


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """An alert that paged nobody, worked on as a ticket."""

    at_s: float
    alert: str
    labels: tuple[tuple[str, str], ...]
    begun_at_s: float | None = None
    done_at_s: float | None = None
    incident: str | None = None
    """The incident that was found behind it and was still open."""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One window of planned work."""

    id: str
    name: str
    """As the world names it."""
    start_s: float
    end_s: float
    effect: str
    """`down`, `read-only`, `nothing`."""
    routes: tuple[str, ...]
    """Routes that it touches, sorted."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth of a run."""

    incidents: tuple[Incident, ...]
    """By start, then id."""
    deployments: tuple[Deployment, ...] = ()
    pages: tuple[PageRecord, ...] = ()
    changes: tuple[Deployment, ...] = ()
    """Changes of configuration and experiments, in the order in which they began."""
    tickets: tuple[TicketRecord, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()
