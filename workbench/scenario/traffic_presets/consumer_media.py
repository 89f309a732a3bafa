"""What people watch and listen to at home: a peak in the evening, more at weekends, busy winters.

Shape, months and sessions are assumptions in the form that operators of streaming and broadband networks describe: most traffic
between 19:00 and 23:00 local, least before dawn; here peak/trough is 8. Variability as in the NASA web log of 1995, a little less
for many viewers who last longer. Apps make four attempts with full jitter and a budget of 10 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONSUMER_MEDIA: Mapping[str, Any] = {
    "hours": [0.75, 0.5, 0.36, 0.29, 0.27, 0.3, 0.42, 0.58, 0.7, 0.78, 0.84, 0.9,
              1.0, 1.02, 1.0, 1.04, 1.14, 1.32, 1.6, 1.92, 2.16, 2.12, 1.75, 1.2],
    "weekdays": {"mon": 0.93, "tue": 0.92, "wed": 0.93, "thu": 0.96, "fri": 1.05, "sat": 1.12, "sun": 1.09},
    "months": [1.08, 1.05, 1.02, 0.98, 0.95, 0.92, 0.93, 0.95, 0.97, 1.01, 1.05, 1.09],
    "variability": {"spread": 0.15, "memory": "10m", "common": "80%"},
    "requests_per_session": 120,
    "session_length": "35m",
    "session_sigma": 0.9,
    "retries": {"attempts": 4, "backoff": "500ms", "multiplier": 2, "jitter": "full", "budget": "10%"},
}  # fmt: skip
