"""Types that every document shares: how a user writes a duration, a share, money, a name."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from workbench.units import Money as MoneyValue
from workbench.units import format_duration, format_share, parse_duration, parse_share

API_VERSION = "workbench/v1"
ApiVersion = Literal["workbench/v1"]

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)


class Document(BaseModel):
    """Base of everything read from a file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False)


def _duration(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration is a number and a unit: 250ms, 15s, 5m, 6h, 30d, 4w, or 1h30m")


def _share(value: Any) -> Decimal:
    if isinstance(value, str):
        return parse_share(value)
    raise ValueError("a share is written in percent: 99.9%")


def _money(value: Any) -> MoneyValue:
    if isinstance(value, str):
        return MoneyValue.parse(value)
    raise ValueError("money is an amount and a currency code: 499.00 EUR")


def _name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value) and len(value) <= 63:
        return value
    raise ValueError("a name has 1 to 63 letters, digits, '-', '_' or '.', and begins and ends with a letter or digit")


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than 0s")
    return value


def _proportion(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise ValueError("must be between 0% and 100%")
    return value


_DURATION_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|[smhdw]))+$", "examples": ["15s", "5m", "30d"]}
)
_SHARE_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?%$", "examples": ["99.9%"]})
_MONEY_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)? [A-Z]{3}$", "examples": ["499.00 EUR"]})
_NAME_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", "maxLength": 63})

Duration = Annotated[float, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str), _DURATION_SCHEMA]
"""Seconds; written `15s`, `5m`, `30d`. May be 0s."""
PositiveDuration = Annotated[
    float,
    BeforeValidator(lambda v: _positive(_duration(v))),
    PlainSerializer(format_duration, return_type=str),
    _DURATION_SCHEMA,
]
"""Seconds, more than 0."""
Share = Annotated[
    Decimal,
    BeforeValidator(lambda v: _proportion(_share(v))),
    PlainSerializer(format_share, return_type=str),
    _SHARE_SCHEMA,
]
"""An exact decimal in 0..1; written `99.9%`."""
Money = Annotated[MoneyValue, BeforeValidator(_money), PlainSerializer(str, return_type=str), _MONEY_SCHEMA]
"""An amount and its currency; written `499.00 EUR`."""
Name = Annotated[str, BeforeValidator(_name), _NAME_SCHEMA]
"""A name others can refer to."""
Text = Annotated[str, Field(max_length=2000)]
StatusCode = Annotated[str, Field(pattern="^[1-5][0-9][0-9]$", coerce_numbers_to_str=True)]
"""A full HTTP status code, `503`."""
Positive = Annotated[float, Field(gt=0)]


class Lognormal(Document):
    """A lognormal duration: half of the draws are below `median`; `sigma` is the standard deviation of the logarithm."""

    median: PositiveDuration
    sigma: Annotated[float, Field(ge=0, le=5)]
