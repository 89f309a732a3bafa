"""What a check of policies looks at."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import Clock
from workbench.scenario.schema.world import World


@dataclass(frozen=True)
class Subject:
    """A policy and what stands beside it."""

    policy: Policy
    world: World | None = None
    clock: Clock | None = None
    """None: the policy stands in no scenario."""
