"""Everything takes longer, and nothing fails by itself: a query plan that went wrong, a saturated link.

Time-outs follow where callers do not wait so long.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import LatencyRises

NAME = "latency"
MODE = Mode(
    acts=(LatencyRises(3.0),),
    duration=Duration.of("announced"),
    onset="At any time.",
    moves=("latency quantiles", "time-outs"),
    parameters={"latency": "factor on service times"},
    radius="routes",
    spread=0.5,
)
