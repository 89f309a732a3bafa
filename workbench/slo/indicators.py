"""Indicators measured: from series to good, bad and unknown events of every objective.

Every series of requests is read once: series that all objectives treat alike are added up first, and objectives add those sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from workbench.alerts.vocabulary import Vocabulary, le_label, matching_routes
from workbench.scenario.schema.policy import EventsIndicator, Indicator, LatencyIndicator, Policy, QueryIndicator
from workbench.slo.counters import CounterReader
from workbench.slo.events import Contribution, EventCounts, gather
from workbench.slo.pairs import paired, rows
from workbench.slo.query_events import count_query
from workbench.slo.slices import count_slices
from workbench.telemetry.series import Array, FloatArray, Series, Telemetry

ALL_REQUESTS = EventsIndicator(kind="events")
"""All routes and tiers, 5xx bad, nothing excluded."""


class Part(IntEnum):
    """What the requests of one series are to one indicator."""

    NONE = 0
    GOOD = 1
    BAD = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class EventSet:
    """The events of every objective of a policy (its slices, where it counts those), and of all requests together.

    Count once, ask often.
    """

    slos: Mapping[str, EventCounts]
    """By name, in the policy's order."""
    requests: EventCounts
    """All routes and tiers: 5xx, or the history's errors, are bad."""


def count_events(policy: Policy, telemetry: Telemetry, vocabulary: Vocabulary) -> EventSet:
    """Count the events of all objectives; raises nothing: what cannot be measured is unknown."""
    slos = list(policy.slos.items())
    slices = [slo.time_slices.length if slo.time_slices is not None else None for _, slo in slos]
    counts = count_indicators([*(slo.indicator for _, slo in slos), ALL_REQUESTS], telemetry, vocabulary, [*slices, None])
    return EventSet(
        {
            name: counted if slo.time_slices is None else count_slices(counted, slo.time_slices, telemetry.horizon_s)
            for (name, slo), counted in zip(slos, counts, strict=False)
        },
        counts[-1],
    )


def count_indicators(
    indicators: Iterable[Indicator],
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    slices_s: Sequence[float | None] | None = None,
) -> list[EventCounts]:
    """Count the events of each indicator, in order.

    `slices_s` are the lengths of the slices that objectives count, None for none: queries that count no events are evaluated once
    in each.
    """
    wanted = list(indicators)
    lengths = slices_s if slices_s is not None else [None] * len(wanted)
    reader = CounterReader(telemetry.counts_from_zero)
    if vocabulary.errors is None:
        events = _by_code(wanted, reader, telemetry, vocabulary)
    else:
        events = [_by_errors(one, reader, telemetry, vocabulary) if isinstance(one, EventsIndicator) else [] for one in wanted]
    out = []
    for one, found, length in zip(wanted, events, lengths, strict=True):
        if isinstance(one, QueryIndicator):
            out.append(count_query(one, reader, telemetry, vocabulary, length))
            continue
        parts = _by_bucket(one, reader, telemetry, vocabulary) if isinstance(one, LatencyIndicator) else found
        out.append(gather(_covered_routes(one, telemetry, vocabulary), parts))
    return out


# Which series an indicator covers.


@dataclass(frozen=True)
class _Cover:
    """Routes and tiers of an indicator; `tiers` None is every tier."""

    routes: frozenset[str]
    tiers: frozenset[str] | None
    vocabulary: Vocabulary

    def has(self, series: Series) -> bool:
        labels, words = series.key.label_map, self.vocabulary
        if words.named(words.route_label, labels.get(words.route_label, "")) not in self.routes:
            return False
        if self.tiers is None or words.tier_label is None:
            return True
        return words.named(words.tier_label, labels.get(words.tier_label, "")) in self.tiers

    @property
    def tiers_unknown(self) -> bool:
        """The indicator asks for tiers, and the telemetry has none: no request can be said to be theirs."""
        return self.tiers is not None and self.vocabulary.tier_label is None


def _route_labels(telemetry: Telemetry, vocabulary: Vocabulary) -> set[str]:
    """Every value of the route label, "" among them if requests are counted without one."""
    names = (vocabulary.requests, f"{vocabulary.latency}_count", f"{vocabulary.latency}_bucket")
    label = vocabulary.route_label
    return {vocabulary.named(label, s.key.label_map.get(label, "")) for name in names for s in telemetry.by_name.get(name, ())}


