"""How much was asked for, and how much of it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.charts import findings, style
from workbench.charts.reduce import MOST_POINTS, envelope
from workbench.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd


def traffic_data(outcome: Outcome, column: str = "requests_per_s", points: int = MOST_POINTS) -> pd.DataFrame:
    """`time` (wall clock) and one column of the tracks, `requests_per_s` or `error_ratio` (NaN where unknown)."""
    if outcome.tracks is None:
        return style.frame({"time": style.wall_clock(outcome, []), column: np.empty(0)})
    values = getattr(outcome.tracks, column)
    kept = envelope(values, points)
    return style.frame({"time": style.wall_clock(outcome, outcome.tracks.time_s[kept]), column: values[kept]})


def traffic(outcome: Outcome, *, points: int = MOST_POINTS, hover: bool = True, zoom: bool = True) -> Any:
    """Requests a second over the run."""
    import altair as alt  # noqa: PLC0415 - heavy

    y = alt.Y("requests_per_s:Q", title="Requests a second", scale=alt.Scale(zero=True))
    return _line(outcome, y, "requests_per_s", findings.traffic_finding(outcome), ".1f", points=points, hover=hover, zoom=zoom)


def errors(outcome: Outcome, *, points: int = MOST_POINTS, hover: bool = True, zoom: bool = True) -> Any:
    """The share of failed requests over the run."""
    import altair as alt  # noqa: PLC0415 - heavy

    y = alt.Y("error_ratio:Q", title="Failed (% of requests)", axis=alt.Axis(format="~%"), scale=alt.Scale(zero=True))
    return _line(outcome, y, "error_ratio", findings.errors_finding(outcome), ".3%", points=points, hover=hover, zoom=zoom)


def _line(outcome: Outcome, y: Any, column: str, finding: str, form: str, *, points: int, hover: bool, zoom: bool) -> Any:
    import altair as alt  # noqa: PLC0415 - heavy

    base = alt.Chart(style.inline(traffic_data(outcome, column, points))).encode(style.time_axis(outcome, hover=hover), y)
    colour = style.PALETTE[0] if column == "requests_per_s" else style.INCIDENT
    layers = [style.whole_period(outcome, hover=hover), base.mark_line(color=colour, strokeWidth=1)]
    if hover:
        tooltip = [alt.Tooltip("utcmonthdatehoursminutes(time):T", title="Time"), alt.Tooltip(f"{column}:Q", format=form)]
        layers.append(style.hoverable(base.mark_point(opacity=0, size=60).encode(tooltip=tooltip), zoom=zoom))
    return alt.layer(*layers).properties(width=style.WIDTH, height=110, title=style.title(finding))
