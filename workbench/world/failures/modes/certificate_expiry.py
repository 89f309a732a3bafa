"""A certificate has expired: new connections are refused, and every client that must open one fails.

Connections that are open last on, so not all fails at once. It ends when somebody installs the new one.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, MetricBreaks, Shape

NAME = "certificate-expiry"
MODE = Mode(
    acts=(ErrorsHappen(0.95, (("502", 0.3), ("503", 0.7))), MetricBreaks("certificate", 1.0)),
    duration=Duration.of("announced"),
    onset="At any time; `every` is the life of a certificate divided by the chance that its renewal is missed.",
    moves=("error ratio", "days until the certificate expires"),
    parameters={
        "errors": "share of calls that need a new connection and fail",
        "codes": "how they are answered",
        "breaks": "what the platform measures: the certificate is expired",
    },
    radius="routes",
    shape=Shape("ramp", rise_s=120.0),
    spread=0.05,
)
