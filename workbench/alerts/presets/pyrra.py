"""Pyrra: four rows made for 28 days whose windows and `for` stretch with the objective's window; the factors 14, 7, 2, 1 stay.

Windows are rounded to the minute, so 30 days give 1h4m and 25h43m. The long windows stand for 2.08, 6.25, 7.14 and 14.29 % of the
budget, whatever its window. Rules are recordings `<metric>:burnrate<window>` and alerts that read them, all of one name; the labels
`short`, `long`, `severity` and `exhaustion` tell them apart. A second group records the increase over the whole window and watches
for metrics that are absent.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.alerts.preset_registry import Rows, row
from workbench.scenario.schema.policy import BurnRateRule
from workbench.units import DAY_S, HOUR_S, MINUTE_S, format_duration

NAME = "pyrra"
SHAPE = "pyrra"
PERIOD_S = 28 * DAY_S
ALERT = "ErrorBudgetBurn"


def rows(window_s: float) -> Rows:
    """Two critical rows, two warnings; long, short and `for` as Pyrra states them for 28 days."""
    return {
        "critical-14x": _row(window_s, 14, HOUR_S, 5 * MINUTE_S, 2 * MINUTE_S, "critical"),
        "critical-7x": _row(window_s, 7, 6 * HOUR_S, 30 * MINUTE_S, 15 * MINUTE_S, "critical"),
        "warning-2x": _row(window_s, 2, DAY_S, 2 * HOUR_S, HOUR_S, "warning"),
        "warning-1x": _row(window_s, 1, 4 * DAY_S, 6 * HOUR_S, 3 * HOUR_S, "warning"),
    }


def _row(window_s: float, factor: int, long_s: int, short_s: int, for_s: int, severity: str) -> BurnRateRule:
    long, short, hold = (minutes(Fraction(window_s) * length / PERIOD_S) for length in (long_s, short_s, for_s))
    short = max(short, MINUTE_S)
    long = max(long, short + MINUTE_S)  # Pyrra itself would write windows of nothing for objectives of hours
    more = {"severity": severity, "page": severity == "critical", "for": format_duration(hold)}
    return row(long, short, factor=Fraction(factor), more=more)


def minutes(seconds: Fraction) -> float:
    """Seconds rounded to whole minutes, half a minute away from zero, as Go's `Duration.Round`."""
    return float((seconds / MINUTE_S + Fraction(1, 2)) // 1 * MINUTE_S)
