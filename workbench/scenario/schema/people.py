"""The people who answer pages and work on tickets."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from workbench.scenario.schema.base import (
    MOST_NAMED,
    Document,
    Lognormal,
    Name,
    Number,
    PositiveDuration,
    Share,
    Whole,
    broken_rule,
)
from workbench.scenario.schema.zones import Zone

Hour = Annotated[Number, Field(ge=0, le=24)]


class Hours(Document):
    """Working hours: Monday to Friday between two local hours."""

    from_hour: Hour = 9.0
    to_hour: Hour = 17.0
    timezone: Zone | None = None
    """Not stated: the scenario's."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise broken_rule("to_hour must be later than from_hour", "to_hour")
        return self


class Night(Document):
    """At night everything takes longer."""

    factor: Annotated[Number, Field(ge=1, le=100)] = 1.5
    """On acknowledgement and mitigation that begin at night."""
    from_hour: Hour = 23.0
    to_hour: Hour = 7.0
    """The night passes midnight where this is earlier than from_hour."""
    timezone: Zone | None = None
    """Where the engineers live; not stated: the scenario's."""


class Fatigue(Document):
    """The more false pages somebody had, the slower the next one is answered."""

    per_page: Annotated[Share, Field(ge=0)] = Decimal("0.05")
    """Each false page of the window makes acknowledgement slower by this share of its usual time."""
    window: PositiveDuration = 604_800.0
    """Attention recovers as pages grow older than this."""
    most: Annotated[Number, Field(ge=1, le=100)] = 3.0
    """Acknowledgement takes at most this many times as long."""


class Rotation(Document):
    """Engineers who take turns."""

    engineers: Annotated[Whole, Field(ge=1, le=100)] = 5
    shift: PositiveDuration = 604_800.0
    components: tuple[Name, ...] = ()
    """Takes pages for routes that one of these components serves; none named means any."""
    labels: Annotated[dict[str, str], Field(max_length=20)] = {}
    """Takes alerts that have all these labels; a value may be a glob."""
    hours: Hours | None = None
    """When it is on call; not stated: around the clock."""
    otherwise: Name | None = None
    """Rotation that takes its pages outside of `hours`; not stated: they wait until the hours begin."""
    escalates_to: Name | None = None
    """Rotation that a page is escalated to; not stated: the next engineer of this one."""


class Tickets(Document):
    """Alerts that page nobody become tickets; somebody works on them, one after the other, in working hours."""

    hours: Hours = Hours()
    pick_up: Lognormal = Lognormal(median="2h", sigma=0.8)
    """Working time from the alert until somebody may begin."""
    work: Lognormal = Lognormal(median="1h", sigma=0.8)
    """Working time on one; at its end the incident behind it, if any is left, is mitigated."""
    engineers: Annotated[Whole, Field(ge=1, le=100)] = 1
    """Who work on tickets at the same time."""


class People(Document):
    """On-call rotations and their reactions."""

    engineers: Annotated[Whole, Field(ge=1, le=100)] = 5
    """Of the one rotation that there is unless `rotations` names others."""
    shift: PositiveDuration = 604_800.0
    acknowledge: Lognormal
    """From page to acknowledgement."""
    mitigate: Lognormal
    """From acknowledgement to mitigation."""
    escalate_after: PositiveDuration = 900.0
    """An unacknowledged page goes to the next level after this time."""
    levels: Annotated[Whole, Field(ge=1, le=10)] = 2
    """Engineers who are asked one after the other; the last one is waited for."""
    incidents_at_once: Annotated[Whole, Field(ge=1, le=100)] | None = 1
    """Incidents that one engineer works on at the same time: further ones wait or are escalated. null: no limit."""
    false_page: Lognormal | None = None
    """How long a page with nothing behind it keeps an engineer busy; not stated: no time."""
    night: Night | None = None
    fatigue: Fatigue | None = None
    rotations: Annotated[dict[Name, Rotation], Field(max_length=MOST_NAMED)] = {}
    """A page goes to the first of them that takes it, else to the last. Not stated: one rotation for everything."""
    tickets: Tickets | None = None
    """Not stated: nobody works on alerts that do not page."""

    @model_validator(mode="after")
    def _rotations_known(self) -> Self:
        for name, rotation in self.rotations.items():
            for key in ("otherwise", "escalates_to"):
                other = getattr(rotation, key)
                if other is not None and other not in self.rotations:
                    raise broken_rule(f"there is no rotation {other}", "rotations", name, key)
            if rotation.otherwise is not None and self._covers_never(name):
                raise broken_rule("following otherwise comes back to this rotation: outside of hours nobody would be called",
                                  "rotations", name, "otherwise")  # fmt: skip
        return self

    def _covers_never(self, name: str) -> bool:
        seen: set[str] = set()
        at: str | None = name
        while at is not None and at in self.rotations:
            if at in seen:
                return True
            seen.add(at)
            at = self.rotations[at].otherwise
        return False
