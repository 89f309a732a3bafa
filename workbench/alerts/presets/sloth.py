"""Sloth: error ratios recorded over every window, one alert that pages and one that opens a ticket, each quick or slow.

Sloth ships windows for 28 and 30 days: 2 % of the budget in 1h, 5 % in 6h, 10 % in 1d and in 3d, the short window a twelfth of the
long one. For 7 days its documentation shows 8, 12.5, 20 and 42 %. Every other window takes the shares of 30 days. Your own windows
(Sloth's `AlertWindows`): state `page-quick`, `page-slow`, `ticket-quick` or `ticket-slow` under `burn_rate_alerts`. Sloth knows no
`for`, no guards and no `>=`.
"""

from __future__ import annotations

from workbench.alerts.preset_registry import Rows, row
from workbench.units import DAY_S, HOUR_S, MINUTE_S

NAME = "sloth"
SHAPE = "sloth"
PERIOD_S = 30 * DAY_S
ALERT = "ErrorBudgetBurn"
"""Both alerts have this name, unless the objective gives another; `severity` and `sloth_severity` tell them apart."""

_SHARES = ("2%", "5%", "10%", "10%")
_SHARES_OF_A_WEEK = ("8%", "12.5%", "20%", "42%")


def rows(window_s: float) -> Rows:
    """A page and a ticket, each quick or slow."""
    page, ticket = {"severity": "page", "page": True, "alert": "page"}, {"severity": "ticket", "alert": "ticket"}
    shares = _SHARES_OF_A_WEEK if window_s == 7 * DAY_S else _SHARES
    return {
        "page-quick": row(HOUR_S, 5 * MINUTE_S, share=shares[0], more=page),
        "page-slow": row(6 * HOUR_S, 30 * MINUTE_S, share=shares[1], more=page),
        "ticket-quick": row(DAY_S, 2 * HOUR_S, share=shares[2], more=ticket),
        "ticket-slow": row(3 * DAY_S, 6 * HOUR_S, share=shares[3], more=ticket),
    }
