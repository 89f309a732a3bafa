"""Pyrra's rules: the recording and alerting rules that Pyrra generates for one objective, said in the same words.

Two groups: `<name>-increase` records the increase over the whole window and watches for metrics that are absent, `<name>` records
the error ratio over every window and alerts on pairs of them. Names, labels and expressions are those of pyrra-dev/pyrra,
slo/rules.go.
Thresholds stand as `14 * (1-0.999)`, which Prometheus computes in binary floats, as Pyrra leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from workbench.alerts.go_format import go_duration
from workbench.alerts.numbers import number_text
from workbench.alerts.presets.pyrra import minutes
from workbench.alerts.rules import AlertRule, RecordingRule, Rule, RuleGroup, sorted_pairs
from workbench.promql.ast import Matcher, MatchKind
from workbench.promql.text import matcher_text
from workbench.units import DAY_S

ABSENT = "SLOMetricAbsent"
BURNRATE_INTERVAL_S = 30.0

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PyrraMetric:
    """A counter and which of its series count."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    """Without the name."""

    def __str__(self) -> str:
        """As a selector."""
        inside = ",".join(matcher_text(matcher) for matcher in self.matchers)
        return f"{self.name}{{{inside}}}" if inside else self.name

    @property
    def equal(self) -> dict[str, str]:
        """Labels that are fixed to one value."""
        return {matcher.label: matcher.text for matcher in self.matchers if matcher.kind is MatchKind.EQUAL}


@dataclass(frozen=True, slots=True)
class PyrraRow:
    """One pair of windows."""

    severity: str
    factor: Decimal
    long_s: float
    short_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class PyrraSlo:
    """One objective as Pyrra has it: `errors` (ratio) or `success` (latency: a bucket) beside `total`."""

    name: str
    target: Decimal
    window_s: float
    total: PyrraMetric
    errors: PyrraMetric | None = None
    success: PyrraMetric | None = None
    rows: tuple[PyrraRow, ...] = ()
    grouping: tuple[str, ...] = ()
    labels: Pairs = ()
    """Those that Pyrra propagates to its rules."""
    annotations: Pairs = ()
    alert_name: str = "ErrorBudgetBurn"
    absent: bool = True

    @property
    def part(self) -> PyrraMetric:
        """The metric beside the total."""
        found = self.errors or self.success
        assert found is not None, "errors or success"  # noqa: S101 - as the message says
        return found


def pyrra_groups(slo: PyrraSlo) -> tuple[RuleGroup, ...]:
    """The groups that Pyrra generates: increases, then burn rates and their alerts."""
    return (
        RuleGroup(f"{slo.name}-increase", tuple(_increases(slo)), interval_s=increase_interval_s(slo.window_s)),
        RuleGroup(slo.name, (*_burnrates(slo), *_alerts(slo)), interval_s=BURNRATE_INTERVAL_S),
    )


def increase_interval_s(window_s: float) -> float:
    """How often increases are recorded: 30 s below a week, 30 s more for each week, at most 4 minutes."""
    return 30.0 * min(int(window_s // (7 * DAY_S)) + 1, 8)


def absent_for_s(rows: Iterable[PyrraRow], target: Decimal) -> float:
    """How long a metric must be absent: until its first row would fire if absence were nothing but errors, in whole minutes."""
    first = next(iter(rows))
    reached_s = int(Fraction(first.factor) * Fraction(1 - target) * Fraction(first.long_s))
    return minutes(Fraction(reached_s) + Fraction(first.for_s))


def _stem(name: str, *more: str) -> str:
    for ending in ("_total", "_count", *more):
        name = name.removesuffix(ending)
    return name


def _burnrate(slo: PyrraSlo, window_s: float) -> str:
    return f"{_stem(slo.total.name)}:burnrate{go_duration(window_s)}"


def _labels(slo: PyrraSlo, grouping: Iterable[str]) -> dict[str, str]:
    """Of everything recorded; what is grouped by is on the series already."""
    grouped = set(grouping)
    labels = {**dict(slo.labels), "slo": slo.name, **slo.total.equal}
    return {name: value for name, value in labels.items() if name not in grouped}


def _sum(function: str, metric: PyrraMetric, window_s: float, grouping: Iterable[str]) -> str:
    names = ", ".join(sorted(set(grouping)))
    by = f" by ({names}) " if names else ""
    return f"sum{by}({function}({metric}[{go_duration(window_s)}]))"


def _ratio(slo: PyrraSlo, window_s: float) -> str:
    total = _sum("rate", slo.total, window_s, slo.grouping)
    part = _sum("rate", slo.part, window_s, slo.grouping)
    return f"{part} / {total}" if slo.errors else f"({total} - {part}) / {total}"


def _burnrates(slo: PyrraSlo) -> list[RecordingRule]:
    windows = sorted({length for row in slo.rows for length in (row.short_s, row.long_s)})
    labels = sorted_pairs(_labels(slo, slo.grouping))
    return [RecordingRule(_burnrate(slo, window), _ratio(slo, window), labels) for window in windows]


def _alerts(slo: PyrraSlo) -> list[AlertRule]:
    # A regular expression matches the raw series; on the recorded ones only labels that are grouped by are left to match.
    regular = (MatchKind.REGEX, MatchKind.NOT_REGEX)
    matchers = [m for m in slo.total.matchers if m.label in slo.grouping or m.kind not in regular]
    selector = ",".join(sorted([*(matcher_text(matcher) for matcher in matchers), f'slo="{slo.name}"']))
    return [_alert(slo, row, selector) for row in slo.rows]


def _alert(slo: PyrraSlo, row: PyrraRow, selector: str) -> AlertRule:
    threshold = f"({number_text(row.factor)} * (1-{number_text(slo.target)}))"
    short, long = (f"{_burnrate(slo, length)}{{{selector}}} > {threshold}" for length in (row.short_s, row.long_s))
    exhaustion = int(Fraction(slo.window_s) / Fraction(row.factor))
    return AlertRule(
        name=slo.alert_name,
        expr=f"{short} and {long}",
        for_s=row.for_s,
        labels=sorted_pairs(
            _labels(slo, slo.grouping)
            | {
                "short": go_duration(row.short_s),
                "long": go_duration(row.long_s),
                "severity": row.severity,
                "exhaustion": go_duration(exhaustion),
            }
        ),
        annotations=sorted_pairs(dict(slo.annotations)),
    )


def _increases(slo: PyrraSlo) -> Iterable[Rule]:
    """Increases of both metrics, by the labels that only the bad or good events name; each with its alert for absence.

    A ratio over one metric needs one increase: its errors are among those grouped by.
    """
    own = {matcher.label for matcher in slo.total.matchers}
    regular = {m.label for m in slo.total.matchers if m.kind in (MatchKind.REGEX, MatchKind.NOT_REGEX)}
    grouping = {*slo.grouping, *regular, *(m.label for m in slo.part.matchers if m.label not in own and m.label != "le")}
    labels = _labels(slo, grouping)
    metrics = [(slo.total, labels)]
    if slo.success is not None:
        metrics.append((slo.success, {"le": slo.success.equal.get("le", "")} | labels))
    elif slo.part.name != slo.total.name:
        metrics.append((slo.part, labels))
    absences = []
    for metric, carried in metrics:
        record = f"{_stem(metric.name, '_bucket')}:increase{go_duration(slo.window_s)}"
        yield RecordingRule(record, _sum("increase", metric, slo.window_s, grouping), sorted_pairs(carried))
        if slo.absent:
            absences.append(_absence(slo, metric, carried))
        if slo.success is None:
            yield from absences
            absences.clear()
    yield from absences


def _absence(slo: PyrraSlo, metric: PyrraMetric, labels: dict[str, str]) -> AlertRule:
    return AlertRule(
        name=ABSENT,
        expr=f"absent({metric}) == 1",
        for_s=absent_for_s(slo.rows, slo.target),
        labels=sorted_pairs(labels | {"severity": "critical"}),
        annotations=sorted_pairs(dict(slo.annotations)),
    )
