"""A region is lost, and with it a share of the hosts of several components at once.

Requests that were sent there fail until traffic is steered away, and what is left must carry them all. Failures of single
components would add up; here it is the same requests that fail.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import CapacityFalls, ErrorsHappen

NAME = "regional-failure"
MODE = Mode(
    acts=(ErrorsHappen(0.5, (("502", 0.2), ("503", 0.5), ("504", 0.3)), of_requests=True), CapacityFalls(1.0)),
    duration=Duration.of("provider"),
    onset="At any time; nothing that the team did.",
    moves=("error ratio", "utilisation of several components"),
    parameters={
        "errors": "share of the region's requests that fail",
        "codes": "how they are answered",
        "capacity_lost": "share of the region's servers that are gone",
    },
    radius="region",
    spread=0.1,
)
