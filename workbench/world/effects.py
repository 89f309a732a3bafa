"""Incidents while they act, as load and exports see them."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.world.impact import Impact


@dataclass
class ActiveEffect:
    """One incident's effect on the bins from `first` up to `last` (not included; None while it lasts)."""

    id: str
    impact: Impact
    routes: frozenset[str]
    tiers: frozenset[str]
    first: int
    last: int | None = None
    components: tuple[str, ...] = ()
    """The components that fail, sorted; none where the routes themselves do."""

    def overlaps(self, low: int, high: int) -> bool:
        """Whether it touches any bin of [low, high)."""
        return self.first < high and (self.last is None or self.last > low)
