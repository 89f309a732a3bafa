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


Command = Page
"""Every command there is; grows as a union."""
