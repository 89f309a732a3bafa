"""What a component calls is gone: a provider, a partner, a database of another team.

Calls time out, most of them after a long wait. Who has a fallback, a cache or a breaker shows it here.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, LatencyRises

NAME = "dependency-outage"
MODE = Mode(
    acts=(ErrorsHappen(0.9, (("502", 0.3), ("503", 0.2), ("504", 0.5))), LatencyRises(4.0)),
    duration=Duration.of("provider"),
    onset="At any time; nothing that the team did.",
    moves=("error ratio", "latency quantiles", "open breakers"),
    parameters={"errors": "share of calls that fail", "codes": "how they are answered", "latency": "factor on service times"},
    spread=0.1,
)
