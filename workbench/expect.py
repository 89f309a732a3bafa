"""Expectations against outcomes: every metric of an outcome by a flat name, and bounds on them judged.

A name may hold `*` in an expectation (`slo.*.met`): then every metric that matches must keep the bound. A metric whose value is
unknown fails its expectation: silence is not success.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase, translate
from itertools import chain

from workbench.errors import Problem
from workbench.outcome import Outcome
from workbench.scenario.schema.scenario import Expectation
from workbench.scoring.score import RuleScore
from workbench.slo.account import SloResult
from workbench.units import format_duration


@dataclass(frozen=True, slots=True)
class MetricDoc:
    """What a family of metrics means."""

    pattern: str
    """Its name; `<slo>`, `<alert>`, `<tier>`, `<window>` stand for any."""
    meaning: str


_SCORE_FIELDS = (
    ("firings", "Firings."),
    ("true_firings", "Firings that an incident explains."),
    ("precision", "True firings / firings, 0 to 1; unknown without firings."),
    ("recall", "Detected / all significant incidents, 0 to 1; unknown without any."),
    ("recall_all", "Detected / all incidents, 0 to 1; unknown without any."),
    ("median_detection_time_s", "From an incident's start to its first firing, median, seconds."),
    ("mean_detection_time_s", "The same, mean."),
    ("median_reset_time_s", "From an incident's end to the end of the firing, median, seconds."),
    ("budget_before_detection", "Share of the budget spent before the first firing, mean over detected incidents."),
    ("pages", "Firings that wake the on-call."),
    ("pages_per_week", "The same, a week."),
)

_SLO_FIELDS = (
    ("sli", "Good / known events, 0 to 1."),
    ("met", "1 if the SLI is at or over the target, else 0."),
    ("good", "Good events."),
    ("total", "Good and bad events."),
    ("unknown_events", "Events whose outcome the telemetry does not say."),
    ("budget_consumed", "Share of the error budget spent; 1 is all of it."),
    ("budget_remaining", "1 - budget_consumed; may be negative."),
    ("budget_rate", "Mean burn rate so far: budget spent against time elapsed."),
    ("days_met", "Share of the calendar days with events whose SLI was at or over the target."),
    ("burn_rate.<window>", "Burn rate over the last 1h, 6h, 1d or 3d."),
)


def documented_metrics() -> tuple[MetricDoc, ...]:
    """Every metric there is, as a table of patterns; `metrics` yields no other name."""
    fixed = (
        ("scorecard.slo_compliance", "Share of SLO-days that met their target, 0 to 1."),
        ("scorecard.sla_violations", "Tiers below their promise in the run."),
        ("scorecard.recovery_time_s", "Mean length of significant incidents, seconds."),
        ("scorecard.budget_used", "Mean share of budget spent over the objectives."),
        ("scorecard.false_alerts", "False firings / firings, 0 to 1."),
        ("alerts.firings", "Episodes that fired, all alerts."),
        ("alerts.pending_only", "Episodes that were pending and never fired."),
        ("alerts.<alert>.firings", "Episodes of one alert that fired."),
        ("pages", "Pages to the on-call, all alerts; unknown without ground truth."),
        ("pages_per_week", "The same, a week."),
        ("incidents", "Incidents of the ground truth; unknown without it."),
        ("incidents.significant", "Those that spent a significant share of a budget."),
        ("credits.total", "Service credits of all tiers, in their one currency; unknown without tiers or with two currencies."),
        ("credits.breaches", "Tiers below their promise."),
        ("credits.<tier>.availability", "Availability of the tier's own requests, 0 to 1."),
        ("credits.<tier>.credit", "What the tier gets back, in its currency."),
        ("credits.<tier>.credit_share", "The same as a share of the fee, 0 to 1."),
    )
    return (
        *(MetricDoc(name, text) for name, text in fixed),
        *(MetricDoc(f"slo.<slo>.{name}", text) for name, text in _SLO_FIELDS),
        *(MetricDoc(f"score.{name}", f"All rules: {text}") for name, text in _SCORE_FIELDS),
        *(MetricDoc(f"score.<alert>.{name}", f"One alert: {text}") for name, text in _SCORE_FIELDS),
    )


def metrics(outcome: Outcome) -> dict[str, float | None]:
    """Every metric of an outcome by name, in a fixed order; None where the value is unknown."""
    fired = [one for one in outcome.episodes if one.firing_at_s is not None]
    score, credit = outcome.score, outcome.credits
    currencies = {one.credit.currency for one in credit}
    judged = [one.breached for one in credit if one.breached is not None]
    out: dict[str, float | None] = {f"scorecard.{line.key}": line.value for line in outcome.scorecard}
    out["alerts.firings"] = float(len(fired))
    out["alerts.pending_only"] = float(len(outcome.episodes) - len(fired))
    for alert in sorted({rule.name for group in outcome.rules for rule in group.alerts} | {one.alert for one in fired}):
        out[f"alerts.{alert}.firings"] = float(sum(one.alert == alert for one in fired))
    out["pages"] = None if score is None else float(score.overall.pages)
    out["pages_per_week"] = None if score is None else score.overall.pages_per_week
    out["incidents"] = None if outcome.truth is None else float(len(outcome.truth.incidents))
    out["incidents.significant"] = None if score is None else float(sum(one.significant for one in score.detections))
    out["credits.total"] = float(sum((one.credit.amount for one in credit), Decimal(0))) if len(currencies) == 1 else None
    out["credits.breaches"] = float(sum(judged)) if judged else None
    for one in credit:
        out[f"credits.{one.tier}.availability"] = one.availability
        out[f"credits.{one.tier}.credit"] = float(one.credit.amount)
        out[f"credits.{one.tier}.credit_share"] = float(one.credit_share)
    for slo in outcome.slos:
        out.update({f"slo.{slo.name}.{name}": value for name, value in _slo_metrics(slo).items()})
    if score is None:
        out.update({f"score.{name}": None for name, _ in _SCORE_FIELDS})
    else:
        out.update({f"score.{name}": value for name, value in _rule_metrics(score.overall).items()})
        for rule in score.rules:
            out.update({f"score.{rule.alert}.{name}": value for name, value in _rule_metrics(rule).items()})
    return out


def _slo_metrics(slo: SloResult) -> dict[str, float | None]:
    consumed = slo.budget.consumed_share
    days = [met for met in slo.daily_met if met is not None]
    return {
        "sli": slo.sli,
        "met": None if slo.met is None else float(slo.met),
        "good": float(slo.good),
        "total": float(slo.total),
        "unknown_events": float(slo.unknown_events),
        "budget_consumed": consumed,
        "budget_remaining": None if consumed is None else 1 - consumed,
        "budget_rate": slo.budget.rate,
        "days_met": sum(days) / len(days) if days else None,
        **{f"burn_rate.{format_duration(row.window_s)}": row.burn_rate for row in slo.burn_rates},
    }


def _rule_metrics(rule: RuleScore) -> dict[str, float | None]:
    return {
        "firings": float(rule.firings),
        "true_firings": float(rule.true_firings),
        "precision": rule.precision,
        "recall": rule.recall,
        "recall_all": rule.recall_all,
        "median_detection_time_s": rule.median_detection_time_s,
        "mean_detection_time_s": rule.mean_detection_time_s,
        "median_reset_time_s": rule.median_reset_time_s,
        "budget_before_detection": rule.mean_budget_before_detection,
        "pages": float(rule.pages),
        "pages_per_week": rule.pages_per_week,
    }


def judge(outcome: Outcome, expectations: Iterable[Expectation]) -> tuple[Problem, ...]:
    """Every expectation that does not hold; empty means that all of them do."""
    measured = metrics(outcome)
    return tuple(chain.from_iterable(_judge_one(index, one, measured) for index, one in enumerate(expectations)))


def unknown_metrics(expectations: Iterable[Expectation]) -> tuple[Problem, ...]:
    """Expectations on names that no outcome has, as far as that can be said before a run."""
    return tuple(
        Problem(
            "expect/unknown-metric",
            "no outcome has a metric of that name",
            path=f"expect[{index}].metric",
            found=one.metric,
            allowed="one of the metrics in docs/rooms/expect.md",
            nearest=next(
                iter(difflib.get_close_matches(one.metric, [doc.pattern for doc in documented_metrics()], n=1, cutoff=0.4)), None
            ),
        )
        for index, one in enumerate(expectations)
        if "*" not in one.metric and not is_documented(one.metric)
    )


def _judge_one(index: int, expected: Expectation, measured: dict[str, float | None]) -> list[Problem]:
    path = f"expect[{index}]"
    names = [expected.metric] if expected.metric in measured else _matching(expected.metric, measured)
    if not names:
        nearest = difflib.get_close_matches(expected.metric, measured, n=1, cutoff=0.5)
        return [
            Problem(
                "expect/unknown-metric",
                "no metric of this outcome has that name",
                path=f"{path}.metric",
                found=expected.metric,
                nearest=nearest[0] if nearest else None,
            )
        ]
    problems = (_bound(path, expected, name, measured[name]) for name in names)
    return [problem for problem in problems if problem is not None]


def _matching(pattern: str, measured: Iterable[str]) -> list[str]:
    if "*" not in pattern:
        return []
    return [name for name in measured if fnmatchcase(name, pattern)]


def _bound(path: str, expected: Expectation, name: str, value: float | None) -> Problem | None:
    parts = []
    if expected.at_least is not None:
        parts.append(f"at least {expected.at_least:g}")
    if expected.at_most is not None:
        parts.append(f"at most {expected.at_most:g}")
    allowed = " and ".join(parts)
    because = f" ({expected.why})" if expected.why else ""
    if value is None:
        return Problem(
            "expect/unknown-value",
            f"{name} is unknown, so the bound cannot hold{because}",
            path=path,
            found="unknown",
            allowed=allowed,
        )
    low = expected.at_least is None or value >= expected.at_least
    high = expected.at_most is None or value <= expected.at_most
    if low and high:
        return None
    return Problem("expect/bound", f"{name} is out of bounds{because}", path=path, found=f"{value:.10g}", allowed=allowed)


def is_documented(name: str) -> bool:
    """Whether the table of metrics covers a name."""
    return any(re.fullmatch(_name_pattern(doc.pattern), name) for doc in documented_metrics())


def _name_pattern(pattern: str) -> str:
    """A documented pattern as a regular expression: `<slo>` stands for anything."""
    return translate(re.sub(r"<[a-z]+>", "*", pattern))
