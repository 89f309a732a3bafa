"""The cache is emptied: restarted, resized, its keys renamed. Every look-up misses until it is warm again.

What lies behind the cache gets all requests at once; if it cannot carry them, the cache never warms. The strength decays as
it fills.
"""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import CacheCools, LatencyRises, Shape

NAME = "cache-flush"
MODE = Mode(
    acts=(CacheCools(0.0), LatencyRises(2.0)),
    duration=Duration.written("20m", 0.9),
    onset="At any time; often with a deployment (`arrival: changes`).",
    moves=("cache hit rate", "calls to what lies behind it", "latency quantiles"),
    parameters={
        "cache_hits": "what is left of the hit rate at first",
        "latency": "factor on the time of a look-up while the cache fills; where no call names the cache, of the routes themselves",
    },
    shape=Shape("spike", rise_s=600.0),
    spread=0.2,
)
