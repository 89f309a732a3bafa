"""A scripted incident as one sentence: `day 12, 14:05, 15 % errors of database for 10 min`.

Parts, in this order, separated by commas or blanks: when; what happens, one thing or several; of which components or on which
routes, for which tiers, in which region; for how long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from workbench.scenario.moments import MOMENT, RULE, read
from workbench.scenario.names import nearest
from workbench.units import parse_duration

LONGEST = 500
EXAMPLE = "day 12, 14:05, 15 % errors of database for 10 min"

_NUMBER = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_SHARE, _TIMES = rf"{_NUMBER}\s*%", r"(?:x|times|by)?\s*"
_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_ROUTE = r"/[A-Za-z0-9/_.:{}-]{0,199}"
_AND = r"(?:\s*,\s*|\s+and\s+)"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


_SEPARATOR = _compiled(r"[\s,;]*(?:and\s+|with\s+|:\s*)?")
_END = r"(?![A-Za-z0-9%])"
_EFFECTS: tuple[tuple[re.Pattern[str], str, Callable[[str], Any]], ...] = tuple(
    (_compiled(pattern + _END), field, reading)
    for pattern, field, reading in (
        (rf"{_SHARE}\s*(?:of\s+)?errors?", "errors", lambda text: f"{text}%"),
        (rf"errors?\s*(?:of\s+|:\s*)?{_SHARE}", "errors", lambda text: f"{text}%"),
        (rf"latency\s*{_TIMES}{_NUMBER}", "latency", float),
        (rf"(?:x\s*)?{_NUMBER}\s*x?\s*latency", "latency", float),
        (rf"traffic\s*{_TIMES}{_NUMBER}", "traffic", float),
        (rf"(?:x\s*)?{_NUMBER}\s*x?\s*traffic", "traffic", float),
        (rf"capacity\s*-?\s*{_SHARE}", "capacity_lost", lambda text: f"{text}%"),
        (rf"{_SHARE}\s*capacity\s+lost", "capacity_lost", lambda text: f"{text}%"),
        (rf"scrapes\s+missing\s+{_SHARE}", "scrapes_missing", lambda text: f"{text}%"),
        (r"(scrapes\s+missing|no\s+scrapes)", "scrapes_missing", lambda _: "100%"),
    )
)
_LISTS = (
    (_compiled(rf"(?:of|at)\s+({_NAME}(?:{_AND}(?!(?:for|on|in|of|at)\s){_NAME})*){_END}"), "components"),
    (_compiled(rf"on\s+({_ROUTE}(?:{_AND}{_ROUTE})*)"), "routes"),
    (_compiled(rf"for\s+tiers?\s+({_NAME}(?:{_AND}(?!(?:for|on|in|of|at)\s){_NAME})*){_END}"), "tiers"),
    (_compiled(rf"in\s+(?:region\s+)?({_NAME}){_END}"), "region"),
)
_LASTS = _compiled(rf"for\s+((?:{_NUMBER}\s*(?:{_UNIT}){_END.replace('0-9', '')}\s*)+)")
_PART = _compiled(rf"{_NUMBER}\s*({_UNIT})")


def parse_sentence(text: str, library: Collection[str]) -> dict[str, Any]:
    """The fields of a scripted incident, as a mapping in a file would state them.

    `library` are the names of failure modes; `total outage` is written for `total-outage` too. Raises ValueError with the rule and
    the words that are not understood.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a sentence has at most {LONGEST} characters, such as '{EXAMPLE}'")
    at = _SEPARATOR.match(text, 0)
    position = at.end() if at else 0
    when = MOMENT.match(text, position)
    if when is None:
        raise ValueError(f"{RULE}; a whole sentence is '{EXAMPLE}'")
    fields: dict[str, Any] = {"at": str(read(when))}
    position = when.end()
    modes = [
        (_compiled(r"[-\s]+".join(name.split("-")) + _END), name) for name in sorted(library, key=lambda one: (-len(one), one))
    ]
    while (position := _skipped(text, position)) < len(text):
        position = _part(text, position, fields, modes)
    return fields


def _skipped(text: str, position: int) -> int:
    match = _SEPARATOR.match(text, position)
    return match.end() if match else position


def _part(text: str, position: int, fields: dict[str, Any], modes: list[tuple[re.Pattern[str], str]]) -> int:
    """Read the part at `position` into `fields`; where the next one begins."""
    for pattern, field, reading in _EFFECTS:
        if match := pattern.match(text, position):
            _set(fields, field, reading(match[1]))
            return match.end()
    for pattern, name in modes:
        if match := pattern.match(text, position):
            _set(fields, "library", name)
            return match.end()
    if match := _LASTS.match(text, position):
        parts = _PART.findall(match[1])
        lasts = "".join(number + _UNITS[unit.lower()] for number, unit in parts)
        parse_duration(lasts)
        _set(fields, "lasts", lasts)
        return match.end()
    for pattern, field in _LISTS:
        if match := pattern.match(text, position):
            names = re.split(_AND, match[1])
            _set(fields, field, names[0] if field == "region" else names)
            return match.end()
    rest = " ".join(text[position:].split())
    word = rest.partition(",")[0][:60]
    what = re.split(r" (?:of|on|for|in|at) ", word)[0]
    near = nearest("-".join(what.split()), [name for _, name in modes])
    hint = f" (did you mean {near}?)" if near else ""
    raise ValueError(f"'{word}' is not understood{hint}; a sentence reads like '{EXAMPLE}'")


def _set(fields: dict[str, Any], field: str, value: Any) -> None:
    if field in fields:
        raise ValueError(f"the sentence states {field} twice")
    fields[field] = value
