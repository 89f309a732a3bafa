"""Altair charts as Streamlit takes them."""

from __future__ import annotations

from typing import Any


def layered_spec(chart: Any) -> dict[str, Any]:
    """The Vega-Lite specification with the rows inside each layer.

    Altair moves rows up into named data sets; Streamlit takes such a set for a table and cannot read CSV text there.
    """
    spec: dict[str, Any] = chart.to_dict(validate=False)
    _put_down(spec, spec.pop("datasets", {}), None)
    return spec


def _put_down(node: dict[str, Any], sets: dict[str, Any], above: dict[str, Any] | None) -> None:
    data = node.pop("data", above)
    children = [*node.get("vconcat", ()), *node.get("layer", ())]
    for child in children:
        _put_down(child, sets, data)
    if not children and data is not None:
        name = data.get("name")
        node["data"] = (
            {**{key: value for key, value in data.items() if key != "name"}, "values": sets[name]} if name in sets else data
        )
