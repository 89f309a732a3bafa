"""When something stated happens, as a field of a document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from workbench.scenario.moments import Moment as MomentValue
from workbench.scenario.moments import parse_moment
from workbench.scenario.schema.base import MOMENT_PATTERN


def _moment(value: Any) -> Any:
    if isinstance(value, MomentValue):
        return value
    if isinstance(value, str):
        return parse_moment(value)
    raise ValueError("a moment is written 'day 12, 14:05', '2026-04-12T14:05' or 'after 36h'")


Moment = Annotated[
    MomentValue,
    BeforeValidator(_moment),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN, "examples": ["day 12, 14:05", "2026-04-12T14:05"]}),
]
"""When something scripted happens."""
