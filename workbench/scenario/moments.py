"""When something scripted happens, as a user writes it: `day 12, 14:05`, `2026-04-12T14:05`, `2026-04-12T14:05Z`, `after 36h`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from workbench.units import DAY_S, HOUR_S, MINUTE_S, format_duration, parse_duration

RULE = "a moment is written 'day 12, 14:05', '2026-04-12T14:05' (both local), '2026-04-12T14:05Z' or 'after 36h'"
_CLOCK = r"(?:at\s+)?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
MOMENT = re.compile(
    rf"after\s+(?P<after>[0-9][0-9.a-z]{{0,40}})"
    rf"|(?:day\s+(?P<day>[0-9]{{1,5}})|(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}))(?:\s*,\s*|\s+|(?<=[0-9])T)"
    rf"{_CLOCK}(?P<zone>Z|[+-][0-9]{{2}}:[0-9]{{2}})?(?![0-9]|:[0-9])",
    re.ASCII | re.IGNORECASE,
)
"""One moment; `read` says what it means."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment; of `day`, `date` and `after_s` exactly one is stated."""

    day: int | None = None
    """Local calendar day of the run; 1 is the first."""
    date: dt.date | None = None
    clock_s: int = 0
    """Time of that day in seconds, as a clock on the wall shows it."""
    offset_s: int | None = None
    """Of the clock from UTC; None is the run's own zone."""
    after_s: float | None = None
    """Seconds since the run began."""

    def __str__(self) -> str:
        """As one would write it."""
        if self.after_s is not None:
            return f"after {format_duration(self.after_s)}"
        clock = f"{self.clock_s // HOUR_S:02d}:{self.clock_s // MINUTE_S % 60:02d}"
        clock += f":{self.clock_s % 60:02d}" if self.clock_s % 60 else ""
        if self.date is None:
            return f"day {self.day}, {clock}"
        return f"{self.date.isoformat()}T{clock}{_offset_text(self.offset_s)}"

    def seconds_after(self, start: dt.datetime) -> float:
        """Seconds from `start` (aware, the first midnight of the run), daylight saving time included; negative before it.

        A local time that the clocks skip is as much later as they skip; one that they show twice is the first of the two.
        """
        if self.after_s is not None:
            return self.after_s
        date = self.date if self.date is not None else start.date() + dt.timedelta(days=(self.day or 1) - 1)
        zone = start.tzinfo if self.offset_s is None else dt.timezone(dt.timedelta(seconds=self.offset_s))
        clock = dt.time(self.clock_s // HOUR_S, self.clock_s // MINUTE_S % 60, self.clock_s % 60)
        moment = dt.datetime.combine(date, clock, zone)
        return (moment.astimezone(dt.UTC) - start.astimezone(dt.UTC)).total_seconds()


def parse_moment(text: str) -> Moment:
    """Raises ValueError with the rule."""
    match = MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(RULE)
    return read(match)


def read(match: re.Match[str]) -> Moment:
    """What a match of `MOMENT` means; raises ValueError with the rule."""
    if match["after"] is not None:
        return Moment(after_s=parse_duration(match["after"].rstrip(".")))
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("a time of day lies between 00:00 and 23:59:59")
    clock_s = hour * HOUR_S + minute * MINUTE_S + second
    if match["day"] is not None:
        if match["zone"] is not None:
            raise ValueError("a day of the run has local times; write the date to state a zone")
        day = int(match["day"])
        if day < 1 or day * DAY_S > 366 * 100 * DAY_S:
            raise ValueError("the first day of the run is day 1, the last one that may be written is day 36600")
        return Moment(day=day, clock_s=clock_s)
    try:
        date = dt.date.fromisoformat(match["date"])
    except ValueError as error:
        raise ValueError(f"there is no such day: {match['date']}") from error
    if not 1900 <= date.year <= 2400:
        raise ValueError("a year lies between 1900 and 2400")
    return Moment(date=date, clock_s=clock_s, offset_s=_offset(match["zone"]))


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone in ("Z", "z"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("an offset from UTC lies between -23:59 and +23:59")
    return (1 if zone[0] == "+" else -1) * (hours * HOUR_S + minutes * MINUTE_S)


def _offset_text(offset_s: int | None) -> str:
    if offset_s is None:
        return ""
    if offset_s == 0:
        return "Z"
    return f"{'+' if offset_s > 0 else '-'}{abs(offset_s) // HOUR_S:02d}:{abs(offset_s) // MINUTE_S % 60:02d}"
