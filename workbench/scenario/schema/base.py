"""Types that every document shares: how a user writes a duration, a share, money, a name."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from workbench.units import Money as MoneyValue
from workbench.units import format_duration, format_share, parse_duration, parse_share

MOST_NAMED = 500
"""Routes, components, objectives, ... of one file: more than anybody needs, few enough to compare all with all."""
MOST_GLOBS = 50
"""Globs of one indicator."""

API_VERSION = "workbench/v1"
ApiVersion = Literal["workbench/v1"]

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)


class Document(BaseModel):
    """Base of everything read from a file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False, use_attribute_docstrings=True)


def broken_rule(rule: str, *at: str | int, nearest: str | None = None) -> PydanticCustomError:
    """What a validator raises that knows more than the rule: the field (or entry of it) to point at, what was probably meant."""
    return PydanticCustomError("broken_rule", "{rule}", {"rule": rule, "at": at, "nearest": nearest})


def _duration(value: Any) -> float:
    if isinstance(value, str):
        if value.startswith("-"):
            raise ValueError("a duration cannot be negative")
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
    if not isinstance(value, str):
        raise ValueError("a name is text; put it in quotes if it looks like a number")  # noqa: TRY004 - pydantic takes ValueError
    if _NAME.fullmatch(value) and len(value) <= 63:
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


def matching(pattern: str, rule: str) -> AfterValidator:
    """A validator that holds text to a regular expression and answers with a rule that a user can read."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|[smhdw]))+$"
SHARE_PATTERN = r"^[0-9]+(\.[0-9]+)?%$"
MONEY_PATTERN = r"^-?[0-9]+(\.[0-9]+)? [A-Z]{3}$"
NAME_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
STATUS_CODE_PATTERN = r"^[1-5][0-9][0-9]$"
CODES_PATTERN = r"^[1-5]([0-9][0-9]|\.\.)$"
ROUTE_PATTERN = r"^/[A-Za-z0-9/_.:{}-]*$"
LABEL_PATTERN = r"^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$"
METRIC_PATTERN = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
FACTOR_PATTERN = r"^x? ?[0-9]+(\.[0-9]+)?$"
MOMENT_PATTERN = r"^(day [0-9]+, ?[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*|after [0-9].*)$"

PATTERN_WORDS = {
    DURATION_PATTERN: "a duration such as 250ms, 15s, 5m, 6h, 30d or 1h30m",
    SHARE_PATTERN: "a share in percent such as 99.9%, from 0% to 100%",
    MONEY_PATTERN: "an amount and a currency code, such as 499.00 EUR",
    NAME_PATTERN: "a name of letters, digits, '-', '_' and '.'",
    STATUS_CODE_PATTERN: "a status code from 100 to 599",
    CODES_PATTERN: "a status code such as 503 or a class such as 5..",
    ROUTE_PATTERN: "a path that begins with '/'",
    LABEL_PATTERN: "a label's name such as team",
    METRIC_PATTERN: "a metric's name such as http_requests_total",
    FACTOR_PATTERN: "a factor such as x3",
    MOMENT_PATTERN: "a moment such as day 12, 14:05 or 2026-04-12T14:05 or after 36h",
}
"""What may stand where the JSON Schema has a pattern, in words."""

_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["15s", "5m", "30d"]})
_SHARE_SCHEMA = WithJsonSchema({"type": "string", "pattern": SHARE_PATTERN, "examples": ["99.9%"]})
_MONEY_SCHEMA = WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN, "examples": ["499.00 EUR"]})
_NAME_SCHEMA = WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": 63})
# An editor reads an unquoted 503 as a number.
_STATUS_CODE_SCHEMA = WithJsonSchema(
    {"type": ["string", "integer"], "pattern": STATUS_CODE_PATTERN, "minimum": 100, "maximum": 599}
)

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
StatusCode = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    matching(STATUS_CODE_PATTERN, "a status code is a number from 100 to 599"),
    _STATUS_CODE_SCHEMA,
]
"""A full HTTP status code, `503`; quotes around it are not needed."""
Number = Annotated[float, Strict()]
"""A number; neither text nor true/false is taken for one."""
Whole = Annotated[int, Strict()]
"""A whole number."""
Flag = Annotated[bool, Strict()]
"""`true` or `false`; not `yes`, `on` or 1."""
Positive = Annotated[Number, Field(gt=0)]


class Lognormal(Document):
    """A lognormal duration: half of the draws are below `median`; `sigma` is the standard deviation of the logarithm."""

    median: PositiveDuration
    sigma: Annotated[Number, Field(ge=0, le=5)]
