"""The reference system of this workbench: the fast and the moderate row of its rule file, with their `for`, and two slower rows.

14.4 over 1h and 5m for 2 minutes, 6 over 6h and 30m for 15 minutes, 3 over 24h and 2h for an hour, 1 over 72h and 6h for three
hours, made for 30 days (2, 5, 10 and 10 % of the budget). The first two page.
"""

from __future__ import annotations

from workbench.alerts.preset_registry import Rows, row
from workbench.scenario.schema.policy import BurnRateRule
from workbench.units import DAY_S, HOUR_S, MINUTE_S

NAME = "medianest"
SHAPE = "plain"
PERIOD_S = 30 * DAY_S


def rows(window_s: float) -> Rows:  # noqa: ARG001 - shares of the budget fit every window
    """Four alerts of their own."""
    fast, moderate = "Fast burn of the error budget", "Moderate burn of the error budget"
    slow, leak = "Slow burn of the error budget", "The budget will not last"
    return {
        "SLOBurnRateFast": _row(HOUR_S, 5 * MINUTE_S, "2%", "2m", "critical", fast, page=True),
        "SLOBurnRateModerate": _row(6 * HOUR_S, 30 * MINUTE_S, "5%", "15m", "warning", moderate, page=True),
        "SLOBurnRateSlow": _row(DAY_S, 2 * HOUR_S, "10%", "1h", "info", slow),
        "SLOBurnRateLeak": _row(3 * DAY_S, 6 * HOUR_S, "10%", "3h", "notice", leak),
    }


def _row(long_s: int, short_s: int, share: str, hold: str, severity: str, summary: str, *, page: bool = False) -> BurnRateRule:
    more = {"severity": severity, "page": page, "for": hold, "summary": summary}
    return row(long_s, short_s, share=share, more=more)
