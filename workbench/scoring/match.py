"""Firings matched with incidents: precision, recall, detection time and reset time as the SRE workbook (chapter 5) defines them.

    precision       true firings / firings
    recall          detected significant incidents / significant incidents
    detection time  from the start of an incident to the first firing matched to it
    reset time      from the end of an incident to the end of a firing that outlasts it

A firing is true if it starts between the start of an incident that touches what its rule watches and that incident's end plus a
grace, both ends included; one firing may detect several incidents. A firing that was under way before an incident began does
not detect it: nobody is notified anew, so an alert that resets slowly hides the next incident, and the score shows that.

Budget spent by an incident is every bad event between the last scrape at or before its start and the first at or after its end,
as a share of the objective's budget, in the terms of `slo.budget`. The usual trickle of errors is not subtracted: shares of
incidents that do not overlap then add up to no more than the account's total, and a reader can count them from the telemetry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import fmean, median

from workbench.alerts.rules import Episode, RuleGroup
from workbench.alerts.subjects import Subject
from workbench.alerts.subjects import pages as pages_on_call
from workbench.alerts.vocabulary import Vocabulary, routes_of
from workbench.scenario.schema.policy import Policy
from workbench.scoring.score import Detection, RuleScore, Score
from workbench.scoring.watch import EVERYTHING, Watch, concerns, touches, watches
from workbench.slo.budget import spent_share
from workbench.slo.events import EventCounts
from workbench.slo.indicators import EventSet, count_events
from workbench.slo.measure import budget_window_s
from workbench.telemetry.series import Telemetry
from workbench.units import DAY_S, format_duration, format_share
from workbench.world.truth import Incident, Truth

ALL_RULES = "all rules"
WEEK_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class _Firing:
    """One firing and the incidents that it detects."""

    at_s: float
    ends_s: float | None
    episode: Episode
    watch: Watch
    detects: tuple[int, ...]
    """Indices of incidents."""
    pages: bool
    """Whether it wakes the on-call."""


def score(
    policy: Policy,
    groups: Iterable[RuleGroup],
    episodes: Iterable[Episode],
    truth: Truth,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    horizon_s: float,
    start: dt.datetime,
    *,
    events: EventSet | None = None,
) -> Score:
    """Judge a timeline against what really happened.

    Args:
        policy: Objectives, and the two adjustable rules (`scoring.grace`, `scoring.significant_share`).
        groups: The rules as evaluated; they and their episodes name their objective in the label `slo`.
        episodes: The timeline; those that never fired are ignored.
        truth: The incidents; those that begin at or after the horizon are left out.
        telemetry: What the budget spent is counted from.
        vocabulary: Names in the telemetry.
        horizon_s: Length of the run.
        start: Second 0; part of the signature of every engine function, the score does not depend on the calendar.
        events: From `slo.indicators.count_events` of the same arguments, where counted already.
    """
    del start
    routes = routes_of(telemetry, vocabulary)
    watched = watches(policy, groups, routes, vocabulary)
    incidents = tuple(one for one in truth.incidents if one.start_s < horizon_s)
    ledger = _Ledger(policy, events or count_events(policy, telemetry, vocabulary), horizon_s)
    touched = tuple(
        frozenset(name for name, slo in policy.slos.items() if touches(incident, slo, vocabulary, has_routes=bool(routes)))
        | {EVERYTHING}
        for incident in incidents
    )
    what_happened = _Happened(incidents, touched, ledger, horizon_s / WEEK_S, has_routes=bool(routes))
    firings = _firings(watched, episodes, what_happened, policy)
    everything = _union(watched, policy)
    return Score(
        rules_text=_rules_text(policy, watched),
        overall=_rule_score(everything, firings, what_happened),
        rules=tuple(
            _rule_score(watch, [firing for firing in firings if firing.watch.alert == watch.alert], what_happened)
            for watch in watched
        ),
        detections=_detections(everything, firings, what_happened),
        false_firings=tuple(firing.episode for firing in firings if not firing.detects),
    )


@dataclass(frozen=True, slots=True)
class _Happened:
    """The ground truth as scoring needs it."""

    incidents: tuple[Incident, ...]
    touched: tuple[frozenset[str], ...]
    """Objectives that each incident touches."""
    ledger: _Ledger
    weeks: float
    has_routes: bool

    def concerning(self, watch: Watch) -> list[int]:
        """Indices of the incidents that touch what an alert watches."""
        return [k for k in range(len(self.incidents)) if self.is_watched(k, watch.subject, watch.slos)]

    def is_watched(self, k: int, subject: Subject, slos: Iterable[str]) -> bool:
        """Whether incident `k` touches any of the objectives, and what an alert is restricted to."""
        return bool(self.touched[k].intersection(slos)) and concerns(subject, self.incidents[k], has_routes=self.has_routes)

    def costliest(self, k: int, slos: Iterable[str]) -> tuple[str, Fraction]:
        """Of the objectives named, the one of which incident `k` spends most, and how much."""
        return self.ledger.costliest(self.touched[k].intersection(slos), self.incidents[k])


class _Ledger:
    """What incidents spend."""

    def __init__(self, policy: Policy, events: EventSet, horizon_s: float) -> None:
        self._policy = policy
        self._events = events
        self._horizon_s = horizon_s
        self._known = {name: one.known[one.up_to(horizon_s)].item() for name, one in events.slos.items()}
        self._spent: dict[tuple[str, float, float], Fraction] = {}

    def spent(self, slo: str, incident: Incident) -> Fraction:
        """Share of the objective's budget spent while the incident lasted, clipped to the run; 0 where nothing is known."""
        if slo == EVERYTHING:
            return Fraction(0)
        key = (slo, incident.start_s, incident.end_s)
        if key not in self._spent:
            bad, _ = self._of(slo).around(incident.start_s, min(incident.end_s, self._horizon_s))
            self._spent[key] = self._share(slo, bad.item())
        return self._spent[key]

    def spent_before(self, slo: str, incident: Incident, at_s: float) -> Fraction:
        """The part of `spent` that was scraped by `at_s`."""
        if slo == EVERYTHING:
            return Fraction(0)
        bad, _ = self._of(slo).between(incident.start_s, at_s)
        return min(self._share(slo, bad.item()), self.spent(slo, incident))

    def costliest(self, slos: Iterable[str], incident: Incident) -> tuple[str, Fraction]:
        """The objective of which the incident spends most, the first by name among equals; ("", 0) of none."""
        best = ("", Fraction(0))
        for name in sorted(slos):
            share = self.spent(name, incident)
            if not best[0] or share > best[1]:
                best = (name, share)
        return best

    def significant(self, share: Fraction) -> bool:
        """Whether a share is worth an alert; without objectives, every incident is."""
        return share >= Fraction(self._policy.scoring.significant_share) or not self._policy.slos

    @property
    def has_budgets(self) -> bool:
        return bool(self._policy.slos)

    def _of(self, slo: str) -> EventCounts:
        return self._events.slos[slo]

    def _share(self, name: str, bad: float) -> Fraction:
        slo = self._policy.slos[name]
        window_s = budget_window_s(slo, self._horizon_s)
        share = spent_share(bad, self._known[name], period_s=self._horizon_s, window_s=window_s, target=slo.target)
        return share or Fraction(0)


