"""One incident as it would run if nobody acted."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.world.impact import Impact, Shape


@dataclass(frozen=True)
class PlannedIncident:
    """One incident as it would run if nobody acted. Times lie on bin edges."""

    id: str
    mode: str
    """Name of the failure mode in the world, of the library's for a scripted one; or `bad deployment`, `scripted`, a list's
    severity."""
    cause: str
    """`change`, `failure`, `scripted` or `imported`."""
    components: tuple[str, ...]
    """Those that fail, sorted; none where the requests of the routes suffer whatever the components do."""
    routes: tuple[str, ...]
    """Routes that it touches, sorted."""
    tiers: tuple[str, ...]
    """Tiers that it touches, sorted."""
    start_s: float
    natural_end_s: float
    impact: Impact
    """What it does at full strength; where only a share of the hosts is touched, what remains of it over all."""
    hosts: float = 1.0
    """Share of the hosts that it touches; `impact` counts it in already."""
    restarts: tuple[str, ...] = ()
    """Routes whose counters begin again at 0 when it ends: it ends in a restart."""

    @property
    def component(self) -> str:
        """What failed, in words: components, else routes, else the platform."""
        return ", ".join(self.components) or _few(self.routes) or "platform"

    @property
    def shape(self) -> Shape:
        """How its strength runs."""
        return self.impact.shape


def _few(routes: tuple[str, ...]) -> str:
    return ", ".join(routes) if len(routes) <= 2 else f"{len(routes)} routes"
