"""The frozen value that a run or a replay returns. Whatever is shown or written is a pure function of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from workbench.alerts.rules import Episode, Profile, RuleGroup
from workbench.errors import Problem
from workbench.scoring.score import Score, ScorecardLine
from workbench.sla.credit import TierCredit
from workbench.slo.account import SloResult
from workbench.slo.tracks import Tracks
from workbench.telemetry.series import Telemetry
from workbench.world.truth import Truth


@dataclass(frozen=True, eq=False)
class Outcome:
    """One run, or one replay."""

    name: str
    """Of the scenario, or of the history's file."""
    description: str
    source: Literal["simulated", "recorded"]
    seed: int | None
    start: dt.datetime
    """Second 0, with its time zone."""
    horizon_s: float
    profile: Profile
    digest: str
    """Hash of the scenario, or of history and policy."""
    version: str
    """Of the package."""
    rules: tuple[RuleGroup, ...]
    """As evaluated."""
    slos: tuple[SloResult, ...]
    """By name."""
    episodes: tuple[Episode, ...]
    """By pending time, alert, labels."""
    truth: Truth | None
    """None for a recorded history without labelled incidents."""
    score: Score | None
    scorecard: tuple[ScorecardLine, ...]
    credits: tuple[TierCredit, ...]
    """From the highest promise down; empty for a recorded history without tiers."""
    findings: tuple[Problem, ...]
    """What a reader must know before trusting the numbers."""
    coverage: tuple[tuple[str, float], ...] = ()
    """Named shares of the period, e.g. of a recorded history: (`rows missing`, 0.01), (`no traffic`, 0.02), (`outage`, 0.0)."""
    telemetry: Telemetry | None = field(default=None, repr=False)
    tracks: Tracks | None = field(default=None, repr=False)
