"""Rules as Prometheus knows them: what is recorded, what alerts, and the groups in which both are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
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
class RecordingRule:
    """One recording rule: the elements of an expression, written as series of a name of its own."""

    record: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted; they replace those of the expression's elements."""


Rule = AlertRule | RecordingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated one after the other at the same instants."""

    name: str
    rules: tuple[Rule, ...]
    interval_s: float | None = None
    """None: the profile's evaluation interval."""
    limit: int = 0
    """The most series that a recording rule, or alerts that an alerting rule, may have at an instant; 0: any number."""
    query_offset_s: float = 0.0
    """The data looked at is this much older than the evaluation."""
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted; added to those of every rule that does not have them itself (Prometheus 3)."""
    file: str = ""
    """Where the group was read from; empty for one that was generated."""

    @property
    def alerts(self) -> tuple[AlertRule, ...]:
        """Its alerting rules, in order."""
        return tuple(rule for rule in self.rules if isinstance(rule, AlertRule))

    @property
    def recordings(self) -> tuple[RecordingRule, ...]:
        """Its recording rules, in order."""
        return tuple(rule for rule in self.rules if isinstance(rule, RecordingRule))


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


def sorted_pairs(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Labels as rules hold them."""
    return tuple(sorted(labels.items()))
