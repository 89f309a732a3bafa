"""A resource runs full: connections, threads, disk throughput. Servers are held up and fewer are left.

It builds up over ten minutes and is worst at busy hours, since what counts is the load on the servers that are left.
"""

from __future__ import annotations

from workbench.scenario.schema.failures import WeeklyProfile
from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import CapacityFalls, LatencyRises, Shape

NAME = "saturation"
BUSINESS = WeeklyProfile(hours=tuple(3.0 if 8 <= hour < 20 else 1.0 for hour in range(24)), weekdays={"sat": 1 / 3, "sun": 1 / 3})
MODE = Mode(
    acts=(CapacityFalls(0.5), LatencyRises(2.0)),
    duration=Duration.of("announced"),
    onset="Three times as often by day as by night, and on working days as at weekends.",
    moves=("utilisation", "queue length", "latency quantiles"),
    parameters={"capacity_lost": "share of the servers that are held up", "latency": "factor on service times"},
    shape=Shape("ramp", rise_s=600.0),
    weekly=BUSINESS,
)
