"""What one engineer can do: attention for so many incidents, slower at night, slower after false pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from workbench.scenario.schema.people import Fatigue, Night


@dataclass
class Engineer:
    """One engineer during the run."""

    name: str
    at_once: int | None
    """Pieces of work at the same time; None is no limit."""
    working_on: list[str] = field(default_factory=list)
    false_pages_s: list[float] = field(default_factory=list)

    @property
    def free(self) -> bool:
        """Whether there is attention left for another piece of work."""
        return self.at_once is None or len(self.working_on) < self.at_once

    def slowness(self, fatigue: Fatigue | None, at_s: float) -> float:
        """How many times as long as usual acknowledgement takes: grows with the false pages of the last days."""
        if fatigue is None:
            return 1.0
        recent = sum(at_s - fatigue.window < page_s <= at_s for page_s in self.false_pages_s)
        return min(fatigue.most, 1.0 + float(fatigue.per_page) * recent)


def night_factor(night: Night | None, start: dt.datetime, at_s: float) -> float:
    """How many times as long as by day something takes that begins at `at_s`."""
    if night is None:
        return 1.0
    zone = ZoneInfo(night.timezone) if night.timezone is not None else start.tzinfo
    local = (start.astimezone(dt.UTC) + dt.timedelta(seconds=at_s)).astimezone(zone)
    hour = local.hour + local.minute / 60 + local.second / 3600
    inside = night.from_hour <= hour < night.to_hour
    if night.from_hour > night.to_hour:
        inside = hour >= night.from_hour or hour < night.to_hour
    return night.factor if inside else 1.0