def _firings(watched: tuple[Watch, ...], episodes: Iterable[Episode], happened: _Happened, policy: Policy) -> list[_Firing]:
    """Firings in order of their start, matched; an episode of an alert that no group holds is nobody's."""
    by_name = {watch.alert: watch for watch in watched}
    fired = [(e.firing_at_s, e.alert, e) for e in episodes if e.firing_at_s is not None and e.alert in by_name]
    out = []
    for at_s, alert, episode in sorted(fired, key=lambda item: (item[0], item[1], item[2].labels)):
        watch = by_name[alert]
        subject = watch.of(episode.labels)
        detects = tuple(
            k
            for k, incident in enumerate(happened.incidents)
            if incident.start_s <= at_s <= incident.end_s + watch.grace_s and happened.is_watched(k, subject, subject.slos)
        )
        # The labels of the firing decide, as they did when it happened: rules of one name may be of several severities (a page and
        # a ticket), and a severity may be a template or come from the expression.
        pages = pages_on_call(policy, alert, dict(episode.labels))
        out.append(_Firing(at_s, episode.resolved_at_s, episode, watch, detects, pages))
    return out


def _union(watched: tuple[Watch, ...], policy: Policy) -> Watch:
    """All alerts together; without any, what they might have watched."""
    slos = {slo for watch in watched for slo in watch.slos} or set(policy.slos) or {EVERYTHING}
    grace_s = max((watch.grace_s for watch in watched), default=0.0)
    return Watch(ALL_RULES, "", tuple(sorted(slos)), any(watch.page for watch in watched), grace_s)


