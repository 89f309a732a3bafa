"""Scrapes are missing: the monitoring itself is down, or cannot reach its targets.

Users notice nothing, and nobody is paged for what else goes wrong meanwhile.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ScrapesMissing

NAME = "monitoring-gap"
MODE = Mode(
    acts=(ScrapesMissing(1.0),),
    duration=Duration.written("15m", 1.0),
    onset="At any time.",
    moves=("samples", "`up`"),
    parameters={"scrapes_missing": "share of scrapes that are lost"},
    radius="routes",
    spread=0.0,
)
