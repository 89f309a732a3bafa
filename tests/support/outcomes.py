"""A realistic synthetic `Outcome`: a month with incidents, alerts and credits whose numbers agree with each other.

Budgets, burn rates and credits are computed from the same per-step counts, so a test can recompute any of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from workbench.alerts.rules import AlertRule, Episode, Profile, RuleGroup
from workbench.errors import Problem, Severity
from workbench.outcome import Outcome
from workbench.rng import stream
from workbench.scoring.score import Detection, RuleScore, Score, ScorecardLine
from workbench.sla.credit import TierCredit
from workbench.slo.account import BudgetAccount, BudgetStatus, BurnRate, SloResult
from workbench.slo.tracks import SloTrack, Tracks
from workbench.units import DAY_S, HOUR_S, MINUTE_S, Money
from workbench.world.truth import Deployment, Incident, PageRecord, Truth

STEP_S = 300.0
ROUTES = ("/api/v1/auth/login", "/api/v1/dashboard", "/api/v1/media/upload", "/api/v1/search", "/health", "/media/stream")
TARGETS: Mapping[str, str] = {"application-availability": "0.999", "login": "0.9995", "search-latency": "0.99"}
BURN = ((HOUR_S, 14.4, "critical"), (6 * HOUR_S, 6.0, "warning"), (24 * HOUR_S, 3.0, "ticket"), (72 * HOUR_S, 1.0, "ticket"))
RULES = {"fast-burn": (HOUR_S, 5 * MINUTE_S, 14.4, 120.0, "critical"), "moderate-burn": (6 * HOUR_S, 1800, 6.0, 900.0, "warning")}

Plan = tuple[float, float, float, str, str]
"""Start in days, length in minutes, error ratio, component, mode."""
MONTH: tuple[Plan, ...] = (
    (2.41, 14, 0.02, "cache", "cache flush"),
    (6.55, 22, 0.04, "auth", "bad deployment"),
    (9.02, 41, 0.004, "storage", "slow disk"),
    (13.60, 38, 0.30, "database", "connection pool exhausted"),
    (19.47, 9, 0.05, "api", "bad deployment"),
    (25.90, 27, 0.02, "media-workers", "queue backlog"),
)


@dataclass(frozen=True)
class Counts:
    """What an SLO counted per step."""

    total: np.ndarray
    bad: np.ndarray


def counts_of(slo: str, *, seed: int, days: float, plan: tuple[Plan, ...]) -> Counts:
    """Events per step of one SLO: daily shape, a small baseline of errors, and the incidents of the plan."""
    n = round(days * DAY_S / STEP_S)
    middle_day = (np.arange(n) + 0.5) * STEP_S / DAY_S
    expected = 100 * STEP_S * (1 + 0.6 * np.sin(2 * np.pi * (middle_day - 0.35)))
    draw = stream(seed, "synthetic outcome", slo)
    total = draw.poisson(expected)
    ratio = np.full(n, 0.0002)
    for start_d, minutes, extra, _, _ in plan:
        first = np.clip(np.arange(n) * STEP_S, start_d * DAY_S, None)
        last = np.clip((np.arange(n) + 1) * STEP_S, None, start_d * DAY_S + minutes * MINUTE_S)
        ratio += extra * np.clip(last - first, 0, None) / STEP_S
    return Counts(total, draw.binomial(total, np.clip(ratio, 0, 1)))


def slo_of(name: str, target: Decimal, counts: Counts, *, window_s: float, horizon_s: float) -> tuple[SloResult, SloTrack]:
    """Result and track of one SLO from its counts."""
    total, bad = int(counts.total.sum()), int(counts.bad.sum())
    budget = float(1 - target)
    time_s = (np.arange(len(counts.total)) + 1) * STEP_S
    cum_total, cum_bad = np.cumsum(counts.total), np.cumsum(counts.bad)
    spent = cum_bad / np.maximum(cum_total, 1) * (time_s / window_s) / budget
    burns: dict[float, np.ndarray] = {}
    now = []
    for span_s, threshold, severity in BURN:
        width = round(span_s / STEP_S)
        t = cum_total - np.concatenate([np.zeros(min(width, len(cum_total)), dtype=np.int64), cum_total[:-width]])
        b = cum_bad - np.concatenate([np.zeros(min(width, len(cum_bad)), dtype=np.int64), cum_bad[:-width]])
        track = np.where(t > 0, b / np.maximum(t, 1) / budget, np.nan)
        burns[float(span_s)] = track
        rate = float(track[-1]) if total else None
        now.append(BurnRate(float(span_s), rate, threshold, severity, rate is not None and rate > threshold, None))
    consumed = float(spent[-1]) if total else None
    total_s = Decimal(str(window_s)) * (1 - target)
    account = BudgetAccount(
        window_s,
        total_s,
        horizon_s,
        consumed,
        None if consumed is None else consumed * float(total_s),
        None if consumed is None else (1 - consumed) * float(total_s),
        None if consumed is None else consumed * window_s / horizon_s,
        status_of(consumed),
        None if not consumed or consumed <= 1 else horizon_s / consumed,
    )
    good = total - bad
    days = round(horizon_s / DAY_S)
    per_day = len(counts.total) // days
    daily = (
        ()
        if not days
        else tuple(
            None if not t.sum() else bool(Decimal(int((t - b).sum())) >= target * int(t.sum()))
            for t, b in zip(
                counts.total[: per_day * days].reshape(days, -1), counts.bad[: per_day * days].reshape(days, -1), strict=True
            )
        )
    )
    kind = "latency" if "latency" in name else "events"
    met = None if not total else Decimal(good) >= target * total
    sli = good / total if total else None
    result = SloResult(
        name, f"{kind} objective of {name}", kind, ROUTES, target, good, total, sli, met, 0, account, tuple(now), daily
    )
    remaining = 1 - spent if total else np.full(len(spent), np.nan)
    return result, SloTrack(name, remaining, burns)


def status_of(consumed: float | None) -> BudgetStatus:
    """Status levels at 50, 75, 90 and 100 %."""
    if consumed is None:
        return BudgetStatus.UNKNOWN
    levels = (
        (1, BudgetStatus.EXCEEDED),
        (0.9, BudgetStatus.CRITICAL),
        (0.75, BudgetStatus.WARNING),
        (0.5, BudgetStatus.CAUTION),
    )
    return next((status for level, status in levels if consumed >= level), BudgetStatus.HEALTHY)


def truth_of(plan: tuple[Plan, ...], horizon_s: float) -> Truth:
    """Incidents, deployments and pages of a plan."""
    incidents, deployments, pages = [], [], []
    for index, (start_d, minutes, ratio, component, mode) in enumerate(plan):
        start = start_d * DAY_S
        seen = ratio >= 0.02
        bad = mode == "bad deployment"
        incident = Incident(
            f"i{index:03}",
            mode,
            component,
            "change" if bad else "failure",
            ROUTES,
            ("free", "premium", "professional", "standard"),
            start,
            start + 2 * minutes * MINUTE_S,
            start + minutes * MINUTE_S,
            f"errors {ratio * 100:.1f} %",
            start + 240 if seen else None,
            start + 420 if seen else None,
            start + minutes * MINUTE_S if seen else None,
        )
        incidents.append(incident)
        if bad:
            deployments.append(Deployment(f"bad{index}", component, start, start + 600, bad=True, incident=incident.id))
        if seen:
            labels = (("severity", "critical"), ("slo", "application-availability"))
            pages.append(
                PageRecord(start + 240, "fast-burn", labels, "engineer-2", start + 420, escalated=False, incident=incident.id)
            )
    for day in range(int(horizon_s // DAY_S)):
        at = day * DAY_S + 10.5 * HOUR_S
        deployments.append(Deployment(f"d{day:03}", "api", at, at + 600, bad=False))
    return Truth(tuple(incidents), tuple(sorted(deployments, key=lambda d: (d.start_s, d.id))), tuple(pages))


def episodes_of(plan: tuple[Plan, ...]) -> tuple[Episode, ...]:
    """Alerts for the visible incidents, one false one, one that stayed pending, one still open at the end."""
    slo = ("slo", "application-availability")
    found = []
    for start_d, minutes, ratio, _, _ in plan:
        if ratio < 0.02:
            continue
        start = start_d * DAY_S
        found.append(
            Episode(start + 120, "fast-burn", (("severity", "critical"), slo), start + 240, start + minutes * MINUTE_S + 330)
        )
        found.append(
            Episode(start + 300, "moderate-burn", (("severity", "warning"), slo), start + 1200, start + minutes * MINUTE_S + 1800)
        )
    if plan:
        at = 16.2 * DAY_S
        found.append(Episode(at, "moderate-burn", (("severity", "warning"), slo), at + 900, at + 1500))
        found.append(Episode(at + HOUR_S, "fast-burn", (("severity", "critical"), slo), None, at + HOUR_S + 60))
        last = 29.95 * DAY_S
        found.append(Episode(last, "moderate-burn", (("severity", "warning"), ("slo", "login")), last + 900, None))
    return tuple(sorted(found))


def rule_score(
    alert: str, severity: str, episodes: tuple[Episode, ...], *, significant: int, incidents: int, days: float
) -> RuleScore:
    """Score of one rule: every firing true except the one of day 16 and the one of day 29."""
    firings = [e for e in episodes if e.firing_at_s is not None and alert in (e.alert, "all rules")]
    true = [e for e in firings if not 16 * DAY_S < e.pending_at_s < 17 * DAY_S and e.pending_at_s < 29 * DAY_S]
    pages = sum(1 for e in firings if e.alert == "fast-burn")
    found = min(significant, len(true))
    return RuleScore(
        alert,
        severity,
        len(firings),
        len(true),
        len(true) / len(firings) if firings else None,
        significant,
        found,
        found / significant if significant else None,
        incidents,
        found,
        found / incidents if incidents else None,
        240.0 if true else None,
        264.0 if true else None,
        330.0 if true else None,
        0.031 if true else None,
        pages,
        pages * 7 / days,
    )


def score_of(plan: tuple[Plan, ...], episodes: tuple[Episode, ...], days: float) -> Score:
    """Score of the plan's episodes."""
    detections = tuple(
        Detection(
            f"i{index:03}",
            ratio >= 0.02,
            ratio * minutes * MINUTE_S / 2592,
            "application-availability",
            "fast-burn" if ratio >= 0.02 else None,
            240.0 if ratio >= 0.02 else None,
            ratio * 240 / 2592 if ratio >= 0.02 else None,
        )
        for index, (_, minutes, ratio, _, _) in enumerate(plan)
    )
    significant = sum(d.significant for d in detections)
    rules = tuple(
        rule_score(name, rule[4], episodes, significant=significant, incidents=len(plan), days=days)
        for name, rule in sorted(RULES.items())
    )
    text = (
        "A firing is true if it starts between an incident's start and its end plus 6h, the rule's longest window.",
        "Recall counts incidents that spend at least 2% of an objective's budget.",
    )
    return Score(
        text, rule_score("all rules", "", episodes, significant=significant, incidents=len(plan), days=days), rules, detections
    )


