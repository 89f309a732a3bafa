"""Memory grows until a process is restarted: first nothing is seen, then garbage collection slows everything, then calls fail.

The strength grows over the whole incident, which ends in a restart: counters begin again at 0. Nobody is paged for most of it
unless a slow window watches.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, LatencyRises, MemoryGrows, Shape

NAME = "slow-leak"
MODE = Mode(
    acts=(ErrorsHappen(0.04, (("500", 0.5), ("503", 0.5))), LatencyRises(2.5), MemoryGrows(0.5)),
    duration=Duration.written("12h", 0.6),
    onset="At any time; often after a deployment (`arrival: changes`).",
    moves=("memory use", "latency quantiles", "error ratio", "counters (restart)"),
    parameters={
        "errors": "share of calls that fail just before the restart",
        "codes": "how they are answered",
        "latency": "factor on service times just before the restart",
        "memory": "share of the memory that has leaked by then",
    },
    shape=Shape("ramp"),
    restarts=True,
)
