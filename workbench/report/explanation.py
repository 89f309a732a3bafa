"""Why an alert fired, or was silent, at one instant of a run: from its result folder, by the same engine that wrote it.

The rules that the alert needs are evaluated again over the series that they read; then the one evaluation is taken apart.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.alerts.breakdown import Breakdown, Compared, Comparison, break_down
from workbench.alerts.engine import RuleEngine
from workbench.alerts.expressions import selectors
from workbench.alerts.machine import Machine
from workbench.alerts.program import Ruling
from workbench.alerts.reading import rules_behind
from workbench.alerts.rules import AlertRule, Episode, RuleGroup
from workbench.alerts.states import Phase
from workbench.errors import BadInput, Problem
from workbench.promql.ast import Selector
from workbench.promql.parse import parse
from workbench.promql.selection import select
from workbench.promql.vector import Labels
from workbench.report.results import Results
from workbench.scenario.names import listed, nearest
from workbench.telemetry.series import Series, SeriesKey, Telemetry
from workbench.units import format_duration, parse_duration
from workbench.world.truth import Incident


@dataclass(frozen=True, slots=True)
class Near:
    """An incident of the ground truth near the instant."""

    incident: Incident
    text: str
    """`began 3m12s earlier and goes on`."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One alert at one evaluation. Times in seconds of the run."""

    alert: str
    group: RuleGroup
    rule: AlertRule
    labels: Labels
    """Without `alertname`."""
    asked_s: float
    at_s: float
    """The last evaluation not after the instant asked for."""
    phase: Phase
    episode: Episode | None
    """The one that is open at the instant."""
    previous: Episode | None
    """The last one that was over by then."""
    next: Episode | None
    """The first one that began later."""
    missing_s: float | None
    """Since when the condition has not held, while `keep_firing_for` keeps the alert."""
    value: float | None
    """`$value` of the last evaluation at which the condition held, while the alert is active."""
    annotations: tuple[tuple[str, str], ...]
    numbers: Breakdown
    near: tuple[Near, ...] | None
    """Incidents under way, or else the last before and the next after; None where no incident is known at all."""
    others: tuple[Labels, ...]
    """Further label sets of alerts of this name that could have been asked for."""


def parse_instant(text: str, start: dt.datetime, horizon_s: float) -> float:
    """Seconds of the run in `2026-04-12T14:05:00`, `1090500`, or `12d14h5m` after its start.

    A time without a zone is one of the run's own. Raises BadInput for anything else, and for what lies outside of the run.
    """
    seconds = _seconds(text, start)
    if seconds is None:
        allowed = "a date and time (ISO 8601), seconds from the start, or a duration from the start: 12d14h5m"
        raise BadInput(Problem("explain/time", "no instant of the run", path="--at", found=text, allowed=allowed))
    if not 0 <= seconds <= horizon_s:
        allowed = (
            f"{start.isoformat()} to {(start + dt.timedelta(seconds=horizon_s)).isoformat()}, or 0s to {format_duration(horizon_s)}"
        )
        raise BadInput(Problem("explain/time", "the run has no such instant", path="--at", found=text, allowed=allowed))
    return seconds


def _seconds(text: str, start: dt.datetime) -> float | None:
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        pass
    try:
        return parse_duration(text)
    except ValueError:
        pass
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=start.tzinfo)
    return (moment - start).total_seconds()


def explain(results: Results, alert: str, asked_s: float, wanted: Labels = ()) -> Explanation:
    """What the engine saw; raises BadInput for an alert, or labels, that the run does not have."""
    rules = [rule for group in results.rules for rule in group.alerts if rule.name == alert]
    if not rules:
        names = sorted({rule.name for group in results.rules for rule in group.alerts})
        allowed = listed(names) if names else "nothing: the run has no alerts"
        problem = Problem(
            "explain/alert", "no such alert", path="--alert", found=alert, allowed=allowed, nearest=nearest(alert, names)
        )
        raise BadInput(problem)
    engine = _engine(results, rules, asked_s)
    episodes = tuple(e for e in engine.episodes() if e.alert == alert)
    rulings = [one for one in engine.machine.program.rulings if one.alert is not None and one.name == alert]
    candidates = [(one, labels) for one in rulings for labels in _label_sets(engine.machine, one, episodes)]
    chosen = [(one, labels) for one, labels in candidates if set(wanted) <= set(labels)]
    if not chosen:
        sets = sorted({_text(labels) for _, labels in candidates})
        found = _text(wanted)
        problem = Problem(
            "explain/labels",
            "no alert has these labels",
            path="--labels",
            found=found,
            allowed=listed(sets),
            nearest=nearest(found, sets),
        )
        raise BadInput(problem)
    ranked = sorted(chosen, key=lambda one: (_rank(engine, one[0], one[1], asked_s), one[0].place, one[1]))
    ruling, labels = ranked[0]
    others = tuple(dict.fromkeys(other for _, other in ranked[1:] if other != labels))
    return _explained(results, engine, ruling, labels, asked_s, others)


