"""Incidents that a user states one by one, or takes over from a list of real ones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from workbench.scenario.schema.base import Name, PositiveDuration, broken_rule
from workbench.scenario.schema.moment import Moment
from workbench.scenario.schema.strengths import BREAKS, NEEDS_COMPONENT, LibraryMode, ShapeSpec, Strengths, Target
from workbench.scenario.sentences import LONGEST, parse_sentence

MOST_STATED = 10_000
"""Scripted incidents of one world, those of an imported list not among them."""


def _day(value: Any) -> Any:
    # pydantic alone would take a number for seconds since 1970
    if value is None or isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except (TypeError, ValueError) as error:
        raise ValueError("a date is written year-month-day: 2026-04-01") from error


class IncidentEffect(Strengths):
    """What an incident of known strength does."""

    library: LibraryMode | None = None
    """A mode of the failure library at its usual strength; single strengths may be stated to change it."""
    shape: ShapeSpec | None = None
    """Not stated: as the library's mode; a step without one."""

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.library is None and not self.does_something:
            raise broken_rule("nothing says what this does: state library or a strength such as errors: 15%")
        if self.breaks is not None and self.library not in BREAKS:
            raise broken_rule(f"breaks belongs to one of the library's {', '.join(sorted(BREAKS))}", "breaks")
        return self


class ScriptedIncident(Target, IncidentEffect):
    """An incident that happens at a stated time, whatever is drawn.

    A sentence may stand for the mapping: `day 12, 14:05, 15 % errors of database for 10 min`.
    """

    name: Name | None = None
    """Its id in reports; `scripted-3` for the third without one."""
    mode: Annotated[str, Field(max_length=200)] | None = None
    """What reports call it; the name of the library's mode, or `scripted`, without one."""
    at: Moment
    """`day 12, 14:05`: the twelfth day of the run, local time; `2026-04-12T14:05`, local, exact with `Z` or an offset; or
    `after 36h`."""
    lasts: PositiveDuration | None = None
    """Natural duration, when no page leads to a mitigation. Not stated: the median of the library's mode."""
    cause: Literal["scripted", "imported"] = "scripted"
    """Whether it stands in this file or was read from a list."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.lasts is None and self.library is None:
            raise broken_rule("state lasts, how long it goes on if nobody acts")
        if not self.named and (self.acts_on_components or self.library in NEEDS_COMPONENT):
            raise broken_rule("this happens to components: name component or components")
        return self


Sentence = Annotated[str, Field(max_length=LONGEST)]


def _scripted(value: Any) -> Any:
    return parse_sentence(value, get_args(LibraryMode)) if isinstance(value, str) else value


Scripted = Annotated[ScriptedIncident, BeforeValidator(_scripted, json_schema_input_type=Sentence | ScriptedIncident)]
"""A mapping or a sentence."""


class IncidentList(Target):
    """A list of real incidents (CSV: id, start, and perhaps target, end, severity) that become incidents of the world."""

    file: Annotated[str, Field(min_length=1, max_length=500)]
    """CSV or CSV.gz, relative to the file that states it."""
    anchor: Annotated[dt.date | None, BeforeValidator(_day)] = None
    """The day of the list that becomes the first day of the run. Not stated: the list's own dates."""
    targets: dict[Annotated[str, Field(max_length=200)], Name] = {}
    """Component of each target of the list. A target that is itself the name of a component needs no entry; all others hit what
    `component`, `components` or `routes` say."""
    severities: Annotated[dict[Annotated[str, Field(max_length=200)], IncidentEffect], Field(max_length=100)] = {}
    """What an incident of each severity does."""
    other: IncidentEffect | None = None
    """What an incident of any other severity does. Not stated: such a row is a problem."""
    ignore: tuple[Annotated[str, Field(max_length=200)], ...] = ()
    """Severities that are left out, such as `maintenance`."""
    lasts: PositiveDuration | None = None
    """How long incidents last whose end the list does not know. Not stated: such a row is a problem."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.severities and self.other is None:
            raise broken_rule("nothing says what the incidents do: state severities or other")
        return self
