"""Nothing is answered: the system, or the component that is named, is gone.

Health checks and users see the same. Balancers answer 502 and 503 at once, so latency falls while everything fails.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen

NAME = "total-outage"
MODE = Mode(
    acts=(ErrorsHappen(1.0, (("502", 0.4), ("503", 0.6))),),
    duration=Duration.of("announced"),
    onset="At any time.",
    moves=("error ratio", "availability"),
    parameters={"errors": "share of calls that fail: all of them", "codes": "how they are answered"},
    radius="routes",
    spread=0.0,
)