def _first(firings: list[_Firing]) -> dict[int, _Firing]:
    """The first firing matched to each detected incident."""
    found: dict[int, _Firing] = {}
    for firing in firings:
        for k in firing.detects:
            found.setdefault(k, firing)
    return found


def _rule_score(watch: Watch, firings: list[_Firing], happened: _Happened) -> RuleScore:
    incidents, watching = happened.incidents, frozenset(watch.slos)
    mine = happened.concerning(watch)
    worst = {k: happened.costliest(k, watching) for k in mine}
    significant = [k for k in mine if happened.ledger.significant(worst[k][1])]
    first = _first(firings)
    detected = [k for k in mine if k in first]
    caught = sum(k in first for k in significant)
    times = [first[k].at_s - incidents[k].start_s for k in detected]
    spent = [float(happened.ledger.spent_before(worst[k][0], incidents[k], first[k].at_s)) for k in detected]
    true = [firing for firing in firings if firing.detects]
    resets = [
        firing.ends_s - last_s
        for firing in true
        if firing.ends_s is not None and firing.ends_s > (last_s := max(incidents[k].end_s for k in firing.detects))
    ]
    pages = sum(firing.pages for firing in firings)
    return RuleScore(
        alert=watch.alert,
        severity=watch.severity,
        firings=len(firings),
        true_firings=len(true),
        precision=_share_of(len(true), len(firings)),
        significant_incidents=len(significant),
        detected_significant=caught,
        recall=_share_of(caught, len(significant)),
        incidents=len(mine),
        detected=len(detected),
        recall_all=_share_of(len(detected), len(mine)),
        median_detection_time_s=median(times) if times else None,
        mean_detection_time_s=fmean(times) if times else None,
        median_reset_time_s=median(resets) if resets else None,
        mean_budget_before_detection=fmean(spent) if spent and happened.ledger.has_budgets else None,
        pages=pages,
        pages_per_week=pages / happened.weeks,
    )


def _share_of(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _detections(watch: Watch, firings: list[_Firing], happened: _Happened) -> tuple[Detection, ...]:
    """Every incident, by start, then id; those that touch nothing watched cost nothing that is watched."""
    incidents, ledger = happened.incidents, happened.ledger
    first = _first(firings)
    out = []
    for k in sorted(range(len(incidents)), key=lambda k: (incidents[k].start_s, incidents[k].id)):
        incident = incidents[k]
        slo, share = happened.costliest(k, watch.slos)
        missed = Detection(incident.id, ledger.significant(share), float(share), slo, None, None, None)
        firing = first.get(k)
        out.append(
            missed
            if firing is None
            else replace(
                missed,
                detected_by=firing.watch.alert,
                detection_time_s=firing.at_s - incident.start_s,
                budget_before_detection=float(ledger.spent_before(slo, incident, firing.at_s)),
            )
        )
    return tuple(out)


def _rules_text(policy: Policy, watched: tuple[Watch, ...]) -> tuple[str, ...]:
    """The two adjustable rules as used."""
    grace = policy.scoring.grace
    if grace == "longest-window":
        spans = sorted({watch.grace_s for watch in watched})
        after = "the rule's longest window"
        if spans:
            after += f" ({', '.join(format_duration(span) for span in spans)})"
    else:
        after = format_duration(grace)
    return (
        (
            "A firing is true if it starts between the start of an incident that touches what its rule watches and that "
            f"incident's end plus {after}; one firing may detect several incidents, and one under way before an incident began "
            "does not detect it."
        ),
        (
            f"Recall counts the incidents that spend at least {format_share(policy.scoring.significant_share)} of the budget of "
            "an objective that is watched; recall of all incidents stands beside it."
            if policy.slos
            else "There are no objectives, so recall counts every incident that touches what an alert watches."
        ),
    )
