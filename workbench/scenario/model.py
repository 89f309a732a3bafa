"""A scenario, complete and checked: what a run takes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import Clock, Expectation, Fidelity
from workbench.scenario.schema.world import World


@dataclass(frozen=True)
class Scenario:
    """One world, one policy, a clock, a seed and expectations; `extends` and overrides are already merged in."""

    name: str
    description: str
    world: World
    policy: Policy
    clock: Clock
    seed: int
    expect: tuple[Expectation, ...] = ()
    fidelity: Fidelity = "aggregate"

    @property
    def start(self) -> dt.datetime:
        """Second 0 of the run, with its time zone."""
        return dt.datetime.combine(self.clock.start, dt.time(), ZoneInfo(self.clock.timezone))

    @property
    def digest(self) -> str:
        """Hash of everything that decides the result, apart from the package itself."""
        parts = {
            "world": self.world.model_dump(mode="json", by_alias=True),
            "policy": self.policy.model_dump(mode="json", by_alias=True),
            "clock": self.clock.model_dump(mode="json"),
            "seed": self.seed,
            "fidelity": self.fidelity,
        }
        return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()
