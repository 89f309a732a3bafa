"""Alert rules as Prometheus knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alerting rule: an expression in PromQL, and how long it must hold."""

    name: str
    expr: str
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted; added to those of the expression's elements."""
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated one after the other at the same instants."""

    name: str
    rules: tuple[AlertRule, ...]
    interval_s: float | None = None
    """None: the profile's evaluation interval."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What "equal to Prometheus" means in a run: the conditions under which the timeline is exact."""

    prometheus: str = "3.5"
    """`2.42` or `2.53` (range selectors closed at both ends) or `3.5` (left-open)."""
    scrape_interval_s: float = 15.0
    evaluation_interval_s: float = 15.0
    phase_s: float = 7.0
    """Scrapes happen this long after a multiple of the scrape interval; 0 is on the evaluation grid."""

    @property
    def left_open(self) -> bool:
        """Prometheus 3 leaves the sample on the left edge of a range out."""
        return not self.prometheus.startswith("2.")


@dataclass(frozen=True, slots=True, order=True)
class Episode:
    """One life of an alert: pending, perhaps firing, then over. Times in seconds from the start of the run."""

    pending_at_s: float
    alert: str
    labels: tuple[tuple[str, str], ...]
    """Sorted, without `alertname`."""
    firing_at_s: float | None
    """None if it never fired."""
    resolved_at_s: float | None
    """The evaluation that ended it, pending or firing; None if still open at the last evaluation."""
