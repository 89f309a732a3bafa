"""Some hosts are gone and the balancer has not noticed: requests that reach them fail, the others do not.

The same share of all requests fails as long as it lasts; the hosts that are left carry the load of those that are gone.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import CapacityFalls, ErrorsHappen

NAME = "partial-outage"
MODE = Mode(
    acts=(ErrorsHappen(1.0, (("502", 0.6), ("503", 0.4))), CapacityFalls(1.0)),
    duration=Duration.of("announced"),
    onset="At any time.",
    moves=("error ratio", "utilisation"),
    parameters={
        "errors": "share of calls to the hosts concerned that fail: all of them",
        "codes": "how they are answered",
        "capacity_lost": "share of the servers on these hosts that are gone: all of them",
    },
    radius="routes",
    spread=0.0,
    hosts=0.25,
)
