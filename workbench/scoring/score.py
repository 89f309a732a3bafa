"""Alerts against the ground truth, as values."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.alerts.rules import Episode


@dataclass(frozen=True, slots=True)
class Detection:
    """One incident as one alert policy met it."""

    incident: str
    significant: bool
    """It spent at least the policy's share of some objective's budget."""
    budget_share: float
    """The largest share of an objective's budget that it spent while it lasted."""
    budget_slo: str
    """That objective."""
    detected_by: str | None
    """The first rule that fired for it; None if it was missed."""
    detection_time_s: float | None
    """From its start to the first firing."""
    budget_before_detection: float | None
    """Share of that objective's budget spent between start and first firing."""


@dataclass(frozen=True, slots=True)
class RuleScore:
    """One alert rule (or, named `all rules`, all of them together)."""

    alert: str
    severity: str
    firings: int
    true_firings: int
    precision: float | None
    """true firings / firings; None without firings."""
    significant_incidents: int
    """Of those that touch what the rule watches."""
    detected_significant: int
    recall: float | None
    """detected significant / significant incidents."""
    incidents: int
    detected: int
    recall_all: float | None
    median_detection_time_s: float | None
    mean_detection_time_s: float | None
    median_reset_time_s: float | None
    """From the incident's end to the end of the firing, over true firings that outlast it."""
    mean_budget_before_detection: float | None
    pages: int
    pages_per_week: float


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that scoring says; `rules_text` states the two matching rules as used."""

    rules_text: tuple[str, ...]
    overall: RuleScore
    rules: tuple[RuleScore, ...]
    """By alert name."""
    detections: tuple[Detection, ...]
    """By incident start."""
    false_firings: tuple[Episode, ...] = ()
    """Those that no incident explains, in the order of the outcome's episodes."""


@dataclass(frozen=True, slots=True)
class ScorecardLine:
    """One of the reference system's five success metrics."""

    key: str
    """`slo_compliance`, `sla_violations`, `recovery_time_s`, `budget_used`, `false_alerts`."""
    title: str
    value: float | None
    shown: str
    target: str
    met: bool | None
    definition: str
    """How the value was computed, in one sentence."""
