"""Figures stacked on one time axis: the whole run, and one objective closely."""

from __future__ import annotations

from typing import Any

from workbench.charts import style
from workbench.charts.alerts import alerts_over_incidents
from workbench.charts.budget import budget_burndown, budgets
from workbench.charts.burn import burn_rates
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


def objective(outcome: Outcome, slo: str, *, points: int = MOST_POINTS, hover: bool = True) -> Any:
    """One objective's budget over its burn rates, on one shared time axis."""
    panes = [
        budget_burndown(outcome, slo, points=points, hover=hover, zoom=False),
        burn_rates(outcome, slo, points=points, hover=hover, zoom=False),
    ]
    return style.stacked(panes, zoom=hover)
