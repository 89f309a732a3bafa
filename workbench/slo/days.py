"""Calendar days of a run, in its own time zone."""

from __future__ import annotations

import datetime as dt


def day_edges(start: dt.datetime, elapsed_s: float) -> tuple[float, ...]:
    """Seconds from `start` at which calendar days begin or end: 0, every midnight inside, `elapsed_s`.

    Midnights are those of `start`'s time zone, so the day on which clocks change is 23 or 25 hours long. Raises ValueError if
    `start` has no time zone.
    """
    if start.tzinfo is None:
        raise ValueError("the start of a run needs a time zone")
    edges = [0.0]
    day = start.date()
    while True:
        day += dt.timedelta(days=1)
        midnight = dt.datetime.combine(day, dt.time(), start.tzinfo)
        at_s = (midnight.astimezone(dt.UTC) - start.astimezone(dt.UTC)).total_seconds()
        if at_s >= elapsed_s:
            break
        if at_s > 0:
            edges.append(at_s)
    return (*edges, elapsed_s)
