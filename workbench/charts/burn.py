"""How fast the error budget burned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.charts import findings, style, words
from workbench.charts.reduce import MOST_POINTS, envelope
from workbench.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd


def burn_data(outcome: Outcome, slo: str, points: int = MOST_POINTS) -> pd.DataFrame:
    """`time` (wall clock), `window` (`1h`, ...), `burn_rate` (a multiple; NaN without events), at most `points` rows a window."""
    import pandas as pd  # noqa: PLC0415 - heavy

    track = findings.track_of(outcome, slo)
    pieces = [style.frame({"time": style.wall_clock(outcome, []), "window": pd.Series(dtype="str"), "burn_rate": np.empty(0)})]
    if outcome.tracks is not None and track is not None:
        for window_s, values in sorted(track.burn_rate.items()):
            kept = envelope(values, points)
            columns = {"time": style.wall_clock(outcome, outcome.tracks.time_s[kept]), "window": words.window(window_s)}
            pieces.append(style.frame({**columns, "burn_rate": values[kept]}))
    return pd.concat(pieces[1:] or pieces, ignore_index=True)


def threshold_data(outcome: Outcome, slo: str) -> pd.DataFrame:
    """`window`, `threshold`, `severity` of each burn rate of the objective."""
    rates = findings.result_of(outcome, slo).burn_rates
    return style.frame(
        {
            "window": [words.window(rate.window_s) for rate in rates],
            "threshold": [rate.threshold for rate in rates],
            "severity": [rate.severity for rate in rates],
        }
    )


def burn_rates(outcome: Outcome, slo: str, *, points: int = MOST_POINTS, hover: bool = True, zoom: bool = True) -> Any:
    """Burn rates over each window with their thresholds (dashed, in the colour of the window)."""
    import altair as alt  # noqa: PLC0415 - heavy

    data, thresholds = burn_data(outcome, slo, points), threshold_data(outcome, slo)
    names = [words.window(rate.window_s) for rate in findings.result_of(outcome, slo).burn_rates]
    names += [name for name in dict.fromkeys(data["window"]) if name not in names]
    top = max([1.0, *thresholds["threshold"], *data["burn_rate"].dropna()])
    ticks = sorted({0.0, 1.0, *thresholds["threshold"], *(10.0**k for k in range(2, 8) if 10.0**k <= top)})
    y_scale = alt.Scale(type="symlog", constant=1, domain=[0, top * 1.05])
    y = alt.Y(
        "burn_rate:Q", title="Burn rate (multiple)", scale=y_scale, axis=alt.Axis(values=ticks, labelExpr="datum.value + 'x'")
    )
    colour = alt.Color(
        "window:N",
        scale=style.colours(names),
        sort=names,
        legend=alt.Legend(title="Window (dashed: its threshold)", titleLimit=400, orient="top"),
    )
    base = alt.Chart(style.inline(data)).encode(style.time_axis(outcome, hover=hover), y, color=colour)
    rules = alt.Chart(style.inline(thresholds)).mark_rule(strokeDash=[6, 3]).encode(y=alt.Y("threshold:Q"), color=colour)
    layers = [style.whole_period(outcome, hover=hover), base.mark_line(strokeWidth=1.5), rules]
    if hover:
        tooltip = [
            alt.Tooltip("window:N", title="Window"),
            alt.Tooltip("utcmonthdatehoursminutes(time):T", title="Time"),
            alt.Tooltip("burn_rate:Q", title="Burn rate", format=".2f"),
        ]
        layers.append(style.hoverable(base.mark_point(opacity=0, size=60).encode(tooltip=tooltip), zoom=zoom))
    return alt.layer(*layers).properties(width=style.WIDTH, height=180, title=style.title(findings.burn_finding(outcome, slo)))
