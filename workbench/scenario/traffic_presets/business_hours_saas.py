"""Software that people use at work: one broad peak in office hours with a dip at noon, quiet nights and weekends.

Shape: the NASA web log of 1995 (tests compare with it) has its peak in the afternoon at 4.0 times the trough at 04:00 local and
1.76 times as much on a weekday as on a weekend day; a tool for work alone is steeper on both, by assumption 8 and 3.
Variability: minutes of that log differ by 28 % beyond chance around a three-hour mean, five minutes by 20 %; the memory is a few
minutes. Months, sessions and retries are assumptions: summer and the end of the year are quiet; a visit of 20 minutes has 25
requests; clients are libraries with three attempts and a retry budget of 20 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUSINESS_HOURS_SAAS: Mapping[str, Any] = {
    "hours": [0.31, 0.27, 0.25, 0.24, 0.25, 0.3, 0.45, 0.8, 1.35, 1.78, 1.92, 1.85,
              1.6, 1.68, 1.88, 1.9, 1.75, 1.4, 1.0, 0.78, 0.66, 0.57, 0.47, 0.38],
    "weekdays": {"mon": 1.22, "tue": 1.3, "wed": 1.3, "thu": 1.27, "fri": 1.1, "sat": 0.4, "sun": 0.41},
    "months": [1.0, 1.03, 1.05, 1.02, 1.02, 1.02, 0.93, 0.88, 1.04, 1.07, 1.07, 0.87],
    "variability": {"spread": 0.2, "memory": "5m", "common": "70%"},
    "requests_per_session": 25,
    "session_length": "20m",
    "session_sigma": 1.0,
    "retries": {"attempts": 3, "backoff": "200ms", "multiplier": 2, "jitter": "full", "budget": "20%"},
}  # fmt: skip