def credits_of(availability: float | None) -> tuple[TierCredit, ...]:
    """Credits of four tiers whose requests all had the same availability."""
    made = []
    promises = {"premium": ("0.9995", 120, "499.00"), "professional": ("0.999", 800, "99.00")}
    promises |= {"standard": ("0.995", 4000, "19.00"), "free": ("0.95", 20000, "0.00")}
    for tier, (promise, users, price) in promises.items():
        promised = Decimal(promise)
        fee = Money(Decimal(price) * users, "EUR")
        breached = None if availability is None else availability < promised
        share = Decimal("0.1") if breached else Decimal(0)
        credit = Money(fee.amount * share, "EUR")
        made.append(
            TierCredit(
                tier,
                promised,
                round((availability or 0) * 1_000_000),
                0 if availability is None else 1_000_000,
                availability,
                breached,
                share,
                users,
                fee,
                credit,
                f"{share * 100:.0f}% of {users} x {price} EUR = {credit}",
            )
        )
    return tuple(made)


def scorecard_of(slos: tuple[SloResult, ...], paid: tuple[TierCredit, ...], score: Score | None) -> tuple[ScorecardLine, ...]:
    """The five lines."""
    days = [met for slo in slos for met in slo.daily_met if met is not None]
    compliance = sum(days) / len(days) if days else None
    used = slos[0].budget.consumed_share
    false = None if score is None or score.overall.precision is None else 1 - score.overall.precision
    breaches = float(sum(bool(c.breached) for c in paid)) if paid else None

    def percent(value: float | None) -> str:
        return "unknown" if value is None else f"{value * 100:.1f}%"

    lines = (
        ("slo_compliance", "SLO compliance", compliance, percent(compliance), "> 95%", compliance and compliance > 0.95),
        ("sla_violations", "SLA violations", breaches, f"{breaches}", "< 1 a quarter", None if breaches is None else breaches < 1),
        ("recovery_time_s", "Mean time to SLO recovery", 1530.0, "25m30s", "< 30m", True),
        ("budget_used", "Error budget used", used, percent(used), "50% to 80%", None if used is None else 0.5 <= used <= 0.8),
        ("false_alerts", "False alerts", false, percent(false), "< 5%", None if false is None else false < 0.05),
    )
    return tuple(ScorecardLine(*line, definition=f"How {line[1]} was computed.") for line in lines)


