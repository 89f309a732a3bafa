"""Maintenance takes longer than announced: the window is over, users come, and the work goes on.

What was excused as planned becomes downtime. It begins when the window ends, in the small hours.
"""

from __future__ import annotations

from workbench.scenario.schema.failures import WeeklyProfile
from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen

NAME = "maintenance-overrun"
SMALL_HOURS = WeeklyProfile(
    hours=tuple(1.0 if 4 <= hour < 6 else 0.0 for hour in range(24)), weekdays={"mon": 0.0, "fri": 0.0, "sat": 0.0}
)
MODE = Mode(
    acts=(ErrorsHappen(0.6, (("503", 1.0),)),),
    duration=Duration.written("50m", 0.8),
    onset="Between 04:00 and 06:00 local time, Tuesday to Thursday and on Sunday.",
    moves=("error ratio",),
    parameters={"errors": "share of calls that fail", "codes": "how they are answered"},
    radius="routes",
    spread=0.3,
    weekly=SMALL_HOURS,
)
