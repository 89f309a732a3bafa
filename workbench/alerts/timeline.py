"""The alert timeline of a whole telemetry: the engine run to the end."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import Episode, Profile, RuleGroup
from workbench.telemetry.series import Telemetry


def timeline(groups: Sequence[RuleGroup], telemetry: Telemetry, profile: Profile, until_s: float) -> tuple[Episode, ...]:
    """Every episode at the instants 0, E, 2E, ... not after `until_s`, ordered by pending time, alert and labels.

    Raises BadInput, before anything is evaluated, for expressions that are not covered.
    """
    engine = RuleEngine(groups, telemetry, profile)
    while engine.look_ahead(until_s):
        pass
    return engine.episodes()
