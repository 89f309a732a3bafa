"""The Google SRE workbook, chapter 5, "Alerting on SLOs", table 5-8 and its code sample.

A page when 2 % of the budget go within an hour or 5 % within six, a ticket when 10 % go within a day or within three; the short
window is a twelfth of the long one. The book's factors 14.4, 6, 3 and 1 are these shares over 30 days. No `for`: the book advises
against it.
"""

from __future__ import annotations

from workbench.alerts.preset_registry import Rows, row
from workbench.units import DAY_S, HOUR_S, MINUTE_S

NAME = "sre-workbook"
SHAPE = "plain"
PERIOD_S = 30 * DAY_S


def rows(window_s: float) -> Rows:  # noqa: ARG001 - shares of the budget fit every window
    """A page and a ticket, each quick or slow."""
    page = {"severity": "page", "page": True, "alert": "ErrorBudgetBurnPage"}
    ticket = {"severity": "ticket", "alert": "ErrorBudgetBurnTicket"}
    return {
        "page-quick": row(HOUR_S, 5 * MINUTE_S, share="2%", more=page),
        "page-slow": row(6 * HOUR_S, 30 * MINUTE_S, share="5%", more=page),
        "ticket-quick": row(DAY_S, 2 * HOUR_S, share="10%", more=ticket),
        "ticket-slow": row(3 * DAY_S, 6 * HOUR_S, share="10%", more=ticket),
    }
