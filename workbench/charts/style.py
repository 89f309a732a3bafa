"""What all figures share: colours, the time axis, the zoom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.outcome import Outcome
from workbench.units import DAY_S

if TYPE_CHECKING:
    import pandas as pd

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#999933")
"""Told apart with any colour vision, on white and on black (Okabe and Ito, 2008; the last two after Tol)."""
INCIDENT, PENDING, FIRING, QUIET = "#D55E00", "#E69F00", "#0072B2", "#8A8A8A"
WIDTH = 860
"""Pixels of a plot, without its axis labels."""


def wall_clock(outcome: Outcome, seconds: Any) -> pd.DatetimeIndex:
    """The scenario's wall-clock time of each second, marked as UTC so that every browser shows it as it is."""
    import pandas as pd  # noqa: PLC0415 - heavy

    first = pd.Timestamp(outcome.start).tz_convert("UTC")
    moments = first + pd.to_timedelta(np.asarray(seconds, dtype=np.float64), unit="s")
    local = pd.DatetimeIndex(moments).tz_convert(outcome.start.tzinfo).tz_localize(None)
    return local.tz_localize("UTC").as_unit("ms")


def time_axis(outcome: Outcome, *, hover: bool) -> Any:
    """The x channel of every layer, in the scenario's zone. With `hover` the labels suit every zoom."""
    import altair as alt  # noqa: PLC0415 - heavy

    form: dict[str, Any] = {} if hover else {"format": "%-d %b" if outcome.horizon_s > 3 * DAY_S else "%-d %b %H:%M"}
    axis = alt.Axis(title=f"Time ({outcome.start.tzinfo or 'no zone'})", grid=True, tickCount=10, labelOverlap=True, **form)
    return alt.X("time:T", scale=alt.Scale(type="utc", nice=False), axis=axis)


def whole_period(outcome: Outcome, *, hover: bool) -> Any:
    """The layer that makes a time axis span the period, whatever else is drawn: two points that nobody sees.

    A domain in the scale would be stated by every layer of every pane; Vega-Lite takes that for a conflict, and a zoom breaks.
    """
    import altair as alt  # noqa: PLC0415 - heavy

    ends = frame({"time": wall_clock(outcome, [0.0, outcome.horizon_s])})
    return alt.Chart(inline(ends)).mark_point(opacity=0, size=0).encode(time_axis(outcome, hover=hover))


ZOOM = "zoom"
HOVER = "hover"
"""Name of the layer of a figure that shows tooltips and takes the mouse."""


def hoverable(marks: Any, *, zoom: bool) -> Any:
    """The layer that takes the mouse: drag to move, wheel to zoom, double click to go back."""
    import altair as alt  # noqa: PLC0415 - heavy

    named = marks.properties(name=HOVER)
    return named.add_params(alt.selection_interval(bind="scales", encodings=["x"], name=ZOOM)) if zoom else named


def stacked(panes: Sequence[Any], *, zoom: bool) -> Any:
    """Figures over one shared time axis; with `zoom` each takes the mouse for all of them."""
    import altair as alt  # noqa: PLC0415 - heavy

    stack = alt.vconcat(*panes, spacing=18).resolve_scale(x="shared", color="independent", stroke="independent")
    if zoom:
        # Altair would merge one selection a pane into this one, and warn. It renames the layers of a stack: names are read back.
        views = [layer.name for pane in stack.vconcat for layer in pane.layer if str(layer.name).startswith(HOVER)]
        select = alt.IntervalSelectionConfig(type="interval", encodings=["x"])
        stack.params = [alt.TopLevelSelectionParameter(name=ZOOM, select=select, bind="scales", views=views)]
    return stack


def title(text: str, subtitle: Sequence[str] = ()) -> Any:
    """A title that states the finding."""
    import altair as alt  # noqa: PLC0415 - heavy

    more: dict[str, Any] = {"subtitle": list(subtitle)} if subtitle else {}
    return alt.TitleParams(text=_lines(text), anchor="start", frame="group", fontSize=14, **more)


def _lines(text: str, width: int = 105) -> list[str]:
    import textwrap  # noqa: PLC0415 - heavy

    return textwrap.wrap(text, width) or [text]


def colours(names: Sequence[str]) -> Any:
    """A colour scale that names each of the names, in their order."""
    import altair as alt  # noqa: PLC0415 - heavy

    return alt.Scale(domain=list(names), range=[PALETTE[i % len(PALETTE)] for i in range(len(names))])


def frame(columns: dict[str, Any]) -> pd.DataFrame:
    """A frame of these columns, in this order; also for none."""
    import pandas as pd  # noqa: PLC0415 - heavy

    return pd.DataFrame(columns)


def inline(data: pd.DataFrame) -> Any:
    """The rows inside the figure, as CSV: times to the second, five significant digits, unknown as an empty field.

    Text is one value: Altair copies and checks a list of rows cell by cell, some twenty times for a stacked figure, and refuses
    more than 5,000 of them.
    """
    import altair as alt  # noqa: PLC0415 - heavy

    text = data.to_csv(index=False, float_format="%.5g", date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv"))
