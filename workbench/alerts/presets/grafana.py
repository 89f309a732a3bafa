"""Grafana SLO: a fast-burn and a slow-burn alert, two pairs of windows each, compared with `>=`.

14.4 over 5m and 1h or 6 over 30m and 6h is critical; 3 over 2h and 24h or 1 over 6h and 72h is a warning. Grafana's own window is
28 days, and its factors stand for that: they are scaled to the objective's. Its option of a minimum of failures is `min_failures`
of a rule, or `low_traffic: min-failures` of an objective.
"""

from __future__ import annotations

from workbench.alerts.preset_registry import Rows, row, scaled
from workbench.units import DAY_S, HOUR_S, MINUTE_S

NAME = "grafana"
SHAPE = "plain"
PERIOD_S = 28 * DAY_S


def rows(window_s: float) -> Rows:
    """Fast and slow burn; the rows of each are alternatives."""
    fast = {"severity": "critical", "page": True, "compare": ">=", "alert": "SLOFastBurn"}
    slow = {"severity": "warning", "compare": ">=", "alert": "SLOSlowBurn"}
    return {
        "fast-1h": row(HOUR_S, 5 * MINUTE_S, factor=scaled("14.4", PERIOD_S, window_s), more=fast),
        "fast-6h": row(6 * HOUR_S, 30 * MINUTE_S, factor=scaled("6", PERIOD_S, window_s), more=fast),
        "slow-24h": row(DAY_S, 2 * HOUR_S, factor=scaled("3", PERIOD_S, window_s), more=slow),
        "slow-72h": row(3 * DAY_S, 6 * HOUR_S, factor=scaled("1", PERIOD_S, window_s), more=slow),
    }
