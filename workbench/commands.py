"""What may be done to a world, as values. Control decides them; `world.system` applies them; nothing else changes a world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """Wake the on-call: an alert fired."""

    at_s: float
    """When the alert started to fire, seconds from the start of the run."""
    alert: str
    labels: tuple[tuple[str, str], ...]
    """Labels of the alert without `alertname`, sorted."""
    severity: str
    routes: tuple[str, ...]
    """Routes whose objective the alert watches: where the on-call looks first."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Open a ticket: an alert fired that wakes nobody."""

    at_s: float
    """When the alert started to fire, seconds from the start of the run."""
    alert: str
    labels: tuple[tuple[str, str], ...]
    """Labels of the alert without `alertname`, sorted."""
    routes: tuple[str, ...]
    """Routes whose objective the alert watches."""


Command = Page | Ticket
"""Every command there is; grows as a union."""
