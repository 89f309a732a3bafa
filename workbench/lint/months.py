"""Simulated months: which rule fired how often."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.alerts.burn_rules import pages
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import Episode
from workbench.errors import Problem
from workbench.lint.rules.document import RuleView
from workbench.scenario.model import Scenario
from workbench.units import DAY_S

MONTH_S = 30.0 * DAY_S
Alert = tuple[str, str]
"""Objective (or group) and name of an alert."""


@dataclass(frozen=True)
class Months:
    """What alerts did in some months."""

    seeds: tuple[int, ...]
    firings: dict[Alert, int]
    """In all months together; every alert that was evaluated, those that never fired too."""
    paging: frozenset[Alert] = frozenset()
    """Those that wake somebody."""
    by_rule: tuple[tuple[RuleView, int], ...] = ()
    """The same for each alerting rule of rule files."""
    findings: tuple[Problem, ...] = ()
    """What the first month said of rule files: selectors that match nothing, evaluations that failed."""


def simulate(
    scenario: Scenario,
    seeds: Iterable[int],
    progress: Callable[[float], None] = lambda _done: None,
    *,
    rules: RuleFiles | None = None,
    views: Sequence[RuleView] = (),
) -> Months:
    """Run a scenario for a month with each seed.

    Args:
        scenario: Its seed and horizon are replaced.
        seeds: At least one.
        progress: Called with the months that are done.
        rules: Rule files in place of the policy's own rules.
        views: Their alerting rules, to be counted one by one.

    Raises:
        BadInput: As a run does.
    """
    from workbench.run.month import run  # noqa: PLC0415 - the simulator, loaded only where months are asked for

    wanted = tuple(seeds)
    firings: dict[Alert, int] = {}
    paging: set[Alert] = set()
    counts = [0] * len(views)
    findings: tuple[Problem, ...] = ()
    clock = scenario.clock.model_copy(update={"horizon": MONTH_S})
    for done, seed in enumerate(wanted):
        outcome = run(dataclasses.replace(scenario, seed=seed, clock=clock), rules=rules, progress=_offset(progress, done))
        for group in outcome.rules:
            for alert in group.alerts:
                labels = dict(alert.labels)
                key = (labels.get("slo", group.name), alert.name)
                firings.setdefault(key, 0)
                if pages(scenario.policy, alert.name, labels):
                    paging.add(key)
        fired = [episode for episode in outcome.episodes if episode.firing_at_s is not None]
        for episode in fired:
            key = (dict(episode.labels).get("slo", ""), episode.alert)
            key = key if key in firings else next((one for one in firings if one[1] == episode.alert), key)
            firings[key] = firings.get(key, 0) + 1
        counts = [count + sum(_is_of(episode, view) for episode in fired) for view, count in zip(views, counts, strict=True)]
        findings = findings or (tuple(outcome.findings) if rules is not None else ())
        progress(done + 1)
    return Months(wanted, firings, frozenset(paging), tuple(zip(views, counts, strict=True)), findings)


def _is_of(episode: Episode, view: RuleView) -> bool:
    """Whether an alert came from a rule: it has its name and those of its labels that are no templates."""
    has = dict(episode.labels)
    return episode.alert == view.name and all("{{" in text or has.get(name) == text for name, text in view.labels.items())


def _offset(progress: Callable[[float], None], done: int) -> Callable[[float], None]:
    return lambda share: progress(done + share)
