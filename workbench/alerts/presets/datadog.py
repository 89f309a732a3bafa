"""Datadog's recommended burn-rate monitors: 1h, 6h and 24h, the short window a twelfth, compared with `>=`.

The documentation has a table for 7 days (16.8, 5.6, 2.8: 10, 20 and 40 % of the budget), 30 days (14.4, 6, 3: 2, 5 and 10 %) and
90 days (21.6, 10.8, 4.5: 1, 3 and 5 %). Between two of these the shares are interpolated in the length of the window; below 7 and
beyond 90 days they are those of the nearer end. A target under about 96 % cannot burn that fast.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.alerts.preset_registry import Rows, row
from workbench.units import DAY_S, HOUR_S

NAME = "datadog"
SHAPE = "plain"
PERIOD_S = 30 * DAY_S

_PERCENT = {7: (10, 20, 40), 30: (2, 5, 10), 90: (1, 3, 5)}
"""By days: the share of the budget at each long window."""
_LONG_S = (HOUR_S, 6 * HOUR_S, DAY_S)


def rows(window_s: float) -> Rows:
    """Two monitors that page and one that warns."""
    names = ("BurnRate1h", "BurnRate6h", "BurnRate24h")
    windows = (("1h", "5m"), ("6h", "30m"), ("24h", "2h"))
    return {
        name: row(
            long_s,
            long_s // 12,
            factor=share * Fraction(window_s) / long_s,
            more={
                "severity": "warning" if long_s == DAY_S else "critical",
                "page": long_s < DAY_S,
                "compare": ">=",
                "labels": {"long": long, "short": short},
            },
        )
        for name, long_s, (long, short), share in zip(names, _LONG_S, windows, shares(window_s), strict=True)
    }


def shares(window_s: float) -> tuple[Fraction, ...]:
    """The share of the budget at each long window."""
    days = Fraction(window_s) / DAY_S
    (lower, low), *rest = ((day, [Fraction(percent, 100) for percent in row]) for day, row in _PERCENT.items())
    if days <= lower:
        return tuple(low)
    for upper, high in rest:
        if days <= upper:
            part = (days - lower) / (upper - lower)
            return tuple(a + (b - a) * part for a, b in zip(low, high, strict=True))
        lower, low = upper, high
    return tuple(low)