def _engine(results: Results, rules: Sequence[AlertRule], asked_s: float) -> RuleEngine:
    """The engine over what these alerts need, run to the end, so that what came after is known too."""
    needed = {id(rule) for rule in rules_behind(rules, results.rules)}
    groups = [
        RuleGroup(g.name, tuple(r for r in g.rules if id(r) in needed), g.interval_s, g.limit, g.query_offset_s, g.labels, g.file)
        for g in results.rules
    ]
    wanted = sorted({one for group in groups for rule in group.rules for one in selectors(parse(rule.expr))}, key=str)
    telemetry = results.telemetry(lambda key: any(_matches(selector, key) for selector in wanted))
    engine = RuleEngine([group for group in groups if group.rules], telemetry, results.profile)
    until_s = max([asked_s, results.horizon_s if not len(telemetry.series) else max(float(one.times[-1]) for one in telemetry)])
    while engine.look_ahead(until_s):
        pass
    return engine


def _matches(selector: Selector, key: SeriesKey) -> bool:
    alone = Telemetry.of([Series(key, np.empty(0), np.empty(0))], horizon_s=0.0, scrape_interval_s=1.0)
    return bool(select(alone, selector))


def _label_sets(machine: Machine, ruling: Ruling, episodes: Sequence[Episode]) -> Iterator[Labels]:
    """The label sets of one rule: of its alerts in the run, or without any those that it always sets."""
    mine = {e.labels for e in episodes} & set(machine.alerting[ruling.place].alerts)
    yield from sorted(mine)
    if not mine:
        yield tuple(sorted((name, text) for name, text in ruling.labels.items() if text and "{{" not in text))


def _rank(engine: RuleEngine, ruling: Ruling, labels: Labels, at_s: float) -> tuple[int, float]:
    """Firing before pending before inactive; of the inactive ones, the one whose condition is nearest to true."""
    phase = _phase(engine, ruling.name, labels, at_s)
    if phase is not Phase.INACTIVE:
        return (0 if phase is Phase.FIRING else 1), 0.0
    numbers = break_down(engine.machine, ruling, round(at_s * 1000))
    return 2, -min((_closeness(one, labels) for one in numbers.comparisons), default=0.0)


def _closeness(comparison: Comparison, labels: Labels) -> float:
    """How near a comparison is to holding: 1 or more where it does, 0 where there is nothing to compare."""
    shares = [0.0]
    for one in matching(comparison, labels):
        if one.holds:
            shares.append(1.0)
        elif one.left is not None and one.right and comparison.operator in {">", ">="} and one.left / one.right < 1:
            shares.append(max(0.0, one.left / one.right))
    return max(shares)


def matching(comparison: Comparison, labels: Labels) -> list[Compared]:
    """The elements of a comparison that may belong to an alert with these labels: none says otherwise."""
    given = dict(labels)
    fits = [one for one in comparison.compared if all(given.get(name, text) == text for name, text in one.labels)]
    return fits or list(comparison.compared)


def _phase(engine: RuleEngine, alert: str, labels: Labels, at_s: float) -> Phase:
    found = engine.state_of(alert, labels, at_s)
    return Phase.INACTIVE if found is None else found.phase


def _explained(
    results: Results, engine: RuleEngine, ruling: Ruling, labels: Labels, asked_s: float, others: tuple[Labels, ...]
) -> Explanation:
    standing = engine.state_of(ruling.name, labels, asked_s)
    assert standing is not None, "the rule is known"  # noqa: S101 - as the message says
    assert ruling.alert is not None, "the rule is an alert"  # noqa: S101 - as the message says
    at_s = standing.at_s
    mine = [e for e in engine.episodes() if e.alert == ruling.name and e.labels == labels]
    open_one = next((e for e in mine if e.pending_at_s <= at_s and (e.resolved_at_s is None or at_s < e.resolved_at_s)), None)
    return Explanation(
        alert=ruling.name,
        group=ruling.group,
        rule=ruling.alert,
        labels=labels,
        asked_s=asked_s,
        at_s=at_s,
        phase=standing.phase,
        episode=open_one,
        previous=next((e for e in reversed(mine) if e.resolved_at_s is not None and e.resolved_at_s <= at_s), None),
        next=next((e for e in mine if e.pending_at_s > at_s), None),
        missing_s=standing.missing_at_s,
        value=standing.value,
        annotations=standing.annotations,
        numbers=break_down(engine.machine, ruling, round(at_s * 1000)),
        near=None if results.incidents is None else tuple(_near(results.incidents, at_s)),
        others=others,
    )


def _near(incidents: Sequence[Incident], at_s: float) -> Iterator[Near]:
    """Those under way; without any, the last that was over and the first that came after."""
    under_way = [one for one in incidents if one.start_s <= at_s < one.end_s]
    for one in under_way:
        began, left = format_duration(at_s - one.start_s), format_duration(one.end_s - at_s)
        yield Near(one, f"began {began} earlier and goes on for {left}")
    if under_way:
        return
    before = max((one for one in incidents if one.end_s <= at_s), key=lambda one: one.end_s, default=None)
    after = min((one for one in incidents if one.start_s > at_s), key=lambda one: one.start_s, default=None)
    if before is not None:
        yield Near(before, f"was over {format_duration(at_s - before.end_s)} earlier")
    if after is not None:
        yield Near(after, f"began {format_duration(after.start_s - at_s)} later")


def _text(labels: Labels) -> str:
    return ",".join(f"{name}={text}" for name, text in labels) or "no labels"
