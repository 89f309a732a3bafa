"""Data are written wrongly. Few requests fail, and the consistency check finds the rest, later.

An availability objective hardly sees it; an objective on consistency does.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import ErrorsHappen, MetricBreaks

NAME = "data-corruption"
MODE = Mode(
    acts=(ErrorsHappen(0.005, (("500", 1.0),)), MetricBreaks("corruption", 1.0), MetricBreaks("consistency", 0.02)),
    duration=Duration.written("6h", 1.2),
    onset="At any time; often with a change (`arrival: changes`).",
    moves=("consistency checks", "error ratio, slightly"),
    parameters={
        "errors": "share of requests that trip over wrong data",
        "codes": "how they are answered",
        "breaks": "what the platform measures: data are corrupted, and this share of checks finds it",
    },
    radius="routes",
    spread=0.7,
)
