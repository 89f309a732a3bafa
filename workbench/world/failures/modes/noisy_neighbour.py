"""Another tenant of the same machines takes their processors, on and off: some hosts slow down and carry less."""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import CapacityFalls, LatencyRises, Shape

NAME = "noisy-neighbour"
MODE = Mode(
    acts=(LatencyRises(3.0), CapacityFalls(0.3)),
    duration=Duration.written("90m", 1.0),
    onset="At any time.",
    moves=("latency quantiles", "utilisation"),
    parameters={
        "latency": "factor on service times of the hosts concerned",
        "capacity_lost": "share of the servers on these hosts that is taken",
    },
    shape=Shape("intermittent", period_s=600.0, duty=0.4),
    spread=0.4,
    hosts=0.3,
)
