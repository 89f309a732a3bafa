"""Kinds of services: what their traffic is like where a world does not say.

Shapes are round figures in the range of recorded traffic: the web server of a research centre in 1995 had its busiest hour at 4.0
times the quietest, weekdays at 1.76 times the weekend and a busiest minute of 9.9 times the mean (NASA-HTTP trace of the Internet
Traffic Archive); incidents and use of business services follow working hours in the same way.
"""

from __future__ import annotations

from typing import Any, Literal

PresetName = Literal["business-hours-saas", "consumer-media", "internal-api"]

PRESETS: dict[str, dict[str, Any]] = {
    # Nights at an eighth of the day, weekends at a quarter; the year dips in summer and between the years.
    "business-hours-saas": {
        "hours": [
            2,
            1.5,
            1.2,
            1.2,
            1.5,
            2.5,
            4.5,
            8,
            11,
            12.5,
            12.8,
            12.2,
            10.2,
            11.5,
            12.4,
            12.2,
            11.4,
            9.8,
            7.2,
            5,
            4,
            3.4,
            2.8,
            2.4,
        ],
        "weekdays": {"mon": 10.4, "tue": 10.8, "wed": 10.7, "thu": 10.4, "fri": 9.2, "sat": 2.6, "sun": 2.4},
        "months": [1.02, 1.04, 1.06, 1.02, 1.0, 1.01, 0.93, 0.88, 1.03, 1.06, 1.06, 0.89],
        "variability": {"spread": 0.08, "memory": "10m", "common": "70%"},
        "requests_per_session": 40,
        "session_length": "25m",
        "session_sigma": 1.0,
    },
    # Evenings and weekends; winters more than summers; crowds that gather and go.
    "consumer-media": {
        "hours": [7.5, 5, 3.4, 2.6, 2.4, 2.8, 4, 5.5, 6.5, 7.2, 7.8, 8.4, 9, 9.2, 9, 9.2, 10, 11.4, 13.2, 15.4, 17, 16.6, 14, 10.4],
        "weekdays": {"mon": 9, "tue": 8.8, "wed": 9, "thu": 9.4, "fri": 10.8, "sat": 12, "sun": 11.6},
        "months": [1.08, 1.04, 1.0, 0.97, 0.94, 0.92, 0.93, 0.95, 0.98, 1.02, 1.06, 1.11],
        "variability": {"spread": 0.15, "memory": "20m", "common": "80%"},
        "requests_per_session": 120,
        "session_length": "35m",
        "session_sigma": 0.9,
        "retries": {"attempts": 3, "backoff": "1s", "multiplier": 2, "jitter": "full", "budget": "20%"},
    },
    # Machines that ask machines: flat, few requests, jobs on the hour that come in bunches.
    "internal-api": {
        "hours": [8, 8, 8.4, 8.2, 8, 8, 8.4, 9, 10, 10.6, 10.8, 10.6, 10.2, 10.4, 10.6, 10.4, 10, 9.4, 8.8, 8.4, 8.2, 8.2, 8, 8],
        "weekdays": {"mon": 10.4, "tue": 10.4, "wed": 10.4, "thu": 10.4, "fri": 10.2, "sat": 8.4, "sun": 8.2},
        "variability": {"spread": 0.6, "memory": "2m", "common": "30%"},
        "requests_per_session": 5,
        "session_length": "1m",
        "session_sigma": 0,
        "retries": {"attempts": 3, "backoff": "200ms", "multiplier": 2, "jitter": "full", "budget": "10%"},
    },
}
