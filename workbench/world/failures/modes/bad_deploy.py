"""A deployment brings a fault along: some requests fail, some take longer, until it is rolled back.

Full strength comes as the roll-out proceeds.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, LatencyRises, Shape

NAME = "bad-deploy"
MODE = Mode(
    acts=(ErrorsHappen(0.03, (("500", 0.8), ("503", 0.2))), LatencyRises(1.3)),
    duration=Duration.of("announced"),
    onset="With a deployment: `arrival: changes`.",
    moves=("error ratio", "latency quantiles"),
    parameters={"errors": "share of calls that fail", "codes": "how they are answered", "latency": "factor on service times"},
    radius="routes",
    shape=Shape("ramp", rise_s=600.0),
    spread=0.8,
)
