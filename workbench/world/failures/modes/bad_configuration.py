"""A configuration is pushed everywhere within seconds and is wrong: a limit, an address, a flag.

It hits harder than a bad deployment, since nothing rolls it out in steps; it is over sooner, since it is taken back as fast.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen

NAME = "bad-configuration"
MODE = Mode(
    acts=(ErrorsHappen(0.2, (("403", 0.1), ("500", 0.5), ("503", 0.4))),),
    duration=Duration.written("30m", 1.0),
    onset="With a change of configuration: `arrival: changes`.",
    moves=("error ratio",),
    parameters={"errors": "share of calls that fail", "codes": "how they are answered"},
    radius="routes",
    spread=0.9,
)
