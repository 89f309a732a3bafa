"""Figures as drawings inside a page: SVG that needs no script and no network.

Vega's own bundle would make each figure zoom, at 0.9 MB a page, 1.7 s a run, and a page that is blank wherever scripts are not
allowed (mail, most viewers of CI artefacts); the app zooms. What is drawn follows the page's colours, light or dark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

POINTS = 700
"""Points a line: what the width of the page can show."""

_CONFIG: dict[str, Any] = {
    "aria": False,  # the page names each figure once, in a sentence
    "background": None,
    "font": "DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "#888",
        "gridOpacity": 0.25,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "titleFontWeight": "normal"},
    "title": {"color": "currentColor", "subtitleColor": "currentColor", "fontSize": 13},
}
_ID = re.compile(r'(?<=\bid=")[A-Za-z_][\w-]*(?=")')


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing and what it says."""

    key: str
    """Unique in the page."""
    caption: str
    svg: str
    """Well-formed, everything from outside escaped by the renderer."""


def drawn(key: str, caption: str, chart: Any, *, titled: bool = False) -> Figure:
    """The chart as a drawing; without `titled` its title is left to the caption."""
    import vl_convert  # noqa: PLC0415 - heavy

    spec = chart.to_dict(validate=False)
    if not titled:
        spec.pop("title", None)
    spec["config"] = _CONFIG
    svg = str(vl_convert.vegalite_to_svg(spec))
    return Figure(key, caption, _in_page(svg, key))


def _in_page(svg: str, key: str) -> str:
    """Scale with the page; give every id the figure's own name: one page holds many drawings, and the renderer's ids repeat."""
    start = svg.index("<svg")
    end = svg.index(">", start)
    box = re.search(r'viewBox="([\d. -]+)"', svg[start:end])
    body = svg[end + 1 :]
    for number, name in enumerate(dict.fromkeys(_ID.findall(body))):
        body = body.replace(f'id="{name}"', f'id="{key}-{number}"').replace(f"url(#{name})", f"url(#{key}-{number})")
    view = f' viewBox="{box[1]}"' if box else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" focusable="false"{view}>{body}'