def synthetic_outcome(
    *,
    name: str = "medianest-baseline",
    seed: int = 1,
    days: float = 30,
    targets: Mapping[str, str] = TARGETS,
    plan: tuple[Plan, ...] = MONTH,
    timezone: str = "UTC",
    window_s: float = 30.0 * DAY_S,
) -> Outcome:
    """A simulated month; `plan=()` is a quiet one."""
    horizon_s = float(days * DAY_S)
    measured = [
        slo_of(slo, Decimal(target), counts_of(slo, seed=seed, days=days, plan=plan), window_s=window_s, horizon_s=horizon_s)
        for slo, target in sorted(targets.items())
    ]
    slos = tuple(result for result, _ in measured)
    first = counts_of(slos[0].name, seed=seed, days=days, plan=plan)
    tracks = Tracks(
        (np.arange(len(first.total)) + 1) * STEP_S,
        first.total / STEP_S,
        np.where(first.total > 0, first.bad / np.maximum(first.total, 1), np.nan),
        tuple(track for _, track in measured),
    )
    episodes = episodes_of(plan)
    score = score_of(plan, episodes, days)
    paid = credits_of(slos[0].sli)
    rules = RuleGroup(
        "slo-burn",
        tuple(
            AlertRule(rule, f"burn over {factor}", hold_s, 0.0, (("severity", severity),))
            for rule, (_, _, factor, hold_s, severity) in sorted(RULES.items())
        ),
    )
    return Outcome(
        name=name,
        description="One month of the reference system.",
        source="simulated",
        seed=seed,
        start=dt.datetime(2026, 4, 1, tzinfo=ZoneInfo(timezone)),
        horizon_s=horizon_s,
        profile=Profile(),
        digest="0123456789abcdef0123456789abcdef",
        version="0.1.0",
        rules=(rules,),
        slos=slos,
        episodes=episodes,
        truth=truth_of(plan, horizon_s),
        score=score,
        scorecard=scorecard_of(slos, paid, score),
        credits=paid,
        findings=(
            Problem(
                "alerts/unreachable", "search-latency cannot burn faster than 100x.", Severity.WARNING, path="slos.search-latency"
            ),
        ),
        coverage=(),
        tracks=tracks,
    )


def unmeasured(outcome: Outcome) -> Outcome:
    """The same period in which nothing was measured: every figure unknown, no truth, no tracks."""
    empty = Counts(np.zeros(10 * 12, dtype=np.int64), np.zeros(10 * 12, dtype=np.int64))
    slos = tuple(
        replace(
            slo_of(slo.name, slo.target, empty, window_s=slo.budget.window_s, horizon_s=outcome.horizon_s)[0],
            daily_met=tuple(None for _ in slo.daily_met),
        )
        for slo in outcome.slos
    )
    return replace(
        outcome,
        slos=slos,
        episodes=(),
        truth=None,
        score=None,
        credits=(),
        scorecard=scorecard_of(slos, (), None),
        tracks=None,
    )


def recorded(outcome: Outcome) -> Outcome:
    """The same numbers as a replay of an unlabelled history would give them."""
    return replace(
        outcome,
        name="history.csv",
        source="recorded",
        seed=None,
        truth=None,
        score=None,
        credits=(),
        scorecard=(),
        coverage=(("rows missing", 0.0123), ("no traffic", 0.02), ("outage", 0.0)),
    )
