"""Methods of time.Time and time.Duration that annotations use."""

from __future__ import annotations

import re

from workbench.alerts.gotemplate.fmt import PLAIN, formatted
from workbench.alerts.gotemplate.functions import STRING, Function
from workbench.alerts.gotemplate.values import Duration, Time

_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00|Z0700|-07:00|-0700|-07|[.,](?:0+|9+)(?!\d)|01|02|03|04|05|06|002|15|PM|pm|_2|1|2|3|4|5"
)


def time_method(value: Time | Duration, name: str) -> Function | None:
    """A method of a time or a duration; None if there is none of this name."""
    if isinstance(value, Duration):
        methods = {
            "Seconds": lambda: value.ns / 1e9,
            "Minutes": lambda: value.ns / 60e9,
            "Hours": lambda: value.ns / 3600e9,
            "Milliseconds": lambda: int(value.ns / 1e6),
            "String": lambda: str(value),
        }
        return Function(methods[name]) if name in methods else None
    if name == "Format":
        return Function(lambda layout: _formatted(value, layout), (STRING,))
    plain = {
        "Unix": lambda: value.ms // 1000,
        "UnixMilli": lambda: value.ms,
        "Year": lambda: value.moment.year,
        "Day": lambda: value.moment.day,
        "Hour": lambda: value.moment.hour,
        "Minute": lambda: value.moment.minute,
        "Second": lambda: value.moment.second,
        "YearDay": lambda: value.moment.timetuple().tm_yday,
        "Weekday": lambda: f"{value.moment:%A}",
        "Month": lambda: f"{value.moment:%B}",
        "UTC": lambda: value,
        "String": lambda: formatted(value, "v", PLAIN),
    }
    return Function(plain[name]) if name in plain else None


def _formatted(value: Time, layout: str) -> str:
    """time.Format of a UTC time: the reference time's parts are replaced."""
    moment = value.moment
    parts = {
        "January": f"{moment:%B}", "Jan": f"{moment:%b}", "Monday": f"{moment:%A}", "Mon": f"{moment:%a}", "MST": "UTC",
        "2006": f"{moment.year:04d}", "06": f"{moment.year % 100:02d}", "01": f"{moment.month:02d}", "1": str(moment.month),
        "02": f"{moment.day:02d}", "_2": f"{moment.day:2d}", "2": str(moment.day), "002": f"{moment.timetuple().tm_yday:03d}",
        "15": f"{moment.hour:02d}", "03": f"{(moment.hour + 11) % 12 + 1:02d}", "3": str((moment.hour + 11) % 12 + 1),
        "04": f"{moment.minute:02d}", "4": str(moment.minute), "05": f"{moment.second:02d}", "5": str(moment.second),
        "PM": "PM" if moment.hour >= 12 else "AM", "pm": "pm" if moment.hour >= 12 else "am",
        "Z07:00": "Z", "Z0700": "Z", "-07:00": "+00:00", "-0700": "+0000", "-07": "+00",
    }  # fmt: skip
    nanoseconds = f"{value.ms % 1000:03d}000000"

    def replaced(match: re.Match[str]) -> str:
        text = match[0]
        if text[0] in ".,":
            digits = nanoseconds[: len(text) - 1]
            if text[1] == "9":
                digits = digits.rstrip("0")
            return text[0] + digits if digits else ""
        return parts[text]

    return _LAYOUT.sub(replaced, layout)