def _cover(indicator: Indicator, telemetry: Telemetry, vocabulary: Vocabulary) -> _Cover:
    routes = matching_routes(indicator.routes, _route_labels(telemetry, vocabulary))
    return _Cover(frozenset(routes), frozenset(indicator.tiers) or None, vocabulary)


def _covered_routes(indicator: Indicator, telemetry: Telemetry, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(r for r in matching_routes(indicator.routes, _route_labels(telemetry, vocabulary)) if r)


# Requests counted by status code.


def _part(indicator: EventsIndicator, cover: _Cover, series: Series) -> Part:
    if not cover.has(series):
        return Part.NONE
    label = cover.vocabulary.code_label
    code = cover.vocabulary.named(label, series.key.label_map.get(label, "")) if label is not None else ""
    if not code or cover.tiers_unknown:
        return Part.UNKNOWN
    if any(re.fullmatch(pattern, code) for pattern in indicator.exclude_codes):
        return Part.NONE
    return Part.BAD if any(re.fullmatch(pattern, code) for pattern in indicator.bad_codes) else Part.GOOD


def _by_code(
    wanted: list[Indicator], reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[list[Contribution]]:
    """Contributions for each indicator; an empty list for those of another kind."""
    covers = [_cover(one, telemetry, vocabulary) for one in wanted]
    alike: dict[tuple[Part, ...], list[Series]] = {}
    for series in telemetry.by_name.get(vocabulary.requests, ()):
        parts = tuple(
            _part(one, cover, series) if isinstance(one, EventsIndicator) else Part.NONE
            for one, cover in zip(wanted, covers, strict=True)
        )
        if any(parts):
            alike.setdefault(parts, []).append(series)
    out: list[list[Contribution]] = [[] for _ in wanted]
    for parts, group in alike.items():
        for times, counted in reader.summed(group):
            for k, part in enumerate(parts):
                if part is not Part.NONE:
                    out[k].append(_contribution(times, counted, part))
    return out


def _contribution(times: FloatArray, counted: Array, part: Part) -> Contribution:
    return (
        times,
        counted if part is Part.BAD else None,
        None if part is Part.UNKNOWN else counted,
        counted,
    )


# Requests and errors counted in two series, a row of a recorded history at a time.


def _by_errors(
    indicator: EventsIndicator, reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[Contribution]:
    cover = _cover(indicator, telemetry, vocabulary)
    failed = {series.key.labels: series for series in telemetry.by_name.get(vocabulary.errors or "", ())}
    out: list[Contribution] = []
    for series in telemetry.by_name.get(vocabulary.requests, ()):
        if cover.has(series):
            errors = None if cover.tiers_unknown else failed.get(series.key.labels)
            out += rows(reader, part=errors, whole=series, part_is_bad=True)
    return out


# Latency from cumulative buckets.


def _by_bucket(
    indicator: LatencyIndicator, reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[Contribution]:
    cover = _cover(indicator, telemetry, vocabulary)
    buckets = telemetry.by_name.get(f"{vocabulary.latency}_bucket", ())
    within = _buckets_at(le_label(indicator.threshold), buckets)
    counts = {s.key.labels: s for s in telemetry.by_name.get(f"{vocabulary.latency}_count", ())}
    if not counts:  # a history may hold the buckets alone; the last one holds everything
        counts = _buckets_at("+Inf", buckets)
    wholes = {labels: series for labels, series in counts.items() if cover.has(series)}
    out = paired(reader, {} if cover.tiers_unknown else within, wholes, by_rows=vocabulary.errors is not None, part_is_bad=False)
    seen = {series.key.label_map.get(vocabulary.route_label, "") for series in wholes.values()}
    requests = telemetry.by_name.get(vocabulary.requests, ())
    unmeasured = [s for s in requests if cover.has(s) and s.key.label_map.get(vocabulary.route_label, "") not in seen]
    out += [(times, None, None, counted) for times, counted in reader.summed(unmeasured)]
    return out


def _buckets_at(le: str, buckets: Iterable[Series]) -> dict[tuple[tuple[str, str], ...], Series]:
    """Buckets of one bound by their labels without `le`."""
    wanted = ("le", le)
    return {tuple(p for p in s.key.labels if p[0] != "le"): s for s in buckets if wanted in s.key.labels}
