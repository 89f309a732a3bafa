"""What an alert does on exactly the samples of a test, by our engine, and the instants at which the test asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import AlertRule, Episode, Rule, RuleGroup
from workbench.interop.promtool.scrapes import Grid
from workbench.promql.vector import Labels
from workbench.telemetry.series import Telemetry

VERSIONS = ("2.42", "2.53", "3.5")
"""A test is written only where these agree."""


Annotations = tuple[tuple[str, str], ...]

LOOKED_AT = 40
"""Evaluations at most, from the detection on, among which one is sought at which every version renders the same annotations."""


@dataclass(frozen=True, slots=True)
class Active:
    """One alert that is active at an instant."""

    state: str
    """`pending` or `firing`."""
    labels: Labels


@dataclass(frozen=True, slots=True)
class Question:
    """What the alert does at one evaluation."""

    at_s: int
    why: str
    active: tuple[Active, ...]
    """Alerts of the rule, by state and labels; empty: silent."""
    others: bool
    """Whether an alert of the same name, but of another rule, fires at the same time."""
    says: tuple[tuple[Labels, Annotations], ...] | None
    """What each firing alert says; None where versions render different texts."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """All that one test asks about one alert."""

    questions: tuple[Question, ...]
    """By time."""
    last_s: int
    """The last evaluation."""
    counts: tuple[tuple[Active, int], ...]
    """At how many evaluations of the whole test each alert is in each state, by state and labels."""
    fires: bool


class Simulated:
    """The rules of a name on the samples of a test, evaluated as promtool does: in order, at the same instants, by each version."""

    def __init__(self, rules: Sequence[Rule], alert: str, telemetry: Telemetry, grid: Grid, until_s: int) -> None:
        """`rules` are all of that name and what they read."""
        self._alert = alert
        together = (RuleGroup("all", tuple(rules)),)
        self._engines = [RuleEngine(together, telemetry, grid.profile(version)) for version in VERSIONS]
        for engine in self._engines:
            while engine.look_ahead(float(until_s)):
                pass
        found = {tuple(e for e in engine.episodes() if e.alert == alert) for engine in self._engines}
        self.episodes = found.pop() if len(found) == 1 else None
        """None where versions disagree about them."""

    def annotations(self, labels: Labels, at_s: int) -> Annotations | None:
        """What a firing alert says at an evaluation; None where versions disagree, in the last digit of a number for instance."""
        found = {tuple((k, v) for k, v in engine.annotations(self._alert, labels, float(at_s)) if v) for engine in self._engines}
        return found.pop() if len(found) == 1 else None


def fixed_labels(rule: AlertRule) -> Labels:
    """The labels that every alert of a rule has, whatever its elements: those without a template."""
    return tuple((name, text) for name, text in rule.labels if text and "{{" not in text)


def expectation(
    simulated: Simulated, rule: AlertRule, grid: Grid, *, start_s: float | None, end_s: float | None, until_s: int
) -> Expectation:
    """The questions that pin an alert down: just before and at each change of its first firing, and around the incident.

    `start_s` and `end_s` are those of the incident, in seconds of the test; None for a quiet stretch.
    """
    all_episodes = simulated.episodes or ()
    step = grid.evaluation_s
    fixed = set(fixed_labels(rule))
    episodes = [e for e in all_episodes if fixed <= set(e.labels)]
    others = [e for e in all_episodes if not fixed <= set(e.labels)]
    asked: dict[int, str] = {}
    firings = [e for e in episodes if e.firing_at_s is not None]
    if start_s is not None:
        asked[_at(start_s, step, until_s)] = "before the incident"
        after = [e for e in firings if e.firing_at_s is not None and e.firing_at_s >= start_s]
        for episode in after[:1]:
            assert episode.firing_at_s is not None  # noqa: S101 - chosen so
            pending, firing = int(episode.pending_at_s), int(episode.firing_at_s)
            if firing > pending:
                if pending >= step:
                    asked.setdefault(pending - step, "the last evaluation without the condition")
                asked[pending] = "the condition holds"
                asked[firing - step] = "the last evaluation before `for` has passed"
            asked[firing] = "detected"
            if episode.resolved_at_s is not None:
                resolved = int(episode.resolved_at_s)
                if resolved - step > firing:
                    asked[resolved - step] = "the last evaluation with the alert"
                asked[resolved] = "reset"
        if not after and end_s is not None:
            asked[_at((start_s + end_s) / 2, step, until_s)] = "amid the incident"
            asked[_at(end_s, step, until_s)] = "the end of the incident"
    else:
        asked[until_s // 2 // step * step] = "amid the stretch"
    asked.setdefault(until_s, "the end of the test")

    def question(at: int, why: str) -> Question:
        active = _active(episodes, at)
        firing = [one.labels for one in active if one.state == "firing"]
        says = [(labels, simulated.annotations(labels, at)) for labels in firing]
        told = tuple((labels, text) for labels, text in says if text is not None)
        others_fire = any(one.state == "firing" for one in _active(others, at))
        return Question(at, why, active, others_fire, told if len(told) == len(says) else None)

    questions = [question(at, why) for at, why in sorted(asked.items())]
    questions += _first_agreed(questions, question, step)
    questions.sort(key=lambda one: one.at_s)
    return Expectation(tuple(questions), until_s, _counts(episodes, step, until_s), bool(firings))


def _first_agreed(questions: Sequence[Question], question: Callable[[int, str], Question], step: int) -> Iterator[Question]:
    """If no question can show annotations: the first evaluation after the detection that can."""
    detected = next((one for one in questions if one.why == "detected"), None)
    if detected is None or any(one.says and not one.others for one in questions):
        return
    asked = {one.at_s for one in questions}
    for number in range(1, LOOKED_AT):
        later = question(detected.at_s + number * step, "firing")
        if not later.says and not later.active:
            return
        if later.says and not later.others and later.at_s not in asked:
            yield later
            return


def _at(time_s: float, step: int, until_s: int) -> int:
    """The last evaluation not after a time."""
    return min(max(0, math.floor(time_s / step) * step), until_s)


def _active(episodes: Sequence[Episode], at_s: int) -> tuple[Active, ...]:
    found = []
    for e in episodes:
        if e.pending_at_s <= at_s and (e.resolved_at_s is None or at_s < e.resolved_at_s):
            firing = e.firing_at_s is not None and e.firing_at_s <= at_s
            found.append(Active("firing" if firing else "pending", e.labels))
    return tuple(sorted(found, key=lambda one: (one.state, one.labels)))


def _counts(episodes: Sequence[Episode], step: int, until_s: int) -> tuple[tuple[Active, int], ...]:
    counted: dict[tuple[str, Labels], int] = {}
    for e in episodes:
        over = until_s + step if e.resolved_at_s is None else e.resolved_at_s
        fired = over if e.firing_at_s is None else e.firing_at_s
        for state, begin, end in (("pending", e.pending_at_s, fired), ("firing", fired, over)):
            evaluations = round((end - begin) / step)
            if evaluations:
                key = (state, e.labels)
                counted[key] = counted.get(key, 0) + evaluations
    return tuple((Active(state, labels), count) for (state, labels), count in sorted(counted.items()))
