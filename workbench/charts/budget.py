"""How the error budget was spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.charts import findings, style, words
from workbench.charts.reduce import MOST_POINTS, envelope
from workbench.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = len(style.PALETTE)


def budget_data(outcome: Outcome, slos: tuple[str, ...], points: int = MOST_POINTS) -> pd.DataFrame:
    """`time` (wall clock), `slo`, `remaining` (share of the budget, NaN where unknown), at most `points` rows an objective."""
    import pandas as pd  # noqa: PLC0415 - heavy

    pieces = [style.frame({"time": style.wall_clock(outcome, []), "slo": pd.Series(dtype="str"), "remaining": np.empty(0)})]
    for slo in slos:
        track = findings.track_of(outcome, slo)
        if outcome.tracks is None or track is None:
            continue
        kept = envelope(track.budget_remaining, points)
        columns = {"time": style.wall_clock(outcome, outcome.tracks.time_s[kept]), "slo": slo}
        pieces.append(style.frame({**columns, "remaining": track.budget_remaining[kept]}))
    return pd.concat(pieces[1:] or pieces, ignore_index=True)


def costliest(outcome: Outcome, most: int = MOST_LINES) -> tuple[str, ...]:
    """The objectives that spent most of their budget, in the outcome's order: as many as colours can tell apart."""
    ranked = sorted(outcome.slos, key=lambda slo: -(slo.budget.consumed_share or 0.0))[:most]
    return tuple(slo.name for slo in outcome.slos if slo in ranked)


def budget_burndown(outcome: Outcome, slo: str, *, points: int = MOST_POINTS, hover: bool = True, zoom: bool = True) -> Any:
    """The share of one objective's budget that is left, over the run; the dashed line is even spending."""
    finding = findings.budget_finding(outcome, slo)
    return _lines(outcome, (slo,), finding, points=points, hover=hover, zoom=zoom).properties(height=180)


def budgets(outcome: Outcome, *, points: int = MOST_POINTS, hover: bool = True, zoom: bool = True) -> Any:
    """The budgets of all objectives (of the costliest, where colours run out) in one figure."""
    names = costliest(outcome)
    spent = [slo for slo in outcome.slos if slo.budget.consumed_share is not None]
    gone = sum(findings.over_budget(slo) for slo in spent)
    finding = (
        f"{words.counted(gone, 'budget')} of {len(outcome.slos)} spent completely" if gone else "No budget was spent completely"
    )
    if not spent:
        finding = "No budget could be measured"
    if len(names) < len(outcome.slos):
        finding += f"; shown are the {len(names)} that spent most"
    return _lines(outcome, names, finding, points=points, hover=hover, zoom=zoom).properties(height=200)


def _lines(outcome: Outcome, names: tuple[str, ...], finding: str, *, points: int, hover: bool, zoom: bool) -> Any:
    import altair as alt  # noqa: PLC0415 - heavy

    data = budget_data(outcome, names, points)
    lowest = float(np.nanmin(data["remaining"])) if data["remaining"].notna().any() else 0.0
    y = alt.Y(
        "remaining:Q", title="Error budget left (%)", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[min(lowest, 0.0), 1.0])
    )
    legend = alt.Legend(title=None, orient="top", columns=4, labelLimit=200) if len(names) > 1 else None
    base = alt.Chart(style.inline(data)).encode(
        style.time_axis(outcome, hover=hover),
        y,
        color=alt.Color("slo:N", scale=style.colours(names), sort=list(names), legend=legend),
    )
    layers = [style.whole_period(outcome, hover=hover), _even_spending(outcome, hover=hover), _zero_line(), base.mark_line()]
    if hover:
        tooltip = [
            alt.Tooltip("slo:N", title="SLO"),
            alt.Tooltip("utcmonthdatehoursminutes(time):T", title="Time"),
            alt.Tooltip("remaining:Q", title="Budget left", format=".2%"),
        ]
        layers.append(style.hoverable(base.mark_point(opacity=0, size=60).encode(tooltip=tooltip), zoom=zoom))
    return alt.layer(*layers).properties(width=style.WIDTH, title=style.title(finding))


def _zero_line() -> Any:
    import altair as alt  # noqa: PLC0415 - heavy

    return alt.Chart(alt.InlineData(values=[{}])).mark_rule(color=style.QUIET).encode(y=alt.datum(0))


def _even_spending(outcome: Outcome, *, hover: bool) -> Any:
    """A straight line from an untouched budget to what even spending over the window would leave at the end of the run."""
    import altair as alt  # noqa: PLC0415 - heavy

    window_s = max((slo.budget.window_s for slo in outcome.slos), default=outcome.horizon_s)
    left = max(1 - outcome.horizon_s / window_s, 0.0)
    ends = style.frame({"time": style.wall_clock(outcome, [0.0, outcome.horizon_s]), "remaining": [1.0, left]})
    return (
        alt.Chart(style.inline(ends))
        .mark_line(color=style.QUIET, strokeDash=[4, 4], strokeWidth=1)
        .encode(style.time_axis(outcome, hover=hover), alt.Y("remaining:Q"))
    )
