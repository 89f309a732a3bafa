"""Stolen passwords are tried by the thousand: many requests, nearly all of them refused with 401, later with 429.

The error ratio *falls*, since 4xx answers count as good; an objective that counts them as bad is flooded. Name the log-in route.
"""

from __future__ import annotations

from workbench.scenario.schema.failures import WeeklyProfile
from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import Shape, TrafficRises

NAME = "credential-stuffing"
NIGHTS = WeeklyProfile(hours=tuple(3.0 if hour >= 22 or hour < 6 else 1.0 for hour in range(24)), weekdays={"sat": 2.0, "sun": 2.0})
MODE = Mode(
    acts=(TrafficRises(6.0, (("401", 0.85), ("429", 0.15))),),
    duration=Duration.written("45m", 1.0),
    onset="At night and at weekends, when nobody looks.",
    moves=("requests", "share of 4xx answers", "utilisation"),
    parameters={"traffic": "factor on the requests that arrive", "traffic_codes": "how those of the attack are answered"},
    radius="routes",
    shape=Shape("intermittent", period_s=900.0, duty=0.7),
    spread=0.5,
    weekly=NIGHTS,
)
