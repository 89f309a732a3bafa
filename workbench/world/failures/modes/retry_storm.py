"""Clients repeat what fails, without a pause: a release of a client that lost its back-off meets a small failure.

The few errors keep the repetitions coming and are kept up by them. Retries that the scenario's own clients make come from
`retries` of the calls; this mode adds clients that are outside of the scenario.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, Shape, TrafficRises

NAME = "retry-storm"
MODE = Mode(
    acts=(TrafficRises(3.0), ErrorsHappen(0.05, (("429", 0.3), ("503", 0.7)))),
    duration=Duration.written("25m", 0.9),
    onset="At any time.",
    moves=("requests", "error ratio", "utilisation"),
    parameters={
        "traffic": "factor on the requests that arrive",
        "traffic_codes": "how the repetitions are answered",
        "errors": "share of requests that fail and start it",
        "codes": "how they are answered",
    },
    radius="routes",
    shape=Shape("ramp", rise_s=180.0),
    spread=0.4,
)
