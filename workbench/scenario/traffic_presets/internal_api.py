"""An API between teams, with little traffic: office hours over a floor of jobs that run day and night, and bursts.

Shape: an assumption, peak/trough 3.6 and weekday/weekend 1.7, near those of small recorded services: the load balancer of the
Numenta benchmark (12 requests a minute) has 2.2 and 1.4, the NASA log 4.0 and 1.76. Variability: five minutes of that load balancer
differ by 79 % beyond chance around a three-hour mean, with hardly any memory and 10 times the mean at most; here 60 % and three
minutes, half of it each route's own. Callers are services: two attempts, no budget, a short session for each job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INTERNAL_API: Mapping[str, Any] = {
    "hours": [0.58, 0.56, 0.5, 0.48, 0.48, 0.5, 0.6, 0.8, 1.1, 1.45, 1.65, 1.72,
              1.5, 1.55, 1.68, 1.66, 1.5, 1.25, 0.95, 0.8, 0.75, 0.7, 0.64, 0.6],
    "weekdays": {"mon": 1.12, "tue": 1.16, "wed": 1.16, "thu": 1.14, "fri": 1.08, "sat": 0.67, "sun": 0.67},
    "variability": {"spread": 0.6, "memory": "3m", "common": "50%"},
    "requests_per_session": 6,
    "session_length": "2m",
    "session_sigma": 1.2,
    "retries": {"attempts": 2, "backoff": "100ms", "multiplier": 2, "jitter": "none"},
}  # fmt: skip
