"""Recurring times: RRULEs of RFC 5545 with the wall clock of a zone."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

_UNTIL_UTC = re.compile(r"UNTIL=([0-9]{8}T[0-9]{6})Z")


def occurrences(
    first: dt.datetime, rule: str | None, zone: str | None, *, start: dt.datetime, from_s: float, to_s: float
) -> tuple[float, ...]:
    """When something that recurs begins, seconds from `start`, in [from_s, to_s), ascending.

    Times are those of a clock on the wall in `zone` (None: that of `start`). As RFC 5545 says, one that the clocks skip is read
    with the offset before the change, so it is as much later as they skip; of one that they show twice the first counts. `first`
    is an occurrence where the rule allows it.
    """
    tz = ZoneInfo(zone) if zone is not None else start.tzinfo
    begun = start.astimezone(dt.UTC)

    def after_start(local: dt.datetime) -> float:
        return (local.replace(tzinfo=tz).astimezone(dt.UTC) - begun).total_seconds()

    if rule is None:
        times = [after_start(first)]
    else:
        from dateutil.rrule import rrulestr  # noqa: PLC0415 - only where a world has a calendar

        def wall(at_s: float) -> dt.datetime:
            return (begun + dt.timedelta(seconds=at_s)).astimezone(tz).replace(tzinfo=None)

        text = _UNTIL_UTC.sub(lambda match: "UNTIL=" + _local(match[1], tz), rule)
        # A day more on either side: the clocks may change in between.
        day = dt.timedelta(days=1)
        found = rrulestr(text, dtstart=first).between(wall(from_s) - day, wall(to_s) + day, inc=True)
        times = [after_start(local) for local in found]
    return tuple(sorted({at_s for at_s in times if from_s <= at_s < to_s}))


def _local(utc: str, tz: dt.tzinfo | None) -> str:
    moment = dt.datetime.strptime(utc, "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
    return moment.astimezone(tz).strftime("%Y%m%dT%H%M%S")
