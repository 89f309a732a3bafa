"""The reference system's five success metrics, judged as it states them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from workbench.alerts.rules import Episode
from workbench.scoring.score import Score, ScorecardLine
from workbench.sla.credit import TierCredit
from workbench.slo.account import SloResult
from workbench.units import DAY_S, format_duration, format_share
from workbench.world.truth import Truth

QUARTER_S = 365.25 / 4 * DAY_S
UNKNOWN = "unknown"


def scorecard(
    slos: Sequence[SloResult],
    score: Score | None,
    credits: Sequence[TierCredit],  # noqa: A002 - the field's word
    truth: Truth | None,
    episodes: Sequence[Episode],
    horizon_s: float,
) -> tuple[ScorecardLine, ...]:
    """Exactly five lines, in the reference's order; a line whose inputs are missing has no value and no verdict."""
    return (
        _compliance(slos),
        _violations(credits, horizon_s),
        _recovery(score, truth, horizon_s),
        _budget(slos),
        _false_alerts(score, episodes),
    )


def _compliance(slos: Sequence[SloResult]) -> ScorecardLine:
    days = [met for slo in slos for met in slo.daily_met if met is not None]
    value = sum(days) / len(days) if days else None
    return ScorecardLine(
        key="slo_compliance",
        title="SLO compliance rate",
        value=value,
        shown=UNKNOWN if value is None else f"{format_share(value, 1)} ({sum(days)} of {len(days)} SLO-days)",
        target="> 95 %",
        met=None if value is None else value > 0.95,
        definition="Share of all calendar days of all objectives, days without events left out, on which the day's SLI was at or "
        "over the objective's own target.",
    )


def _violations(credits: Sequence[TierCredit], horizon_s: float) -> ScorecardLine:  # noqa: A002 - the field's word
    judged = [one for one in credits if one.breached is not None]
    value = float(sum(bool(one.breached) for one in judged)) if judged else None
    quarterly = None if value is None else value * QUARTER_S / horizon_s
    return ScorecardLine(
        key="sla_violations",
        title="Customer SLA violations",
        value=value,
        shown=UNKNOWN
        if value is None or quarterly is None
        else f"{value:.0f} in {format_duration(horizon_s)} ({quarterly:.1f} a quarter)",
        target="< 1 a quarter",
        met=None if quarterly is None else quarterly < 1,
        definition="Tiers whose own requests were answered below their own promise in this period; scaled to a quarter of "
        "91.3125 days for the verdict.",
    )


def _recovery(score: Score | None, truth: Truth | None, horizon_s: float) -> ScorecardLine:
    value = None
    count = 0
    if score is not None and truth is not None:
        significant = {one.incident for one in score.detections if one.significant}
        lengths = [min(i.end_s, horizon_s) - i.start_s for i in truth.incidents if i.id in significant]
        count = len(lengths)
        value = fmean(lengths) if lengths else None
    return ScorecardLine(
        key="recovery_time_s",
        title="Mean time to SLO recovery",
        value=value,
        shown=UNKNOWN
        if score is None or truth is None
        else "no significant incident"
        if value is None
        else f"{value / 60:.1f} min ({count} incident{'s' if count != 1 else ''})",
        target="< 30 min",
        met=None if value is None else value < 1800,
        definition="Mean time from start to end of the incidents that spend a significant share of an objective's budget, "
        "detected or not; an incident that the run's end cuts counts up to there.",
    )


def _budget(slos: Sequence[SloResult]) -> ScorecardLine:
    shares = [slo.budget.consumed_share for slo in slos if slo.budget.consumed_share is not None]
    value = fmean(shares) if shares else None
    over = sum(share > 1 for share in shares)
    return ScorecardLine(
        key="budget_used",
        title="Error budget utilization",
        value=value,
        shown=UNKNOWN if value is None else f"{format_share(value, 1)} on average ({over} of {len(shares)} objectives over 100 %)",
        target="50-80 %",
        met=None if value is None else 0.5 <= value <= 0.8,
        definition="Mean over the objectives of the share of their budget that is spent, not capped: an overspent budget weighs "
        "with all of it, and how many there are is shown beside the mean.",
    )


def _false_alerts(score: Score | None, episodes: Sequence[Episode]) -> ScorecardLine:
    value = None
    if score is not None and score.overall.firings:
        value = (score.overall.firings - score.overall.true_firings) / score.overall.firings
    fired = sum(one.firing_at_s is not None for one in episodes)
    if value is not None and score is not None:
        overall = score.overall
        shown = f"{format_share(value, 1)} ({overall.firings - overall.true_firings} of {overall.firings} firings)"
    else:
        shown = "no firing" if not fired else f"{UNKNOWN} ({fired} firings, no ground truth)"
    return ScorecardLine(
        key="false_alerts",
        title="False alert rate",
        value=value,
        shown=shown,
        target="< 5 %",
        met=None if value is None else value < 0.05,
        definition="Firings that no incident explains, of all firings; what explains a firing is the first scoring rule.",
    )
