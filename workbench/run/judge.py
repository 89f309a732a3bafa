"""From telemetry and timeline to everything an outcome says: the same for a simulated and a recorded history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.alerts.rules import Episode, RuleGroup
from workbench.alerts.vocabulary import Vocabulary
from workbench.scenario.schema.policy import Policy
from workbench.scoring.match import score
from workbench.scoring.score import Score, ScorecardLine
from workbench.scoring.scorecard import scorecard
from workbench.sla.credit import TierCredit
from workbench.sla.credits import tier_credits
from workbench.slo.account import SloResult
from workbench.slo.indicators import count_events
from workbench.slo.measure import measure_slos, slo_tracks
from workbench.slo.tracks import Tracks
from workbench.telemetry.series import Telemetry
from workbench.world.truth import Truth

TRACK_STEP_S = 300.0


def no_objectives() -> Policy:
    """What stands for a policy where only rules are given: no objectives, everything else as it is by default."""
    return Policy.model_construct(apiVersion="workbench/v1", kind="Policy", name="none", slos={})


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the engine and the scoring say of one telemetry."""

    slos: tuple[SloResult, ...]
    credits: tuple[TierCredit, ...]
    score: Score | None
    scorecard: tuple[ScorecardLine, ...]
    tracks: Tracks


def judge(
    policy: Policy,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    groups: Sequence[RuleGroup],
    episodes: Sequence[Episode],
    truth: Truth | None,
    *,
    users: Mapping[str, int],
    start: dt.datetime,
    horizon_s: float,
) -> Judgement:
    """Measure every objective, pay the credits, score the alerts. Without a ground truth there is no score."""
    events = count_events(policy, telemetry, vocabulary)
    slos = measure_slos(policy, telemetry, vocabulary, start, horizon_s, events=events)
    paid = tier_credits(policy, users, telemetry, vocabulary)
    scored = None
    if truth is not None:
        scored = score(policy, groups, episodes, truth, telemetry, vocabulary, horizon_s, start, events=events)
    lines = scorecard(slos, scored, paid, truth, episodes, horizon_s)
    return Judgement(slos, paid, scored, lines, slo_tracks(policy, telemetry, vocabulary, horizon_s, TRACK_STEP_S, events=events))
