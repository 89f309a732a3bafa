"""Simulated months: which rule fired how often."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workbench.alerts.burn_rules import pages
from workbench.scenario.model import Scenario
from workbench.units import DAY_S

MONTH_S = 30.0 * DAY_S
Alert = tuple[str, str]
"""Objective (or group) and name of an alert."""


@dataclass(frozen=True)
class Months:
    """What the alerts of a policy did."""

    seeds: tuple[int, ...]
    firings: dict[Alert, int]
    """In all months together; every alert that was evaluated, those that never fired too."""
    paging: frozenset[Alert] = frozenset()
    """Those that wake somebody."""


def simulate(scenario: Scenario, seeds: Iterable[int], progress: Callable[[float], None] = lambda _done: None) -> Months:
    """Run a scenario for a month with each seed.

    Args:
        scenario: Its seed and horizon are replaced.
        seeds: At least one.
        progress: Called with the months that are done.
    """
    from workbench.run.month import run  # noqa: PLC0415 - the simulator, loaded only where months are asked for

    wanted = tuple(seeds)
    firings: dict[Alert, int] = {}
    paging: set[Alert] = set()
    clock = scenario.clock.model_copy(update={"horizon": MONTH_S})
    for done, seed in enumerate(wanted):
        outcome = run(dataclasses.replace(scenario, seed=seed, clock=clock), progress=_offset(progress, done))
        for group in outcome.rules:
            for alert in group.alerts:
                labels = dict(alert.labels)
                key = (labels.get("slo", group.name), alert.name)
                firings.setdefault(key, 0)
                if pages(scenario.policy, alert.name, labels):
                    paging.add(key)
        for episode in outcome.episodes:
            if episode.firing_at_s is not None:
                key = (dict(episode.labels).get("slo", ""), episode.alert)
                firings[key] = firings.get(key, 0) + 1
        progress(done + 1)
    return Months(wanted, firings, frozenset(paging))


def _offset(progress: Callable[[float], None], done: int) -> Callable[[float], None]:
    return lambda share: progress(done + share)
