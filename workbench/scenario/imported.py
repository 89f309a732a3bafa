"""A list of real incidents as incidents of a world."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, Problem
from workbench.scenario.moments import Moment
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.incidents import IncidentEffect, IncidentList, ScriptedIncident
from workbench.scenario.schema.strengths import NEEDS_COMPONENT, Target
from workbench.scenario.schema.world import World

MOST_PROBLEMS = 20
"""Rows of one list that are reported one by one."""


def imported(
    stated: IncidentList, path: Path, world: World, start: dt.datetime, horizon_s: float
) -> tuple[tuple[ScriptedIncident, ...], list[Problem]]:
    """The incidents of a list that overlap the run, by start and id, and all that is wrong with the list.

    `start` is second 0 of the run (aware). Where an `anchor` is stated, its first second there becomes second 0: incidents keep
    their distances in elapsed time.
    """
    from workbench.telemetry.incidents import read_incidents  # noqa: PLC0415 - it brings numpy; most scenarios need none of it

    origin = start if stated.anchor is None else dt.datetime.combine(stated.anchor, dt.time(), start.tzinfo)
    try:
        rows = read_incidents(path, origin)
    except BadInput as error:
        return (), list(error.problems)
    out: list[ScriptedIncident] = []
    problems: list[Problem] = []
    for row in rows:
        if row.severity in stated.ignore or row.start_s >= horizon_s:
            continue
        effect = stated.severities.get(row.severity, stated.other)
        if effect is None:
            known = [*stated.severities, *stated.ignore]
            message = "nothing says what an incident of this severity does: name it in severities or in ignore, or state other"
            problems.append(_problem(path, row.line, "severity", message, row.severity, known))
            continue
        if row.end_s is None and stated.lasts is None:
            message = "the list does not know when this ended: state lasts, how long such incidents last"
            problems.append(_problem(path, row.line, "end", message, "", ()))
            continue
        end_s = row.end_s if row.end_s is not None else row.start_s + (stated.lasts or 0.0)
        if end_s <= max(0.0, row.start_s):
            continue
        components = _components(stated, row.target, world)
        if not components and (effect.acts_on_components or effect.library in NEEDS_COMPONENT):
            message = "what this severity does happens to components, and nothing says to which: name them in targets, or component"
            problems.append(_problem(path, row.line, "target", message, row.target, list(world.components)))
            continue
        begins_s = max(0.0, row.start_s)
        out.append(_incident(row.id, effect, components, begins_s, end_s - begins_s, row.severity, stated))
    if len(problems) > MOST_PROBLEMS:
        more = len(problems) - MOST_PROBLEMS
        problems = [*problems[:MOST_PROBLEMS], Problem("incidents/more", f"and {more:,} more like these", file=str(path))]
    if not out and not problems:
        message = "no incident of the list lies in the run: anchor says which day of the list is the first of the run"
        problems.append(
            Problem("incidents/outside", message, file=str(path), found=_span(rows[0].start_s, origin) if rows else None)
        )
    return tuple(out), problems


def _components(stated: IncidentList, target: str, world: World) -> tuple[str, ...]:
    component = stated.targets.get(target, target if target in world.components else None)
    return (component,) if component is not None else stated.named


def _incident(
    identity: str,
    effect: IncidentEffect,
    components: tuple[str, ...],
    begins_s: float,
    lasts_s: float,
    severity: str,
    stated: IncidentList,
) -> ScriptedIncident:
    # Everything is of the right type already, and thousands of rows are not validated again.
    fields: dict[str, Any] = {name: getattr(effect, name) for name in IncidentEffect.model_fields}
    fields |= {name: getattr(stated, name) for name in Target.model_fields}
    fields |= {"component": None, "components": components, "name": f"imported-{identity}", "mode": severity or "imported"}
    fields |= {"at": Moment(after_s=begins_s), "lasts": lasts_s, "cause": "imported"}
    return ScriptedIncident.model_construct(**fields)


def _problem(path: Path, line: int, column: str, message: str, found: str, known: list[str] | tuple[str, ...]) -> Problem:
    return Problem(
        f"incidents/{column}",
        message,
        file=str(path),
        line=line,
        path=column,
        found=repr(found[:80]),
        allowed=listed(known) if known else None,
        nearest=nearest(found, known) if known else None,
    )


def _span(first_s: float, origin: dt.datetime) -> str:
    return f"the first begins {(origin.astimezone(dt.UTC) + dt.timedelta(seconds=first_s)).isoformat()}"
