"""The whole run on one time axis."""

from __future__ import annotations

from typing import Any

from workbench.charts import style
from workbench.charts.alerts import alerts_over_incidents
from workbench.charts.budget import budgets
from workbench.charts.reduce import MOST_POINTS
from workbench.charts.traffic import errors, traffic
from workbench.outcome import Outcome


def month(outcome: Outcome, *, points: int = MOST_POINTS, hover: bool = True) -> Any:
    """Traffic, failures, alerts over incidents and budgets, stacked over one shared time axis; with `hover` it zooms as one."""
    panes = [
        traffic(outcome, points=points, hover=hover, zoom=False),
        errors(outcome, points=points, hover=hover, zoom=False),
        alerts_over_incidents(outcome, hover=hover, zoom=False),
        budgets(outcome, points=points, hover=hover, zoom=False),
    ]
    return style.stacked(panes, zoom=hover)
