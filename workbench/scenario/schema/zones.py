"""Time zones and recurring times, as a user writes them."""

from __future__ import annotations

import datetime as dt
import re
from difflib import get_close_matches
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from workbench.scenario.schema.base import broken_rule

_OF_THE_MACHINE = ("localtime", "posix", "right/", "Factory")
"""Names of zones, or beginnings of them, that mean something else on every machine."""


def _known_zone(value: str) -> str:
    if not _is_zone(value):
        zones = sorted(zone for zone in available_timezones() if not zone.startswith(_OF_THE_MACHINE))
        close = get_close_matches(value[:100], zones, n=1, cutoff=0.75)
        rule = "this must be an IANA time zone such as UTC or Europe/Zurich"
        raise broken_rule(rule, nearest=close[0] if close else None)
    return value


def _is_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not value.startswith(_OF_THE_MACHINE)


Zone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone such as Europe/Zurich."""

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?", re.ASCII)
_LOCAL_RULE = "a local time is written 2026-04-05T02:00 (or 2026-04-05 for midnight); its zone stands beside it"


def _local_time(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            raise ValueError(_LOCAL_RULE)
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    if not isinstance(value, str) or not _LOCAL.fullmatch(value):
        raise ValueError(_LOCAL_RULE)
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"there is no such time: {value}") from error


LOCAL_TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
LocalTime = Annotated[
    dt.datetime,
    BeforeValidator(_local_time),
    PlainSerializer(lambda value: value.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": LOCAL_TIME_PATTERN, "examples": ["2026-04-05T02:00"]}),
]
"""A time as a clock on the wall shows it, without a zone."""

_RULE_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR",
               "BYMINUTE", "BYSECOND", "BYSETPOS")  # fmt: skip
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")


def _recurrence(value: str) -> str:
    parts = [part.partition("=") for part in value.split(";")]
    for name, equals, text in parts:
        if name not in _RULE_PARTS or not equals or not text:
            rule = "a recurrence is written as in RFC 5545: FREQ=WEEKLY;BYDAY=SU;BYHOUR=2"
            close = get_close_matches(name[:20], _RULE_PARTS, n=1)
            raise broken_rule(rule, nearest=close[0] if close else None)
    names = [name for name, _, _ in parts]
    if len(set(names)) < len(names):
        raise ValueError("each part of a recurrence may stand once")
    given = {name: text for name, _, text in parts}
    if given.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"a recurrence needs FREQ, one of {', '.join(_FREQUENCIES)}")
    if "COUNT" in given and "UNTIL" in given:
        raise ValueError("a recurrence has COUNT or UNTIL, not both")
    if "BYSECOND" in given or (given.get("BYHOUR", "").count(",") + 1) * (given.get("BYMINUTE", "").count(",") + 1) > 96:
        raise ValueError("a recurrence happens at whole minutes and at most 96 times a day")
    _parse(value)
    return value


def _parse(value: str) -> None:
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - only where a world has a calendar

    try:
        # UNTIL in UTC needs a start with a zone; the zone itself does not matter for whether the rule can be read.
        zone = dt.UTC if "UNTIL" in value and "Z" in value else None
        rrulestr(value, dtstart=dt.datetime(2026, 1, 1, tzinfo=zone))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"this is no recurrence of RFC 5545: {error}") from error


Recurrence = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_recurrence)]
"""An RRULE of RFC 5545, without the word: `FREQ=MONTHLY;BYDAY=1SU`."""
