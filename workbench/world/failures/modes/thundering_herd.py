"""All clients come at the same instant: after an outage, at a full hour, when a cache entry expires for all at once.

The peak decays within minutes if the system carries it; if not, what is refused comes back.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import Shape, TrafficRises

NAME = "thundering-herd"
MODE = Mode(
    acts=(TrafficRises(8.0),),
    duration=Duration.written("10m", 0.5),
    onset="At any time; scripted, after another incident.",
    moves=("requests", "queue length", "latency quantiles"),
    parameters={
        "traffic": "factor on the requests that arrive, at first",
        "traffic_codes": "how those beyond the usual fare",
    },
    radius="routes",
    shape=Shape("spike", rise_s=90.0),
    spread=0.3,
)
