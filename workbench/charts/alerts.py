"""Alerts over incidents on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.charts import findings, style, words
from workbench.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("incident", "alert pending", "alert firing", "deployment", "bad deployment", "page")
_COLOURS = (style.INCIDENT, style.PENDING, style.FIRING, style.QUIET, "#CC79A7", "#009E73")
MOST_ROWS = 30
"""Rows of one figure; what happened least often shares the last row of its group."""
_ROW_PX = 18

_Bar = tuple[str, str, float, float, str]
"""Row, kind, start and end in seconds, what a tooltip says."""


def alert_data(outcome: Outcome) -> pd.DataFrame:
    """What happened, one row a bar or mark.

    Columns: `row`, `kind` (one of `KINDS`), `time` and `until` (wall clock), `start_s`, `end_s`, `what` (what a tooltip says).
    An episode is one bar while pending and another while firing; what is open ends with the run. Rows come in the order of the
    figure: incidents, deployments, pages, alerts.
    """
    bars = [
        (row, kind, start, min(end, outcome.horizon_s), what)
        for row, kind, start, end, what in (*_incidents(outcome), *_deliveries(outcome), *_alerts(outcome))
        if start <= outcome.horizon_s
    ]
    return style.frame(
        {
            "row": [bar[0] for bar in bars],
            "kind": [bar[1] for bar in bars],
            "time": style.wall_clock(outcome, [bar[2] for bar in bars]),
            "until": style.wall_clock(outcome, [bar[3] for bar in bars]),
            "start_s": [bar[2] for bar in bars],
            "end_s": [bar[3] for bar in bars],
            "what": [bar[4] for bar in bars],
        }
    )


def _incidents(outcome: Outcome) -> list[_Bar]:
    if outcome.truth is None:
        return []
    return _merged(
        [
            (
                f"{incident.target}: {incident.mode}",
                "incident",
                incident.start_s,
                incident.end_s,
                f"{incident.id}, {incident.effect}",
            )
            for incident in outcome.truth.incidents
        ],
        "other incidents",
    )


def _deliveries(outcome: Outcome) -> list[_Bar]:
    if outcome.truth is None:
        return []
    bars: list[_Bar] = [
        ("deployments", "bad deployment" if d.bad else "deployment", d.start_s, d.end_s, f"{d.id} of {d.component}")
        for d in outcome.truth.deployments
    ]
    bars += [("pages", "page", page.at_s, page.at_s, f"{page.alert} to {page.engineer}") for page in outcome.truth.pages]
    return bars


def _alerts(outcome: Outcome) -> list[_Bar]:
    bars: list[_Bar] = []
    for episode in outcome.episodes:
        row, labels = findings.watched(episode), ", ".join(f"{key}={value}" for key, value in episode.labels)
        over = outcome.horizon_s if episode.resolved_at_s is None else episode.resolved_at_s
        held = over if episode.firing_at_s is None else episode.firing_at_s
        if held > episode.pending_at_s:
            bars.append((row, "alert pending", episode.pending_at_s, held, labels))
        if episode.firing_at_s is not None:
            bars.append((row, "alert firing", episode.firing_at_s, over, labels))
    return _merged(bars, "other alerts")


def _merged(bars: list[_Bar], rest: str) -> list[_Bar]:
    """The bars by row; rows beyond half of `MOST_ROWS`, counted from the busiest, become one."""
    count: dict[str, int] = {}
    for bar in bars:
        count[bar[0]] = count.get(bar[0], 0) + (bar[1] != "alert pending")
    kept = set(sorted(count, key=lambda row: (-count[row], row))[: MOST_ROWS // 2])
    renamed = [bar if bar[0] in kept else (rest, *bar[1:]) for bar in bars]
    return sorted(renamed, key=lambda bar: (bar[0] == rest, bar[0], bar[2]))


def alerts_over_incidents(outcome: Outcome, *, hover: bool = True, zoom: bool = True) -> Any:
    """Incidents of the ground truth, deployments, pages and alerts as bars and marks over one time axis."""
    import altair as alt  # noqa: PLC0415 - heavy

    data = alert_data(outcome)
    rows = list(dict.fromkeys(data["row"]))
    kinds = [kind for kind in KINDS if kind in set(data["kind"])]
    data["from"] = [words.instant(outcome.start, at) for at in data["start_s"]]
    data["lasted"] = [words.duration(end - start) for start, end in zip(data["start_s"], data["end_s"], strict=True)]
    data = data.drop(columns=["start_s", "end_s"])
    scale = alt.Scale(domain=kinds, range=[_COLOURS[KINDS.index(kind)] for kind in kinds])
    colour = alt.Color("kind:N", scale=scale, sort=kinds, legend=alt.Legend(title=None, orient="top", columns=6))
    y = alt.Y(
        "row:N", sort=rows, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False, grid=True, domain=False, ticks=False)
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("row", "kind", "from", "lasted", "what")]
    base = alt.Chart(style.inline(data)).encode(style.time_axis(outcome, hover=hover), y, color=colour, tooltip=tooltip)
    # A stroke keeps a bar of some minutes visible on an axis of a month.
    stroke = alt.Stroke("kind:N", scale=scale, legend=None)
    spans = base.transform_filter("datum.kind != 'page'").mark_bar(height=10).encode(x2="until:T", stroke=stroke)
    marks = base.transform_filter("datum.kind == 'page'").mark_point(shape="triangle-down", filled=True, size=45, opacity=1)
    layers = [style.whole_period(outcome, hover=hover), style.hoverable(spans, zoom=zoom) if hover else spans, marks]
    height = max(len(rows), 1) * _ROW_PX
    return alt.layer(*layers).properties(width=style.WIDTH, height=height, title=style.title(findings.alerts_finding(outcome)))
