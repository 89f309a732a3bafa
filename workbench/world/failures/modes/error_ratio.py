"""A constant share of requests fails: a code path that some inputs reach, a shard that is broken.

The plainest failure there is, to try thresholds on.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen

NAME = "error-ratio"
MODE = Mode(
    acts=(ErrorsHappen(0.05, (("500", 0.7), ("503", 0.3))),),
    duration=Duration.of("announced"),
    onset="At any time.",
    moves=("error ratio",),
    parameters={"errors": "share of calls that fail", "codes": "how they are answered"},
    radius="routes",
    spread=0.7,
)
