"""What `run` drives: the simulated system, in the fidelity that the scenario names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from workbench.commands import Command
from workbench.scenario.model import Scenario
from workbench.telemetry.series import Telemetry
from workbench.world.each.system import EachSystem
from workbench.world.system import System
from workbench.world.truth import Truth


class Driven(Protocol):
    """A system in time."""

    @property
    def now_s(self) -> float:
        """Seconds from the start of the run."""

    @property
    def next_event_s(self) -> float:
        """Up to when `fill` may be asked for; infinity if nothing more happens by itself."""

    def telemetry(self) -> Telemetry:
        """What is kept at every scrape. Arrays span the run; only the part up to `fill` holds anything."""

    def fill(self, to_s: float) -> bool:
        """Let everything be scraped up to `to_s`; says whether samples given before were rewritten since the last call."""

    def wait_until(self, at_s: float) -> None:
        """Advance the clock."""

    def happen(self) -> None:
        """Let everything happen that is due at the next event's time."""

    def apply(self, command: Command) -> None:
        """A command reaches the world."""

    def finish(self) -> tuple[Telemetry, Truth]:
        """Everything that was scraped, and what really happened."""


def driven(scenario: Scenario, keep: Mapping[str, Collection[float]], evaluations_s: Collection[float]) -> Driven:
    """The system of a scenario.

    Args:
        scenario: World, clock, seed, fidelity.
        keep: Latency bounds of each route that are read at every scrape.
        evaluations_s: Intervals at which rules are evaluated.

    Raises:
        ValueError: for a bound that is not kept.
        BadInput: for more requests than can be simulated one by one.
    """
    return EachSystem(scenario, keep, evaluations_s) if scenario.fidelity == "request" else System(scenario, keep)
