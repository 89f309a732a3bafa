"""Which stretches of a simulated run become tests of an alert: incidents that it detects, one that it does not, and a quiet one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.alerts.rules import AlertRule, Episode, RuleGroup
from workbench.outcome import Outcome
from workbench.scenario.schema.policy import Policy
from workbench.scoring.watch import touches, watches
from workbench.units import format_duration
from workbench.world.truth import Incident

QUIET_S = 3600.0
"""A quiet stretch is as long as the rule looks back, but at least this."""


AFTER_S = 600.0
"""How long a test goes on after an incident that is too small."""


class Kind(StrEnum):
    """What a stretch shows."""

    DETECTED = "detected"
    MISSED = "missed"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a run in which one alert is tested. Times in seconds of the run."""

    kind: Kind
    title: str
    begin_s: float
    """Begin of the samples."""
    end_s: float
    """Last evaluation at the latest."""
    incident: Incident | None = None


def stretches(
    outcome: Outcome,
    policy: Policy,
    group: RuleGroup,
    rule: AlertRule,
    episodes: Sequence[Episode],
    *,
    reach_s: float,
    detected: int,
) -> Iterator[Stretch]:
    """The stretches to try for one alert, best first within each kind; the caller takes what it needs of each.

    Args:
        outcome: The simulated run.
        policy: Its policy: which incidents the alert should see.
        group: The group of the alert.
        rule: The alert.
        episodes: All episodes of this very rule in the run.
        reach_s: How far back the rule and what it reads look.
        detected: How many detected incidents to offer at most.
    """
    incidents = outcome.truth.incidents if outcome.truth is not None else ()
    [watch] = watches(policy, [RuleGroup(group.name, (rule,))])
    mine = [one for one in incidents if any(touches(one, policy.slos[slo], has_routes=True) for slo in watch.slos)]
    firings = [(e.firing_at_s, e) for e in episodes if e.firing_at_s is not None]
    found = 0
    for incident in mine:
        if found == detected:
            break
        under_way = any(at < incident.start_s < (e.resolved_at_s or outcome.horizon_s) for at, e in firings)
        first = next(((at, e) for at, e in firings if incident.start_s <= at <= incident.end_s + watch.grace_s), None)
        if first is None or under_way:
            continue
        found += 1
        at_s, episode = first
        until_s = max(incident.end_s, at_s if episode.resolved_at_s is None else episode.resolved_at_s)
        yield Stretch(
            Kind.DETECTED,
            f"{incident.id}: {incident.effect} of {incident.target}",
            max(0.0, incident.start_s - reach_s),
            min(outcome.horizon_s, until_s),
            incident,
        )
    for incident in mine:
        after_s = min(outcome.horizon_s, incident.end_s + max(AFTER_S, rule.for_s))
        begin_s = max(0.0, incident.start_s - reach_s)
        if not any(at <= after_s and (e.resolved_at_s or outcome.horizon_s) >= begin_s for at, e in firings):
            lasted = format_duration(incident.end_s - incident.start_s)
            title = f"{incident.id}: {incident.effect} of {incident.target} for {lasted}, too little for this alert"
            yield Stretch(Kind.MISSED, title, begin_s, after_s, incident)
    length_s = max(QUIET_S, reach_s)
    for begin_s, end_s in _gaps(incidents, outcome.horizon_s):
        if end_s - begin_s >= length_s:
            yield Stretch(Kind.QUIET, f"{format_duration(length_s)} without an incident", begin_s, begin_s + length_s)
    longest = max(_gaps(incidents, outcome.horizon_s), key=lambda gap: gap[1] - gap[0], default=(0.0, 0.0))
    if QUIET_S <= longest[1] - longest[0] < length_s:
        yield Stretch(Kind.QUIET, f"{format_duration(longest[1] - longest[0])} without an incident", *longest)


def _gaps(incidents: Sequence[Incident], horizon_s: float) -> Iterator[tuple[float, float]]:
    """Where no incident is under way, in order; the first minutes of a run, when all counters are new, are left out."""
    free_from = min(600.0, horizon_s)
    for incident in sorted(incidents, key=lambda one: one.start_s):
        if incident.start_s > free_from:
            yield free_from, incident.start_s
        free_from = max(free_from, incident.end_s)
    if horizon_s > free_from:
        yield free_from, horizon_s
